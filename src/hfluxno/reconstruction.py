"""What a reconstruction returns: the whole field behind the measurements."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

from hfluxno.forecaster import NINETY, Forecast
from hfluxno.trajectory import Trajectory


@dataclasses.dataclass(frozen=True)
class Reconstruction:
    """A reconstructed field.

    **Attributes:**

    - `trajectory`: the states at the times of the measurements.
    - `deviation`: the standard deviation of each value given the measurements, if the law is of the
      kind that was found.
    - `noise`: the standard deviation of the noise of each measured quantity, estimated if not
      given; the root mean square of noise that varies.
    - `ends`: the estimated states at the lower and the upper end at these times, (field, time);
      `None` for an end that is not open.
    - `identification`: the law, and whether it explains the measurements.
    - `forecast`: steps ↦ the forecast of that many frames after the last measurement, at their mean
      spacing or `every` so often. Open ends stay as they were last, with growing uncertainty.
    """

    trajectory: Trajectory
    deviation: np.ndarray
    noise: np.ndarray
    ends: tuple[np.ndarray | None, np.ndarray | None]
    identification: Any
    forecast: Callable[..., Forecast] = dataclasses.field(repr=False)

    @property
    def bands(self) -> tuple[np.ndarray, np.ndarray]:
        """The lower and the upper end of the 90 percent band of each value."""
        values = np.asarray(self.trajectory.values)
        ends = values - NINETY * self.deviation, values + NINETY * self.deviation
        bounds = self.trajectory.bounds
        return ends if bounds is None else (np.clip(ends[0], *bounds), np.clip(ends[1], *bounds))
