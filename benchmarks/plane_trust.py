"""How reliable the status and the predicted errors of forecasts on a plane are.

    python -m benchmarks.plane_trust [--kinds NAME …] [--members N] [--seed N] [--seen HOW]
                                      [--markdown FILE …]

For each kind of data (see `independent/plane_kinds.py`), draws N problems, solves them on 96² cells
with a scheme in NumPy that the library does not have, averages them to 32², infers a law from ten
frames, forecasts fourteen more and compares. A kind either obeys a conservation law or does not,
which the status should show. The ten frames may have noise or gaps. A Markdown file gets the table
between its lines "plane trust: begin" and "plane trust: end".
"""

import argparse
import collections
import dataclasses
from pathlib import Path

import numpy as np

import hfluxno
from benchmarks.independent.plane_kinds import KINDS, Kind, truth
from benchmarks.pages import check_pages, write_pages
from hfluxno.cli.runtime import prepared
from hfluxno.grid import Grid
from hfluxno.identify import FitStatus

SEEN, STEPS = 10, 14
_SHOWN = (1, 5, 10, 14)


def _with_noise(frames: np.ndarray, random: np.random.Generator) -> np.ndarray:
    size = 0.01 * frames.std(axis=(0, 2, 3), keepdims=True)
    return frames + size * random.normal(size=frames.shape)


def _without_values(frames: np.ndarray, random: np.random.Generator) -> np.ndarray:
    return np.where(random.uniform(size=frames.shape) < 0.05, np.nan, frames)


def _without_block(frames: np.ndarray, random: np.random.Generator) -> np.ndarray:
    frames = frames.copy()
    frames[3:8, :, 8:16, 10:18] = np.nan
    return frames


def _without_frames(frames: np.ndarray, random: np.random.Generator) -> np.ndarray:
    frames = frames.copy()
    frames[[3, 6]] = np.nan
    return frames


# How the context is observed.
_SEEN = {
    "whole": lambda frames, random: frames,
    "noise": _with_noise,  # of 1 % of the standard deviation
    "values": _without_values,  # a twentieth of them
    "block": _without_block,  # of 8 × 8 cells in five frames
    "frames": _without_frames,  # two of ten
}


@dataclasses.dataclass(frozen=True)
class Row:
    """A forecast: its relative l2 errors after `_SHOWN` steps, their 90 % bounds, the share of
    values within the bands, and its status."""

    kind: Kind
    status: str
    errors: np.ndarray
    bounds: np.ndarray
    inside: np.ndarray


def main() -> None:
    names = {kind.name: kind for kind in KINDS}
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kinds", nargs="+", metavar="NAME", choices=names, default=list(names))
    parser.add_argument("--members", type=int, default=1, help="problems drawn for each kind")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seen", choices=list(_SEEN), default="whole", help="noise or gaps")
    parser.add_argument("--markdown", type=Path, metavar="FILE", nargs="+", default=[])
    options = parser.parse_args()
    check_pages(options.markdown, "plane trust")
    rows = []
    with prepared():
        for name in options.kinds:
            for member in range(options.members):
                rows.append(one(names[name], options.seed, member, options.seen))
                print(_line(rows[-1:]), flush=True)
    text = f"{options.members} of each kind, seed {options.seed}.\n\n{table(rows)}\n"
    print(f"\n{text}")
    write_pages(options.markdown, {"plane trust": text})


def one(kind: Kind, seed: int, member: int, how: str) -> Row:
    problem, frames = truth(kind, seed, member, SEEN + STEPS)
    free, times = ~np.isnan(frames).any(axis=(0, 1)), problem.interval * np.arange(SEEN)
    grid = Grid.rectangle(frames.shape[2:], solid=None if free.all() else ~free)
    seen = _SEEN[how](frames[:SEEN], np.random.default_rng(seed))
    context = hfluxno.Trajectory(seen, times, grid, problem.fields)
    ahead = hfluxno.forecast(context, STEPS)
    after, misses = frames[SEEN:, :, free], np.asarray(ahead.trajectory.values - frames[SEEN:])
    misses = misses[..., free]
    errors = np.sqrt(np.sum(misses**2, axis=(1, 2)) / np.sum(after**2, axis=(1, 2)))
    reach, bounds = ahead.half_width, ahead.predicted_error_90
    assert reach is not None and bounds is not None
    inside = np.mean(np.abs(misses) < reach[..., free], axis=(1, 2))
    at = np.array(_SHOWN) - 1
    return Row(kind, FitStatus(int(ahead.status)).name, errors[at], bounds[at], inside[at])


def table(rows: list[Row]) -> str:
    shown = ", ".join(map(str, _SHOWN))
    lines = [
        f"| kind | status | error, steps {shown} | 90 % bound | values in the bands |",
        "| --- | --- | --- | --- | --- |",
    ]
    for kind in dict.fromkeys(row.kind for row in rows):
        lines.append(_line([row for row in rows if row.kind == kind]))
    sound = [row for row in rows if row.status == "OK"]
    if sound:
        below = np.mean([row.errors < row.bounds for row in sound], axis=0)
        wide = np.median([row.bounds / row.errors for row in sound], axis=0)
        inside = np.mean([row.inside for row in sound], axis=0)
        lines.append(
            f"\nOf the {len(sound)} with the status `OK`, after {shown} steps: share of errors "
            f"below the bound {_numbers(below)}; bound over error, median {_numbers(wide)}; share "
            f"of values within the 90 % bands {_numbers(inside)}."
        )
    return "\n".join(lines)


def _line(rows: list[Row]) -> str:
    counts = collections.Counter(row.status for row in rows)
    status = ", ".join(f"{n} {name}" if len(rows) > 1 else name for name, n in counts.items())
    middle = (
        _numbers(np.median([getattr(row, name) for row in rows], axis=0))
        for name in ("errors", "bounds", "inside")
    )
    name = rows[0].kind.name + ("" if rows[0].kind.is_law else " (no law)")
    return f"| {name} | {status} | {' | '.join(middle)} |"


def _numbers(values: np.ndarray) -> str:
    return " / ".join(f"{value:.2g}" for value in values)


if __name__ == "__main__":
    main()
