"""A context in any form in which it is passed."""

import dataclasses
import sys
from collections.abc import Sequence
from typing import Any

import equinox as eqx
import numpy as np

from hfluxno.grid import Grid
from hfluxno.trajectory import Trajectory

# How to make a DataArray of what users have instead, by the name of its type.
_MADE_INTO_ONE = {
    "DataFrame": "; with the columns time, x and density, pass "
    "table.set_index(['time', 'x'])['density'].to_xarray()",
    "Series": "; with the index levels time and x, pass series.to_xarray()",
    "Dataset": "; pass one of its variables, as in data['density']",
}


def as_trajectory(
    context: Any, times: Any = None, grid: Any = None, fields: Sequence[str] | None = None
) -> Trajectory:
    """A context in any of its forms: a trajectory, a DataArray (periodic), an array with its times
    and grid, or a batch as a sequence of contexts with the same times, grid and fields.

    Raises `ValueError` if it is something else, or the data cannot be used.
    """
    if isinstance(context, np.ndarray):
        if times is None or not isinstance(grid, Grid) or len(grid.shape) > 2:
            raise ValueError(
                "An array does not hold its times and grid: pass times=… and grid=Grid."
                "interval(cells, lower, upper) with it, or make a Trajectory.from_numpy."
            )
        x, *others = (grid.centers(axis) for axis in range(len(grid.shape)))
        y = others[0] if others else None
        made = Trajectory.from_numpy(context, np.asarray(times), x, fields, y=y)
        return dataclasses.replace(made, grid=grid)
    if not (times is None and grid is None and fields is None):
        raise ValueError("times, grid and fields belong to an array; this context has its own.")
    if isinstance(context, Trajectory):
        return context
    xarray = sys.modules.get("xarray")  # if it is not loaded, there is no DataArray
    if xarray is not None and isinstance(context, xarray.DataArray):
        return Trajectory.from_xarray(context)
    if isinstance(context, (list, tuple)) and context:
        return _batch([as_trajectory(each) for each in context])
    kind = type(context).__name__
    raise ValueError(
        f"A context is a Trajectory, an xarray.DataArray, an array with times and grid, or a list "
        f"of the first two; got {kind}{_MADE_INTO_ONE.get(kind, '')}."
    )


def _batch(parts: list[Trajectory]) -> Trajectory:
    first = parts[0]
    for each in parts:
        if each.is_batched:
            raise ValueError(
                "A list of contexts must hold single trajectories; one of them is a batch."
            )
        alike = each.fields == first.fields and np.array_equal(each.times, first.times)
        how, one = ((t.grid, t.observation, t.deviation is None) for t in (each, first))
        if not (alike and eqx.tree_equal(how, one)):
            raise ValueError(
                "The contexts of a list differ in their times, grid or fields, or in what is known "
                "of their noise; identify them one by one."
            )
    values = np.stack([np.asarray(each.values) for each in parts])
    known = [each.deviation for each in parts if each.deviation is not None]
    deviation = np.stack(known) if known else None
    return dataclasses.replace(first, values=values, deviation=deviation)
