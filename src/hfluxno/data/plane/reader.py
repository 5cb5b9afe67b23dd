"""Opening a file with two-dimensional frames, and choosing what to read."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import xarray as xr

from hfluxno.coordinates import as_frames, check_spacing, decreases, uniform_edges
from hfluxno.data.choice import asked_names
from hfluxno.data.numbers import check_once, coordinate
from hfluxno.data.plane.conserved import chosen, sources
from hfluxno.data.plane.file import PlaneFile, Sides, sizes_of
from hfluxno.data.plane.layouts import held_plane, opened_plane
from hfluxno.data.plane.source import PlaneSource
from hfluxno.data.source import unit_in
from hfluxno.plural import plural
from hfluxno.unit_sizes import conversion, is_same

LEAST_FRAMES, LEAST_CELLS = 6, 16
_SIDES = ("periodic", "outflow", "wall", "reflecting")


def read_plane(
    path: str | Path,
    fields: str | None = None,
    boundary: str | None = None,
    *,
    names: Mapping[str, str] | None = None,
    gamma: float | None = None,
    walls: str | None = None,
    least_frames: int = LEAST_FRAMES,
    back: bool = False,
    missing: tuple[float, ...] = (),
) -> PlaneSource:
    """A file and what to read from it; values are read later, frame by frame.

    - `path`: HDF5 as The Well, PDEBench or netCDF4 write it, NetCDF (PDEGym's too), Zarr, or NPZ
      with an array `y`.
    - `fields`: names separated by commas, "density,momentum,energy", which choose and order them; a
      vector stands for its components.
    - `boundary`: one name for all sides; one for x and one for y separated by a slash
      ("periodic/wall"), each of which may be two with a comma (lower, upper); by default those of
      the file, or periodic.
    - `names`: what the file calls the axes time, x and y.
    - `gamma`: the ratio of specific heats, if the file has a pressure and no energy.
    - `walls`: what says which cells are walls: a variable over x and y that is 1 in walls and 0
      elsewhere, or "nan" for the cells that are NaN in every frame of a context.
    - `least_frames`: how many the file must have; a given law needs one.
    - `back`: whether `gamma` also serves to compute pressures from energies later.
    - `missing`: numbers that stand for missing values.

    Raises `OSError` if the file cannot be read; `ValueError` if it is not as described above; the
    message names the fault and the remedy.
    """
    path, options = Path(path), dict(names or {})
    how = PlaneReadOptions(path, fields, boundary, options, gamma, walls, least_frames, back)
    with opened_plane(path, options) as file:
        found = _source_in(file, how)
    return dataclasses.replace(found, options=options, missing=missing)


@dataclasses.dataclass(frozen=True)
class PlaneReadOptions:
    """How variables over x and y become a source; see `read_plane`."""

    path: Path
    variable: str | None
    boundary: str | None
    names: Mapping[str, str]
    gamma: float | None = None
    walls: str | None = None
    least_frames: int = LEAST_FRAMES
    back: bool = False

    def source(self, variables: Mapping[str, xr.Variable]) -> PlaneSource:
        """The only trajectory of these variables, whose axes have our names. Raises `ValueError` as
        `read_plane` does."""
        single = {n: v.isel(trajectory=0, missing_dims="ignore") for n, v in variables.items()}
        file = held_plane(single, self.names, self.path)
        own = {"trajectory": variables["trajectory"]} if "trajectory" in variables else {}
        found = _source_in(file, self)
        return dataclasses.replace(found, held=file, coordinates={**found.coordinates, **own})

    def unread(self, variables: Mapping[str, xr.Variable]) -> list[str]:
        """Those of the variables on a plane that affect no result. Raises `ValueError` as `source`
        does."""
        found = self.source(variables)
        read = {*sources(found.fields, found.stored), self.walls}
        return [
            name
            for name, v in variables.items()
            if v.ndim > 1 and "field" not in v.dims and name not in read
        ]


def _source_in(file: PlaneFile, how: PlaneReadOptions) -> PlaneSource:
    """What `read_plane` reads from an open file, in which nothing is loaded but coordinates."""
    path, boundary = how.path, how.boundary
    if file.strange and not boundary:
        raise ValueError(file.strange)
    stored = tuple(file.fields)
    wanted = chosen(stored, asked_names(how.variable), how.gamma, path, how.back)
    sizes = sizes_of(file.fields)
    _check_sizes(sizes, path, how.least_frames)
    axes = {axis: _axis(file, axis, sizes[axis]) for axis in ("time", "x", "y")}
    _check_lengths(file, path)
    falls = tuple(axis for axis, (_, turned) in axes.items() if turned)
    attributes = tuple(
        dict(file.fields[name].attrs) if name in file.fields else {} for name in wanted
    )
    if "time" in falls:
        raise ValueError(f"The times of {path} decrease; reverse the frames first.")
    times, rows = as_frames(axes["time"][0], sizes["time"], "time")
    return PlaneSource(
        path=path,
        layout=file.layout,
        fields=wanted,
        stored=stored,
        attributes=attributes,
        times=times,
        rows=rows,
        x=axes["x"][0],
        y=axes["y"][0],
        trajectories=sizes.get("trajectory"),
        boundary=sides_of(boundary) if boundary or not file.boundary else file.boundary,
        assumed=not boundary and not file.boundary,
        asked=bool(boundary),
        coordinates=dict(file.coordinates),
        names=dict(file.names),
        falls=falls,
        gamma=how.gamma,
        options={},
        walls=how.walls,
        others=tuple(file.others),
    )


def sides_of(text: str | None) -> Sides:
    """The boundary of each side from "periodic", "periodic/wall" or "wall,outflow/periodic". Raises
    `ValueError` if a name is unknown, or only one side of an axis is periodic.
    """
    axes = [part.split(",") for part in (text or "periodic").split("/")]
    if len(axes) > 2 or any(len(sides) > 2 for sides in axes):
        raise ValueError(
            f"A plane has two sides of x and two of y, such as wall,outflow/periodic; got {text}."
        )
    pairs = []
    for sides in (axes[0], axes[-1]):
        low, high = sides[0].strip(), sides[-1].strip()
        for name in (low, high):
            if name not in _SIDES:
                raise ValueError(
                    f"A side of a plane is {', '.join(_SIDES[:-1])} or {_SIDES[-1]}; got {name!r}."
                )
        if (low == "periodic") != (high == "periodic"):
            raise ValueError("A periodic boundary joins both sides: make both of them periodic.")
        pairs.append((low, high))
    return pairs[0], pairs[1]


def _axis(file: PlaneFile, axis: str, size: int) -> tuple[np.ndarray, bool]:
    """The increasing entries of an axis, and whether they decrease in the file; if the file has
    none, frames are counted and cells are those of [0, 1]."""
    default = np.arange(size, dtype=float)
    stored = file.coordinates.get(axis)
    entries = coordinate(stored, default if axis == "time" else (default + 0.5) / size, axis)
    check_once(entries, axis)
    check_spacing(entries, axis)
    falls = decreases(stored)
    entries = entries[::-1] if falls else entries
    if axis != "time":  # frames may be missing
        uniform_edges(entries, size, axis)
    return np.ascontiguousarray(entries), falls


def _check_lengths(file: PlaneFile, path: Path) -> None:
    """Raises `ValueError` if x and y measure the same in different units, such as km and m."""
    x, y = (unit_in(file.coordinates[a].attrs) if a in file.coordinates else "" for a in ("x", "y"))
    factor = conversion(y, x) if x.strip() and y.strip() else None
    if factor is not None and not is_same(x, y):
        raise ValueError(
            f"The axes of {path} are in different units, x in {x} and y in {y}; multiply y by "
            f"{factor:g}, or convert x, and change the units with it."
        )


def _check_sizes(sizes: Mapping[str, int], path: Path, least_frames: int) -> None:
    if sizes["time"] < least_frames or min(sizes["x"], sizes["y"]) < LEAST_CELLS:
        raise ValueError(
            f"The fields of {path} have {plural(sizes['time'], 'frame')} of {sizes['x']} × "
            f"{sizes['y']} cells; a law can be inferred from {LEAST_FRAMES} frames of "
            f"{LEAST_CELLS} × {LEAST_CELLS} cells or more."
        )
