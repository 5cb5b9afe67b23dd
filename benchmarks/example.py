"""The example of the README, forecast by the fitted law and by every suitable shipped network.

    python benchmarks/example.py [--markdown FILE …]

The example is averaged to the 100 cells of the networks, none of which was trained on traffic. A
Markdown file gets the table between its lines "example: begin" and "example: end".
"""

import argparse
from pathlib import Path

import numpy as np
import xarray as xr
from pages import check_pages, write_pages

import hfluxno
from hfluxno.cli.runtime import prepared
from hfluxno.evaluation import relative_l2
from hfluxno.methods import forecaster as forecaster_of
from hfluxno.models.weights import shipped

EXAMPLE = Path(__file__).parents[1] / "examples" / "traffic.nc"
CONTEXT = 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--markdown", type=Path, metavar="FILE", nargs="+", default=[])
    options = parser.parse_args()
    check_pages(options.markdown, "example")
    with prepared():
        table = on_the_example()
    print(table)
    write_pages(options.markdown, {"example": table})


def on_the_example() -> str:
    """Relative l2 errors of the forecasts of the example after 1, 20 and 40 frames."""
    with xr.open_dataset(EXAMPLE, engine="h5netcdf") as data:
        density = data["density"].coarsen(x=2).mean().load()
    values, x, time = density.values[:, None], density["x"].values, density["time"].values
    context = hfluxno.Trajectory.from_numpy(values[:CONTEXT], time[:CONTEXT], x)
    truth = values[CONTEXT:]
    forecasters = {"fitted law": forecaster_of("fit")}
    for name in shipped():
        network = hfluxno.load(name)
        try:
            network.check(context)
        except ValueError:  # two fields, or trained for other spacings
            continue
        forecasters[name] = network
    lines = ["| method | 1 step | 20 steps | 40 steps |", "| --- | --- | --- | --- |"]
    for name, forecaster in forecasters.items():
        found = np.asarray(forecaster.forecast(context, len(truth)).trajectory.values)
        errors = relative_l2(found, truth)
        numbers = (f"{errors[step - 1]:.2g}" for step in (1, 20, 40))
        lines.append(f"| {name} | " + " | ".join(numbers) + " |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
