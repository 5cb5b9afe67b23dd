"""What a reconstruction returns: the whole field behind the measurements."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

from hfluxno.coordinates import check_interval
from hfluxno.forecaster import NINETY, Forecast
from hfluxno.trajectory import Trajectory

_ROUNDING = 1e-9  # of a step
_INTERPOLATED = (
    "the field follows the measurements, and between them what the law misses is interpolated"
)
_WITHOUT_LAW = "the field is interpolated between the measurements, without the law"


def count_of_even_times(times: np.ndarray, every: Any) -> int:
    """How many times so far apart there are from the first of these to the last. Raises
    `ValueError` if `every` is not positive, or longer than that."""
    check_interval(every)
    length, step = float(times[-1] - times[0]), float(every)
    if step > (1.0 + _ROUNDING) * length:
        raise ValueError(
            f"Times {step:g} apart are farther than the measurements reach, which is {length:g}; "
            "choose a smaller time step every."
        )
    if step <= np.spacing(np.max(np.abs(times))):
        raise ValueError(
            f"Times {step:g} apart cannot be told from each other after {times[0]:g}; choose a "
            "larger time step every."
        )
    return int((1.0 + _ROUNDING) * length / step) + 1


def even_times(times: np.ndarray, every: float) -> np.ndarray:
    """The times that `count_of_even_times` counts; the last may be that of these, up to rounding.
    Raises `ValueError` as it does."""
    count = count_of_even_times(times, every)
    return np.minimum(times[0] + float(every) * np.arange(count), times[-1])


@dataclasses.dataclass(frozen=True, eq=False)
class Reconstruction:
    """A reconstructed field.

    **Attributes:**

    - `trajectory`: the states at the times of the measurements, or at even ones.
    - `deviation`: the standard deviation of each value given the measurements, if the law is of the
      kind that was found.
    - `noise`: the standard deviation of the noise of each measured quantity, estimated if not
      given; the root mean square of noise that varies.
    - `ends`: the estimated states at the lower and the upper end at these times, (field, time);
      `None` for an end that is not open.
    - `identification`: the law, and whether it explains the measurements.
    - `forecast`: steps ↦ the forecast of that many frames after the last measurement, at their mean
      spacing or `every` so often. Open ends stay as they were last, with growing uncertainty.
    - `interpolated`: whether the field follows the measurements, because the law does not explain
      them: what it misses is interpolated between them, or they are themselves.
    """

    trajectory: Trajectory
    deviation: np.ndarray
    noise: np.ndarray
    ends: tuple[np.ndarray | None, np.ndarray | None]
    identification: Any
    forecast: Callable[..., Forecast] = dataclasses.field(repr=False)
    interpolated: bool = False

    @property
    def sentence(self) -> str:
        """Whether the law explains the measurements, and what the field is if not."""
        law = str(self.identification.sentence)
        if not self.interpolated:
            return law
        without = self.identification.misfit.like_interpolation
        return f"{law}; {_WITHOUT_LAW if without else _INTERPOLATED}"

    @property
    def bands(self) -> tuple[np.ndarray, np.ndarray]:
        """The lower and the upper end of the 90 percent band of each value."""
        values = np.asarray(self.trajectory.values)
        ends = values - NINETY * self.deviation, values + NINETY * self.deviation
        bounds = self.trajectory.bounds
        return ends if bounds is None else (np.clip(ends[0], *bounds), np.clip(ends[1], *bounds))
