"""Writing HDF5, and NetCDF, which is HDF5, so that a full disk is an error, not a crash.

When a write fails, the HDF5 library keeps the data, tries again when its objects are freed or the
process ends, and crashes. So it writes through a file object that never fails: after the first
failure this accepts and discards everything, and the failure is raised once HDF5 has closed it.
"""

import contextlib
import functools
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5netcdf
import h5py


@contextlib.contextmanager
def _new(path: Path, kind: Any) -> Iterator[tuple[Any, Callable[[], None]]]:
    """A new file, and a check that raises what has failed so far, for long writes. Raises `OSError`
    if the file could not be written; what is left of it is worthless."""
    with _Unfailing(path, "w+") as target:
        try:
            with kind(target, "w") as file:
                yield file, target.check
        finally:
            # HDF5 may read back what was not written and find it damaged: the cause is known.
            target.check()


new_netcdf = functools.partial(_new, kind=h5netcdf.File)
new_hdf5 = functools.partial(_new, kind=h5py.File)  # of any layout


class _Unfailing(io.FileIO):
    """A file whose writing does not fail, but can be asked whether it has."""

    failure: OSError | None = None

    def check(self) -> None:
        if self.failure is not None:
            raise self.failure

    def write(self, data) -> int:
        rest = memoryview(data)
        size = rest.nbytes
        while rest.nbytes and self.failure is None:
            try:
                rest = rest[super().write(rest) :]
            except OSError as error:
                self.failure = error
        return size

    def truncate(self, size: int | None = None) -> int:
        if self.failure is None:
            try:
                return super().truncate(size)
            except OSError as error:
                self.failure = error
        return size or 0
