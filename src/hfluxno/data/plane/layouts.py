"""The layout of a two-dimensional file, among those known."""

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path

import h5py
import xarray as xr

from hfluxno.data.contained import fault
from hfluxno.data.opening import kind_of, opened
from hfluxno.data.plane.file import PlaneFile, check_lengths
from hfluxno.data.plane.labelled import on_plane, read_labelled
from hfluxno.data.plane.pdebench import is_pdebench, read_pdebench
from hfluxno.data.plane.pdegym import is_pdegym, read_pdegym
from hfluxno.data.plane.well import GROUPS, is_well, read_well
from hfluxno.data.reading import reading, understanding
from hfluxno.data.text_table import is_table


def is_plane(path: Path, names: Mapping[str, str] | None = None) -> bool:
    """Whether a file has fields on a plane over time; a file that cannot be opened has none."""
    if is_table(path) or path.suffix == ".parquet":
        return False
    try:
        if _is_hdf5(path):
            with understanding(path), h5py.File(path, "r") as file:
                if is_well(file) or is_pdebench(file) or is_pdegym(file):
                    return True
        with opened(path, None, dict(names or {})) as (variables, _):
            return on_plane(variables)
    except (OSError, ValueError):  # reported when the file is read
        return False


@contextlib.contextmanager
def opened_plane(path: Path, names: Mapping[str, str] | None = None) -> Iterator[PlaneFile]:
    """The fields of a file, none of them loaded. Raises `OSError` if the file cannot be read;
    `ValueError` if it has no field on a plane, or contradicts itself."""
    with contextlib.ExitStack() as stack:
        with reading(path):
            refused = fault(path, "h5netcdf") if _is_hdf5(path) else None
        if refused:
            raise ValueError(refused)
        with reading(path):
            file = stack.enter_context(h5py.File(path, "r")) if _is_hdf5(path) else None
        with understanding(path):
            if file is not None and is_well(file):
                groups = [name for name in GROUPS if name in file]
                datasets = {name: stack.enter_context(_dataset(path, name)) for name in groups}
                found = read_well(path, file, datasets)
            elif file is not None and is_pdebench(file):
                found = read_pdebench(path, file, stack.enter_context(_dataset(path)))
            elif file is not None and is_pdegym(file):
                found = read_pdegym(file, stack.enter_context(_dataset(path)))
            else:
                variables, known = stack.enter_context(opened(path, None, dict(names or {})))
                found = read_labelled(variables, known, path)
            checked = _checked(found, path)
        yield checked


def held_plane(
    variables: Mapping[str, xr.Variable], names: Mapping[str, str], path: Path
) -> PlaneFile:
    """Variables of a dataset, with axes of our names, as an open file; `path` is what messages call
    it. Raises `ValueError` as `opened_plane` does."""
    return _checked(read_labelled(variables, names, path), path)


def _checked(found: PlaneFile, path: Path) -> PlaneFile:
    if not found.fields:
        raise ValueError(
            f"There is no field in {path} that changes over time on a plane of x and y."
        )
    check_lengths(found.fields, found.coordinates, path)
    return found


def _dataset(path: Path, group: str | None = None) -> xr.Dataset:
    with reading(path):
        return xr.open_dataset(
            path,
            engine="h5netcdf",
            group=group,
            chunks=None,
            cache=False,
            decode_times=False,
            backend_kwargs={"phony_dims": "access"},
        )


def _is_hdf5(path: Path) -> bool:
    return path.is_file() and kind_of(path) == "h5netcdf"
