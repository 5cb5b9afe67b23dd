"""The interface of every forecaster and what it returns; nothing else knows which method runs."""

import abc
import dataclasses
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from hfluxno.trajectory import Trajectory

# 90 percent of a normal distribution lie between -z and z.
NINETY = 1.6449
# In 90 of 100 forecasts with the status OK of `make trust`, the error of a frame is less than so
# many times the predicted one.
NINETY_OF_FRAMES = 2.3


@dataclasses.dataclass(frozen=True)
class Forecast:
    """A forecast and what is known about its quality.

    **Attributes:**

    - `trajectory`: the states at the forecast times, which follow the context's last time.
    - `status`: one integer per trajectory, 0 where nothing is wrong; shape () or (trajectory,).
    - `sentences`: what the status means, one sentence per trajectory.
    - `backtest_error`: relative l2 error of the same method on the context's own last frames,
      predicted from the frames before; shape () or (trajectory,), NaN where there is none.
    - `conservation_drift`: the largest change of a field's total during the forecast, relative to
      the mean absolute value of the field times the length of the domain.
    - `left_observed_range`: whether the forecast left the range of values that the context shows
      by more than one percent of it.
    - `deviation`: the standard deviation of every value that the measurements leave, with the shape
      of the trajectory's values; NaN for trajectories of which the method does not know it, `None`
      if it knows none.
    - `identifications`: the fitted laws, one per trajectory, where the method fits one.
    - `least`: of a joint estimate the standard deviation of every value that no unbiased estimate
      from these measurements and this noise could be below (the bound of Cramér and Rao), as
      `deviation` is; what comes in later at open ends is taken for known.
    """

    trajectory: Trajectory
    status: np.ndarray
    sentences: tuple[str, ...]
    backtest_error: np.ndarray
    conservation_drift: np.ndarray
    left_observed_range: np.ndarray
    identifications: tuple[Any, ...] = ()
    deviation: np.ndarray | None = None
    least: np.ndarray | None = None

    @property
    def predicted_error(self) -> np.ndarray | None:
        """The relative l2 error of each frame to be expected, shape (time,) or (trajectory, time):
        the norm of the deviations over that of the frame. NaN and `None` as `deviation` is."""
        return self._relative(self.deviation)

    @property
    def least_error(self) -> np.ndarray | None:
        """The relative l2 error of each frame that no unbiased estimate could be below, as
        `predicted_error` is; NaN where it is larger than 1, so that none is of use. The predicted
        error may be smaller, as it knows what is usual of a first state too."""
        found = self._relative(self.least)
        return None if found is None else np.where(found <= 1.0, found, np.nan)

    def _relative(self, deviation: np.ndarray | None) -> np.ndarray | None:
        if deviation is None:
            return None
        values = np.asarray(self.trajectory.values, float)
        inner = tuple(range(-1 - len(self.trajectory.grid.shape), 0))
        size = np.sqrt(np.sum(values**2, axis=inner))
        return np.sqrt(np.sum(deviation**2, axis=inner)) / np.where(size > 0.0, size, 1.0)

    @property
    def predicted_error_90(self) -> np.ndarray | None:
        """What the relative l2 error of each frame stays below in 90 of 100 forecasts, if the
        status is `OK`."""
        predicted = self.predicted_error
        return None if predicted is None else NINETY_OF_FRAMES * predicted


class Forecaster(eqx.Module):
    """Anything that continues a context."""

    @abc.abstractmethod
    def forecast(self, context: Trajectory, steps: int) -> Forecast:
        """The `steps` frames after the context, at the context's spacing in time."""

    def in_parts(self, context: Trajectory, steps: int) -> Callable[[slice], Forecast]:
        """A function that forecasts some trajectories of a batch, so that a long one need not be
        held as a whole. What a method checks or decides for a batch as a whole, it does here.
        """
        return lambda members: self.forecast(context.members(members), steps)


def check_steps(steps: Any) -> None:
    """Refuses a number of steps that is none.

    **Raises:**

    - `ValueError`, where it is not whole or not positive.
    """
    if not hasattr(steps, "__index__"):
        raise ValueError(f"steps must be a whole number; got {steps!r}.")
    if steps < 1:
        raise ValueError(f"steps must be at least 1; got {steps}.")


def forecast_times(context: Trajectory, steps: int, every: float | None = None) -> np.ndarray:
    """The `steps` times after the context, at its mean spacing or `every` so much time.

    **Raises:**

    - `ValueError`, where the context has one frame and `every` is `None`, or it is not positive.
    """
    if every is not None and not (np.isfinite(every) and every > 0.0):
        raise ValueError(f"every must be a positive time; got {every:g}.")
    times = np.asarray(context.times, float)
    if every is None:
        if context.frames < 2:
            raise ValueError("A context of one frame has no spacing in time; give it two or more.")
        every = (times[-1] - times[0]) / (len(times) - 1)
    return times[-1] + every * np.arange(1, steps + 1)


def continuation(
    context: Trajectory,
    frames: Float[np.ndarray, "*batch time field space"],
    every: float | None = None,
) -> Trajectory:
    """The frames after the context as a trajectory, in the precision of the context or the working
    one of JAX, whichever is higher; see `forecast_times` for `every`."""
    steps = frames.shape[-2 - len(context.grid.shape)]
    dtype = np.result_type(np.asarray(context.values), jnp.result_type(float))
    times = forecast_times(context, steps, every)
    return Trajectory(frames.astype(dtype, copy=False), times, context.grid, context.fields)
