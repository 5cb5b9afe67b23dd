"""The file of a data set: written block by block, complete or not there at all.

While a set is made it lives in the folder `OUTPUT.partial` beside its output, as a Zarr store and a
note of how much of it is written. The output gets its name when it is complete, by a rename. A run
of the same configuration takes up a partial folder where it ends. `docs/data_format.md` describes
the schema.
"""

import dataclasses
import json
import os
import shutil
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import h5netcdf
import h5py
import jax
import numpy as np
import xarray as xr
import zarr

from hfluxno.data.configuration import Configuration
from hfluxno.data.generate import Block, lanes
from hfluxno.data.recipes import recipe

SCHEMA = "hfluxno-trajectories"
SCHEMA_VERSION = 1
SUFFIXES = (".nc", ".zarr")

# What is read of a set, which somebody else may have written.
_NEEDED = {"coefficients", "field", "status", "time", "values", "x"}
_STORE, _NOTE, _NETCDF, _OLD = "set.zarr", "written.json", "set.nc", "replaced"


@dataclasses.dataclass(frozen=True)
class _Variable:
    dimensions: tuple[str, ...]
    dtype: np.dtype
    attributes: dict[str, str]
    values: np.ndarray | None = None  # of a coordinate; the others are filled block by block


class Writer:
    """Writes the blocks of one data set.

    **Attributes:**

    - `written`: how many trajectories are written: where the generation has to go on.

    **Raises:**

    - `ValueError`, where the output has another suffix than `.nc` or `.zarr`.
    - `OSError`, where the output exists and is not to be overwritten, cannot be written, or an
      interrupted run with another configuration is beside it.
    """

    def __init__(self, configuration: Configuration, output: Path, overwrite: bool = False):
        self.configuration = configuration
        self.output = Path(output)
        self.folder = self.output.with_name(self.output.name + ".partial")
        _check_output(self.output, overwrite)
        self._attributes = attributes(configuration)
        self._variables = _variables(configuration)
        resumed = self._resume(overwrite)
        self.written = resumed or 0
        if resumed is None:
            self._start()
        self._group = zarr.open_group(self.folder / _STORE, mode="r+")

    def write(self, block: Block) -> None:
        """Adds the block that begins at `written`."""
        if block.start != self.written:
            raise ValueError(f"The next block begins at {self.written}, not at {block.start}.")
        for name, variable in self._variables.items():
            if variable.values is None:
                self._array(name)[block.start : block.stop] = getattr(block, name)
        self.written = block.stop
        self._note()

    def finish(self) -> dict[int, int]:
        """Gives the output its name; returns how many trajectories ended with each status."""
        if self.written != self.configuration.trajectories:
            raise ValueError(
                f"{self.written} of {self.configuration.trajectories} trajectories are written; "
                "the set is not complete."
            )
        status, counts = np.unique(np.asarray(self._array("status")[:]), return_counts=True)
        if self.output.suffix == ".zarr":
            zarr.consolidate_metadata(self._group.store, zarr_format=2)
            complete = self.folder / _STORE
        else:
            complete = self.folder / _NETCDF
            self._write_netcdf(complete)
        if self.output.is_dir():
            os.replace(self.output, self.folder / _OLD)
        os.replace(complete, self.output)
        shutil.rmtree(self.folder)
        return dict(zip(status.tolist(), counts.tolist(), strict=True))

    def _array(self, name: str) -> zarr.Array:
        array = self._group[name]
        assert isinstance(array, zarr.Array)
        return array

    def _resume(self, overwrite: bool) -> int | None:
        """How much an interrupted run has written, `None` where there is nothing to resume."""
        if not self.folder.exists():
            return None
        try:
            note = json.loads((self.folder / _NOTE).read_text())
            found, written = note["attributes"], int(note["written"])
        except (OSError, ValueError, KeyError, TypeError):
            found, written = {}, 0
        if found == self._attributes and (self.folder / _STORE).is_dir():
            return written
        different = [key for key in self._attributes if found.get(key) != self._attributes[key]]
        if found and different and not overwrite:
            raise FileExistsError(
                f"{self.folder} holds an interrupted run with another configuration (it differs in "
                f"{', '.join(different)}); finish it with its own configuration, delete it, or "
                "pass --overwrite to start anew."
            )
        shutil.rmtree(self.folder)
        return None

    def _start(self) -> None:
        try:
            self.folder.mkdir()
        except OSError as error:
            raise OSError(
                f"{self.output} cannot be written: {error.strerror} ({self.folder})."
            ) from error
        group = zarr.open_group(self.folder / _STORE, mode="w", zarr_format=2)
        group.attrs.update(self._attributes)
        for name, variable in self._variables.items():
            shape = self._shape(variable)
            array = group.create_array(
                name,
                shape=shape,
                chunks=self._chunks(variable),
                dtype=variable.dtype,
                # No fill value: xarray would read it as the mark of missing numbers.
                fill_value=None,
                attributes={"_ARRAY_DIMENSIONS": list(variable.dimensions), **variable.attributes},
            )
            if variable.values is not None:
                array[:] = variable.values
        self._note()

    def _note(self) -> None:
        """Records what is written, after it is: a kill in between repeats one block."""
        text = json.dumps({"written": self.written, "attributes": self._attributes}, indent=1)
        new = self.folder / (_NOTE + ".new")
        new.write_text(text + "\n")
        os.replace(new, self.folder / _NOTE)

    def _write_netcdf(self, path: Path) -> None:
        with h5netcdf.File(path, "w") as file:
            file.attrs.update(self._attributes)
            file.dimensions = self._sizes()
            for name, variable in self._variables.items():
                text = variable.dtype.kind == "U"
                array = file.create_variable(
                    name,
                    variable.dimensions,
                    dtype=h5py.string_dtype() if text else variable.dtype,
                    chunks=None if text else self._chunks(variable),
                    **({} if text else {"compression": "gzip", "compression_opts": 1}),
                    **({} if text else {"shuffle": True}),
                )
                array.attrs.update(variable.attributes)
                if variable.values is not None:
                    array[...] = variable.values.astype(object) if text else variable.values
                    continue
                step = 16 * lanes(self.configuration)
                for start in range(0, self.configuration.trajectories, step):
                    array[start : start + step] = self._array(name)[start : start + step]

    def _sizes(self) -> dict[str, int]:
        configuration = self.configuration
        return {
            "trajectory": configuration.trajectories,
            "time": configuration.frames,
            "field": len(configuration.fields),
            "x": configuration.cells,
            "parameter": len(configuration.parameters),
        }

    def _shape(self, variable: _Variable) -> tuple[int, ...]:
        return tuple(self._sizes()[name] for name in variable.dimensions)

    def _chunks(self, variable: _Variable) -> tuple[int, ...]:
        """Whole trajectories, as many as are solved together."""
        return tuple(
            min(size, lanes(self.configuration)) if name == "trajectory" else size
            for name, size in zip(variable.dimensions, self._shape(variable), strict=True)
        )


def open_dataset(path: str | Path) -> xr.Dataset:
    """A data set as an `xarray.Dataset` whose values are read when they are used.

    **Raises:**

    - `OSError`, where there is no such file or it cannot be read.
    - `ValueError`, where it is not a data set of hfluxno or of a newer schema.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"There is no data set {path}.")
    engine = "zarr" if path.is_dir() else "h5netcdf"
    try:
        dataset = xr.open_dataset(path, engine=engine, chunks=None)
    except Exception as error:
        raise OSError(f"{path} is no Zarr store or NetCDF file: {error}.") from error
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
        raise ValueError(f"{path} is not a complete data set of hfluxno: it lacks {lacks}.")
    return dataset


def attributes(configuration: Configuration) -> dict[str, str | int | float]:
    """What the file says about itself: everything that decides its numbers."""
    made = recipe(configuration.law)
    return {
        "schema": SCHEMA,
        "schema_version": SCHEMA_VERSION,
        "law": configuration.law,
        "equation": made.equation,
        "coefficient_ranges": ", ".join(
            f"{name} in [{low:g}, {high:g}]" for name, (low, high) in made.ranges.items()
        ),
        "initial": configuration.initial,
        "split": configuration.split,
        "seed": configuration.seed,
        "laws": configuration.laws,
        "initials": configuration.initials,
        "cells": configuration.cells,
        "frames": configuration.frames,
        "final_time": configuration.final_time,
        "thinning": configuration.thinning,
        "boundary": "periodic",
        "dtype": configuration.dtype.name,
        **made.solver_attributes(made.law()),
        "hfluxno_version": _version("hfluxno"),
        "jax_version": jax.__version__,
        "jax_backend": jax.default_backend(),
    }


def _variables(configuration: Configuration) -> dict[str, _Variable]:
    real, trajectory = configuration.dtype, ("trajectory",)
    small, index = np.dtype(np.int8), np.dtype(np.int32)

    def named(*names: str) -> np.ndarray:
        return np.asarray(names)

    def coordinate(dimension: str, values: np.ndarray, **attributes: str) -> _Variable:
        return _Variable((dimension,), values.dtype, attributes, values)

    return {
        "time": coordinate("time", configuration.times, units="1", long_name="time"),
        "field": coordinate("field", named(*configuration.fields), long_name="conserved field"),
        "x": coordinate("x", configuration.grid.centers(), units="1", long_name="cell centre"),
        "parameter": coordinate(
            "parameter", named(*configuration.parameters), long_name="coefficient of the law"
        ),
        "values": _Variable(
            ("trajectory", "time", "field", "x"),
            real,
            {"units": "1", "long_name": "cell average; NaN from where a run failed"},
        ),
        "coefficients": _Variable(
            ("trajectory", "parameter"), real, {"units": "1", "long_name": "coefficients"}
        ),
        "status": _Variable(
            trajectory,
            small,
            {"long_name": "0 solved, 1 the state became non-finite, 2 too many steps"},
        ),
        "law": _Variable(trajectory, index, {"long_name": "index of the coefficient draw"}),
        "initial": _Variable(trajectory, index, {"long_name": "index of the initial condition"}),
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"


def _check_output(output: Path, overwrite: bool) -> None:
    if output.suffix not in SUFFIXES:
        raise ValueError(
            f"{output} has an unknown suffix; end it with .nc (NetCDF, for small sets) or .zarr "
            "(Zarr, for large ones)."
        )
    if not output.parent.is_dir():
        raise FileNotFoundError(f"There is no folder {output.parent}; create it first.")
    if not os.access(output.parent, os.W_OK | os.X_OK):
        raise PermissionError(f"The folder {output.parent} is not writable; choose another output.")
    if output.exists() and not overwrite:
        raise FileExistsError(f"{output} exists; choose another output or pass --overwrite.")
    if output.suffix == ".nc" and output.is_dir():
        raise IsADirectoryError(f"{output} is a folder; choose another output.")
    if output.suffix == ".zarr" and output.exists() and not output.is_dir():
        raise FileExistsError(
            f"{output} is a file, but a Zarr store is a folder; choose another output."
        )
