"""`hfluxno check` of two-dimensional frames: what a file contains, and which command is next."""

import dataclasses
from typing import Any

import numpy as np
from rich.console import Console

from hfluxno.cli import plane, report
from hfluxno.cli.check import CheckConfig
from hfluxno.cli.recommended import unstorable, words_of
from hfluxno.data.plane import PlaneSource
from hfluxno.data.plane.measures import drift
from hfluxno.data.plane.sides import sides
from hfluxno.data.plane.totals import totals
from hfluxno.data.plane.walls import NAN
from hfluxno.data.source import are_even
from hfluxno.plural import percent, plural, span
from hfluxno.shell_words import joined
from hfluxno.unit_sizes import printed

_CONTEXT = 10  # frames with measurements
_MOST_STEPS = 400  # to propose
_LITTLE = 1e-3  # noise, in deviations
# Of the length of an axis. Places in single precision have errors of 1e-7.
_ROUNDING = 1e-6
_ALIKE = 0.9  # correlation of frames


def main(config: CheckConfig) -> int:
    """Reads the first frames of one trajectory, measures and reports. Raises `ValueError` if an
    option or the input is at fault; `OSError` if the file cannot be read."""
    found = examined(config)
    if config.json:
        report.print_json(found)
        return 0
    console = Console(highlight=False)
    console.print(report.head(found))
    for label, text in _lines(found):
        report.line(console, label, text)
    return 0


def examined(config: CheckConfig) -> dict:
    """The report, as plain numbers and words."""
    from hfluxno.identify.plane.acting import acting
    from hfluxno.identify.plane.frames import check_measured, noise_level

    source = plane.read(config)
    member = plane.members_of(config, source)[0]
    frames, never = _first_measured(source, member)
    if source.walls is None and never.any() and not never.all():
        source = dataclasses.replace(source, walls=NAN)
    context = source.context(member, frames)
    values = np.asarray(context.values, float)
    grid, seen = context.grid, values[..., context.grid.free]
    check_measured(seen, source.fields)
    noises = [noise_level(values[:, i : i + 1]) for i in range(len(source.fields))]
    deviations = np.nanstd(values, axis=(0, 2, 3))
    kept = totals(values, grid.free, np.array(noises) * deviations)
    fields: dict[str, dict] = {}
    for i, name in enumerate(source.fields):
        field = values[:, i]
        moved = drift(field)
        fields[name] = {
            "smallest": float(np.nanmin(field)),
            "largest": float(np.nanmax(field)),
            "changes": _change(field),
            "total_change": np.nan if kept is None else kept.relative(kept.changes, i),
            "total_uncertainty": np.nan if kept is None else kept.relative(kept.uncertain, i),
            "noise": float(noises[i] * deviations[i]),
            "relative_noise": noises[i],
            "cells_per_frame": [moved.x, moved.y],
            "correlation_of_frames": moved.correlation,
            "computed": name not in source.stored,
            "units": printed(source.units.get(name, "")),
        }
    hints = [*_without_times(source), *plane.marks(context)]
    faults = [nameless] if (nameless := unstorable(source.fields, source.fields)) else []
    momentum = None
    try:
        acts = acting(context)
        hints, momentum = [*hints, *plane.mistakes(source, acts)], acts.momentum
    except ValueError as error:
        faults = [*faults, str(error)]
    boundary, reason = source.boundary, "as given"
    if source.assumed:
        sigma = np.array(noises) * deviations
        *found, reason = sides(values, source.fields, sigma, kept, momentum)
        boundary = found[0], found[1]
    named = "/".join(",".join(pair) for pair in boundary)
    steps = _steps(source, frames)
    options: dict[str, Any] = {"fields": config.variable, "boundary": config.boundary}
    if source.assumed and boundary != source.boundary:
        options["boundary"] = named
    options |= config.axes | {"gamma": config.gamma, "walls": source.walls}
    options["missing"] = config.missing
    words = words_of("forecast", config.input, options)
    if source.count > 1:
        words.append(f"--trajectory={member}")
    words += ["--context", str(frames), "--steps", str(steps)]
    return {
        "input": str(source.path),
        "layout": source.layout,
        "variable": source.variable,
        "stored": list(source.stored),
        "others": list(source.others),
        "trajectories": source.count,
        "frames": source.frames,
        "interval": float((source.times[-1] - source.times[0]) / (source.frames - 1)),
        "uniform": are_even(source.times),
        "times": [float(source.times[0]), float(source.times[-1])],
        "cells": list(grid.shape),
        "spacing": list(grid.spacing),
        "domain": [list(ends) for ends in zip(grid.lower, grid.upper, strict=True)],
        "falls": list(source.falls),
        "counted": _counted(source),
        "units": {axis: printed(source.units.get(axis, "")) for axis in ("time", "x", "y")},
        "boundary": [list(pair) for pair in boundary],
        "boundary_reason": reason,
        "measured": {"trajectory": member, "frames": frames},
        "missing": float(np.mean(np.isnan(seen))),
        "walls": 0 if grid.solid is None else int(np.sum(grid.solid)),
        "walls_by": source.walls,
        "fields": fields,
        "hints": hints,
        "faults": faults,
        "next": "" if faults else joined(words),
    }


def _first_measured(source: PlaneSource, member: int) -> tuple[int, np.ndarray]:
    """How many of the first frames hold as many with measurements as a context should have, all if
    there are not so many; and which cells (x, y) are never measured in these."""
    frames = measured = 0
    never = np.ones((len(source.x), len(source.y)), bool)
    while measured < _CONTEXT and frames < source.frames:
        stop = min(frames + _CONTEXT - measured, source.frames)
        plane.check_memory(source, stop, mend="average to fewer cells")  # it has no --context
        missing = np.isnan(source.values(member, frames, stop))
        measured += int(np.sum(~missing.all(axis=(1, 2, 3))))
        never &= missing.all(axis=(0, 1))
        frames = stop
    return frames, never


def _steps(source: PlaneSource, frames: int) -> int:
    """How many frames to forecast from a context: all that are left to compare with, or a few
    hundred, or those that fit in memory."""
    steps = min(source.frames - frames or frames, _MOST_STEPS)
    while steps > 1:
        try:
            plane.check_memory(source, frames, steps)
            break
        except ValueError:
            steps //= 2
    return steps


def _without_times(source: PlaneSource) -> list[str]:
    """A sentence if a file has no times and its layout should."""
    if "time" in source.coordinates or source.layout not in ("The Well", "PDEBench"):
        return []
    return [
        f"{source.path} has no times, though {source.layout} stores them; its frames are counted, "
        "so speeds are those per frame."
    ]


def _counted(source: PlaneSource) -> list[str]:
    """The axes without coordinates; those of PDEGym are as its data set defines them."""
    axes = ("time", "x", "y") if source.layout != "PDEGym" else ()
    return [axis for axis in axes if axis not in source.coordinates]


def _change(field: np.ndarray) -> float:
    """From the first to the last frame with measurements, in standard deviations."""
    seen = field[~np.isnan(field).all(axis=(1, 2))]
    return float(np.nanstd(seen[-1] - seen[0]) / (np.nanstd(field) or 1.0))


def _lines(found: dict) -> list[tuple[str, str]]:
    nx, ny = found["cells"]
    dx, dy = found["spacing"]
    start, end = found["times"]
    (x0, x1), (y0, y1) = (
        [0.0 if abs(end) < _ROUNDING * (high - low) else end for end in (low, high)]
        for low, high in found["domain"]
    )
    counted = [each for each in found["counted"] if each != "time"]
    none = f" ({' and '.join(counted)} counted: the file has none)" if counted else ""
    ticks = " (counted: the file has none)" * ("time" in found["counted"])
    falls = "".join(f", {axis} falling in the file" for axis in found["falls"])
    measured = found["measured"]
    units = {axis: f" {unit}" * bool(unit) for axis, unit in found["units"].items()}
    beside = f", beside {', '.join(found['others'])}" if found["others"] else ""
    lines = [
        ("layout", f"{found['layout']}; its fields are {', '.join(found['stored'])}{beside}"),
        ("trajectories", str(found["trajectories"])),
        (
            "time",
            f"{plural(found['frames'], 'frame')}, {span(start, end, 6)}{units['time']} in "
            f"{'' if found['uniform'] else 'uneven '}steps of "
            f"{'' if found['uniform'] else 'on average '}{found['interval']:.4g}{ticks}",
        ),
        (
            "plane",
            f"{nx} × {ny} cells of {dx:.4g}{units['x']} × {dy:.4g}{units['y']} on [{x0:.6g}, "
            f"{x1:.6g}] × [{y0:.6g}, {y1:.6g}]{falls}{none}",
        ),
        (
            "boundary",
            "/".join(",".join(pair) for pair in found["boundary"])
            + f": {found['boundary_reason']}",
        ),
        (
            "measured",
            f"the first {plural(measured['frames'], 'frame')} of trajectory "
            f"{measured['trajectory']}",
        ),
    ]
    if found["walls"]:
        by = found["walls_by"]
        why = " NaN in every frame: walls, with" if by == NAN else ", walls by"
        words = f"{plural(found['walls'], 'cell')}{why} --walls {by}"
        lines.append(("obstacle", words))
    if found["missing"]:
        filled = any(np.isfinite(each["total_change"]) for each in found["fields"].values())
        words = f"{percent(found['missing'])} of these"
        lines.append(("not measured", words + ", interpolated for the totals" * filled))
    for name, field in found["fields"].items():
        text = (
            f"{span(field['smallest'], field['largest'])}{' ' * bool(field['units'])}"
            f"{field['units']}, changes by {percent(field['changes'])} of its deviation"
        )
        if np.isfinite(field["total_change"]):
            text += f", its total by {percent(field['total_change'])}"
        lines.append((name, text + (" (computed)" if field["computed"] else "")))
        lines.append(("", _movement(field)))
    lines += [("note", text) for text in (*found["faults"], *found["hints"])]
    return [*lines, ("next", found["next"])] if found["next"] else lines


def _movement(field: dict) -> str:
    x, y = (0.0 if abs(each) < 0.005 else each for each in field["cells_per_frame"])
    noise = field["relative_noise"]
    much = f"about {percent(noise)}" if noise > _LITTLE else f"below {percent(_LITTLE)}"
    text = f"noise {much} of its deviation"
    if np.isnan(x):
        return text
    text += f"; travels {x:+.2f} cells a frame along x and {y:+.2f} along y"
    alike = field["correlation_of_frames"]
    return text if alike > _ALIKE else f"{text}, but frames are little alike ({alike:.2f})"
