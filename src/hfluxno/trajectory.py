"""A trajectory: the states of one system on a grid at given times, or what was measured of them.

It is the one value that passes between all stages: readers return it with all that is known of how
it was measured, it is the context of an identification, and solvers and forecasters return it.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

import equinox as eqx
import numpy as np
from jaxtyping import Array, Bool, Float

from hfluxno.coordinates import (
    as_frames,
    check_spacing,
    dates,
    decreases,
    entries,
    entry,
    kept_precision,
    number,
    real,
    scatter,
    seconds,
    uniform_edges,
    with_gaps,
)
from hfluxno.grid import Ends, Grid
from hfluxno.known import Noise, check_bounds, of_each_value
from hfluxno.names import field_names, known_units
from hfluxno.observation import Observation
from hfluxno.plural import plural

if TYPE_CHECKING:
    import xarray

_AXES = ("x", "y")


class Trajectory(eqx.Module):
    """States of shape (time, field, *space) at `times` on `grid`.

    A batch of trajectories that share times and grid is one `Trajectory` whose values have a
    leading axis: (trajectory, time, field, *space).

    **Attributes:**

    - `values`: cell averages of the conserved fields, or what the `observation` makes of them. NaN
      is what was not measured; there is no other mask. Data and forecasts are NumPy arrays, which
      keep their precision whatever JAX is set to; solutions are JAX arrays.
    - `times`: the times of the states, increasing.
    - `grid`: the cells.
    - `fields`: the names of the fields, and after them of what else was measured.
    - `deviation`: the standard deviation of the noise on each value; `None` if it is not known.
    - `observation`: the steps from states to values (see [`hfluxno.observation`][]); none where the
      values are averages over cells at the times.
    - `units`: those of `time`, the space axes and the fields that are known, as pairs of names.
    - `bounds`: what the states of one field are never beyond, infinite on a side without a bound;
      `None` if that is not known.
    - `ends_assumed`: whether nobody said what the ends are, so that they were taken as periodic.
    """

    values: Float[Array | np.ndarray, "*batch_time_field_space"]
    times: Float[Array | np.ndarray, " time"]
    grid: Grid
    fields: tuple[str, ...] = eqx.field(static=True)
    deviation: Float[np.ndarray, "*batch_time_field_space"] | None = None
    observation: tuple[Observation, ...] = ()
    units: tuple[tuple[str, str], ...] = eqx.field(static=True, default=())
    bounds: tuple[float, float] | None = eqx.field(static=True, default=None)
    ends_assumed: bool = eqx.field(static=True, default=False)

    @classmethod
    def from_numpy(
        cls,
        values: np.ndarray,
        times: np.ndarray | None = None,
        x: np.ndarray | None = None,
        fields: Sequence[str] | None = None,
        boundary: Ends | tuple[Ends, Ends] | None = None,
        inflow: np.ndarray | None = None,
        *,
        y: np.ndarray | None = None,
        deviation: Noise | None = None,
        observation: tuple[Observation, ...] = (),
        units: Mapping[str, str] | None = None,
    ) -> "Trajectory":
        """From an array of shape (time, x), (time, field, x) or (trajectory, time, field, x).

        In two dimensions, if `y` is given, y is the last axis of the array.

        **Arguments:**

        - `values`: real numbers; NaN and masked values are gaps. Double precision and integers
          become float64, shorter types float32.
        - `times`: increasing, shape (time,); the frame numbers by default. Dates count as seconds
          since 1970, durations as seconds. If all are multiples of one step, the frames in between
          are gaps; other uneven times stay (on a line for joint estimates).
        - `x`: increasing and uniform cell centres, shape (x,), by default those of [0, 1]; if all
          steps are multiples of the smallest one, the cells in between are gaps.
        - `fields`: one name per field; by default `u`, or `u0`, `u1`, ….
        - `boundary`: the boundaries at the two ends of the domain, in two dimensions as in
          [`Grid.rectangle`][hfluxno.grid.Grid.rectangle]; `None` assumes that they are periodic.
        - `inflow`: the states outside it, shape (field, 2), if an end is an `inflow`.
        - `y`: the cell centres along a second space axis, with gaps as for `x`.
        - `deviation`: the standard deviation of the noise: of all fields, each field or each value.
        - `observation`, `units`: as the trajectory has them.

        **Raises:**

        - `ValueError`, if values are infinite, times do not increase, cells are uneven, steps of a
          coordinate are of a size beyond computing, or a deviation is not positive.
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
        sigma = None if deviation is None else of_each_value(deviation, values, space)
        steps, fields_count = values.shape[-2 - space : values.ndim - space]
        fields = field_names(fields, fields_count)
        known = known_units(units, ("time", *names, *fields))
        times = np.arange(steps) if times is None else dates(times)
        known |= {"time": "s"} if np.asarray(times).dtype.kind in "mM" else {}
        times = real(seconds(times), "times").astype(np.float64)  # whose origin may be far away
        check_spacing(times, "time")
        times, rows = as_frames(times, steps, "time")
        values = scatter(values, rows, len(times), -2 - space)
        sigma = None if sigma is None else scatter(sigma, rows, len(times), -2 - space)
        ends = []
        for axis, (name, given) in enumerate(zip(names, (x, y), strict=False), start=-space):
            cells = values.shape[axis]
            centers = (np.arange(cells) + 0.5) / cells
            if given is not None:
                centers = real(given, f"coordinate {name}").astype(np.float64)
            check_spacing(centers, name)
            centers, columns = with_gaps(centers, cells, name)
            values = scatter(values, columns, len(centers), axis)
            sigma = None if sigma is None else scatter(sigma, columns, len(centers), axis)
            ends.append(uniform_edges(centers, len(centers), name))
        if inflow is not None and np.shape(inflow) != (fields_count, 2):
            raise ValueError(
                f"inflow has the shape {np.shape(inflow)}; it needs ({fields_count}, 2): a state "
                "for each end of the domain, one column per side."
            )
        lower, upper = zip(*ends, strict=True)
        sides = "periodic" if boundary is None else boundary
        if space == 1:
            grid = Grid.interval(values.shape[-1], *ends[0], cast(Ends, sides), inflow)
        elif inflow is not None:
            raise ValueError(
                "inflow is for one space axis; in two dimensions pass boundary=Inflow(state) of "
                "hfluxno.boundary for the sides that have one."
            )
        else:
            grid = Grid.rectangle(values.shape[-2:], lower, upper, sides)
        of = tuple(sorted(known.items()))
        return cls(values, times, grid, fields, sigma, observation, of, None, boundary is None)

    @classmethod
    def from_xarray(
        cls,
        array: "xarray.DataArray",
        boundary: Ends | tuple[Ends, Ends] | None = None,
        inflow: np.ndarray | None = None,
    ) -> "Trajectory":
        """From a DataArray with the dimensions time (or t) and x, and optionally trajectory, field
        and y.

        The dimensions may come in any order; x and y that fall are reversed. Missing coordinates
        are numbered; those of a field dimension name the fields. Attributes `units` are kept.

        **Raises:**

        - `ValueError`, if a dimension is missing or unknown, or the values cannot be used.
        """
        if not hasattr(array, "dims") or not hasattr(array, "coords"):
            raise ValueError(
                f"A DataArray of xarray is needed, not {type(array).__name__}; arrays go through "
                "Trajectory.from_numpy."
            )
        names = [str(name) for name in array.dims]
        time = "t" if "t" in names else "time"
        order = [name for name in ("trajectory", time, "field", *_AXES) if name in names]
        unknown = sorted(set(names) - set(order))
        if unknown or time not in names or "x" not in names:
            raise ValueError(
                "A DataArray needs the dimensions time (or t) and x, and may have trajectory, "
                f"field and y; this one has {', '.join(names)}. Rename them with array.rename."
            )
        falling = {
            a: slice(None, None, -1) for a in order if a in _AXES and decreases(array.coords.get(a))
        }
        ordered = array.transpose(*order).isel(falling)
        values = ordered.values
        if "field" not in names:
            values = np.expand_dims(values, axis=order.index("x"))
        coordinate = {
            name: np.asarray(ordered[name].values) if name in ordered.coords else None
            for name in order
        }
        labels = coordinate.get("field", None if array.name is None else [array.name])
        fields = None if labels is None else [str(label) for label in labels]
        y = coordinate.get("y")
        if "y" in names and y is None:
            y = (np.arange(array.sizes["y"]) + 0.5) / array.sizes["y"]
        made = cls.from_numpy(
            values, coordinate[time], coordinate["x"], fields, boundary, inflow, y=y
        )
        axes = {"time": time, "x": "x", "y": "y"}
        of = {name: ordered[axis] for name, axis in axes.items() if axis in ordered.coords}
        of |= dict.fromkeys(made.fields, array)
        units = {name: each.attrs.get("units") for name, each in of.items()} | dict(made.units)
        known = sorted((name, unit) for name, unit in units.items() if isinstance(unit, str))
        return dataclasses.replace(made, units=tuple(known))

    def to_xarray(self) -> "xarray.DataArray":
        """As a DataArray with the dimensions (trajectory,) time, field, x and, in two dimensions,
        y, with the known units of the axes, and of the values if all fields have the same."""
        import xarray

        coordinates: dict[str, Any] = {"time": np.asarray(self.times), "field": list(self.fields)}
        space = {name: self.grid.centers(axis) for axis, name in enumerate(self.space)}
        made = xarray.DataArray(np.asarray(self.values), coordinates | space, self.axes)
        for name in ("time", *self.space):
            made[name].attrs |= {"units": unit} if (unit := self.unit(name)) else {}
        of_fields = {self.unit(field) for field in self.fields}
        if len(of_fields) == 1 and (unit := of_fields.pop()):
            made.attrs["units"] = unit
        return made

    @property
    def space(self) -> tuple[str, ...]:
        """The names of the space axes."""
        return _AXES[: len(self.grid.shape)]

    @property
    def axes(self) -> tuple[str, ...]:
        """The names of the axes of `values`."""
        return ("trajectory",) * self.is_batched + ("time", "field", *self.space)

    def unit(self, name: str) -> str:
        """The unit of an axis or a field, empty if it is not known."""
        return dict(self.units).get(name, "")

    @property
    def observed(self) -> Bool[Array | np.ndarray, "*batch_time_field_space"]:
        """Which values were measured."""
        return ~np.isnan(np.asarray(self.values))

    @property
    def is_batched(self) -> bool:
        return self.values.ndim == len(self.grid.shape) + 3

    @property
    def batch(self) -> np.ndarray:
        """The values, with a leading axis in any case."""
        values = np.asarray(self.values)
        return values if self.is_batched else values[None]

    @property
    def frames(self) -> int:
        """The number of times."""
        return self.values.shape[-2 - len(self.grid.shape)]

    def window(self, start: int, stop: int) -> "Trajectory":
        """The frames start ≤ j < stop; raises `ValueError` if there are none."""
        axis = self.values.ndim - 2 - len(self.grid.shape)
        frames = entries(start, stop, self.frames, "frames")
        part = self._part((slice(None),) * axis + (frames,))
        return dataclasses.replace(part, times=self.times[frames])

    def members(self, which: slice) -> "Trajectory":
        """Some members of a batch, as a batch; a single trajectory is returned as it is."""
        return self._part((which,)) if self.is_batched else self

    def single(self, member: int) -> "Trajectory":
        """One trajectory of a batch, or `ValueError` if it has none of this number; a single one is
        its only one."""
        if not self.is_batched:
            return self
        return self._part((entry(member, len(self.values), "trajectories"),))

    @property
    def states(self) -> "Trajectory":
        """The fields without what was derived of them."""
        count = len(self.fields) - sum(step.derived for step in self.observation)
        if count == len(self.fields):
            return self
        part = self._part((..., slice(0, count), *(slice(None) for _ in self.space)))
        kept = tuple(step for step in self.observation if not step.derived)
        return dataclasses.replace(part, fields=self.fields[:count], observation=kept)

    def _part(self, index: tuple) -> "Trajectory":
        """That of values and deviations at an index."""
        deviation = None if self.deviation is None else self.deviation[index]
        return dataclasses.replace(self, values=self.values[index], deviation=deviation)

    def with_deviation(self, noise: Noise | None) -> "Trajectory":
        """The same with noise of this standard deviation, of all fields, one for each, or one for
        each value; unchanged for `None`.

        **Raises:**

        - `ValueError`, if it is not positive for what was measured, or has another shape.
        """
        if noise is None:
            return self
        each = of_each_value(noise, np.asarray(self.values), len(self.grid.shape))
        return dataclasses.replace(self, deviation=each)

    def with_bounds(self, least: float = -np.inf, most: float = np.inf) -> "Trajectory":
        """The same, of one field of which it is known that no state is ever below `least` or above
        `most`, as a density between zero and that of a jam, or a saturation between 0 and 1.

        Joint estimates keep the first state and open ends within them; at closed ends what has
        reached a bound does not flow, f(u) + c = 0; and sources lead nowhere beyond.

        **Raises:**

        - `ValueError`, if there are several fields or axes, a quarter of the values is beyond them
          by more than noise, or a given end is.
        """
        bounds = number(least, "least"), number(most, "most")
        states = self.states
        check_bounds(bounds, np.asarray(states.values), states.fields, self.grid)
        return dataclasses.replace(self, bounds=bounds)

    def totals(self) -> Float[Array | np.ndarray, "*batch time field"]:
        """∫ u dx of every field at every time, in two dimensions ∫∫ u dx dy."""
        axes = tuple(range(-len(self.grid.shape), 0))
        return self.values.sum(axis=axes) * float(np.prod(self.grid.spacing))
