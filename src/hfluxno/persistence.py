"""The forecaster that repeats the last frame: the one to beat."""

import equinox as eqx
import numpy as np

from hfluxno.forecaster import Forecast, Forecaster, check_steps, continuation
from hfluxno.trajectory import Trajectory


class Persistence(Forecaster):
    """Repeats the last frame of the context.

    - `every`: the time between two frames, if not the mean spacing of the context.
    """

    every: float | None = eqx.field(static=True, default=None)

    def forecast(self, context: Trajectory, steps: int) -> Forecast:
        """The `steps` frames after the context. In a cell with gaps the last measured value is
        repeated.

        Raises `ValueError` if `steps` is not positive, or a cell has no measured value.
        """
        check_steps(steps)
        known = np.asarray(context.values)
        if np.isnan(known).any():
            axis = known.ndim - 2 - len(context.grid.shape)
            known = _without_gaps(known, axis, context.grid.free)
        batch = known if context.is_batched else known[None]
        frames = np.repeat(batch[:, -1:], steps, axis=1)
        shape = (len(batch),) if context.is_batched else ()
        values = frames if context.is_batched else frames[0]
        return Forecast(
            continuation(context, values, self.every),
            status=np.zeros(shape, int),
            sentences=("the last frame is repeated",) * len(batch),
            backtest_error=np.full(shape, np.nan),
            conservation_drift=np.zeros(shape),
            left_observed_range=np.zeros(shape, bool),
        )


def _without_gaps(values: np.ndarray, frames: int, free: np.ndarray) -> np.ndarray:
    """The last frame alone, with the last measured value of each cell that is `free` of walls;
    `frames` is their axis."""
    there = np.isfinite(np.moveaxis(values, frames, -1))
    if not (there.any(axis=-1) | ~free).all():
        raise ValueError(
            "Some cells of the context have no measured value, so there is nothing to repeat; fill "
            "them first, or use the method fit."
        )
    last = values.shape[frames] - 1 - np.argmax(there[..., ::-1], axis=-1)
    return np.take_along_axis(values, np.expand_dims(last, frames), axis=frames)
