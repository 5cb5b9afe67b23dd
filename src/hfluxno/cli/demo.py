"""`hfluxno demo`: the main job on the example that comes with the package."""

import dataclasses
from pathlib import Path
from typing import Annotated

import tyro

_CONTEXT, _STEPS = 20, 40


@dataclasses.dataclass(frozen=True)
class DemoConfig:
    """Forecast the example that comes with hfluxno: cars on a ring road, computed by PyClaw.

    It runs `hfluxno forecast traffic.nc --context 20 --steps 40 --figure traffic_forecast.png`,
    compares the forecast with what happened, and leaves traffic_forecast.nc and the picture.
    """

    folder: Annotated[Path, tyro.conf.arg(metavar="FOLDER")] = Path(".")
    """Where to leave the NetCDF file and the picture."""
    json: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Print the report as one JSON object, and nothing else."""


def main(config: DemoConfig) -> int:
    """Forecasts the example.

    **Raises:**

    - `OSError`, where the example is missing or the folder cannot be written.
    """
    from hfluxno.cli import forecast
    from hfluxno.cli.example import example_file

    example = example_file()
    return forecast.main(
        forecast.ForecastConfig(
            input=example,
            steps=_STEPS,
            context=_CONTEXT,
            output=config.folder / f"{example.stem}_forecast.nc",
            figure=config.folder / f"{example.stem}_forecast.png",
            json=config.json,
        )
    )
