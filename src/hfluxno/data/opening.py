"""The variables of a file of any supported kind: NetCDF, HDF5, Zarr, NPZ, CSV or Parquet.

The first bytes of a file determine its kind, not its name, except for tables of text.
"""

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import h5py
import numpy as np
import xarray as xr

from hfluxno.data.axes import cf_names, renamed, with_dims
from hfluxno.data.choice import asked_names
from hfluxno.data.clock import in_seconds, numbers_of
from hfluxno.data.contained import fault
from hfluxno.data.foreign import what_else
from hfluxno.data.matlab_arrays import with_flat_coordinates, with_time_first
from hfluxno.data.numbers import listed
from hfluxno.data.own_axes import KINDS, is_called
from hfluxno.data.parquet import read_parquet
from hfluxno.data.pdebench_line import of_groups, of_pdebench
from hfluxno.data.reading import NotRead, reading
from hfluxno.data.source import SIDES
from hfluxno.data.table import table_variables
from hfluxno.data.text_table import SUFFIXES, is_table, read_text_table
from hfluxno.data.united import united
from hfluxno.data.unnamed_axes import COORDINATES, MOST_ON_LINE, ON_LINE, ON_PLANE, check_order
from hfluxno.extras import require
from hfluxno.plural import plural

_ENGINE_OPTIONS: dict[str, dict] = {
    "h5netcdf": {"phony_dims": "access"},
    "scipy": {},
    "zarr": {"consolidated": False},
}

# Readers of other formats by suffix: functions from the path to variables by name.
READERS: dict[str, Callable[[Path], Mapping[str, xr.Variable]]] = {}


@contextlib.contextmanager
def opened(
    path: Path,
    asked: str | None = None,
    names: dict[str, str] | None = None,
    axes: tuple[str, ...] = ("time", "x"),
    member: int | None = None,
) -> Iterator[tuple[dict[str, xr.Variable], dict[str, str]]]:
    """The variables of a file, not loaded yet; of an NPZ file only `values`, if it has that and no
    other is `asked` for. `names` are what the file calls the axes time and x; they are returned,
    completed by those that are recognised. A table has a line for each entry of its `axes`,
    and only those of the trajectory number `member` are read, if it is given.

    Raises `OSError` if the file does not exist or cannot be read; `ValueError` if it is of no known
    kind, an NPZ file has unknown names, or the file leads to other files or is too large for the
    memory.
    """
    if not path.exists():
        if path.is_symlink():
            raise FileNotFoundError(
                f"{path} is a link to {path.readlink()}, which leads to no file; correct the link, "
                "or name the file itself."
            )
        raise FileNotFoundError(f"There is no file {path}; check the path.")
    if not (path.is_file() or path.is_dir()):
        raise ValueError(
            f"{path} is neither a file nor a folder, and it must be read more than once; store it "
            "in a file first."
        )
    with reading(path):
        kind = path.suffix if path.suffix in READERS else kind_of(path)
        strange = kind in (None, "csv", "npz") or path.suffix.lower() == ".mat"
        other = what_else(path) if strange else None
    if kind == "parquet":
        require(f"{path} is a Parquet file, which", "parquet", otherwise="or save the table as CSV")
    with reading(path):
        refused = f"{path} is {other}." if other else fault(path, kind)
    if refused:
        raise ValueError(refused)
    names = names or {}
    frame, groups = read_text_table(path) if kind == "csv" else None, []
    dataset: xr.Dataset | None = None
    variables: dict[str, xr.Variable] = {}
    with reading(path):
        unnamed = kind == "npz"
        if kind == "npz":
            variables = _npz_variables(path, names)
        elif kind in READERS:
            variables = dict(READERS[kind](path))
        elif kind == "parquet":
            frame = read_parquet(path)
        elif kind in _ENGINE_OPTIONS:
            if kind == "h5netcdf":
                # h5netcdf 1.8 prints a traceback later if its own opening fails.
                with h5py.File(path, "r") as file:
                    file.attrs.get("_nc3_strict")
            # Times stay numbers: decoding them could only lose precision and units.
            dataset = xr.open_dataset(
                path,
                engine=kind,
                chunks=None,
                cache=False,
                decode_times=False,
                backend_kwargs=_ENGINE_OPTIONS[kind],
            )
            variables = {str(name): _with_texts(v) for name, v in dataset.variables.items()}
            groups = [] if variables else _groups(path, kind)
            dims = [str(d) for v in variables.values() for d in v.dims]
            unnamed = kind == "h5netcdf" and {d[:9] for d in dims} == {"phony_dim"}
            if unnamed:
                variables = of_pdebench(variables) or _by_number_of_axes(variables, names)
    if groups:
        raise ValueError(
            (of_groups(path, groups[0]) if path.is_file() else "")
            or f"{path} has its variables in groups ({listed(groups)}); store one of them in "
            f'a separate file, in Python by xarray.open_dataset("{path.name}", group="{groups[0]}")'
            '.to_netcdf("one.nc").'
        )
    if not kind and path.is_dir():
        raise ValueError(f"{path} is a folder, and no Zarr store; name a file in it.")
    if not kind and path.suffix.lower() == ".json":
        raise ValueError(
            f"{path} is JSON, as a law is; name a file of data, and a law for it by --law FILE."
        )
    if not kind:
        raise ValueError(
            f"{path} is not a NetCDF, HDF5, Zarr, NPZ or Parquet file, nor a table named "
            f"{', '.join(SUFFIXES)}; convert it to one of them first."
        )
    if frame is not None:
        variables, names = table_variables(frame, asked_names(asked), names, path, axes, member)
        for name, v in variables.items():
            numbers, attributes = in_seconds(v.values, v.attrs.pop("zone", ""))
            variables[name] = xr.Variable(v.dims, numbers, v.attrs | attributes)
    whole = None
    if frame is None:
        whole = united(variables, asked_names(asked), names, path, unnamed)
    if whole is not None:
        variables, names = whole
    else:
        if frame is None and not unnamed:
            names = cf_names(variables, names)
        variables = renamed(variables, names, path)
    if unnamed and whole is None:
        _check_npz_names(path, variables, axes, names, kind == "npz")
        if "values" in variables and not set(asked_names(asked)) & set(variables):
            known = {"values", "y", "status", *COORDINATES.values()}
            still = {name for name, v in variables.items() if v.dims == ON_PLANE[2]}
            variables = {name: v for name, v in variables.items() if name in known | still}
    try:
        yield variables, names
    finally:
        if dataset is not None:
            dataset.close()


def _with_texts(variable: xr.Variable) -> xr.Variable:
    """The variable without attributes in no known encoding, which could not be written again."""
    texts = {key: value for key, value in variable.attrs.items() if isinstance(value, str)}
    for key, value in texts.items():
        if value != value.encode(errors="replace").decode():
            del variable.attrs[key]
    return variable


def is_zarr(path: Path) -> bool:
    """Whether a folder is a Zarr store."""
    return any((path / mark).exists() for mark in ("zarr.json", ".zgroup", ".zmetadata"))


def kind_of(path: Path) -> str | None:
    """The engine of xarray for a file, `npz`, or `None` if it is of no known kind."""
    if path.is_dir():
        return "zarr" if is_zarr(path) else None
    with path.open("rb") as file:
        start = file.read(8)
    kinds = {b"\x89HDF\r\n\x1a\n": "h5netcdf", b"CDF": "scipy", b"PK\x03\x04": "npz"}
    kinds |= {b"PK\x05\x06": "npz", b"PAR1": "parquet"}  # an empty archive; a table
    known = next((kind for mark, kind in kinds.items() if start.startswith(mark)), None)
    return known or ("csv" if is_table(path) else None)


def _groups(path: Path, kind: str) -> list[str]:
    """The names of the groups at the top of an HDF5 file or a Zarr store."""
    if kind == "zarr":
        return sorted(folder.name for folder in path.iterdir() if _is_zarr_group(folder))
    if kind != "h5netcdf":
        return []
    with h5py.File(path, "r") as file:
        return [name for name, item in file.items() if isinstance(item, h5py.Group)]


def _is_zarr_group(folder: Path) -> bool:
    described = folder / "zarr.json"
    if described.is_file():
        return bool(json.loads(described.read_bytes()).get("node_type") == "group")
    return (folder / ".zgroup").is_file()


def _npz_variables(path: Path, names: Mapping[str, str]) -> dict[str, xr.Variable]:
    # Opened here because np.load leaves a damaged file open.
    with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files}
    named = {n: xr.Variable(_unnamed(a.ndim), a) for n, a in arrays.items()}
    return _by_number_of_axes(named, names)


def _unnamed(axes: int) -> tuple[str, ...]:
    return tuple(f"dimension {i}" for i in range(axes))


def _by_number_of_axes(
    arrays: Mapping[str, xr.Variable], names: Mapping[str, str]
) -> dict[str, xr.Variable]:
    """Variables without dimension names, with names according to the number of axes."""
    variables = {}
    arrays = with_flat_coordinates(arrays)
    dimensions, known = _npz_axes(arrays)
    for one, other in (("time", "t"), ("fields", "field")):
        if one in arrays and other in arrays:
            raise NotRead(
                f"There are the arrays {one} and {other}, and both mean the same; leave one of "
                "them out, or rename it."
            )
    if dimensions is ON_LINE:
        arrays = with_time_first(arrays, names)
    for name, array in arrays.items():
        if name in known:
            entries, attributes = numbers_of(np.atleast_1d(array.values), known[name], array.attrs)
            dims = (known[name], *_unnamed(entries.ndim)[1:])
            found = xr.Variable(dims, entries, array.attrs | attributes)
        else:
            found = with_dims(array, dimensions.get(array.ndim, _unnamed(array.ndim)))
        variables[known.get(name, name)] = found
    return variables


def _npz_axes(arrays: Mapping[str, xr.Variable]) -> tuple[Mapping[int, tuple], Mapping[str, str]]:
    """The dimensions of arrays by number of axes, and the arrays that are coordinates."""
    y = arrays.get("y")
    if y is None or y.ndim != 1:
        check_order(arrays)
        return ON_LINE, COORDINATES
    whole = {n: a for n, a in arrays.items() if a.ndim > 2 and a.ndim in ON_PLANE}
    if not any(a.shape[-1] == len(y) for a in whole.values()):
        for name, a in whole.items():
            if len(y) == a.shape[-2] > MOST_ON_LINE:
                raise NotRead(
                    f"{name} has the shape {a.shape}, and its last axis is not that of y, which "
                    f"has {plural(len(y), 'entry')}; the order of the axes is "
                    f"{', '.join(ON_PLANE[a.ndim])}: store it in this order, as "
                    "numpy.transpose gives it."
                )
        return ON_LINE, COORDINATES
    return ON_PLANE, COORDINATES | {"y": "y"}


def _check_npz_names(
    path: Path,
    variables: Mapping[str, xr.Variable],
    axes: tuple[str, ...],
    names: Mapping[str, str],
    is_npz: bool,
) -> None:
    """Rejects a possible coordinate under another name, if a coordinate is missing, and in an NPZ
    file of snapshots any other array with one axis, which no option asks for."""
    for name, v in variables.items():
        if v.ndim > max(ON_PLANE):
            raise ValueError(
                f"{name} of {path} has {v.ndim} axes, of the lengths {v.shape}, and "
                f"{', '.join(ON_PLANE[5])} are the most; leave out axes of one entry, or "
                "store parts of it."
            )
    missing = set(axes) - set(variables)
    known = {*COORDINATES.values(), "y", "status", "values"}
    strange = [name for name, v in variables.items() if name not in known and v.ndim < 2]
    if not missing:
        asked = {name for each in names.values() for name in asked_names(each)}
        arrays = [n for n in strange if variables[n].ndim and n not in asked]
        strange = [n for n in arrays if is_npz and "x" in axes and not _may_be_meant(n)]
    if strange:
        none = f", and no {' and no '.join(sorted(missing))}" if missing else ""
        raise ValueError(
            f"{path} has the names {', '.join(strange)}, which are not understood{none}; "
            "understood are values (or another name of what has the axes time and x), time (or "
            "t), x, field (or fields), trajectory, y of frames on a plane, status, and lower and "
            "upper of given ends: rename them, leave them out, or choose with --time NAME and --x "
            "NAME."
        )


def _may_be_meant(name: str) -> bool:
    """Whether an array is called like the states at an end, or an axis of one of several fields."""
    is_end = name.partition("_")[0] in SIDES
    return is_end or any(is_called(name, kind) for kind in (*KINDS, "trajectory"))
