"""Forecasts of frames on a plane with a law that was found in them or before."""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from hfluxno.batching import on_all_cores
from hfluxno.forecaster import Forecast
from hfluxno.grid import averaged
from hfluxno.identify.assembled import UNSOLVABLE, assembled
from hfluxno.identify.horizon import how_far
from hfluxno.identify.plane.deviation import comparison, deviation_ahead
from hfluxno.identify.plane.frames import Frames, frames_of
from hfluxno.identify.plane.given import given_plane
from hfluxno.identify.plane.identification import checked, identify_plane
from hfluxno.identify.plane.result import PlaneIdentification
from hfluxno.identify.plane.run import Followed, Start, onward, state_of
from hfluxno.identify.plane.saved import SavedPlaneLaw
from hfluxno.identify.plane.untested_sides import untested_sides
from hfluxno.identify.saved.law import interval_of
from hfluxno.identify.status import FitStatus
from hfluxno.parametric.plane.law import FittedPlaneLaw
from hfluxno.trajectory import Trajectory


def identify_planes(
    context: Trajectory, momentum: tuple[str, str] | None = None, among_others: bool = False
) -> tuple[PlaneIdentification, ...]:
    """One result for each trajectory of a context. Not all of them may be constant, unless it is
    part of a larger batch (`among_others`)."""
    parts = _each(context)
    several = among_others or len(parts) > 1
    found = tuple(identify_plane(each, momentum, several) for each in parts)
    if not among_others and all(each.status == FitStatus.CONSTANT for each in found):
        checked(parts[0])  # raises
    return found


def forecast_plane(
    context: Trajectory,
    steps: int,
    momentum: tuple[str, str] | None = None,
    every: float | None = None,
    among_others: bool = False,
) -> Forecast:
    """The `steps` frames after a context on a plane, which may be part of a batch."""
    return _all_continued(context, identify_planes(context, momentum, among_others), steps, every)


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
    solved, more = [run[3] for run in runs], [run[4] for run in runs]
    made = assembled(context, start, frames, solved, found, every, more, deviation)
    return made if context.is_batched else made.single()


def _continued(
    context: Trajectory, item: PlaneIdentification, steps: int, every: float | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray, bool, str]:
    """The state at the end of a context, the frames after it, their standard deviations, whether
    they could be solved (else the last frame is repeated), and in words how far they are to be
    believed, and what they depend on that the context does not show."""
    seen = dataclasses.replace(frames_of(context), interval=item.interval)
    ahead = np.full(steps, 1.0 if every is None else every / item.interval)
    ahead[0] += seen.left
    modes = () if item.status in UNSOLVABLE else dict.fromkeys((item.mode, "restart"))
    for start in (Start(mode, item.refinement) for mode in modes):
        with jax.enable_x64(True):
            arguments = item.grid_law, seen, start, ahead
            jobs: list[Callable[[], Any]] = [
                functools.partial(_run, *arguments),
                functools.partial(comparison, *arguments),
            ]
            (state, run), compared = on_all_cores(lambda job: job(), jobs)
            if run.solved:
                spread = deviation_ahead(item, seen, start, state, ahead, run.frames, compared)
                depends = ""
                free = (..., seen.grid.free)
                if item.status == FitStatus.OK and np.isfinite(spread[free]).all():
                    depends = how_far(run.frames[free], spread[free], item.law.fields)
                sides = untested_sides(seen, run.frames, item.grid_law.sources is not None)
                if sides is not None:
                    depends += f"; {sides.sentence}"
                begin = np.asarray(averaged(state, seen.grid.shape))
                return begin, run.frames, spread, True, depends
    still = np.repeat(np.where(seen.grid.free, seen.filled[-1:], np.nan), steps, axis=0)
    return still[0], still, np.full(still.shape, np.nan), False, ""


def _run(
    law: FittedPlaneLaw, seen: Frames, start: Start, ahead: np.ndarray
) -> tuple[np.ndarray, Followed]:
    """The state on internal cells at the end of a context, and the run from there."""
    state, solved = state_of(law, seen, start)
    run = onward(law, seen, start, state, ahead)
    return state, dataclasses.replace(run, solved=run.solved and solved)


def _each(context: Trajectory) -> list[Trajectory]:
    return [context.single(member) for member in range(len(context.batch))]
