"""Forecasts of frames on a plane with a law that was found in them or before."""

import jax
import numpy as np

from hfluxno.forecaster import Forecast
from hfluxno.identify.assembled import assembled
from hfluxno.identify.plane.given import given_plane
from hfluxno.identify.plane.identification import identify_plane
from hfluxno.identify.plane.result import PlaneIdentification
from hfluxno.identify.plane.run import advance, unit_grid
from hfluxno.identify.plane.saved import SavedPlaneLaw
from hfluxno.identify.saved_law import interval_of
from hfluxno.identify.status import FitStatus
from hfluxno.trajectory import Trajectory


def identify_planes(
    context: Trajectory, momentum: tuple[str, str] | None = None
) -> tuple[PlaneIdentification, ...]:
    """One result for each trajectory of a context."""
    return tuple(identify_plane(each, momentum) for each in _each(context))


def forecast_plane(
    context: Trajectory,
    steps: int,
    momentum: tuple[str, str] | None = None,
    every: float | None = None,
) -> Forecast:
    """The `steps` frames after a context on a plane."""
    return _all_continued(context, identify_planes(context, momentum), steps, every)


def forecast_given_plane(
    context: Trajectory, saved: SavedPlaneLaw, steps: int, every: float | None = None
) -> Forecast:
    """The same with a law that was found before."""
    interval = interval_of(saved, context, every)
    found = tuple(given_plane(saved, each, interval) for each in _each(context))
    return _all_continued(context, found, steps, interval if every is None else every)


def _all_continued(
    context: Trajectory, found: tuple[PlaneIdentification, ...], steps: int, every: float | None
) -> Forecast:
    runs = [
        _continued(each, item, steps, every)
        for each, item in zip(_each(context), found, strict=True)
    ]
    frames = np.stack([frames for frames, _ in runs])
    start = np.stack([np.asarray(each.values, float)[-1] for each in _each(context)])
    return assembled(context, start, frames, [ok for _, ok in runs], found, every)


def _continued(
    context: Trajectory, item: PlaneIdentification, steps: int, every: float | None
) -> tuple[np.ndarray, bool]:
    """The frames after a context and whether they could be solved; else the last one repeated."""
    last = np.asarray(context.values, np.float64)[-1]
    ahead = np.full(steps, 1.0 if every is None else every / item.interval)
    if item.status != FitStatus.FAILED:
        with jax.enable_x64(True):
            frames, solved = advance(
                item.grid_law, last, ahead, unit_grid(context.grid), item.refinement
            )
        if solved:
            return frames, True
    return np.repeat(last[None], steps, axis=0), False


def _each(context: Trajectory) -> list[Trajectory]:
    if not context.is_batched:
        return [context]
    return [
        Trajectory(values, context.times, context.grid, context.fields)
        for values in np.asarray(context.values)
    ]
