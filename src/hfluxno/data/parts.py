"""A long output in parts: each is a complete file, and at the end they are joined."""

import dataclasses
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Self

import h5py
import jax
import numpy as np
import xarray as xr

from hfluxno.batching import cores
from hfluxno.data.hdf5 import new_netcdf
from hfluxno.data.partial import Partial
from hfluxno.data.replacing import replacing
from hfluxno.data.source import Source
from hfluxno.version import version_name

# Enough contexts to occupy every core, few enough to fit in memory with all their candidates.
_LEAST, _OF_EACH_CORE = 64, 8


def parts_of(total: int) -> list[slice]:
    """`total` trajectories in parts; a single one left over joins the last part."""
    size = max(_LEAST, _OF_EACH_CORE * cores())
    starts = list(range(0, max(1, total - 1), size))
    return [slice(*ends) for ends in zip(starts, [*starts[1:], total], strict=True)]


def fingerprint(source: Source, parts: Sequence[slice], options: Sequence[object]) -> str:
    """What determines the parts: data, options and version."""
    ends = () if source.ends is None else [end for end in source.ends.sides if end is not None]
    of_ends = [array for end in ends for array in (end.times, end.values)]
    words = (source.fields, source.boundary, parts, options, version_name())
    found = hashlib.sha256(repr(words).encode())
    arrays = [source.measured, source.times, source.x, *of_ends]
    arrays += jax.tree.leaves((source.observation, source.deviation))
    for array in map(np.ascontiguousarray, arrays):
        found.update(repr((array.shape, array.dtype)).encode())
        found.update(array.data)
    return found.hexdigest()


@dataclasses.dataclass(frozen=True)
class NamedWeights:
    """The name of a network, which is smaller to send than the network.

    - `name`: a folder, a released name or a hub id.
    - `refinement`: how many steps an inferred law takes on each context, if not as it was trained.
    - `files`: the name, size and time of change of each file of a folder, so that a network that
      was trained again is loaded again.
    """

    name: str
    refinement: int | None
    files: tuple[tuple[str, int, int], ...] = ()

    @classmethod
    def of(cls, weights: str, refinement: int | None = None) -> Self:
        folder = Path(weights).absolute()
        if not folder.is_dir():
            return cls(weights, refinement)
        found = ((file, file.stat()) for file in sorted(folder.rglob("*")) if file.is_file())
        files = tuple((str(file), it.st_size, it.st_mtime_ns) for file, it in found)
        return cls(str(folder), refinement, files)


def file_fingerprint(path: Path, words: Sequence[object]) -> str:
    """What determines the results: the identity of the file `path`, these words, and our version.

    A large store is not read for this: its metadata and their time of writing represent it.
    """
    found = hashlib.sha256(repr((words, version_name())).encode())
    files = sorted(path.rglob("zarr.json")) + sorted(path.rglob(".z*")) if path.is_dir() else [path]
    for file in files:
        status = file.stat()
        found.update(repr((str(file.name), status.st_size, status.st_mtime_ns)).encode())
    return found.hexdigest()


class Parts:
    """The parts of one output, in its `partial` folder.

    Raises `OSError` if something else has the name of the folder, or it cannot be created.
    """

    def __init__(self, output: Path, total: int, made_by: str):
        self.partial = Partial(output)
        self.partial.start({"made_by": made_by, "contexts": total})

    def is_done(self, members: slice) -> bool:
        return self._file(members).exists()

    def rows(self, members: slice) -> list[dict]:
        """The report on a part that is done."""
        return json.loads(self._file(members, ".json").read_text(encoding="utf-8"))

    def write(self, members: slice, writer: Callable[[Path], None], rows: list[dict]) -> None:
        """Writes a part with `writer`, and the report on it."""
        # The data get their name last: with them the part counts as complete.
        with replacing(self._file(members, ".json"), self._file(members)) as (report, data):
            report.write_text(json.dumps(rows), encoding="utf-8")
            writer(data)

    def join(self, parts: Sequence[slice], attributes: Mapping[str, dict]) -> None:
        """Writes all `parts` as one file or Zarr store; `attributes` of variables, by name, replace
        those of the parts."""
        files = [self._file(members) for members in parts]
        columns = _columns(files)
        for name, own in attributes.items():
            columns[name].attrs = own
        write = _append_zarr if self.partial.output.suffix == ".zarr" else _write_netcdf
        with replacing(self.partial.output) as (target,):
            write(target, files, columns, sum(each.stop - each.start for each in parts))
        self.partial.finish()

    def _file(self, members: slice, suffix: str = ".nc") -> Path:
        return self.partial.folder / f"{members.start:09d}-{members.stop:09d}{suffix}"


def _read(file: Path) -> xr.Dataset:
    return xr.open_dataset(file, engine="h5netcdf", decode_cf=False, cache=False)


def _columns(files: Sequence[Path]) -> dict[str, xr.Variable]:
    """One entry of each variable that any part has: not all parts have bands."""
    found: dict[str, xr.Variable] = {}
    for file in files:
        with _read(file) as part:
            for name, entry in part.variables.items():
                if name not in found:
                    one = entry.isel(trajectory=slice(0, 1), missing_dims="ignore")
                    found[str(name)] = one.load()
    return found


def _part(file: Path, columns: dict[str, xr.Variable]) -> xr.Dataset:
    with _read(file) as part:
        part.load()
    for name, column in columns.items():
        if name not in part:
            shape = tuple(part.sizes[dim] for dim in column.dims)
            part[name] = column.dims, np.full(shape, np.nan, column.dtype)
        elif part[name].dtype.kind == "U":  # lengths differ between parts
            part[name] = part[name].astype(object)
        part[name].attrs = column.attrs
    return part.drop_encoding()


def _append_zarr(target: Path, files, columns, total: int) -> None:
    _part(files[0], columns).to_zarr(target, mode="w", consolidated=False)
    for file in files[1:]:
        _part(file, columns).to_zarr(target, append_dim="trajectory", consolidated=False)


def _write_netcdf(target: Path, files, columns, total: int) -> None:
    begin = 0
    with new_netcdf(target) as (out, check):
        for file in files:
            part = _part(file, columns)
            if not begin:
                out.attrs.update(part.attrs)
                out.dimensions = {str(d): n for d, n in part.sizes.items()} | {"trajectory": total}
                for name, variable in part.variables.items():
                    text = variable.dtype.kind == "O"
                    kind = h5py.string_dtype() if text else variable.dtype
                    out.create_variable(name, variable.dims, kind).attrs.update(variable.attrs)
            stop = begin + part.sizes["trajectory"]
            for name, variable in part.variables.items():
                own = [
                    slice(begin, stop) if d == "trajectory" else slice(None) for d in variable.dims
                ]
                if "trajectory" in variable.dims or not begin:
                    out.variables[name][tuple(own) or ...] = variable.values
            begin = stop
            check()
