"""The forecast of frames on a plane with the law that was found in them."""

import jax
import numpy as np

from hfluxno.forecaster import Forecast
from hfluxno.identify.assembled import assembled
from hfluxno.identify.plane.identification import identify_plane
from hfluxno.identify.plane.result import PlaneIdentification
from hfluxno.identify.plane.run import advance, unit_grid
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
    """The `steps` frames after a context on a plane, from its last frame on."""
    found = identify_planes(context, momentum)
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
    """The frames after a context and whether they could be solved; the last one again if not."""
    times = np.asarray(context.times, float)
    spacing = (times[-1] - times[0]) / (len(times) - 1)
    last = np.asarray(context.values, np.float64)[-1]
    ahead = np.full(steps, 1.0 if every is None else every / spacing)
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
