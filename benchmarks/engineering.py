"""Forecasts of engineering data: walls, fronts, fast waves, systems, vehicles, a flood.

    python benchmarks/engineering.py [--contexts N] [--only NAME ...] [--markdown FILE]

The truth comes from `benchmarks/independent`. 20 frames are the context; errors are relative l2
errors 1, 20 and 40 frames later, beside that of repeating the last frame for 20 frames. The field
of the flood is reconstructed from 12 gauges.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

from independent import engineering, laws
from independent.schemes import INTERVAL, averaged
from measurements import relative, table
from pages import write_pages

import hfluxno
from hfluxno import Trajectory
from hfluxno.boundary import Given
from hfluxno.cli.runtime import prepared

CONTEXT, STEPS, GAUGES = 20, (1, 20, 40), 12
HEAD = ["data", "1 step", "20 steps", "40 steps", "persistence", "status", "law", "s"]


def forecast(name, truth, context, shown=None) -> list:
    """A row of the table; errors are relative to `shown`, by default the truth."""
    start = time.time()
    found = hfluxno.forecast(context, max(STEPS))
    seconds = time.time() - start
    after = (truth if shown is None else shown)[CONTEXT:]
    errors = [relative(found.trajectory.values[k - 1], after[k - 1]) for k in STEPS]
    law = found.identifications[0]
    persistence = relative(truth[CONTEXT - 1], after[STEPS[1] - 1])
    return [name, *errors, persistence, law.status.name, str(law.candidate), seconds]


def seen(truth, rng, noise=0.0, interval=INTERVAL, x=None, **options) -> Trajectory:
    values = truth[:CONTEXT]
    size = np.sqrt(np.mean(values**2, axis=(0, 2)))[:, None]
    values = values + noise * size * rng.normal(size=values.shape)
    return Trajectory.from_numpy(values, interval * np.arange(CONTEXT), x, **options)


def flood(seed: int, noise: float, uneven: bool) -> list:
    rng = np.random.default_rng(seed)
    fine, ends = engineering.flood(rng)
    truth = averaged(fine, 96)
    t, x = INTERVAL * np.arange(len(truth)), (np.arange(96) + 0.5) / 96
    at = np.linspace(3, 92, GAUGES).astype(int)
    if uneven:
        at = np.sort(rng.choice(np.arange(2, 94), GAUGES, replace=False))
    values = np.full(truth.shape, np.nan)
    size = np.sqrt(np.mean(truth**2))
    values[:, at] = truth[:, at] + noise * size * rng.normal(size=(len(t), GAUGES))
    boundary = tuple(Given(t, ends[None, :, side]) for side in (0, 1))
    start = time.time()
    found = hfluxno.reconstruct(Trajectory.from_numpy(values, t, x, boundary=boundary))
    low, high = found.bands
    return [
        relative(found.trajectory.values[:, 0], truth),
        np.mean((low[:, 0] <= truth) & (truth <= high[:, 0])),
        found.identification.status.name,
        str(found.identification.candidate),
        time.time() - start,
    ]


def rows(seed: int) -> Iterator[tuple[str, Callable[[], list]]]:
    """The name of each kind of data, and a function that returns truth, context and optionally what
    the forecast is compared with."""

    def rng():
        return np.random.default_rng(seed)

    def of(make, *arguments, noise=0.0, **options) -> Callable[[], list]:
        def made():
            truth = make(rng(), *arguments)
            return [truth, seen(truth, rng(), noise, **options)]

        return made

    def one(kind):
        return lambda rng: kind([rng])[0]

    yield "sealed column", of(engineering.settling, interval=2 * INTERVAL, boundary="wall")
    for cells in (6, 20):
        yield f"advection by {cells} cells a frame", of(engineering.advection, cells)
    walls = {"boundary": "wall", "fields": ["h", "hu"]}
    for noise in (0.0, 0.02):
        label = f"dam break between walls, {noise:.0%} noise"
        yield label, of(engineering.dam_break, noise=noise, **walls)
    for name, isothermal in (("shallow water", False), ("an isothermal gas", True)):
        label = f"Riemann problem of {name}"
        yield label, of(engineering.riemann_problem, isothermal, boundary="outflow")
    yield "Aw-Rascle-Zhang", of(engineering.aw_rascle)
    pair = {"fields": ["density", "flow"]}
    yield "density and flow of a road", of(engineering.measured_flow, **pair)
    yield "the same, speeds relax", of(engineering.measured_flow, True, **pair)
    yield "porous medium", of(engineering.porous_medium)
    yield "viscous Burgers, equal substeps", of(engineering.equal_substeps)
    yield "triangular diagram", of(one(laws.triangular))
    for noise in (0.01, 0.05):
        yield f"cubic, {noise:.0%} noise", of(one(laws.cubic), noise=noise)

    def vehicles(counted: bool) -> Callable[[], list]:
        def made():
            density, counts = engineering.vehicles(rng())
            x = 200.0 * (np.arange(density.shape[-1]) + 0.5)
            shown = counts if counted else density
            return [shown, seen(shown, rng(), interval=20.0, x=x), density]

        return made

    yield "vehicles, Edie's densities", vehicles(False)
    yield "vehicles, counts", vehicles(True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--contexts", type=int, default=2)
    parser.add_argument("--only", nargs="*", default=[""])
    parser.add_argument("--markdown", type=Path)
    options = parser.parse_args()
    found, gauges = [], []
    with prepared():
        for seed in range(options.contexts):
            for name, of in rows(seed):
                if any(part in name for part in options.only):
                    found.append(forecast(name, *of()))
                    sys.stdout.write(table(HEAD, found[-1:]).splitlines()[-1] + "\n")
                    sys.stdout.flush()
            if any(part in "flood" for part in options.only):
                for label, noise, uneven in (
                    ("even gauges", 0.0, False),
                    ("2 % noise", 0.02, False),
                    ("uneven gauges", 0.0, True),
                ):
                    gauges.append([f"flood, {label}", *flood(seed, noise, uneven)])
                    sys.stdout.write(f"{gauges[-1]}\n")
                    sys.stdout.flush()
    found.sort(key=lambda row: [name for name, _ in rows(0)].index(row[0]))
    parts = {"engineering": table(HEAD, found)}
    head = ["data", "error", "inside the 90 % band", "status", "law", "s"]
    parts["flood"] = table(head, sorted(gauges, key=lambda row: row[0]))
    if options.markdown is not None:
        write_pages([options.markdown], {name: f"{part}\n" for name, part in parts.items()})


if __name__ == "__main__":
    main()
