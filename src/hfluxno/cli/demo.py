"""`hfluxno demo`: the main use, on the example that comes with the package."""

import dataclasses
from pathlib import Path
from typing import Annotated

import tyro

_NAME = "traffic.nc"
_CONTEXT, _STEPS = 20, 40
_CONTEXT_ON_PLANE, _AHEAD_ON_PLANE = 10, 10


@dataclasses.dataclass(frozen=True)
class DemoConfig:
    """Forecast the example that comes with hfluxno: cars on a ring road, computed by PyClaw.

    It runs `hfluxno forecast traffic.nc --context 20 --steps 40 --figure traffic_forecast.png`,
    compares the forecast with what happened, and leaves traffic_forecast.nc and the picture.

    With --2d it solves Euler's equations for four gases that meet, writes quadrants.hdf5 as The
    Well does, and runs `hfluxno forecast quadrants.hdf5 --fields density,momentum,energy --context
    10 --steps 10 --figure quadrants_forecast.png` on it.
    """

    folder: Annotated[Path, tyro.conf.arg(metavar="FOLDER")] = Path(".")
    """The folder for the NetCDF file and the picture."""
    plane: Annotated[bool, tyro.conf.arg(name="2d"), tyro.conf.FlagCreatePairsOff] = False
    """Two dimensions: the Euler equations from ten frames."""
    json: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Print the report as one JSON object, and nothing else."""


def main(config: DemoConfig) -> int:
    """Forecasts the example. Raises `OSError` if the example is missing or the folder cannot be
    written."""
    from hfluxno.cli import forecast

    if config.plane:
        return _on_plane(config)
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


def example_file() -> Path:
    """The path of the example, in the installed package or in the checkout. Raises
    `FileNotFoundError` if this copy of hfluxno does not include it."""
    package = Path(__file__).parents[1]
    for place in (package, package.parents[1]):
        if (place / "examples" / _NAME).is_file():
            return place / "examples" / _NAME
    raise FileNotFoundError(
        f"The example {_NAME} is missing from this copy of hfluxno; reinstall it, or forecast a "
        "file of your own."
    )


def _on_plane(config: DemoConfig) -> int:
    from hfluxno.cli import forecast
    from hfluxno.cli.progress import working
    from hfluxno.data.plane.quadrants import TIMES, quadrants, write_gas
    from hfluxno.data.replacing import check_writable, replacing

    example = config.folder / "quadrants.hdf5"
    check_writable(example, (".hdf5",))
    with working("Solving the example"), replacing(example) as (temporary,):
        write_gas(temporary, quadrants(), TIMES)
    return forecast.main(
        forecast.ForecastConfig(
            input=example,
            variable="density,momentum,energy",
            steps=_AHEAD_ON_PLANE,
            context=_CONTEXT_ON_PLANE,
            output=config.folder / "quadrants_forecast.nc",
            figure=config.folder / "quadrants_forecast.png",
            json=config.json,
        )
    )
