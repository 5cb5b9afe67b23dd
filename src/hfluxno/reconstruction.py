"""What a reconstruction returns: the whole field behind measurements."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from hfluxno.forecaster import NINETY, Forecast
from hfluxno.trajectory import Trajectory

# The standard deviation of measurements: one for all fields, one for each, or one for each value.
Noise = float | Sequence[float] | np.ndarray


@dataclasses.dataclass(frozen=True)
class Reconstruction:
    """A reconstructed field.

    **Attributes:**

    - `trajectory`: the states at the times of the measurements.
    - `deviation`: the standard deviation of each value that the measurements leave, if the law is
      of the kind that was found.
    - `noise`: the standard deviation of the noise of each field, estimated if it was not given;
      of noise that varies the root mean square.
    - `identification`: the law, and whether it explains the measurements.
    - `forecast`: steps ↦ the forecast of so many frames after the last measurement, at their mean
      spacing or `every` so much time. Open ends stay as they were then, and are ever less certain.
    """

    trajectory: Trajectory
    deviation: np.ndarray
    noise: np.ndarray
    identification: Any
    forecast: Callable[..., Forecast] = dataclasses.field(repr=False)

    @property
    def bands(self) -> tuple[np.ndarray, np.ndarray]:
        """The lower and the upper end of the 90 percent band of each value."""
        values = np.asarray(self.trajectory.values)
        return values - NINETY * self.deviation, values + NINETY * self.deviation
