"""A trajectory: the states of one system on a grid at given times.

It is the one value that passes between all stages: readers, solvers and forecasters return it, and
it is the context of an identification.
"""

import dataclasses
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

import equinox as eqx
import numpy as np
from jaxtyping import Array, Float

from hfluxno.coordinates import (
    as_frames,
    kept_precision,
    real,
    scatter,
    seconds,
    uniform_edges,
    with_gaps,
)
from hfluxno.grid import Ends, Grid
from hfluxno.plural import plural

if TYPE_CHECKING:
    import xarray


# The names of the space axes.
_AXES = ("x", "y")


class Trajectory(eqx.Module):
    """States of shape (time, field, *space) at `times` on `grid`.

    A batch of trajectories that share times and grid is one `Trajectory` whose values have a
    leading axis: (trajectory, time, field, *space).

    **Attributes:**

    - `values`: cell averages of the conserved fields, NaN where a context has a gap. Data and
      forecasts are NumPy arrays, which keep their precision whatever JAX is set to; solutions are
      JAX arrays.
    - `times`: the times of the states, increasing.
    - `grid`: the cells.
    - `fields`: the names of the fields.
    """

    values: Float[Array | np.ndarray, "*batch_time_field_space"]
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
        boundary: Ends | tuple[Ends, Ends] = "periodic",
        inflow: np.ndarray | None = None,
        *,
        y: np.ndarray | None = None,
    ) -> "Trajectory":
        """From an array of shape (time, x), (time, field, x) or (trajectory, time, field, x).

        In two dimensions, if `y` is given, y is the last axis of the array.

        **Arguments:**

        - `values`: real numbers; NaN and masked values are gaps. Double precision and integers
          become float64, shorter types float32.
        - `times`: increasing, shape (time,); the frame numbers by default. Dates count as seconds
          since 1970, durations as seconds. If all are multiples of one step, the frames in between
          are gaps; other uneven times stay as they are, for joint estimates. In two dimensions
          times must be uniform.
        - `x`: increasing and uniform cell centres, shape (x,), by default those of [0, 1]; if all
          steps are multiples of the smallest one, the cells in between are gaps.
        - `fields`: one name per field; by default `u`, or `u0`, `u1`, ….
        - `boundary`: the boundaries at the two ends of the domain; in two dimensions as in
          [`Grid.rectangle`][hfluxno.grid.Grid.rectangle].
        - `inflow`: the states outside it, shape (field, 2), if an end is an `inflow`.
        - `y`: the cell centres along a second space axis, with gaps as for `x`.

        **Raises:**

        - `ValueError`, if values are infinite, times do not increase, or cells are uneven.
        """
        values = real(values, "values")
        values = values.astype(kept_precision(values.dtype))
        space = 1 if y is None else 2
        names = _AXES[:space]
        if values.ndim == 1 + space:
            values = np.expand_dims(values, axis=1)
        if values.ndim not in (2 + space, 3 + space):
            last = ", ".join(names)
            raise ValueError(
                f"The values must have the shape (time, {last}), (time, field, {last}) or "
                f"(trajectory, time, field, {last}); got {values.shape}."
            )
        if values.size == 0:
            raise ValueError(f"There are no values: the shape is {values.shape}.")
        if np.any(np.isinf(values)):
            where = tuple(int(i) for i in np.argwhere(np.isinf(values))[0])
            count = int(np.sum(np.isinf(values)))
            raise ValueError(
                f"The context has {plural(count, 'infinite value')}, the first at index {where} "
                f"of {values.shape}; correct them, or make them NaN where nothing is known."
            )
        steps, fields_count = values.shape[-2 - space : values.ndim - space]
        times = np.arange(steps) if times is None else real(seconds(times), "times")
        uniform = with_gaps if space == 2 else as_frames
        times, rows = uniform(times.astype(np.float64), steps, "time")
        values = scatter(values, rows, len(times), -2 - space)
        ends = []
        for axis, (name, given) in enumerate(zip(names, (x, y), strict=False), start=-space):
            cells = values.shape[axis]
            centers = (np.arange(cells) + 0.5) / cells
            if given is not None:
                centers = real(given, f"coordinate {name}").astype(np.float64)
            centers, columns = with_gaps(centers, cells, name)
            values = scatter(values, columns, len(centers), axis)
            ends.append(uniform_edges(centers, len(centers), name))
        if fields is None:
            fields = ["u"] if fields_count == 1 else [f"u{i}" for i in range(fields_count)]
        if len(fields) != fields_count:
            raise ValueError(
                f"There are {plural(len(fields), 'name')} for {plural(fields_count, 'field')}: "
                "give one name per field."
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
        lower, upper = zip(*ends, strict=True)
        if space == 1:
            grid = Grid.interval(values.shape[-1], *ends[0], cast(Ends, boundary), inflow)
        elif inflow is not None:
            raise ValueError(
                "inflow is for one space axis; in two dimensions pass boundary=Inflow(state) of "
                "hfluxno.boundary for the sides that have one."
            )
        else:
            grid = Grid.rectangle(values.shape[-2:], lower, upper, boundary)
        # Times stay in float64: their origin may be far away relative to their spacing.
        return cls(values, times, grid, tuple(str(f) for f in fields))

    @classmethod
    def from_xarray(
        cls,
        array: "xarray.DataArray",
        boundary: Ends | tuple[Ends, Ends] = "periodic",
        inflow: np.ndarray | None = None,
    ) -> "Trajectory":
        """From a DataArray with the dimensions time (or t) and x, and optionally trajectory, field
        and y.

        The dimensions may come in any order. Missing coordinates are numbered; those of a field
        dimension name the fields.

        **Raises:**

        - `ValueError`, if a dimension is missing or unknown, or the values cannot be used.
        """
        names = [str(name) for name in array.dims]
        time = "t" if "t" in names else "time"
        order = [name for name in ("trajectory", time, "field", *_AXES) if name in names]
        unknown = sorted(set(names) - set(order))
        if unknown or time not in names or "x" not in names:
            raise ValueError(
                "A DataArray needs the dimensions time (or t) and x, and may have trajectory, "
                f"field and y; this one has {', '.join(names)}. Rename them with array.rename."
            )
        ordered = array.transpose(*order)
        values = ordered.values
        if "field" not in names:
            values = np.expand_dims(values, axis=order.index("x"))
        coordinate = {
            name: np.asarray(ordered[name].values) if name in ordered.coords else None
            for name in order
        }
        if "field" in names:
            labels = coordinate["field"]
            fields = None if labels is None else [str(label) for label in labels]
        else:
            fields = [str(array.name)] if array.name is not None else None
        y = coordinate.get("y")
        if "y" in names and y is None:
            y = (np.arange(array.sizes["y"]) + 0.5) / array.sizes["y"]
        return cls.from_numpy(
            values, coordinate[time], coordinate["x"], fields, boundary, inflow, y=y
        )

    def to_xarray(self) -> "xarray.DataArray":
        """As a DataArray with the dimensions (trajectory,) time, field, x and, in two dimensions,
        y."""
        import xarray

        space = _AXES[: len(self.grid.shape)]
        dims = ("trajectory",) * self.is_batched + ("time", "field", *space)
        coordinates = {"time": np.asarray(self.times), "field": list(self.fields)}
        coordinates |= {name: self.grid.centers(axis) for axis, name in enumerate(space)}
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

    def members(self, which: slice) -> "Trajectory":
        """Some members of a batch, as a batch; a single trajectory is returned as it is."""
        return dataclasses.replace(self, values=self.values[which]) if self.is_batched else self

    def totals(self) -> Float[Array | np.ndarray, "*batch time field"]:
        """∫ u dx of every field at every time, in two dimensions ∫∫ u dx dy."""
        axes = tuple(range(-len(self.grid.shape), 0))
        return self.values.sum(axis=axes) * float(np.prod(self.grid.spacing))


def as_trajectory(
    context: Any, times: Any = None, grid: Any = None, fields: Sequence[str] | None = None
) -> Trajectory:
    """A context in any of its forms: a trajectory, a DataArray (periodic), an array with its times
    and grid, or a batch as a sequence of contexts with the same times, grid and fields.

    **Raises:**

    - `ValueError`, if it is something else, or the data cannot be used.
    """
    if isinstance(context, np.ndarray):
        if times is None or not isinstance(grid, Grid) or len(grid.shape) > len(_AXES):
            raise ValueError(
                "An array does not hold its times and grid: pass times=… and grid=Grid."
                "interval(cells, lower, upper) with it, or make a Trajectory.from_numpy."
            )
        x, *others = (grid.centers(axis) for axis in range(len(grid.shape)))
        y = others[0] if others else None
        made = Trajectory.from_numpy(context, np.asarray(times), x, fields, y=y)
        return dataclasses.replace(made, grid=grid)
    if not (times is None and grid is None and fields is None):
        raise ValueError("times, grid and fields belong to an array; this context has its own.")
    if isinstance(context, Trajectory):
        return context
    xarray = sys.modules.get("xarray")  # if it is not loaded, there is no DataArray
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
            raise ValueError(
                "A list of contexts must hold single trajectories; one of them is a batch."
            )
        alike = each.fields == first.fields and eqx.tree_equal(each.grid, first.grid)
        if not (alike and np.array_equal(each.times, first.times)):
            raise ValueError(
                "The contexts of a list differ in their times, grid or fields; identify them one "
                "by one."
            )
    values = np.stack([np.asarray(each.values) for each in parts])
    return dataclasses.replace(first, values=values)
