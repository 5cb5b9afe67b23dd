"""Inference from measurements: sensors on an open road, ends, further terms.

    python benchmarks/measurements.py [--roads N] [--contexts N] [--only PART ...] [--markdown FILE]

The truth comes from the solvers in `benchmarks/independent`: 1024 cells averaged to 128. A road is
half of that ring, and its inflow at both ends comes from the other half. Few sensors measure the
fine solution.
"""

import argparse
import sys
import time
from pathlib import Path

import numpy as np
from scipy.interpolate import griddata

sys.path.insert(0, str(Path(__file__).parent))

from independent import others, states
from independent.schemes import INTERVAL, averaged, weno
from pages import write_pages

import hfluxno
from hfluxno import Trajectory
from hfluxno.boundary import Given
from hfluxno.cli.runtime import prepared
from hfluxno.data.uneven import on_cells

HALF, SENSORS, FRAMES, CONTEXT, STEPS = 64, 12, 46, 20, 20
FEW = (4, 5, 6, 7)
SPEED = 0.9
OF_A_ROAD = [
    "error",
    "linear interpolation",
    "error of the flux",
    "estimated noise / true",
    "inside the 90 % band",
    "status",
    "s",
]
HEADS = {
    "sensors": ["road", *OF_A_ROAD],
    "few": ["sensors", "road", *OF_A_ROAD],
    "ends": ["road", "ends given", "status", "s", "ends estimated", "status", "s"],
    "terms": ["system", "error", "persistence", "status", "law", "s"],
}
CASES = (
    "relaxation",
    "growth",
    "source_by_place",
    "flux_by_place",
    "bottleneck",
    "two_bottlenecks",
)


def greenshields(u):
    return SPEED * u * (1.0 - u)


def ring(rng, frames: int) -> np.ndarray:
    """Greenshields' traffic on 1024 cells: (time, cells)."""
    first = states.waves([rng], low=0.1, high=0.9)
    fine = weno(
        greenshields,
        lambda u: np.abs(SPEED * (1.0 - 2.0 * u)) + 1e-3,
        first,
        frames,
        first.shape[-1],
    )
    return fine[0, :, 0]


def relative(found, truth) -> float:
    return float(np.linalg.norm(found - truth) / np.linalg.norm(truth))


def sensors(seed: int) -> list:
    """A road with 12 sensors, 3 % noise, a tenth of the values missing, and unknown ends."""
    rng = np.random.default_rng(seed)
    truth = averaged(ring(rng, FRAMES), 2 * HALF)[:, :HALF]
    at = np.unique(np.round(np.linspace(2, HALF - 3, SENSORS)).astype(int))
    noise = 0.03 * float(np.sqrt(np.mean(truth**2)))
    seen = np.full(truth.shape, np.nan)
    seen[:, at] = truth[:, at] + noise * rng.normal(size=(FRAMES, len(at)))
    seen[rng.random(seen.shape) < 0.1] = np.nan
    t, x = INTERVAL * np.arange(FRAMES), (np.arange(HALF) + 0.5) / (2 * HALF)
    start = time.time()
    found = hfluxno.reconstruct(Trajectory.from_numpy(seen, t, x, boundary="open"))
    seconds = time.time() - start
    places, known = np.argwhere(np.isfinite(seen)), seen[np.isfinite(seen)]
    every = np.stack(np.meshgrid(np.arange(FRAMES), np.arange(HALF), indexing="ij"), axis=-1)
    unit = np.array([FRAMES, HALF])
    linear, nearest = (
        griddata(places / unit, known, every / unit, method=method)
        for method in ("linear", "nearest")
    )
    linear = np.where(np.isfinite(linear), linear, nearest)
    low, high = found.bands
    inside = np.mean((low[:, 0] <= truth) & (truth <= high[:, 0]))
    return [
        seed,
        relative(found.trajectory.values[:, 0], truth),
        relative(linear, truth),
        error_of_flux(found.identification.law, seen),
        float(found.noise[0]) / noise,
        inside,
        found.identification.status.name,
        seconds,
    ]


def few(seed: int, count: int) -> list:
    """A road with a few sensors and 3 % noise, on the cells made for a file of sensors."""
    rng = np.random.default_rng(seed)
    fine = ring(rng, FRAMES)
    dx = 1.0 / fine.shape[1]
    fine = fine[:, : fine.shape[1] // 2]
    places = np.linspace(0.04, 0.46, count)
    centers = (np.arange(fine.shape[1]) + 0.5) * dx
    values = np.stack([np.interp(places, centers, frame) for frame in fine])
    noise = 0.03 * float(np.sqrt(np.mean(fine**2)))
    values += noise * rng.normal(size=values.shape)
    axis = on_cells(places, count)
    x, half = axis.coordinate, 0.5 * (axis.coordinate[1] - axis.coordinate[0])
    edges = np.append(x - half, x[-1] + half)
    sums = np.concatenate([np.zeros((FRAMES, 1)), np.cumsum(fine, axis=1) * dx], axis=1)
    at_edges = np.stack([np.interp(edges, np.arange(sums.shape[1]) * dx, row) for row in sums])
    truth = np.diff(at_edges, axis=1) / (2.0 * half)
    seen = axis.scatter(values, 1)
    start = time.time()
    context = Trajectory.from_numpy(seen, INTERVAL * np.arange(FRAMES), x, boundary="open")
    found = hfluxno.reconstruct(context)
    seconds = time.time() - start
    linear = np.stack([np.interp(x, places, row) for row in values])
    low, high = found.bands
    return [
        count,
        seed,
        relative(found.trajectory.values[:, 0], truth),
        relative(linear, truth),
        error_of_flux(found.identification.law, seen),
        float(found.noise[0]) / noise,
        np.mean((low[:, 0] <= truth) & (truth <= high[:, 0])),
        found.identification.status.name,
        seconds,
    ]


def error_of_flux(law, seen) -> float:
    """The largest error of the flux over the measured range, relative to its height."""
    u = np.linspace(np.nanmin(seen), np.nanmax(seen), 41)
    flux, right = np.asarray(law.flux(u)), greenshields(u)
    return float(np.max(np.abs(flux - flux[0] - right + right[0])) / np.ptp(right))


def ends(seed: int) -> list:
    """A road measured in every cell: errors of a forecast with given and with estimated ends."""
    fine = ring(np.random.default_rng(seed), CONTEXT + STEPS)
    truth = averaged(fine, 2 * HALF)[:, :HALF]
    t, x = INTERVAL * np.arange(len(fine)), (np.arange(HALF) + 0.5) / (2 * HALF)
    middle = fine.shape[1] // 2
    at = [0.5 * (fine[:, a] + fine[:, a - 1])[None] for a in (0, middle)]
    row: list = [seed]
    for boundary in (tuple(Given(t, values) for values in at), "open"):
        context = Trajectory.from_numpy(truth[:CONTEXT], t[:CONTEXT], x, boundary=boundary)
        start = time.time()
        forecast = hfluxno.forecast(context, STEPS)
        error = relative(forecast.trajectory.values[-1, 0], truth[-1])
        row += [error, forecast.identifications[0].status.name, time.time() - start]
    return row


def further(name: str, seed: int) -> list:
    """The forecast of a system with a source or a dependence on place."""
    made = getattr(others, name)([np.random.default_rng(seed)])[0]
    context = Trajectory.from_numpy(made[:CONTEXT], INTERVAL * np.arange(CONTEXT))
    start = time.time()
    forecast = hfluxno.forecast(context, STEPS)
    found = forecast.identifications[0]
    last = made[CONTEXT + STEPS - 1]
    return [
        name.replace("_", " "),
        relative(forecast.trajectory.values[-1], last),
        relative(made[CONTEXT - 1], last),
        found.status.name,
        str(found.candidate),
        time.time() - start,
    ]


def table(head: list[str], rows: list[list]) -> str:
    def shown(value) -> str:
        return f"{value:.2g}" if isinstance(value, float) else str(value)

    lines = [head, ["---"] * len(head), *([shown(v) for v in row] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--roads", type=int, default=10)
    parser.add_argument("--contexts", type=int, default=2)
    parser.add_argument("--only", nargs="+", default=list(HEADS), choices=list(HEADS))
    parser.add_argument("--markdown", type=Path)
    options = parser.parse_args()
    roads = range(options.roads)
    made = {
        "sensors": lambda: [sensors(seed) for seed in roads],
        "few": lambda: [few(seed, n) for n in FEW for seed in roads[: options.roads // 3]],
        "ends": lambda: [ends(seed) for seed in roads[: options.roads // 2]],
        "terms": lambda: [further(name, n) for name in CASES for n in range(options.contexts)],
    }
    parts = {}
    with prepared():
        for part in options.only:
            parts[part] = table(HEADS[part], made[part]())
            sys.stdout.write(parts[part] + "\n\n")
            sys.stdout.flush()
    if options.markdown is not None:
        write_pages([options.markdown], {name: f"{part}\n" for name, part in parts.items()})


if __name__ == "__main__":
    main()
