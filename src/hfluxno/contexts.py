"""A context in any form in which it is passed."""

import dataclasses
import sys
from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax
import numpy as np

from hfluxno.boundary import Given, Inflow
from hfluxno.coordinates import check_spacing
from hfluxno.grid import Grid
from hfluxno.observation import Flow, Observation, Points, TimeMean
from hfluxno.plural import plural
from hfluxno.trajectory import Trajectory

_ORDER = (Flow, Points, TimeMean)

# How to make a DataArray of what users have instead, by the name of its type.
_MADE_INTO_ONE = {
    "Array": "; of an array that is not in memory, as Dask has them, pass numpy.asarray(array)",
    "DataFrame": "; with the columns time, x and density, pass "
    "table.set_index(['time', 'x'])['density'].to_xarray()",
    "Series": "; with the index levels time and x, pass series.to_xarray()",
    "Dataset": "; pass one of its variables, as in data['density'], or some as the fields of one "
    "system, as in data[['h', 'm']].to_array('field')",
}


def as_trajectory(
    context: Any, times: Any = None, grid: Any = None, fields: Sequence[str] | None = None
) -> Trajectory:
    """A context in any of its forms: a trajectory, a DataArray (periodic), an array with its times
    and grid, or a batch as a sequence of contexts with the same times, grid and fields.

    Raises `ValueError` if it is something else, or the data cannot be used.
    """
    if isinstance(context, jax.Array) or (times is not None and isinstance(context, list | tuple)):
        context = np.asarray(context)
    if isinstance(context, np.ndarray):
        if times is None or not isinstance(grid, Grid) or len(grid.shape) > 2:
            raise ValueError(
                "An array does not hold its times and grid: pass times=… and grid=Grid."
                "interval(cells, lower, upper) with it, or make a Trajectory.from_numpy."
            )
        x, *others = (grid.centers(axis) for axis in range(len(grid.shape)))
        y = others[0] if others else None
        made = Trajectory.from_numpy(context, np.asarray(times), x, fields, y=y)
        return _checked(dataclasses.replace(made, grid=grid, ends_assumed=False))
    if isinstance(context, list | tuple) and not context:
        raise ValueError("The list of contexts is empty; give one or more.")
    xarray = sys.modules.get("xarray")  # if it is not loaded, there is no DataArray
    is_labelled = xarray is not None and isinstance(context, xarray.DataArray)
    is_batch = isinstance(context, list | tuple)
    knows = is_labelled or is_batch or isinstance(context, Trajectory)
    if knows and not (times is None and grid is None and fields is None):
        raise ValueError("times, grid and fields belong to an array; this context has its own.")
    if isinstance(context, Trajectory):
        return _checked(context)
    if is_labelled:
        return Trajectory.from_xarray(context)
    if is_batch:
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
        alike = alike and (each.units, each.bounds) == (first.units, first.bounds)
        how, one = ((t.grid, t.observation, t.deviation is None) for t in (each, first))
        if not (alike and eqx.tree_equal(how, one)):
            raise ValueError(
                "The contexts of a list differ in their times, grid, fields or units, or in what "
                "is known of their noise; identify them one by one."
            )
    values = np.stack([np.asarray(each.values) for each in parts])
    known = [each.deviation for each in parts if each.deviation is not None]
    deviation = np.stack(known) if known else None
    assumed = any(each.ends_assumed for each in parts)
    return dataclasses.replace(first, values=values, deviation=deviation, ends_assumed=assumed)


def _checked(context: Trajectory) -> Trajectory:
    """The same, if its ends and observation belong to it, and its steps can be computed with."""
    check_spacing(np.asarray(context.times, float), "time")
    for axis, name in enumerate(context.space):
        check_spacing(context.grid.centers(axis), name)
    steps = context.observation
    if not isinstance(steps, tuple) or not all(isinstance(step, Observation) for step in steps):
        raise ValueError("An observation is a tuple of steps, as in (Flow(), TimeMean(30.0)).")
    order = [_ORDER.index(type(step)) for step in steps if type(step) in _ORDER]
    if order != sorted(set(order)):
        raise ValueError("The steps of an observation come in the order flow, points, mean.")
    measured, derived = len(context.fields), sum(step.derived for step in steps)
    if derived and derived != measured - derived:
        raise ValueError(
            f"A flow is the last of two fields, after its density; got {plural(measured, 'field')}."
        )
    for step in steps:
        if isinstance(step, Points) and np.shape(step.offsets) != context.grid.shape:
            raise ValueError(
                f"Got offsets of {plural(np.shape(step.offsets)[0], 'point')} for "
                f"{plural(context.grid.shape[0], 'cell')}; give one for each."
            )
    fields = measured - derived
    for axis, name in enumerate(context.space):
        for side, end in zip(("lower", "upper"), context.grid.boundary[axis], strict=True):
            if isinstance(end, Given | Inflow):
                _check_end(end, f"the {side} end of {name}", fields, context)
    return context


def _check_end(end: Given | Inflow, where: str, fields: int, context: Trajectory) -> None:
    states = end.values if isinstance(end, Given) else end.state
    if np.shape(states)[0] != fields:
        raise ValueError(
            f"The state at {where} has {plural(np.shape(states)[0], 'field')}, the context "
            f"{plural(fields, 'field')}; give one number for each."
        )
    if not isinstance(end, Given):
        return
    first, last = float(end.times[0]), float(end.times[-1])
    begin, until = float(context.times[0]), float(context.times[-1])
    reach = 1e-6 * (until - begin)
    if first > begin + reach or last < until - reach:
        raise ValueError(
            f"The state at {where} is given from {first:g} to {last:g}, but the context goes from "
            f"{begin:g} to {until:g}; give it for all of that."
        )
