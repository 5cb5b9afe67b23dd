"""A trajectory: the states of one system on a grid at given times.

It is the one value that flows between all stages: what is read from a file, what is the context of
an identification, what a solver and every forecaster return.
"""

import dataclasses
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import equinox as eqx
import numpy as np
from jaxtyping import Array, Float

from hfluxno.grid import Ends, Grid

if TYPE_CHECKING:
    import xarray


# An axis with gaps has at most so many times as many entries as were measured.
_MOST_ENTRIES = 10


class Trajectory(eqx.Module):
    """States of shape (time, field, *space) at `times` on `grid`.

    A batch of trajectories that share times and grid is one `Trajectory` whose values have a
    leading axis: (trajectory, time, field, *space).

    **Attributes:**

    - `values`: cell averages of the conserved fields, NaN where a context has a gap. Data and
      forecasts are NumPy arrays, which keep their precision whatever that of JAX; solutions are
      arrays of JAX.
    - `times`: the times of the states, increasing.
    - `grid`: the cells.
    - `fields`: the names of the fields.
    """

    values: Float[Array | np.ndarray, "*batch time field space"]
    times: Float[Array | np.ndarray, " time"]
    grid: Grid
    fields: tuple[str, ...] = eqx.field(static=True)

    @classmethod
    def from_numpy(
        cls,
        values: np.ndarray,
        times: np.ndarray | None = None,
        x: np.ndarray | None = None,
        fields: Sequence[str] | None = None,
        boundary: Ends = "periodic",
        inflow: np.ndarray | None = None,
    ) -> "Trajectory":
        """From an array of shape (time, x), (time, field, x) or (trajectory, time, field, x).

        **Arguments:**

        - `values`: real numbers; NaN and masked ones are gaps. Double precision and integers become
          float64, what is shorter float32.
        - `times`: increasing and uniform, shape (time,); the frame numbers where it is `None`.
          Dates count as seconds since 1970, durations as seconds. Where all steps are multiples of
          a smallest one, the frames between are gaps.
        - `x`: increasing and uniform cell centres, shape (x,), with gaps as `times` may have;
          those of [0, 1] where it is `None`.
        - `fields`: one name per field; `u`, or `u0`, `u1`, … where it is `None`.
        - `boundary`: what happens at the two ends of the domain.
        - `inflow`: the states outside of it, shape (field, 2), where an end is an `inflow`.

        **Raises:**

        - `ValueError`, where numbers are infinite, or the coordinates are not uniform.
        """
        values = real(values, "values")
        values = values.astype(kept_precision(values.dtype))
        if values.ndim == 2:
            values = values[:, None, :]
        if values.ndim not in (3, 4):
            raise ValueError(
                "The values must have the shape (time, x), (time, field, x) or "
                f"(trajectory, time, field, x); got {values.shape}."
            )
        if values.size == 0:
            raise ValueError(f"There are no values: the shape is {values.shape}.")
        if np.any(np.isinf(values)):
            where = tuple(int(i) for i in np.argwhere(np.isinf(values))[0])
            count = int(np.sum(np.isinf(values)))
            raise ValueError(
                f"{count} of the values are infinite, the first at index {where} of "
                f"{values.shape}; correct them, or make them NaN where nothing is known."
            )
        steps, fields_count, cells = values.shape[-3:]
        times = np.arange(steps) if times is None else real(seconds(times), "times")
        times = times.astype(np.float64)
        x = (np.arange(cells) + 0.5) / cells if x is None else real(x, "coordinate x")
        x, columns = with_gaps(x.astype(np.float64), cells, "x")
        times, rows = with_gaps(times, steps, "time")
        values = spread(spread(values, columns, len(x), -1), rows, len(times), -3)
        cells = len(x)
        lower, upper = uniform_edges(x, cells, "x")
        if fields is None:
            fields = ["u"] if fields_count == 1 else [f"u{i}" for i in range(fields_count)]
        if len(fields) != fields_count:
            raise ValueError(
                f"{len(fields)} field names for {fields_count} fields: give one name per field."
            )
        if len(set(map(str, fields))) < len(fields):
            raise ValueError(
                f"The field names {', '.join(map(str, fields))} are not different from each other."
            )
        if inflow is not None and np.shape(inflow) != (fields_count, 2):
            raise ValueError(
                f"inflow has the shape {np.shape(inflow)}; it needs ({fields_count}, 2): a state "
                "for each end of the domain, one column per side."
            )
        grid = Grid.interval(cells, lower, upper, boundary, inflow)
        # Times stay in float64: their origin may be far away compared with their spacing.
        return cls(values, times, grid, tuple(str(f) for f in fields))

    @classmethod
    def from_xarray(
        cls,
        array: "xarray.DataArray",
        boundary: Ends = "periodic",
        inflow: np.ndarray | None = None,
    ) -> "Trajectory":
        """From a DataArray with the dimensions time (or t) and x, and perhaps trajectory and field.

        The dimensions may come in any order. Coordinates that are missing are numbered; those of a
        field dimension name the fields.

        **Raises:**

        - `ValueError`, where a dimension is missing or unknown, or the numbers are not usable.
        """
        names = [str(name) for name in array.dims]
        time = "t" if "t" in names else "time"
        order = [name for name in ("trajectory", time, "field", "x") if name in names]
        unknown = sorted(set(names) - set(order))
        if unknown or time not in names or "x" not in names:
            raise ValueError(
                "A DataArray needs the dimensions time (or t) and x, and may have trajectory and "
                f"field; this one has {', '.join(names)}. Rename them with array.rename."
            )
        ordered = array.transpose(*order)
        values = ordered.values
        if "field" not in names:
            values = np.expand_dims(values, axis=-2)
        coordinate = {
            name: np.asarray(ordered[name].values) if name in ordered.coords else None
            for name in order
        }
        if "field" in names:
            labels = coordinate["field"]
            fields = None if labels is None else [str(label) for label in labels]
        else:
            fields = [str(array.name)] if array.name is not None else None
        return cls.from_numpy(values, coordinate[time], coordinate["x"], fields, boundary, inflow)

    def to_xarray(self) -> "xarray.DataArray":
        """As a DataArray with the dimensions (trajectory,) time, field, x."""
        import xarray

        dims = ("trajectory",) * self.is_batched + ("time", "field", "x")
        coordinates = {
            "time": np.asarray(self.times),
            "field": list(self.fields),
            "x": self.grid.centers(),
        }
        return xarray.DataArray(np.asarray(self.values), coordinates, dims)

    @property
    def is_batched(self) -> bool:
        return self.values.ndim == len(self.grid.shape) + 3

    @property
    def frames(self) -> int:
        """The number of times."""
        return self.values.shape[-2 - len(self.grid.shape)]

    def window(self, start: int, stop: int) -> "Trajectory":
        """The frames start ≤ j < stop."""
        axis = self.values.ndim - 2 - len(self.grid.shape)
        index = (slice(None),) * axis + (slice(start, stop),)
        return Trajectory(self.values[index], self.times[start:stop], self.grid, self.fields)

    def totals(self) -> Float[Array | np.ndarray, "*batch time field"]:
        """∫ u dx of every field at every time."""
        axes = tuple(range(-len(self.grid.shape), 0))
        return self.values.sum(axis=axes) * float(np.prod(self.grid.spacing))


def as_trajectory(
    context: Any, times: Any = None, grid: Any = None, fields: Sequence[str] | None = None
) -> Trajectory:
    """A context in any of its forms: a trajectory, a DataArray (periodic), an array with its times
    and grid, or a sequence of contexts with the same times, grid and fields, which are a batch.

    **Raises:**

    - `ValueError`, where it is something else, or the data cannot be used.
    """
    if isinstance(context, np.ndarray):
        if times is None or not isinstance(grid, Grid) or len(grid.shape) != 1:
            raise ValueError(
                "An array says nothing of its times and its grid: pass times=… and grid=Grid."
                "interval(cells, lower, upper) with it, or make a Trajectory.from_numpy."
            )
        made = Trajectory.from_numpy(context, np.asarray(times), grid.centers(), fields)
        return dataclasses.replace(made, grid=grid)
    if not (times is None and grid is None and fields is None):
        raise ValueError("times, grid and fields belong to an array; this context has its own.")
    if isinstance(context, Trajectory):
        return context
    xarray = sys.modules.get("xarray")  # where it is not loaded, there is no DataArray
    if xarray is not None and isinstance(context, xarray.DataArray):
        return Trajectory.from_xarray(context)
    if isinstance(context, (list, tuple)) and context:
        return _batch([as_trajectory(each) for each in context])
    raise ValueError(
        f"A context is a Trajectory, an xarray.DataArray, an array with times and grid, or a list "
        f"of the first two; got {type(context).__name__}."
    )


def _batch(parts: list[Trajectory]) -> Trajectory:
    first = parts[0]
    for each in parts:
        if each.is_batched:
            raise ValueError("A list of contexts holds single trajectories; one of it is a batch.")
        alike = each.fields == first.fields and eqx.tree_equal(each.grid, first.grid)
        if not (alike and np.array_equal(each.times, first.times)):
            raise ValueError(
                "The contexts of a list differ in their times, grid or fields; identify them one "
                "by one."
            )
    values = np.stack([np.asarray(each.values) for each in parts])
    return dataclasses.replace(first, values=values)


def seconds(times: np.ndarray) -> np.ndarray:
    """Dates as seconds since 1970 and durations as seconds, both in float64 with NaN for what is
    not a time; anything else as it is."""
    kind = np.asarray(times).dtype.kind
    if kind not in "mM":
        return times
    nanoseconds = np.asarray(times).astype(f"{kind}8[ns]")
    missing = np.isnat(nanoseconds) | np.ma.getmaskarray(times)
    return np.where(missing, np.nan, nanoseconds.astype(np.int64) / 1e9)


def kept_precision(dtype: np.dtype) -> np.dtype:
    """float32 for real numbers of at most four bytes, float64 for all others."""
    short = dtype.kind == "f" and dtype.itemsize <= 4
    return np.dtype(np.float32 if short else np.float64)


def real(array: np.ndarray, what: str) -> np.ndarray:
    """An array of real numbers, whose masked entries are NaN.

    **Raises:**

    - `ValueError`, where it holds anything else.
    """
    numbers = np.asarray(array)
    if numbers.dtype.kind not in "iuf":
        raise ValueError(
            f"The {what} must be real numbers; their type is {numbers.dtype}. Convert complex or "
            "textual data to real numbers first."
        )
    if np.ma.is_masked(array):
        return np.ma.filled(array.astype(np.result_type(numbers, np.float32)), np.nan)
    return numbers


def with_gaps(centers: np.ndarray, count: int, name: str) -> tuple[np.ndarray, np.ndarray]:
    """A uniform coordinate that holds all entries of this one, and the places of these in it.

    That is the coordinate itself where it is uniform. Where its steps are multiples of the smallest
    one, which occurs more than once, the entries between are added.

    **Raises:**

    - `ValueError`, where it is neither; see `uniform_edges`.
    """
    try:
        uniform_edges(centers, count, name)
    except ValueError:
        steps = np.diff(centers)
        odd = centers.shape != (count,) or count < 2 or not np.all(np.isfinite(steps))
        if odd or np.any(steps <= 0):
            raise
        tolerance = 1e-3 * np.min(steps) + _rounding(centers, np.min(steps))
        smallest = np.mean(steps[steps <= np.min(steps) + tolerance])
        if np.sum(steps <= np.min(steps) + tolerance) < 2:
            raise
        places = np.concatenate([[0], np.cumsum(np.rint(steps / smallest))]).astype(int)
        spacing = (centers[-1] - centers[0]) / places[-1]
        off = np.abs(centers - (centers[0] + spacing * places))
        if np.max(off) > tolerance or places[-1] >= _MOST_ENTRIES * count:
            raise
        return np.linspace(centers[0], centers[-1], places[-1] + 1), places
    return centers, np.arange(count)


def spread(values: np.ndarray, places: np.ndarray, count: int, axis: int) -> np.ndarray:
    """The values at these places of an axis of `count` entries, NaN at the others."""
    if len(places) == count:
        return values
    shape = list(values.shape)
    shape[axis] = count
    found = np.full(shape, np.nan, values.dtype)
    np.moveaxis(found, axis, 0)[places] = np.moveaxis(values, axis, 0)
    return found


def uniform_edges(centers: np.ndarray, count: int, name: str) -> tuple[float, float]:
    """The ends (first - Δ/2, last + Δ/2) of a uniform increasing coordinate.

    **Raises:**

    - `ValueError`, where the coordinate has another length than `count`, is not finite, does not
      increase, or is uneven by more than the rounding of single precision.
    """
    if centers.shape != (count,):
        raise ValueError(
            f"The coordinate {name} has the shape {centers.shape}, but the data have {count} "
            f"entries along it."
        )
    if count < 2:
        raise ValueError(f"The coordinate {name} needs at least two entries; got {count}.")
    if not np.all(np.isfinite(centers)):
        raise ValueError(f"The coordinate {name} has NaN or infinite entries; correct them first.")
    steps = np.diff(centers)
    if np.any(steps <= 0):
        where = int(np.argmax(steps <= 0))
        raise ValueError(
            f"The coordinate {name} does not increase from entry {where} to {where + 1} "
            f"({centers[where]:g} to {centers[where + 1]:g}); sort the data along it first."
        )
    spacing = (centers[-1] - centers[0]) / (count - 1)
    if np.max(np.abs(steps - spacing)) > 1e-3 * spacing + _rounding(centers, spacing):
        where = int(np.argmax(np.abs(steps - spacing)))
        raise ValueError(
            f"The coordinate {name} is not uniform: the step from entry {where} to {where + 1} is "
            f"{steps[where]:g}, the mean step is {spacing:g}; interpolate to a uniform grid first."
        )
    return float(centers[0] - spacing / 2), float(centers[-1] + spacing / 2)


def _rounding(centers: np.ndarray, spacing: float) -> float:
    """By how much steps of a coordinate may differ because its entries are rounded."""
    # Coordinates are often stored in single precision: an offset far from zero rounds each entry.
    rounding = 4.0 * float(np.finfo(np.float32).eps) * float(np.max(np.abs(centers)))
    # Numbers that are finer have not been; they may come from rounded ones.
    if np.any(centers != centers.astype(np.float32)):
        rounding = min(rounding, 1e-2 * float(spacing))
    return rounding
