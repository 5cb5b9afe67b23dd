"""Forecasts of frames on a plane with a law that was found in them or before."""

import dataclasses

import jax
import numpy as np

from hfluxno.forecaster import Forecast
from hfluxno.identify.assembled import assembled
from hfluxno.identify.plane.deviation import deviation_ahead
from hfluxno.identify.plane.frames import frames_of
from hfluxno.identify.plane.given import given_plane
from hfluxno.identify.plane.identification import identify_plane
from hfluxno.identify.plane.result import PlaneIdentification
from hfluxno.identify.plane.run import Start, mean, onward, state_of
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
    start, frames, deviation = (np.stack([run[k] for run in runs]) for k in range(3))
    solved = [run[3] for run in runs]
    return assembled(context, start, frames, solved, found, every, None, deviation)


def _continued(
    context: Trajectory, item: PlaneIdentification, steps: int, every: float | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray, bool]:
    """The state at the end of a context, the frames after it, their standard deviations and whether
    they could be solved; if not, the last frame repeated."""
    seen = dataclasses.replace(frames_of(context), interval=item.interval)
    ahead = np.full(steps, 1.0 if every is None else every / item.interval)
    ahead[0] += seen.left
    modes = () if item.status == FitStatus.FAILED else dict.fromkeys((item.mode, "restart"))
    for start in (Start(mode, item.refinement) for mode in modes):
        with jax.enable_x64(True):
            state, solved = state_of(item.grid_law, seen, start)
            run = onward(item.grid_law, seen, start, state, ahead)
            if solved and run.solved:
                spread = deviation_ahead(item, seen, start, state, ahead, run.frames)
                return np.asarray(mean(state, start.refinement)), run.frames, spread, True
    still = np.repeat(np.where(seen.grid.free, seen.filled[-1:], np.nan), steps, axis=0)
    return still[0], still, np.full(still.shape, np.nan), False


def _each(context: Trajectory) -> list[Trajectory]:
    if not context.is_batched:
        return [context]
    return [
        Trajectory(values, context.times, context.grid, context.fields)
        for values in np.asarray(context.values)
    ]
