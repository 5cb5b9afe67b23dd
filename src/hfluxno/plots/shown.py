"""One trajectory as a picture needs it: context, forecast and truth."""

import dataclasses

import numpy as np
from jaxtyping import Array

from hfluxno.forecaster import Forecast
from hfluxno.grid import Grid
from hfluxno.plots.labels import Labels
from hfluxno.trajectory import Trajectory


@dataclasses.dataclass(frozen=True)
class Shown:
    """Arrays (time, field, *space).

    - `context`, `forecast`: the states.
    - `truth`: what really happened, for the first frames of the forecast or all, or `None`.
    - `reach`: half the width of the bands; `None` without bands.
    - `past`, `future`: the times of context and forecast.
    """

    context: np.ndarray
    forecast: np.ndarray
    truth: np.ndarray | None
    reach: np.ndarray | None
    past: np.ndarray
    future: np.ndarray
    grid: Grid

    @property
    def now(self) -> float:
        """The time between the last frame of the context and the first of the forecast."""
        return 0.5 * (self.past[-1] + self.future[0])

    @property
    def last(self) -> int:
        """The last frame that can be compared, or the last of all."""
        return len(self.forecast if self.truth is None else self.truth) - 1

    @property
    def end(self) -> float:
        return float(self.future[self.last])

    @property
    def middle(self) -> int:
        """The cell along y, on a plane, through which profiles go."""
        return self.grid.shape[1] // 2


def shown_of(
    context: Trajectory,
    forecast: Forecast,
    truth: Array | np.ndarray | None,
    labels: Labels,
    index: int = 0,
) -> Shown:
    """What a picture shows of a trajectory, or of one member of a batch."""
    axes = len(context.grid.shape)
    ahead = _one(forecast.trajectory.values, index, axes)
    known = None if truth is None else _one(truth, index, axes)[: len(ahead)]
    reach = forecast.half_width
    return Shown(
        context=_one(context.values, index, axes),
        forecast=ahead,
        truth=None if known is None or not np.isfinite(known).any() else known,
        reach=None if reach is None else _one(reach, index, axes),
        past=np.asarray(context.times, float) + labels.origin,
        future=np.asarray(forecast.trajectory.times, float) + labels.origin,
        grid=context.grid,
    )


def _one(values, index: int, axes: int) -> np.ndarray:
    values = np.asarray(values, float)
    return values[index] if values.ndim == 3 + axes else values
