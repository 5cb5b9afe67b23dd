"""The forecaster that repeats the last frame: what any other one has to beat."""

import numpy as np

from hfluxno.forecaster import Forecast, Forecaster, check_steps, continuation
from hfluxno.trajectory import Trajectory


class Persistence(Forecaster):
    """Repeats the last frame of the context."""

    def forecast(self, context: Trajectory, steps: int) -> Forecast:
        """The `steps` frames after the context.

        **Raises:**

        - `ValueError`, where `steps` is not positive.
        """
        check_steps(steps)
        known = np.asarray(context.values)
        batch = known if context.is_batched else known[None]
        frames = np.repeat(batch[:, -1:], steps, axis=1)
        shape = (len(batch),) if context.is_batched else ()
        values = frames if context.is_batched else frames[0]
        return Forecast(
            continuation(context, values),
            status=np.zeros(shape, int),
            sentences=("the last frame is repeated",) * len(batch),
            backtest_error=np.full(shape, np.nan),
            conservation_drift=np.zeros(shape),
            left_observed_range=np.zeros(shape, bool),
        )
