"""A chunk of trajectories: its variables are read and processed, and the results arranged.

The results always have the same variables, shapes and attributes, which a `Layout` knows in
advance. A trajectory that cannot be used gets NaN, the status `FAILED` and the reason as its
sentence.
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import numpy as np
import xarray as xr

from hfluxno.batching import on_all_cores
from hfluxno.data.choice import asked_names
from hfluxno.data.plane.reader import PlaneReadOptions
from hfluxno.data.readers import ReadOptions, source_of
from hfluxno.data.source import Source
from hfluxno.datasets.plane_work import PlaneWork
from hfluxno.datasets.work import Work
from hfluxno.identify.status import FitStatus

Variables = Mapping[str, xr.Variable]
Found = TypeVar("Found")


@dataclasses.dataclass(frozen=True)
class Column:
    """A variable of the results, without its entries along trajectory."""

    dims: tuple[str, ...]
    dtype: np.dtype
    attributes: dict
    is_coordinate: bool

    def empty(self, sizes: Mapping[str, int]) -> np.ndarray:
        """Entries for missing results."""
        kind = self.dtype.kind
        fill = "" if kind == "O" else np.nan if kind == "f" else 0
        return np.full([sizes[d] for d in self.dims], fill, self.dtype)


@dataclasses.dataclass(frozen=True)
class Layout:
    """The common form of all chunks of results: `columns` along trajectory, `fixed` coordinates."""

    columns: dict[str, Column]
    fixed: dict[str, xr.Variable]
    sizes: dict[str, int]
    attributes: dict

    @classmethod
    def of(cls, example: xr.Dataset) -> "Layout":
        along = {str(n): v for n, v in example.variables.items() if "trajectory" in v.dims}
        return cls(
            {
                name: Column(
                    tuple(map(str, v.dims)), v.dtype, dict(v.attrs), name in example.coords
                )
                for name, v in along.items()
            },
            {str(n): v for n, v in example.variables.items() if n not in along},
            {str(d): n for d, n in example.sizes.items() if d != "trajectory"},
            dict(example.attrs),
        )

    def ours(self, name: str) -> str:
        """The name of one of our variables, changed if the user has a variable of that name."""
        return f"{name}_" if f"{name}_" in self.columns else name

    def check(self, found: xr.Dataset) -> None:
        """Raises `ValueError` if results have a variable that would be lost."""
        lost = {*map(str, found.variables)} - {*self.columns, *self.fixed}
        if lost:
            raise ValueError(
                f"The results have no place for {', '.join(sorted(lost))}, which their example "
                "lacks: this is a fault of hfluxno, so please report it."
            )

    def dataset(self, arrays: Mapping[str, np.ndarray]) -> xr.Dataset:
        """A dataset of these arrays, one for each column."""
        columns = self.columns.items()
        made = {name: xr.Variable(c.dims, arrays[name], c.attributes) for name, c in columns}
        own = {name: made.pop(name) for name, c in columns if c.is_coordinate}
        return xr.Dataset(made, own | self.fixed, self.attributes)


@dataclasses.dataclass(frozen=True)
class Chunk:
    """Makes the results of a chunk from its variables, which are in memory."""

    reading: ReadOptions | PlaneReadOptions
    work: Work | PlaneWork
    layout: Layout

    def __call__(self, variables: Variables, begin: int = 0) -> xr.Dataset:
        """The results of the trajectories from number `begin` on."""
        count = trajectories(variables)
        sizes = self.layout.sizes | {"trajectory": count}
        arrays = {name: column.empty(sizes) for name, column in self.layout.columns.items()}
        arrays[self.layout.ours("status")][:] = FitStatus.FAILED
        for rows, found in self._found(variables, count, begin):
            if isinstance(found, str):
                arrays[self.layout.ours("status_sentence")][rows] = found
                continue
            self.layout.check(found)
            for name, column in self.layout.columns.items():
                if name in found:  # not all trajectories have bands
                    place = tuple(rows if d == "trajectory" else slice(None) for d in column.dims)
                    arrays[name][place] = found[name].values
        if "trajectory" in arrays and "trajectory" in variables:
            arrays["trajectory"][:] = variables["trajectory"].values
        return self.layout.dataset(arrays)

    def _found(
        self, variables: Variables, count: int, begin: int
    ) -> list[tuple[slice, xr.Dataset | str]]:
        """Results of some rows each, or the reason why there are none."""
        if not self.work.alone:
            try:
                whole = slice(0, count)
                return [(whole, self.work.run(_source(self.reading, variables)))]
            except ValueError:
                pass  # one of them cannot be used

        def one(row: int) -> tuple[slice, xr.Dataset | str]:
            rows = slice(row, row + 1)
            try:
                return rows, self.work.run(_one(self.reading, variables, row, begin))
            except np.linalg.LinAlgError as error:  # a ValueError that says nothing of the data
                return rows, f"an error within the program, not in the data: {error}"
            except ValueError as error:
                return rows, str(error).rstrip(".")

        return on_all_cores(one, range(count))


def prepared(
    reading: ReadOptions | PlaneReadOptions, work: Work | PlaneWork, variables: Variables
) -> Chunk:
    """The worker for chunks like that of these first variables. Raises `ValueError` if none of
    their trajectories can be used; it says why the last one cannot."""
    layout = first_usable(
        trajectories(variables), lambda row: Layout.of(work.example(_one(reading, variables, row)))
    )
    return Chunk(reading, work, layout)


def usable(reading: ReadOptions, variables: Variables) -> Source:
    """The first trajectory that can be read. Raises `ValueError` if none can."""
    return first_usable(trajectories(variables), lambda row: _one(reading, variables, row))


def _one(
    reading: ReadOptions | PlaneReadOptions, variables: Variables, row: int, begin: int = 0
) -> Any:
    """A trajectory, which messages name by its number in the file."""
    if isinstance(reading, ReadOptions):
        reading = dataclasses.replace(reading, member=begin + row)
    return _source(reading, some(variables, slice(row, row + 1)))


def _source(reading: ReadOptions | PlaneReadOptions, variables: Variables) -> Any:
    """A `Source`, or a `PlaneSource`, as the work on it needs."""
    if isinstance(reading, PlaneReadOptions):
        return reading.source(variables)
    found = source_of(variables, reading)
    if found.failed:
        raise ValueError(f"{found.failed} of the trajectories are marked as failed.")
    return found


def first_usable(count: int, found: Callable[[int], Found]) -> Found:
    """What is found in the first of `count` trajectories that can be used. Raises `ValueError` as
    for the last one if none can."""
    for row in range(count):
        try:
            return found(row)
        except ValueError:
            if row == count - 1:
                raise
    raise ValueError("There are no trajectories.")


def needed(variables: Variables, variable: str | None) -> dict[str, xr.Variable]:
    """The variables that affect the results of this one; all if none is named."""
    asked = asked_names(variable)
    return {
        name: v
        for name, v in variables.items()
        if not asked or name in asked or v.ndim < 2 or "field" in v.dims
    }


def some(variables: Variables, rows: slice) -> dict[str, xr.Variable]:
    """The variables of some trajectories."""
    return {n: v.isel(trajectory=rows, missing_dims="ignore") for n, v in variables.items()}


def trajectories(variables: Variables) -> int:
    """Their number. Raises `ValueError` if the variables have no trajectories."""
    for v in variables.values():
        if "trajectory" in v.dims:
            return v.sizes["trajectory"]
    raise ValueError(
        "There is no dimension trajectory along which to make chunks; use forecast, "
        "identify or reconstruct for a single trajectory."
    )
