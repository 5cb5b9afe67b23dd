"""The forecaster that repeats the last frame: the one to beat."""

import equinox as eqx
import numpy as np

from hfluxno.forecaster import Forecast, Forecaster, check_steps, continuation
from hfluxno.trajectory import Trajectory

_REPEATED = "the last frame is repeated"


class Persistence(Forecaster):
    """Repeats the last frame of the context.

    - `every`: the time between two frames, if not the mean spacing of the context.
    """

    every: float | None = eqx.field(static=True, default=None)

    @property
    def statuses(self) -> dict[int, tuple[str, str]]:
        return {0: ("ok", _REPEATED)}

    def forecast(self, context: Trajectory, steps: int) -> Forecast:
        """The `steps` frames after the context. In a cell with gaps the last measured value is
        repeated.

        Raises `ValueError` if `steps` is not positive, or a cell has no measured value.
        """
        check_steps(steps)
        batch = context.batch
        if np.isnan(batch).any():
            batch = _without_gaps(batch, context.grid.free)
        count = len(batch)
        made = Forecast(
            continuation(context, np.repeat(batch[:, -1:], steps, axis=1), self.every),
            status=np.zeros(count, int),
            sentences=(_REPEATED,) * count,
            backtest_error=np.full(count, np.nan),
            conservation_drift=np.zeros(count),
            left_observed_range=np.zeros(count, bool),
        )
        return made if context.is_batched else made.single()


def _without_gaps(values: np.ndarray, free: np.ndarray) -> np.ndarray:
    """The last frames alone, with the last measured value of each cell that is `free` of walls."""
    there = np.isfinite(np.moveaxis(values, 1, -1))
    if not (there.any(axis=-1) | ~free).all():
        raise ValueError(
            "Some cells of the context have no measured value, so there is nothing to repeat; fill "
            "them first, or use the method fit."
        )
    last = values.shape[1] - 1 - np.argmax(there[..., ::-1], axis=-1)
    return np.take_along_axis(values, np.expand_dims(last, 1), axis=1)
