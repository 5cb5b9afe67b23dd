"""A file with two-dimensional frames, which are read only when needed."""

import contextlib
import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import numpy as np
import xarray as xr

from hfluxno.coordinates import is_vacuum, scatter, uniform_edges
from hfluxno.data.gas import check_pressure
from hfluxno.data.marks import as_gaps
from hfluxno.data.numbers import check_values, is_too_large, real_numbers
from hfluxno.data.plane.conserved import (
    DENSITIES,
    computed,
    converted_pressure,
    empty_cell,
    sources,
)
from hfluxno.data.plane.file import AXES, PlaneFile, Sides
from hfluxno.data.plane.layouts import opened_plane
from hfluxno.data.plane.walls import NAN, marked_walls
from hfluxno.data.reading import reading
from hfluxno.data.source import context_length, frames_at, units_of
from hfluxno.data.valid_range import loaded, without_invalid
from hfluxno.grid import Grid
from hfluxno.plural import plural
from hfluxno.trajectory import Trajectory


@dataclasses.dataclass(frozen=True)
class PlaneSource:
    """Fields of a file, not in memory.

    - `path`, `layout`: the file, and the origin of its layout.
    - `fields`: their names, conserved ones in the order of the law.
    - `stored`: the names of all fields in the file.
    - `others`: what else in the file has several axes, and is no field on a plane over time.
    - `attributes`: of each field (units and the like).
    - `times`, `x`, `y`: the coordinates as float64, increasing, x and y uniform.
    - `rows`: which of the times the frames of the file have; at the others nothing was measured.
    - `trajectories`: how many there are, `None` if the file has no such axis.
    - `boundary`: names of the sides, lower and upper of x and of y.
    - `assumed`, `asked`: whether neither the user nor the file has named them, and whether the user
      has.
    - `coordinates`: of the file, with their attributes.
    - `names`: what the file calls the axes, if something else.
    - `falls`: the axes that decrease in the file.
    - `gamma`: the ratio of specific heats for computing energies from pressures, or `None`.
    - `options`: the names that the user gave for the axes.
    - `walls`: what says which cells are walls: a variable of the file, or "nan" for those that are
      NaN in every frame of a context; `None` without walls inside.
    - `held`: the open file itself, if it is not one that can be opened again.
    - `missing`: numbers that stand for missing values.
    """

    time_axis: ClassVar[str] = "time"
    path: Path
    layout: str
    fields: tuple[str, ...]
    stored: tuple[str, ...]
    attributes: tuple[Mapping[str, object], ...]
    times: np.ndarray
    x: np.ndarray
    y: np.ndarray
    rows: np.ndarray
    trajectories: int | None
    boundary: Sides
    assumed: bool
    asked: bool
    coordinates: Mapping[str, xr.Variable]
    names: Mapping[str, str]
    falls: tuple[str, ...]
    gamma: float | None
    options: Mapping[str, str]
    walls: str | None = None
    others: tuple[str, ...] = ()
    held: PlaneFile | None = None
    missing: tuple[float, ...] = ()

    @property
    def frames(self) -> int:
        return len(self.times)

    @property
    def count(self) -> int:
        """The number of trajectories."""
        return 1 if self.trajectories is None else self.trajectories

    @property
    def variable(self) -> str:
        return ", ".join(self.fields)

    @property
    def units(self) -> dict[str, str]:
        """The units of time, x, y and the fields, as far as the file has them."""
        axes = {axis: axis for axis in ("time", "x", "y")}
        return units_of(axes, self.coordinates, self.fields, self.attributes)

    def values(self, member: int, start: int, stop: int) -> np.ndarray:
        """Some frames of one trajectory, (time, field, x, y), in float32 or float64; NaN is what
        was not measured, or is in a wall.

        Raises `OSError` if the file cannot be read; `ValueError` if they are not real numbers or
        infinite, or a density is not positive, or walls are marked wrongly.
        """
        return self._read(member, start, stop)[0]

    def _read(self, member: int, start: int, stop: int) -> tuple[np.ndarray, np.ndarray | None]:
        """`values`, and the cells that a variable marks as walls."""
        first, last = np.searchsorted(self.rows, (start, stop))
        place: dict[str, int | slice] = {"trajectory": member, "time": slice(first, last)}
        read = {}
        back = {axis: slice(None, None, -1) for axis in self.falls}
        solid = None
        with self._opened() as file:
            if self.walls not in (None, NAN):
                marked = marked_walls(file, str(self.walls), member, self.path)
                solid = marked[back.get("x", slice(None)), back.get("y", slice(None))]
            for name in sources(self.fields, self.stored):
                part = file.fields[name]
                with reading(self.path):
                    chosen = {axis: k for axis, k in place.items() if axis in part.dims}
                    own, _ = without_invalid(loaded(part.isel(chosen), name), name)
                own, _ = as_gaps(own, name, self.missing)
                order = [axis for axis in AXES if axis in own.dims]
                read[name] = np.asarray(own.transpose(*order).isel(back).values)
        numbers = {name: real_numbers(v, f"values of {name}") for name, v in read.items()}
        if pressure := converted_pressure(self.fields, self.stored):
            axes = f"{f'trajectory {member}, ' * bool(self.trajectories)}frame", "x", "y"
            check_pressure(numbers[pressure], axes, self.path, int(first))
        found = np.stack([computed(name, numbers, self.gamma) for name in self.fields], axis=1)
        found = scatter(found, self.rows[first:last] - start, stop - start, 0)
        if solid is not None:
            found[..., solid] = np.nan
        self._check(found, member, start)
        return found, solid

    def _opened(self) -> contextlib.AbstractContextManager[PlaneFile]:
        if self.held is not None:
            return contextlib.nullcontext(self.held)
        return opened_plane(self.path, self.options)

    def whole(self, member: int, start: int, stop: int) -> np.ndarray:
        """The same without gaps. Raises `ValueError` also if there are any."""
        found = self.values(member, start, stop)
        if np.isnan(found).any():
            frame, field, i, j = map(int, np.argwhere(np.isnan(found))[0])
            raise ValueError(
                f"{self.path} has {plural(int(np.isnan(found).sum()), 'missing value')}"
                f"{self._where(member)}, the first of {self.fields[field]} in frame "
                f"{start + frame} at cell ({i}, {j}), counted from 0; fill them first."
            )
        return found

    def is_measured(self, member: int, frames: int) -> bool:
        """Whether there is a measurement in the first frames of one trajectory. Raises as `values`
        does."""
        return any(not np.isnan(self.values(member, 0, n)).all() for n in (1, frames))

    def context(self, member: int, frames: int | None = None, start: int = 0) -> Trajectory:
        """Frames of one trajectory from `start`, by default all. Raises `ValueError` if there are
        fewer, or as in `values`; if cells are never measured and no walls, or there are no walls.
        """
        frames = context_length(frames, self.frames - start, self.path)
        times = self.times[start : start + frames] - self.times[start]
        units = tuple(sorted(self.units.items()))
        values, solid = self._read(member, start, start + frames)
        never = np.isnan(values).all(axis=(0, 1))
        if never.all():
            raise ValueError(
                f"{self.path} is NaN in the whole context{self._where(member)}; take frames that "
                "were measured."
            )
        solid = never if self.walls == NAN else solid
        unknown = never if solid is None else never & ~solid
        if unknown.any():
            walls = 'if these are walls, say so with --walls nan (in Python walls="nan"), else cut'
            mend = walls if solid is None else f"and {self.walls} marks no walls there; cut"
            raise ValueError(
                f"{self.path} is NaN in every frame of the context in "
                f"{plural(int(unknown.sum()), 'cell')}{self._where(member)}, as an obstacle is; "
                f"{mend} out a rectangle without them."
            )
        if solid is not None and not solid.any():
            raise ValueError(
                f"The walls {NAN} are the cells that are NaN in every frame of the context; "
                f"{self.path} has none{self._where(member)}, so leave the walls out."
            )
        grid = dataclasses.replace(self.grid, solid=solid)
        # `check` proposes what the frames seem to tell, periodic sides beside others if need be.
        around = {pair == ("periodic", "periodic") for pair in self.boundary}
        assumed = self.assumed or (self.asked and len(around) > 1)
        return Trajectory(values, times, grid, self.fields, units=units, ends_assumed=assumed)

    @property
    def grid(self) -> Grid:
        shape = len(self.x), len(self.y)
        left, right = uniform_edges(self.x, shape[0], "x")
        low, high = uniform_edges(self.y, shape[1], "y")
        return Grid.rectangle(shape, (left, low), (right, high), self.boundary)  # type: ignore[arg-type]

    def truth(self, member: int, times: np.ndarray) -> np.ndarray:
        """The states in the file at these increasing times, up to the last one that is a frame; NaN
        at times that are not."""
        nearest, known = frames_at(self.times, times)
        if not nearest.size:
            return np.zeros((0, len(self.fields), len(self.x), len(self.y)))
        first, last = int(nearest[0]), int(nearest[-1])
        found = self.values(member, first, last + 1)[nearest - first]
        found[~known] = np.nan
        return found

    def _where(self, member: int) -> str:
        return "" if self.trajectories is None else f" of trajectory {member}"

    def _check(self, values: np.ndarray, member: int, start: int) -> None:
        where = self._where(member)
        # The flux of one field divides by nothing.
        for field, name in enumerate(self.fields if len(self.fields) > 1 else ()):
            if name in DENSITIES and np.any(empty := is_vacuum(values[:, field])):
                worst = np.argwhere(
                    values[:, field] == np.min(values[:, field], where=empty, initial=np.inf)
                )
                frame, i, j = map(int, worst[0])
                place = f"frame {start + frame} at cell ({i}, {j})"
                shown = f"The field {name}{where} of {self.path} in {place}"
                raise ValueError(empty_cell(name, float(values[frame, field, i, j]), shown))
        if np.isinf(values).any():
            bad = np.isinf(values)
            frame, field, i, j = map(int, np.argwhere(bad)[0])
            raise ValueError(
                f"{self.path} has {plural(int(bad.sum()), 'infinite value')}{where}, the first of "
                f"{self.fields[field]} in frame {start + frame} at cell ({i}, {j}), counted from "
                "0; correct them, or make them NaN where nothing is known."
            )
        large = is_too_large(values).any(axis=(0, 2, 3))
        names = [name for name, is_one in zip(self.fields, large, strict=True) if is_one]
        what = ", ".join(names) or self.variable
        check_values(values, f"values of {what}{where}")
