"""The interface of every forecaster, and what it returns."""

import abc
import dataclasses
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from hfluxno.coordinates import check_interval, whole
from hfluxno.forecast_checks import by_field
from hfluxno.memory import check_memory
from hfluxno.plural import plural
from hfluxno.trajectory import Trajectory

# Of a forecast: its frames, those of other guesses, deviations, bands, and what is written.
_COPIES = 10
# 90 percent of a normal distribution lies between -z and z.
NINETY = 1.6449
# In 90 of 100 forecasts of `make trust` with the status OK, the error of a frame is below this
# multiple of the predicted error.
NINETY_OF_FRAMES = 1.85
# In such forecasts 90 percent of the values are within so many deviations of the truth: of one
# field on a line, of several, and on a plane (`python -m benchmarks.plane_trust`). Most of the
# squared error is in the few cells at jumps, so these are fewer than of a normal distribution. The
# jumps of several fields are spread over more waves.
NINETY_OF_VALUES, NINETY_OF_SEVERAL, NINETY_ON_A_PLANE = 1.0, 1.25, 1.5
# A true frame that may be smaller than this part of what was predicted may be anything.
_LEAST_TRUTH = 0.05


@dataclasses.dataclass(frozen=True, eq=False)
class Forecast:
    """A forecast and what is known about its quality.

    **Attributes:**

    - `trajectory`: the states at the forecast times, which follow the context's last time.
    - `status`: one integer per trajectory, 0 if nothing is wrong; shape () or (trajectory,).
    - `sentences`: the meaning of the status, one sentence per trajectory.
    - `backtest_error`: relative l2 error of the same method on the context's own last frames,
      predicted from the frames before them; shape () or (trajectory,), NaN if there is none.
    - `conservation_drift`: the largest change of a field's total during the forecast, relative to
      the mean absolute value of the field times the length of the domain.
    - `left_observed_range`: whether the forecast left the range of values that the context shows
      by more than one percent of it.
    - `deviation`: the standard deviation of every value given the measurements, of the shape of the
      trajectory's values; NaN for trajectories for which the method does not know it, `None` if it
      knows none.
    - `identifications`: the fitted laws, one per trajectory, if the method fits laws.
    - `least`: for a joint estimate, the Cramér-Rao bound: the standard deviation of every value
      below which no unbiased estimate from these measurements and this noise can be; shaped like
      `deviation`. What enters later at open ends is taken as known.
    - `observed`: what would be measured of the states, in the way the context was measured (between
      cell centres, means over time, flows beside the field); `None` if that is the states.
    - `noise`: the standard deviation of the noise on measured values of each field, shape (field,)
      or (trajectory, field), as the context shows it; `None` if the method does not know it.
      `deviation` is that of the field itself, from which a measured frame differs by the noise too.
    - `normal`: the part of `deviation` of which errors have a normal distribution: by which the
      unknowns of a joint estimate scatter, or with open ends what enters later; `None` without any.
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
    observed: np.ndarray | None = None
    noise: np.ndarray | None = None
    normal: np.ndarray | None = None

    @property
    def half_width(self) -> np.ndarray | None:
        """Half the width of the 90 percent band of each value, shaped like `deviation`, if the
        status is `OK`; under a warning that of a normal distribution, which is wider and promises
        nothing. For `normal` it is that of a normal distribution in any case: the deviations of
        other errors were found to be too large, this one was not. NaN or `None` where `deviation`
        is."""
        if self.deviation is None:
            return None
        axes = len(self.trajectory.grid.shape)
        fields = self.deviation.shape[-1 - axes]
        on_a_line = NINETY_OF_VALUES if fields == 1 else NINETY_OF_SEVERAL
        sound = np.asarray(self.status) == 0
        width = np.where(sound, on_a_line if axes == 1 else NINETY_ON_A_PLANE, NINETY)
        width = width[(..., *[None] * (2 + axes))]
        if self.normal is None:
            return width * self.deviation
        others = np.maximum(self.deviation**2 - self.normal**2, 0.0)
        return np.sqrt(width**2 * others + NINETY**2 * self.normal**2)

    @property
    def predicted_error(self) -> np.ndarray | None:
        """The expected relative l2 error of each frame, shape (time,) or (trajectory, time): the
        norm of the deviations over that of the frame. NaN or `None` where `deviation` is."""
        return self._relative(self.deviation)

    @property
    def least_error(self) -> np.ndarray | None:
        """The relative l2 error of each frame below which no unbiased estimate can be, shaped like
        `predicted_error`; NaN where it exceeds 1 and so says nothing. The predicted error may be
        smaller, because it also uses what is usual for a first state."""
        found = self._relative(self.least)
        return None if found is None else np.where(found <= 1.0, found, np.nan)

    @property
    def noise_error(self) -> np.ndarray | None:
        """The relative l2 error of each frame that noise makes by itself where a forecast is
        compared with measured frames, shaped like `predicted_error`."""
        if self.noise is None:
            return None
        shape, axes = self.trajectory.values.shape, len(self.trajectory.grid.shape)
        noise = np.asarray(self.noise)[(..., None, slice(None), *[None] * axes)]
        return self._relative(np.broadcast_to(noise, shape))

    def members(self, which: slice) -> "Forecast":
        """The forecasts of some members of a batch, as a batch; that of a single context is
        returned as it is."""
        if not self.trajectory.is_batched:
            return self
        each = vars(self).items()
        parts: dict[str, Any] = {k: v[which] for k, v in each if isinstance(v, tuple | np.ndarray)}
        return dataclasses.replace(self, trajectory=self.trajectory.members(which), **parts)

    def single(self) -> "Forecast":
        """That of the only context of a batch, as if it had been given by itself."""
        each = vars(self).items()
        parts: dict[str, Any] = {k: np.asarray(v[0]) for k, v in each if isinstance(v, np.ndarray)}
        return dataclasses.replace(self, trajectory=self.trajectory.single(0), **parts)

    def _relative(self, deviation: np.ndarray | None) -> np.ndarray | None:
        if deviation is None:
            return None
        values = np.asarray(self.trajectory.values, float)
        inner = tuple(range(-1 - len(self.trajectory.grid.shape), 0))
        free = self.trajectory.grid.free
        size = np.sqrt(np.sum(values**2, axis=inner, where=free))
        spread = np.sqrt(np.sum(np.asarray(deviation) ** 2, axis=inner, where=free))
        return spread / np.where(size > 0.0, size, 1.0)

    @property
    def predicted_error_90(self) -> np.ndarray | None:
        """The relative l2 error of each frame that is not exceeded in 90 of 100 forecasts, if the
        status is `OK`. It is that of the field: a measured frame differs by `noise_error` too.
        `inf` where there is no bound (see `bound_of`)."""
        predicted = self.predicted_error
        return None if predicted is None else bound_of(predicted)

    @property
    def predicted_error_90_by_field(self) -> np.ndarray | None:
        """The same for each field by itself, shape (time, field) or (trajectory, time, field): that
        of all fields is an error of those with the largest numbers, whatever their units. It is
        relative to the norm of the field in the frame, or to its mean over the forecast (the root
        of that of squares) if that is larger."""
        if self.deviation is None:
            return None
        axes = len(self.trajectory.grid.shape)
        cells = (*self.deviation.shape[:-axes], -1)
        values = np.where(self.trajectory.grid.free, self.trajectory.values, np.nan)
        spread, values = (np.reshape(u, cells) for u in (self.deviation, values))
        return bound_of(by_field(spread, values))


def bound_of(predicted: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
    """The relative l2 error that is not exceeded in 90 of 100 forecasts, from the deviation p
    relative to the frame that is predicted:

        1.85 p/(1 - p)   for p up to .95;   none (`inf`) beyond

    An error is relative to the true frame, which may be smaller than the predicted one by as much
    as that is off: a jam that is predicted and does not come is many times what is there then. If
    the frame is off by its own size, nothing may be there, and no multiple of it is a bound."""
    least = 1.0 - np.asarray(predicted)
    bound = NINETY_OF_FRAMES * predicted / np.maximum(least, _LEAST_TRUTH)
    return np.where(least < _LEAST_TRUTH, np.inf, bound)


class Forecaster(eqx.Module):
    """A method that continues a context."""

    @abc.abstractmethod
    def forecast(self, context: Trajectory, steps: int) -> Forecast:
        """The `steps` frames after the context, at the context's spacing in time."""

    def in_parts(self, context: Trajectory, steps: int) -> Callable[[slice], Forecast]:
        """A function that forecasts some members of the batch, so that a large one need not be in
        memory at once. Whatever a method checks or decides for the whole batch, it does here.
        """
        return lambda members: self.forecast(context.members(members), steps)

    def check(self, context: Trajectory) -> None:
        """Checks that it can continue such a context without doing it. Raises `ValueError` if it is
        known that it cannot."""

    @property
    def statuses(self) -> dict[int, tuple[str, str]]:
        """The name and the sentence of each status, if it fits and solves no law."""
        return {0: ("ok", "nothing is known against the forecast")}


def check_steps(steps: Any) -> None:
    """Checks a number of steps. Raises `ValueError` if it is not a positive whole number."""
    if whole(steps, "steps") < 1:
        raise ValueError(f"steps must be at least 1; got {steps}.")


def check_forecast_memory(steps: int, numbers: int, name: str = "steps") -> None:
    """Checks that a forecast of frames of so many `numbers` fits in memory; `name` is what the
    number of steps is called. Raises `ValueError` if it does not."""
    what = f"A forecast of {plural(steps, 'frame')}"
    check_memory(_COPIES * steps, numbers, what, f"choose fewer {name}")


def forecast_times(context: Trajectory, steps: int, every: float | None = None) -> np.ndarray:
    """The `steps` times after the context, at its mean spacing or `every` so often. Raises
    `ValueError` if the context has one frame and `every` is `None`, or `every` is not positive, or
    so small or large that floating point does not hold the times.
    """
    check_interval(1.0 if every is None else every)
    times = np.asarray(context.times, float)
    if every is None:
        if context.frames < 2:
            raise ValueError(
                "A context of one frame has no spacing in time; give it two or more, or say how "
                "much time is between two frames (every, on the command line --every)."
            )
        every = (times[-1] - times[0]) / (len(times) - 1)
    with np.errstate(over="ignore"):
        ahead = times[-1] + float(every) * np.arange(1, steps + 1)
    if not np.isfinite(ahead[-1]) or np.any(np.diff(ahead, prepend=times[-1]) <= 0.0):
        raise ValueError(
            f"Times {every:g} apart cannot be told from each other after {times[-1]:g}, or are too "
            "large for floating point; choose another time between two frames (every, on the "
            "command line --every)."
        )
    return ahead


def continuation(
    context: Trajectory,
    frames: Float[np.ndarray, "*batch time field space"],
    every: float | None = None,
) -> Trajectory:
    """The frames after the context as a trajectory, in the precision of the context or JAX's
    working precision, whichever is higher; see `forecast_times` for `every`."""
    steps = frames.shape[-2 - len(context.grid.shape)]
    dtype = np.result_type(np.asarray(context.values), jnp.result_type(float))
    times = forecast_times(context, steps, every)
    frames = frames.astype(dtype, copy=False)
    return Trajectory(
        frames,
        times,
        context.grid,
        context.fields,
        units=context.units,
        ends_assumed=context.ends_assumed,
    )
