"""The frames of a context on a plane, their times, and their gaps.

Frames without any measurement are dropped, so the others may be at uneven times. Other gaps are
interpolated in space and time, for the first state of a run and for the weak form, which omits test
functions with many of them. Comparisons of runs with frames only count measured values.
"""

import dataclasses

import numpy as np
from jaxtyping import Bool, Float
from scipy.ndimage import distance_transform_edt

from hfluxno.boundary import Outflow, Periodic, Wall
from hfluxno.coordinates import check_magnitude
from hfluxno.grid import Grid
from hfluxno.identify.frames.interpolation import filled
from hfluxno.plural import percent, plural
from hfluxno.trajectory import Trajectory
from hfluxno.wild_values import NORMAL_MEDIAN

# The largest fraction of missing values that interpolation can fill.
_MOST_MISSING = 0.5


@dataclasses.dataclass(frozen=True)
class Frames:
    """The measured part of one trajectory.

    - `values`: the frames with measurements; NaN where nothing was measured, and in walls inside.
    - `filled`: the same with interpolated values in the gaps, and those next to them in walls.
    - `at`: their times in intervals, from the first one.
    - `left`: the time from the last one to the end of the context, in intervals.
    - `interval`: the mean time between two frames of the context; NaN for a single one.
    - `grid`: the cells.
    - `missing`: the fraction of values outside of walls that was not measured, including frames
      that were dropped.
    - `noise`: the standard deviation of independent noise, in standard deviations of the fields.
    - `ends_assumed`, `units`: as a trajectory has them.
    """

    values: Float[np.ndarray, "time field x y"]
    filled: Float[np.ndarray, "time field x y"]
    at: Float[np.ndarray, " time"]
    left: float
    interval: float
    grid: Grid
    missing: float
    noise: float = 0.0
    ends_assumed: bool = False
    units: tuple[tuple[str, str], ...] = ()

    @property
    def around(self) -> tuple[bool, bool]:
        """Which axes are periodic."""
        return self.grid.is_periodic(0), self.grid.is_periodic(1)

    @property
    def gaps(self) -> Bool[np.ndarray, "time x y"] | None:
        """Where any field was not measured; `None` if there are no gaps."""
        missing = np.isnan(self.values).any(axis=1) & self.grid.free
        return missing if missing.any() else None

    def across_walls(
        self, values: Float[np.ndarray, "*lead x y"]
    ) -> Float[np.ndarray, "*lead x y"]:
        """The values with those of the nearest other cell in walls inside."""
        return _across_walls(values, self.grid)

    @property
    def relative_noise(self) -> float:
        """The noise relative to the norm of the frames."""
        return self.noise * float(
            np.sqrt(np.mean(np.var(self.filled, axis=(0, 2, 3))) / np.mean(self.filled**2))
        )

    def until(self, last: int) -> "Frames":
        """The frames up to `last`."""
        return self.part(0, last + 1)

    def part(self, start: int, stop: int | None = None) -> "Frames":
        """The frames from `start` on, up to that before `stop`."""
        part = slice(start, stop)
        return dataclasses.replace(
            self,
            values=self.values[part],
            filled=self.filled[part],
            at=self.at[part] - self.at[start],
        )


def frames_of(context: Trajectory) -> Frames:
    """The frames of a context. Raises `ValueError` if no law on a plane can be compared with it:
    values are infinite or of a size beyond computing, too little was measured, or a side is of
    another kind."""
    values = np.where(context.grid.free, np.asarray(context.values, np.float64), np.nan)
    _check_sides(context.grid)
    if np.any(np.isinf(values)):
        raise ValueError("The context has infinite values; make them NaN or correct them first.")
    for i, name in enumerate(context.fields):
        check_magnitude(values[:, i], f"values of {name}")
    times = np.asarray(context.times, float)
    interval = float(times[-1] - times[0]) / (len(times) - 1) if len(times) > 1 else float("nan")
    unit = interval if len(times) > 1 else 1.0
    measured = np.flatnonzero(~np.isnan(values).all(axis=(1, 2, 3)))
    if not len(measured):
        raise ValueError("All values of the context are missing.")
    grid, part = context.grid, values[measured]
    _check_gaps(part[..., grid.free], context.fields)
    around = grid.is_periodic(0), grid.is_periodic(1)
    closed = filled(_across_walls(part, grid), ((0, False), (2, around[0]), (3, around[1])))
    return Frames(
        values=part,
        filled=_across_walls(closed, grid),
        at=(times[measured] - times[measured[0]]) / unit,
        left=float(times[-1] - times[measured[-1]]) / unit,
        interval=interval,
        grid=grid,
        missing=float(np.mean(np.isnan(values[..., grid.free]))),
        noise=noise_level(part),
        ends_assumed=context.ends_assumed,
        units=context.units,
    )


def _check_sides(grid: Grid) -> None:
    for end in (end for pair in grid.boundary for end in pair):
        if type(end) not in (Periodic, Outflow, Wall):
            raise ValueError(
                "The sides of a plane must be periodic, walls or outflows to identify a law; got "
                f"{end.name!r}."
            )


def _across_walls(values: np.ndarray, grid: Grid) -> np.ndarray:
    if grid.solid is None:
        return values
    nearest = distance_transform_edt(~grid.free, return_distances=False, return_indices=True)
    return values[..., nearest[0], nearest[1]]


def check_measured(values: np.ndarray, fields: tuple[str, ...]) -> None:
    """Raises `ValueError` if nothing was measured of one of the fields (time, field, …)."""
    for i, name in enumerate(fields):
        if np.isnan(values[:, i]).all():
            raise ValueError(
                f"All values of the field {name!r} are missing; leave it out, or choose another "
                "variable."
            )


def _check_gaps(values: np.ndarray, fields: tuple[str, ...]) -> None:
    """`values` are those outside of walls."""
    absent = np.isnan(values)
    check_measured(values, fields)
    parts = absent.all(axis=0)
    for i, name in enumerate(fields):
        alone = int((parts[i] & ~parts.all(axis=0)).sum())
        if alone:
            raise ValueError(
                f"The field {name!r} is NaN in every frame in {plural(alone, 'cell')} where others "
                "are not; if these are walls, mark them with --walls NAME, a variable that is 1 "
                "there (in Python solid= of the grid), else leave the field out, or cut out a "
                "rectangle without them."
            )
    never = int(parts.all(axis=0).sum())
    if never:
        raise ValueError(
            f"{plural(never, 'cell')} of the context {'is' if never == 1 else 'are'} NaN in every "
            "frame, as an obstacle is; if these are walls, say so with --walls nan, in Python with "
            "solid= of the grid, else cut out a rectangle without them."
        )
    share = float(absent.mean())
    if share > _MOST_MISSING:
        raise ValueError(
            f"{percent(share)} of the values of the frames with measurements are missing, more "
            f"than {percent(_MOST_MISSING)}; average over fewer cells, or leave out the frames "
            "with most gaps."
        )


def noise_level(values: Float[np.ndarray, "time field x y"]) -> float:
    """The noise, from the median of second differences along all axes (of one or two frames along
    those of space), in which little of the solution is left and jumps are rare."""
    if min(values.shape[2:]) < 3:
        return 0.0
    size = np.nanstd(values, axis=(0, 2, 3))
    if not np.all(size > 0.0):
        return 0.0
    differences = values / size[:, None, None]
    axes = (0, 2, 3) if len(values) > 2 else (2, 3)
    for axis in axes:
        differences = np.diff(differences, n=2, axis=axis)
    known = differences[np.isfinite(differences)]
    if not len(known):
        return 0.0
    # Of independent noise a second difference has six times the variance.
    return float(np.median(np.abs(known)) / (NORMAL_MEDIAN * 6.0 ** (0.5 * len(axes))))
