"""Inference from people in a corridor, and forecasts with the law of another experiment.

    python benchmarks/pedestrians.py FILE.txt … [--markdown docs/measurements.md]

The files are uo-180-180-*.txt of PedPy, as for examples/make_pedestrians.py, which converts them
into densities and flows; their names end in the width of the exit in cm. Laws are inferred from
densities alone, and compared with the flows. Forecasts begin when the first metre is empty: an open
end keeps its last state, and before that time it is unknown that no more people come.
"""

import argparse
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "examples"))

from make_pedestrians import dataset
from measurements import relative, table
from pages import write_pages

import hfluxno
from hfluxno import Identification, Trajectory
from hfluxno.cli.runtime import prepared

DEGREE = 4
GIVEN = 0.95  # m, the exit whose law is used for the others


def window(experiment, frames=slice(None)) -> Trajectory:
    values = experiment["density"].values[frames]
    times, x = experiment["time"].values[frames], experiment["x"].values
    return Trajectory.from_numpy(values, times, x, boundary="open")


def inferred(experiment) -> tuple[list, Identification]:
    """The identification of an experiment, and its errors beside those of a fit to the flows."""
    start = time.time()
    found = hfluxno.reconstruct(window(experiment))
    seconds = time.time() - start
    density, flow = (experiment[name].values.ravel() for name in ("density", "flow"))
    law = found.identification.law
    flux = np.asarray(law.flux(density)) - float(law.flux(0.0))
    curve = np.polynomial.Polynomial.fit(density, flow, DEGREE)(density)
    error = relative(np.asarray(found.trajectory.values).ravel(), density)
    row = [relative(flux, flow), relative(curve, flow), error, found.identification.status.name]
    return [*row, seconds], found.identification


def emptied(experiment, law: Identification) -> list:
    """Errors of forecasts of the emptying corridor: with the law of another experiment, with that
    of the context, and by repeating the last frame."""
    density = experiment["density"].values
    frames = int(np.flatnonzero(density[:, 0])[-1]) + 2
    truth = density[frames:]
    truth = truth[: int(np.flatnonzero(truth.any(axis=1))[-1]) + 1]
    context, row = window(experiment, slice(frames)), [f"{2 * len(truth)} s"]
    for given in (law, None):
        ahead = hfluxno.forecast(context, len(truth), law=given)
        error = relative(np.asarray(ahead.trajectory.values)[:, 0], truth)
        row += [error, ahead.identifications[0].status.name]
    return [*row, relative(np.broadcast_to(density[frames - 1], truth.shape), truth)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--markdown", type=Path)
    options = parser.parse_args()
    laws, of_laws, of_forecasts = {}, [], []
    with prepared():
        for path in options.files:
            experiment = dataset([path]).isel(trajectory=0)
            width = float(experiment["exit"])
            row, laws[width] = inferred(experiment)
            of_laws.append([f"{width} m", *row])
            sys.stdout.write(f"{of_laws[-1]}\n")
            sys.stdout.flush()
        for path in options.files:
            experiment = dataset([path]).isel(trajectory=0)
            width = float(experiment["exit"])
            if width != GIVEN:
                row = emptied(experiment, laws[GIVEN])
                of_forecasts.append([f"{width} m", *row])
                sys.stdout.write(f"{of_forecasts[-1]}\n")
                sys.stdout.flush()
    parts = {
        "people": table(
            ["exit", "flow", "curve through the flow", "density", "status", "s"], of_laws
        ),
        "emptied": table(
            [
                "exit",
                "for",
                "law of 0.95 m",
                "status",
                "law of the context",
                "status",
                "last frame",
            ],
            of_forecasts,
        ),
    }
    sys.stdout.write("\n\n".join(parts.values()) + "\n")
    if options.markdown is not None:
        write_pages([options.markdown], {name: f"{part}\n" for name, part in parts.items()})


if __name__ == "__main__":
    main()
