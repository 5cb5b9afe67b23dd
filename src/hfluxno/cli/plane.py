"""The commands on files with two-dimensional frames: what they take and what they report."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hfluxno import memory
from hfluxno.cli.forecast_parts import Made, part_by_part
from hfluxno.cli.given_law import with_fields
from hfluxno.cli.input import InputConfig
from hfluxno.data.marks import marks_of, without_marks
from hfluxno.data.parts import file_fingerprint
from hfluxno.data.plane import PlaneSource, is_plane, read_plane
from hfluxno.data.plane.reader import LEAST_FRAMES
from hfluxno.data.readers import check_member
from hfluxno.trajectory import Trajectory

if TYPE_CHECKING:
    from hfluxno.identify.plane.acting import Acting

# A context in double precision, its products with test functions, and the runs over it; a forecast
# and what it is compared with.
_COPIES, _FORECAST_COPIES = 8, 4
_ANGLE = re.compile(r"deg(ree)?s?\b|degrees?_|°", re.IGNORECASE)
_USELESS = {
    "ends": "--ends gives states at the ends of a line; in two dimensions sides are "
    "periodic, outflow or wall",
    "cells": "--cells places sensors on a line; in two dimensions x and y must be uniform",
    "domain": "--domain gives the ends of a line; in two dimensions x and y determine them",
    "flow": "--flow is measured on a line; in two dimensions all values are those of fields",
    "average": "means over time are those of a line; in two dimensions values are at their times",
    "bounds": "--bounds are those of one field along a line",
    "chunk": "its trajectories are processed one by one",
    "csv": "the fluxes of a two-dimensional law are formulas, not a table; --json prints them",
}


def is_meant(config: InputConfig) -> bool:
    """Whether the input has two-dimensional frames."""
    return is_plane(config.input, config.axes)


def read(config: InputConfig) -> PlaneSource:
    """The input of a command. Raises `ValueError` if it is at fault, or an option has no meaning in
    two dimensions; `OSError` if it cannot be read."""
    for name, sentence in _USELESS.items():
        if getattr(config, name, None) is not None:
            raise ValueError(f"{config.input} contains two-dimensional frames: {sentence}.")
    if getattr(config, "noise", "auto") != "auto":
        raise ValueError("In two dimensions the noise is estimated; leave out --noise.")
    source = read_plane(
        config.input,
        with_fields(config, axes=2).variable,
        config.boundary,
        names=config.axes,
        gamma=config.gamma,
        walls=config.walls,
        missing=marks_of(config.missing),
        least_frames=LEAST_FRAMES if getattr(config, "law", None) is None else 1,
        back=getattr(config, "layout", None) is not None,
    )
    members_of(config, source)  # refuses a number out of range
    return source


def members_of(config: InputConfig, source: PlaneSource) -> range:
    """The trajectories to read. Raises `ValueError` if the number is out of range."""
    if config.trajectory is None:
        return range(source.count)
    check_member(config.trajectory, source.count, config.input)
    return range(config.trajectory, config.trajectory + 1)


def parts_of(config, source: PlaneSource, processed: str) -> tuple[list[slice], int]:
    """The trajectories to process, one a part, and how many are left out because nothing is
    measured in their contexts; none is if that is so in all. Raises `ValueError` if a single one
    is given to a scheduler; `processed` says what is done to it."""
    members = members_of(config, source)
    frames = min(config.context or source.frames, source.frames)
    used = [m for m in members if source.is_measured(m, frames)] or members
    if config.scheduler is not None and len(used) == 1:
        raise ValueError(f"{processed} by one process; leave out --scheduler.")
    return [slice(member, member + 1) for member in used], len(members) - len(used)


def one_by_one(
    config,
    source: PlaneSource,
    make: Callable[[slice], Made],
    parts: list[slice],
    output: Path,
    task: str,
    drawn: bool = False,
) -> tuple[Made | None, list[dict]]:
    """What `part_by_part` makes of trajectories, where and by whom a command's options say."""
    return part_by_part(
        make,
        parts,
        output,
        task,
        made_by=lambda: file_fingerprint(source.path, config.deciding()),
        what="trajectory",
        drawn=drawn,
        scheduler=config.scheduler,
        workers=config.workers,
    )


def momentum_of(config) -> tuple[str, str] | None:
    """The pair that --momentum names; m and m_x stand for both. Raises `ValueError` if it is no
    pair."""
    if config.momentum is None:
        return None
    names = tuple(name.strip() for name in config.momentum.split(","))
    if len(names) == 1:
        base = names[0].removesuffix("_x")
        names = (f"{base}_x", f"{base}_y")
    if len(names) != 2:
        raise ValueError(
            f"In two dimensions the momentum is a pair of fields; got {config.momentum}."
        )
    return names[0], names[1]


def check_memory(
    source: PlaneSource,
    frames: int,
    forecast: int = 0,
    mend: str = "choose fewer with --context and --steps, or average to fewer cells",
) -> None:
    """Checks that a trajectory fits in memory. Raises `ValueError` if it does not."""
    size = len(source.fields) * len(source.x) * len(source.y)
    memory.check_memory(
        _COPIES * frames + _FORECAST_COPIES * forecast,
        size,
        f"{frames} frames of {len(source.x)} × {len(source.y)} cells and {forecast} to forecast",
        mend,
    )


def summary(
    source: PlaneSource, context_frames: int, results: list[dict], left_out: int = 0
) -> dict:
    """What a command reports, as plain numbers and words."""
    return {
        "input": str(source.path),
        "layout": source.layout,
        "variable": source.variable,
        "fields": list(source.fields),
        "boundary": [list(sides) for sides in source.boundary],
        "frames": source.frames,
        "cells": [len(source.x), len(source.y)],
        "context_frames": context_frames,
        "failed_left_out": left_out,
        "results": results,
    }


def notes(
    source: PlaneSource,
    context: Trajectory,
    momentum: tuple[str, str] | None,
    among_others: bool = False,
) -> list[str]:
    """Likely mistakes, as sentences, before any law is sought. Raises `ValueError` if none can be
    inferred from the context; a constant one may be part of a batch (`among_others`)."""
    from hfluxno.identify.plane.acting import acting

    return [*marks(context), *mistakes(source, acting(context, momentum, among_others))]


def marks(context: Trajectory) -> list[str]:
    """Numbers like -999 that mark missing values, as sentences."""
    found = []
    for name, u in zip(context.fields, np.moveaxis(np.asarray(context.values), 1, 0), strict=True):
        found += [f"{name}: {text}." for text in without_marks(u)[1]]
    return found


def mistakes(source: PlaneSource, found: "Acting") -> list[str]:
    """Likely mistakes, as sentences, from the units of the axes and what the fields act as."""
    words = []
    if any(_ANGLE.match(source.units.get(axis, "")) for axis in ("x", "y")):
        words.append(
            "The axes are in degrees, which are not the same length everywhere, nor are the cells: "
            "a law needs equal cells, so interpolate to a grid with coordinates in metres."
        )
    if found.momentum and found.momentum[0].endswith("_y") and found.momentum[1].endswith("_x"):
        words.append(
            f"Along x {found.momentum[0]} moves and along y {found.momentum[1]}: the axes of "
            f"{source.path} seem to be swapped; exchange the names of x and y (--x and --y) or of "
            "the two fields."
        )
    if found.velocity is not None:
        u, v = found.velocity
        words.append(
            f"{u} and {v} carry {found.carried} as velocities do, and are not conserved: put the "
            f"momentum in their place, {found.carried} · {u} and {found.carried} · {v}."
        )
    if found.pressure is not None:
        words.append(
            f"{found.pressure} moves the momentum as a pressure does, with γ = {found.gamma:.3g}, "
            "and is not conserved: put the energy in its place, which --gamma computes from a "
            "field called pressure."
        )
    return words
