"""The file of a data set: written block by block, complete or absent.

While a set is made, its partial folder has it as a Zarr store, with a record of how much is
written. `docs/data_format.md` describes the schema.
"""

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import xarray as xr
import zarr

from hfluxno.data.configuration import Configuration
from hfluxno.data.contained import fault
from hfluxno.data.generate import Block, chunk_size
from hfluxno.data.hdf5 import new_netcdf
from hfluxno.data.partial import Partial
from hfluxno.data.plane.well_writer import write_well
from hfluxno.data.replacing import check_writable, is_full, remove, replace_text
from hfluxno.data.schema import SCHEMA, SCHEMA_VERSION, Variable, attributes, variables
from hfluxno.plural import plural

SUFFIXES = (".nc", ".zarr", ".hdf5")

# What is read from a set, which others may have written.
_NEEDED = {"coefficients", "field", "status", "time", "values", "x"}
_PLANES_AT_ONCE = 8  # of HDF5 in The Well's layout
# The fraction of the expected size that must be free: sets are compressed.
_CERTAIN = 0.8
_STORE, _WRITTEN, _FILE = "set.zarr", "written", "set.nc"


class Writer:
    """Writes the blocks of one data set.

    - `written`: how many trajectories are written: where generation must continue.

    Raises `ValueError` if the suffix of the output is not `.nc`, `.zarr` or, in two dimensions,
    `.hdf5`, which has The Well's layout and leaves out trajectories that were not solved; `OSError`
    if the output exists and must not be overwritten, cannot be written, or an interrupted run with
    another configuration is beside it. `write` and `finish` raise it too if the disk is full,
    `write` as soon as it is clear that it will be.
    """

    def __init__(self, configuration: Configuration, output: Path, overwrite: bool = False):
        self.configuration = configuration
        self.output: Path = Path(output)
        _check_output(self.output, overwrite, len(configuration.grid.shape) == 2)
        self._partial = Partial(self.output)
        self.folder: Path = self._partial.folder
        self._attributes = attributes(configuration)
        self._variables = variables(configuration)
        self.written: int = 0
        with self._room():
            self._start(overwrite)
        self.written = self._resumed = int((self.folder / _WRITTEN).read_text())
        self._group: Any = zarr.open_group(self.folder / _STORE, mode="r+")

    def write(self, block: Block) -> None:
        """Adds the block that begins at `written`."""
        if block.start != self.written:
            raise ValueError(f"The next block begins at {self.written}, not at {block.start}.")
        with self._room():
            for name, variable in self._variables.items():
                if variable.values is None:
                    self._group[name][block.start : block.stop] = getattr(block, name)
            self.written = block.stop
            self._note()
        if block.start == self._resumed:
            self._check_room()

    def finish(self) -> dict[int, int]:
        """Renames the output; returns how many trajectories ended with each status."""
        if self.written != self.configuration.trajectories:
            raise ValueError(
                f"Written: {self.written} of "
                f"{plural(self.configuration.trajectories, 'trajectory')}; "
                "the set is not complete."
            )
        status, counts = np.unique(np.asarray(self._group["status"][:]), return_counts=True)
        with self._room():
            if self.output.suffix == ".zarr":
                zarr.consolidate_metadata(self._group.store, zarr_format=2)
                complete = self.folder / _STORE
            else:
                complete = self.folder / _FILE
                write = self._write_well if self.output.suffix == ".hdf5" else self._write_netcdf
                write(complete)
        self._partial.finish(complete)
        return dict(zip(status.tolist(), counts.tolist(), strict=True))

    @contextlib.contextmanager
    def _room(self) -> Iterator[None]:
        """If the disk is full, says what remains: what a run can resume from, or nothing."""
        before = self.written
        try:
            yield
        except OSError as error:
            if not is_full(error):
                raise
            (self.folder / _FILE).unlink(missing_ok=True)
            rest = "make room or choose another folder"
            self.written = before
            if before:
                rest = self._kept()
            else:
                remove(self.folder)
            raise OSError(f"{self.output} cannot be written: {error.strerror}; {rest}.") from error

    def _check_room(self) -> None:
        """Checks that the set will fit on the disk, judged by its first block."""
        store = sum(
            512 * path.stat().st_blocks
            for path in (self.folder / _STORE).rglob("*")
            if path.is_file()
        )
        copies = 1 if self.output.suffix == ".zarr" else 2  # the Zarr store, and then the file
        share = self.written / self.configuration.trajectories
        needed, free = store * (copies / share - 1.0), shutil.disk_usage(self.folder).free
        if _CERTAIN * needed > free:
            raise OSError(
                f"{self.output} takes about {needed / 2**30:.2g} GiB more while it is made, but "
                f"{free / 2**30:.2g} GiB are free; {self._kept()}."
            )

    def _kept(self) -> str:
        total = self.configuration.trajectories
        return (
            f"{self.folder} holds {self.written} of {plural(total, 'trajectory')}: make room and "
            "run the same command again, which resumes it, or delete it"
        )

    def _start(self, overwrite: bool) -> None:
        found = self._partial.note or {}
        if found and not (self.folder / _STORE).is_dir():  # a run ended just after its end
            remove(self.folder)
        different = [key for key in self._attributes if found.get(key) != self._attributes[key]]
        another = (
            f"another configuration (it differs in {', '.join(different)}); finish it with its own "
            "configuration, delete it, or pass --overwrite to start again"
        )
        self._partial.start(self._attributes, self._begin, None if overwrite else another)

    def _begin(self) -> None:
        group = zarr.open_group(self.folder / _STORE, mode="w", zarr_format=2)
        group.attrs.update(self._attributes)
        for name, variable in self._variables.items():
            shape = self._shape(variable)
            array = group.create_array(
                name,
                shape=shape,
                chunks=self._chunks(variable),
                dtype=variable.dtype,
                # No fill value: xarray would read it as a mark of missing numbers.
                fill_value=None,
                attributes={"_ARRAY_DIMENSIONS": list(variable.dimensions), **variable.attributes},
            )
            if variable.values is not None:
                array[:] = variable.values
        self._note()

    def _note(self) -> None:
        """Records what is written, afterwards: a kill in between repeats one block."""
        replace_text(self.folder / _WRITTEN, f"{self.written}\n")

    def _write_netcdf(self, path: Path) -> None:
        with new_netcdf(path) as (file, check):
            file.attrs.update(self._attributes)
            file.dimensions = self._sizes()
            for name, variable in self._variables.items():
                text = variable.dtype.kind == "U"
                packed = {"compression": "gzip", "compression_opts": 1, "shuffle": True}
                array = file.create_variable(
                    name,
                    variable.dimensions,
                    dtype=h5py.string_dtype() if text else variable.dtype,
                    chunks=None if text else self._chunks(variable),
                    **({} if text else packed),
                )
                array.attrs.update(variable.attributes)
                if variable.values is not None:
                    array[...] = variable.values.astype(object) if text else variable.values
                    continue
                step = 16 * chunk_size(self.configuration)
                for start in range(0, self.configuration.trajectories, step):
                    array[start : start + step] = self._group[name][start : start + step]
                    check()

    def _write_well(self, path: Path) -> None:
        solved = np.flatnonzero(np.asarray(self._group["status"][:]) == 0)
        parts = (
            np.asarray(self._group["values"].oindex[some])
            for some in np.array_split(solved, max(1, len(solved) // _PLANES_AT_ONCE))
        )
        axes = ("time", "x", "y")
        coordinates = {axis: np.asarray(self._variables[axis].values) for axis in axes}
        coefficients = np.asarray(self._group["coefficients"][:])[solved]
        named = dict(zip(self.configuration.parameters, coefficients.T, strict=True))
        write_well(
            path,
            self.configuration.law,
            self.configuration.fields,
            coordinates,
            parts,
            named,
            self._attributes,
        )

    def _sizes(self) -> dict[str, int]:
        configuration = self.configuration
        return {
            "trajectory": configuration.trajectories,
            "time": configuration.frames,
            "field": len(configuration.fields),
            **dict(zip("xy", configuration.grid.shape, strict=False)),
            "parameter": len(configuration.parameters),
        }

    def _shape(self, variable: Variable) -> tuple[int, ...]:
        return tuple(self._sizes()[name] for name in variable.dimensions)

    def _chunks(self, variable: Variable) -> tuple[int, ...]:
        """Whole trajectories, as many as are solved together."""
        return tuple(
            min(size, chunk_size(self.configuration)) if name == "trajectory" else size
            for name, size in zip(variable.dimensions, self._shape(variable), strict=True)
        )


def open_dataset(path: str | Path) -> xr.Dataset:
    """A data set as an `xarray.Dataset` whose values are read on use.

    **Raises:**

    - `OSError`, if there is no such file or it cannot be read.
    - `ValueError`, if it is not a data set of hfluxno or of a newer schema, or leads to other
      files.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(
            f"There is no data set {path}; check the path, or make one with hfluxno generate."
        )
    engine = "zarr" if path.is_dir() else "h5netcdf"
    try:
        refused = fault(path, engine)
        dataset = None if refused else xr.open_dataset(path, engine=engine, chunks=None)
    except Exception as error:
        raise OSError(f"{path} is not a Zarr store or NetCDF file: {error}.") from error
    if dataset is None:
        raise ValueError(refused)
    if dataset.attrs.get("schema") != SCHEMA:
        dataset.close()
        raise ValueError(
            f"{path} is not a data set of hfluxno: it lacks the attribute schema = {SCHEMA!r}."
        )
    if int(dataset.attrs.get("schema_version", 0)) > SCHEMA_VERSION:
        newer = int(dataset.attrs["schema_version"])
        dataset.close()
        raise ValueError(
            f"{path} has the schema version {newer}, this hfluxno reads up to {SCHEMA_VERSION}; "
            "install a newer hfluxno."
        )
    missing = sorted(_NEEDED - set(dataset.variables))
    if missing or "schema_version" not in dataset.attrs:
        dataset.close()
        lacks = ", ".join(missing) or "the attribute schema_version"
        mend = "generate it again"
        if path.suffix == ".hdf5":
            mend = "The Well's layout has no place for it, so generate FILE.zarr or FILE.nc"
        raise ValueError(f"{path} is not a complete data set of hfluxno: it lacks {lacks}; {mend}.")
    return dataset


def _check_output(output: Path, overwrite: bool, on_a_plane: bool) -> None:
    if output.suffix == ".hdf5" and not on_a_plane:
        raise ValueError(
            f"{output} would have The Well's layout, which is written of sets on a plane; end it "
            "with .nc or .zarr."
        )
    check_writable(output, SUFFIXES)
    if output.exists() and not overwrite:
        raise FileExistsError(f"{output} exists; choose another output or pass --overwrite.")
