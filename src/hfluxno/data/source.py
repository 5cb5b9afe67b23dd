"""What is read from a file: a trajectory, or a batch of them, and its form in the file."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import xarray as xr

from hfluxno.boundary import Boundary, BoundaryName, Given
from hfluxno.coordinates import uniform_edges
from hfluxno.data.measures import is_still
from hfluxno.data.text_table import is_table
from hfluxno.data.unattained import unattained
from hfluxno.observation import Flow, Observation
from hfluxno.plural import plural
from hfluxno.trajectory import Trajectory

LEAST_FRAMES = 4
LEAST_CELLS = 8
LEAST_PLACES = 4  # with measurements, for a joint estimate
SIDES = ("lower", "upper")
_SAME_TIME = 0.05  # of a frame


def units_of(
    axes: Mapping[str, str],
    coordinates: Mapping[str, xr.Variable],
    fields: tuple[str, ...],
    attributes: Sequence[Mapping[str, object]],
) -> dict[str, str]:
    """The units of axes (by our names, as the coordinates of those names have them) and fields, as
    far as a file has them."""
    known = {name: axis for name, axis in axes.items() if axis in coordinates}
    found = {name: unit_in(coordinates[axis].attrs) for name, axis in known.items()}
    return found | dict(zip(fields, map(unit_in, attributes), strict=True))


def unit_in(attributes: Mapping) -> str:
    """The unit that attributes of a file give; empty if they give none, or what is no text."""
    unit = attributes.get("units", "")
    return unit if isinstance(unit, str) and unit.isprintable() else ""


def frames_at(own: np.ndarray, times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which of a file's `own` frames are at these increasing times, up to the last time that is
    one: the nearest frames, and whether they are at these times."""
    spacing = (own[-1] - own[0]) / max(1, len(own) - 1)
    nearest = np.searchsorted(0.5 * (own[1:] + own[:-1]), times)
    known = np.abs(own[nearest] - times) < _SAME_TIME * spacing
    count = int(np.max(np.flatnonzero(known), initial=-1)) + 1
    return nearest[:count], known[:count]


def are_even(times: np.ndarray) -> bool:
    """Whether the times are uniform."""
    try:
        uniform_edges(times, len(times), "time")
    except ValueError:
        return False
    return True


def context_length(frames: int | None, available: int, path: Path) -> int:
    """The number of frames of a context, by default all of a file. Raises `ValueError` if the file
    has fewer, or the context none."""
    frames = available if frames is None else frames
    if frames > available:
        raise ValueError(
            f"The context of {plural(frames, 'frame')} is longer than {path}, which has "
            f"{available}; choose a context of {plural(available, 'frame')} or fewer."
        )
    if frames < 1:
        raise ValueError(f"A context needs one frame or more; got {frames}.")
    return frames


@dataclasses.dataclass(frozen=True)
class Part:
    """A variable as it is in the file: name, dimensions and attributes (units and the like)."""

    name: str
    dims: tuple[str, ...]
    attributes: Mapping[str, object]


@dataclasses.dataclass(frozen=True)
class GivenEnds:
    """The states at the ends of x over time: the file they are from, and for the lower and the
    upper end the states at times in the units of the data, `None` at an end with another
    boundary."""

    path: Path
    sides: tuple[Given | None, Given | None]


@dataclasses.dataclass(frozen=True)
class Source:
    """What is read from a file, in the order (trajectory, time, field, x), and its form in the
    file.

    **Attributes:**

    - `path`: the file.
    - `parts`: the one variable, or several, one per field.
    - `values`: (time, field, x) or (trajectory, time, field, x), in float32 or float64; NaN in
      gaps.
    - `times`, `x`: the coordinates as float64, in the units of the file, including the frames and
      cells missing in the file; x is uniform, and so are times unless they fit no interval.
    - `fields`: one name per field.
    - `boundary`: a name for each side of the domain.
    - `coordinates`: the coordinates of the file, by dimension, with their attributes.
    - `names`: what the file calls the axes time and x, if something else; with commas, where those
      of several fields were united.
    - `falls`: whether x decreases in the file.
    - `failed`: the number of trajectories marked as failed in the file, which are left out.
    - `rows`: which of the `times` are in the file; `None` for all.
    - `columns`: the cells of the entries of the file's x; `None` for all.
    - `notes`: sentences on uneven times and places, and what was done about them, and on integers
      that seem to have overflowed.
    - `ends`: the states at ends that are given, or `None`.
    - `flow`: the part with the flow of the one field, and its values, where it was measured.
    - `observation`: where in their cells sensors stand, and over which times means are.
    - `deviation`: the standard deviation of the noise on each of the `measured` values, or `None`.
    - `bounds`: what the states are never beyond, or `None`.
    - `assumed`: whether nobody has named the boundary.
    """

    path: Path
    parts: tuple[Part, ...]
    values: np.ndarray
    times: np.ndarray
    x: np.ndarray
    fields: tuple[str, ...]
    boundary: tuple[BoundaryName, BoundaryName]
    coordinates: Mapping[str, xr.Variable]
    names: Mapping[str, str] = dataclasses.field(default_factory=dict)
    falls: bool = False
    failed: int = 0
    rows: tuple[int, ...] | None = None
    columns: tuple[int, ...] | None = None
    notes: tuple[str, ...] = ()
    ends: GivenEnds | None = None
    flow: tuple[Part, np.ndarray] | None = None
    observation: tuple[Observation, ...] = ()
    deviation: np.ndarray | None = None
    bounds: tuple[float, float] | None = None
    assumed: bool = False

    @property
    def measured(self) -> np.ndarray:
        """The values and, after those of the field, the flow."""
        return self.values if self.flow is None else np.concatenate([self.values, self.flow[1]], -2)

    @property
    def quantities(self) -> tuple[str, ...]:
        """What is measured: the fields, and perhaps the flow."""
        return self.fields if self.flow is None else (*self.fields, self.flow[0].name)

    @property
    def variable(self) -> str:
        """The name, or the names separated by commas."""
        return ", ".join(part.name for part in self.parts)

    @property
    def dims(self) -> tuple[str, ...]:
        """The dimensions of each part in the order (trajectory, time or t, field, x)."""
        names = self.parts[0].dims
        return tuple(d for d in ("trajectory", "time", "t", "field", "x") if d in names)

    @property
    def field_attributes(self) -> tuple[Mapping[str, object], ...]:
        """For each field the attributes of its variable."""
        several = len(self.parts) > 1
        return tuple(self.parts[i if several else 0].attributes for i in range(len(self.fields)))

    @property
    def own_names(self) -> dict[str, str]:
        """`names` without those of several axes that were united."""
        return {axis: name for axis, name in self.names.items() if not self.is_united(axis)}

    def is_united(self, axis: str) -> bool:
        """Whether this axis of several fields was united; a column of a table may have a comma."""
        table = is_table(self.path) or self.path.suffix == ".parquet"
        return "," in self.names.get(axis, "") and not table

    @property
    def time_axis(self) -> str:
        """What the dimension of time is called."""
        return "t" if "t" in self.dims else "time"

    @property
    def units(self) -> dict[str, str]:
        """The units of time, x and the fields, as far as the file has them."""
        axes = {"time": self.time_axis, "x": "x"}
        return units_of(axes, self.coordinates, self.fields, self.field_attributes)

    @property
    def hints(self) -> tuple[str, ...]:
        """The notes, and warnings about likely mistakes, as sentences."""
        if self.ends is None:
            return self.notes
        return (*self.notes, *unattained(self.values, self.times, self.ends.sides, self.fields))

    @property
    def places(self) -> np.ndarray:
        """For each cell the place in the file of what was put there, nearest to its centre; the
        centre of a cell with nothing."""
        own = self.coordinates.get("x")
        if own is None or self.columns is None or own.shape != (len(self.columns),):
            return self.x
        found, cells, at = self.x.copy(), np.asarray(self.columns), np.asarray(own.values, float)
        for entry in np.argsort(-np.abs(at - self.x[cells])):
            found[cells[entry]] = at[entry]
        return found

    @property
    def frames(self) -> int:
        """The number of frames in the file."""
        return len(self.times) if self.rows is None else len(self.rows)

    @property
    def trajectories(self) -> int:
        return self.values.shape[0] if self.values.ndim == 4 else 1

    @property
    def trajectory(self) -> Trajectory:
        """All frames as a `Trajectory`, with times counted from the first frame."""
        return self.window(0, len(self.times))

    def members(self, which: slice) -> "Source":
        """The same file with some of its trajectories; a single one is returned as it is."""
        if self.trajectories == 1:
            return self
        coordinates = {
            name: v.isel(trajectory=which, missing_dims="ignore")
            for name, v in self.coordinates.items()
        }
        return dataclasses.replace(
            self,
            values=self.values[which],
            coordinates=coordinates,
            flow=None if self.flow is None else (self.flow[0], self.flow[1][which]),
            deviation=None if self.deviation is None else self.deviation[which],
        )

    def window(self, start: int, stop: int) -> Trajectory:
        """The frames start ≤ j < stop; its times count from the first frame of the file.

        Times that begin near zero survive single precision, in which a distant origin would swamp
        the spacing.
        """
        units = self.units
        if self.flow is not None:
            units[self.flow[0].name] = unit_in(self.flow[0].attributes)
        frames = (..., slice(start, stop), slice(None), slice(None))
        made = Trajectory.from_numpy(
            self.measured[frames],
            None,
            self.x,
            self.quantities,
            (self._end(0), self._end(1)),
            deviation=None if self.deviation is None else self.deviation[frames],
            observation=(*(() if self.flow is None else (Flow(),)), *self.observation),
            units=units,
        )
        # Not with from_numpy, which makes times uniform.
        times = self.times[start:stop] - self.times[0]
        found = dataclasses.replace(made, times=times, ends_assumed=self.assumed)
        return found if self.bounds is None else found.with_bounds(*self.bounds)

    def _end(self, side: int) -> BoundaryName | Boundary:
        given = None if self.ends is None else self.ends.sides[side]
        if given is None:
            return self.boundary[side]
        return Given(np.asarray(given.times) - self.times[0], given.values)

    @property
    def ends_reach(self) -> tuple[float, float]:
        """The times between which all given ends are known."""
        given = () if self.ends is None else [end for end in self.ends.sides if end is not None]
        first = max((float(end.times[0]) for end in given), default=-np.inf)
        return first, min((float(end.times[-1]) for end in given), default=np.inf)

    def check_ends(self, until: float, what: str, mend: str) -> None:
        """Checks that given ends cover the times from the first frame to `until`.

        **Raises:**

        - `ValueError`, if they do not; the message says `what` needs them, and the `mend`.
        """
        if self.ends is None:
            return
        first, last = self.ends_reach
        slack = 1e-6 * (until - self.times[0])
        if first > self.times[0] + slack or last < until - slack:
            raise ValueError(
                f"The ends are given in {self.ends.path} for the times {first:.10g} to "
                f"{last:.10g}, and {what} {self.times[0]:.10g} to {until:.10g}; {mend}."
            )

    def values_at(self, times: np.ndarray) -> np.ndarray:
        """The measurements at these increasing times, up to the last one that is a frame; NaN at
        times that are not."""
        nearest, known = frames_at(self.times, times)
        found = np.take(self.values, nearest, axis=-3)
        return np.where(known[:, None, None], found, np.nan).astype(found.dtype)

    def beginning(self, frames: int | None = None) -> Trajectory:
        """The first `frames` frames of the file (by default all; one is enough), with the missing
        ones in between.

        **Raises:**

        - `ValueError`, if there are fewer frames than asked for.
        """
        frames = context_length(frames, self.frames, self.path)
        stop = frames if self.rows is None else self.rows[frames - 1] + 1
        self.check_ends(
            self.times[stop - 1],
            "the measurements are from",
            "give them for all of these, or choose --boundary open to have them estimated",
        )
        return self.window(0, stop)

    def context(self, frames: int | None = None) -> Trajectory:
        """The first `frames` frames of the file (by default all), fit for inferring a law, with the
        missing ones in between.

        **Raises:**

        - `ValueError`, if there are fewer frames than asked for or too few for any law, or the
          values do not change.
        """
        if frames is not None and frames < LEAST_FRAMES:
            raise ValueError(
                f"A context of {plural(frames, 'frame')} is too short to infer a law; choose one "
                f"of {LEAST_FRAMES} frames or more."
            )
        context = self.beginning(frames)
        if is_still(np.asarray(context.values)):
            raise ValueError(
                f"The values of {self.variable} in {self.path} do not change in the first "
                f"{plural(context.frames, 'frame')}: there is nothing to infer a law from; choose "
                "data in which something moves."
            )
        return context
