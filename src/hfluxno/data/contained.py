"""Files from elsewhere must not lead to other files, run code, or fill the memory.

NPZ files are read without pickles and unpacked only in memory, so names in them lead nowhere;
tables and NetCDF 3 files are as large as what they contain.
"""

import json
import math
import os
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from tokenize import TokenError
from typing import IO

import h5py
import numpy as np

from hfluxno.data.numbers import listed
from hfluxno.data.parquet import size_in_memory
from hfluxno.memory import memory_of_machine
from hfluxno.plural import plural

_GIB = 2**30
# A chunk is unpacked whole, however little of it lies in its array. Arrays that may grow have
# chunks somewhat larger than they are.
_CHUNK = 2**28  # bytes that any array may have
_TIMES = 4  # larger than its array


def fault(path: Path, kind: str | None) -> str | None:
    """What a file does that is not allowed, as a sentence; `None` if nothing.

    Only the structure is checked; call `too_large` before reading values.

    - `kind`: the name in `hfluxno.data.opening`; kinds not listed below pass.
    """
    checks = {
        "h5netcdf": _fault_of_hdf5,
        "zarr": _fault_of_zarr,
        "npz": _fault_of_npz,
        "parquet": lambda table: too_large(table, size_in_memory(table), "the table"),
    }
    return checks[kind](path) if kind in checks else None


def too_large(
    path: Path, size: int, what: str, remedy: str = "cut the file into parts"
) -> str | None:
    """A sentence if `what` of a file takes more than a quarter of the memory: values are copied a
    few times."""
    memory = memory_of_machine()
    if memory is None or size <= memory // 4:
        return None
    most = memory // 4
    return (
        f"{what} in {path} would take {size / _GIB:.3g} GiB, and at most {most / _GIB:.3g} GiB are "
        f"read, a quarter of this machine's memory; {remedy}."
    )


def _fault_of_hdf5(path: Path) -> str | None:
    found: list[str] = []

    def of_link(name, link):
        if isinstance(link, h5py.ExternalLink):
            found.append(f"the link {_word(name)} leads to another file")
        return found[0] if found else None

    def of_dataset(name, item):
        if not isinstance(item, h5py.Dataset):
            return None
        if item.external or item.is_virtual:
            found.append(f"the values of {_word(name)} are in another file")
        elif item.ndim == 1 and (large := too_large(path, item.nbytes, _word(name))):
            return large  # coordinates are read when a file is opened
        elif item.chunks and (
            large := _chunk_too_large(path, item.shape, item.chunks, item.dtype.itemsize, name)
        ):
            return large
        return found[0] if found else None

    with h5py.File(path, "r") as file:
        file.visititems_links(of_link)
        large = None if found else file.visititems(of_dataset)
    return _leads_outside(path, found[0]) if found else large


def _fault_of_zarr(path: Path) -> str | None:
    root = path.resolve()
    for entry in _entries(root):
        name = _word(str(Path(entry.path).relative_to(root)))
        if entry.is_symlink() and not Path(entry.path).resolve().is_relative_to(root):
            return _leads_outside(path, f"the link {name} leads out of the store")
        if not (entry.is_file() or entry.is_dir()) and not entry.is_symlink():
            return f"{path} is not read: {name} is neither a file nor a folder; remove it."
        if entry.name in (".zarray", "zarr.json"):
            large = _fault_of_array(path, Path(entry.path), name)
            if large:
                return large
    return None


def _entries(folder: Path) -> Iterator[os.DirEntry]:
    with os.scandir(folder) as entries:
        for entry in entries:
            yield entry
            if entry.is_dir(follow_symlinks=False):
                yield from _entries(Path(entry.path))


def _fault_of_array(path: Path, described: Path, name: str) -> str | None:
    about = json.loads(described.read_bytes())
    codecs = [about.get("compressor"), *(about.get("filters") or [])]
    if any(isinstance(codec, dict) and codec.get("id") == "pickle" for codec in codecs):
        return (
            f"{path} is not read: {name} asks for pickle, which could run code; store numbers "
            "without it."
        )
    shape: list[int] = about.get("shape") or []
    if len(shape) == 1 and (large := too_large(path, 8 * int(shape[0]), name)):
        return large  # coordinates are read when a store is opened
    grid = (about.get("chunk_grid") or {}).get("configuration") or {}
    chunk: list[int] = about.get("chunks") or grid.get("chunk_shape") or []
    kind = about.get("dtype") or about.get("data_type")
    return _chunk_too_large(path, shape, chunk, _item_size(kind), name)


def _item_size(kind: object) -> int:
    """The bytes of an entry of a Zarr array; numbers of other kinds than NumPy's have 8."""
    if isinstance(kind, dict):  # texts of one length
        return int((kind.get("configuration") or {}).get("length_bytes", 8))
    try:
        return np.dtype(str(kind)).itemsize or 8
    except TypeError:
        return 8


def _chunk_too_large(
    path: Path, shape: Iterable[int], chunk: Iterable[int], item: int, name: str
) -> str | None:
    """A sentence if a chunk is much larger than its array."""
    unpacked, whole = item * math.prod(map(int, chunk)), item * math.prod(map(int, shape))
    if unpacked <= max(_CHUNK, _TIMES * whole):
        return None
    return (
        f"{path} is not read: a chunk of {_word(name)} would take {unpacked / _GIB:.3g} GiB, and "
        f"the whole array {whole / _GIB:.3g} GiB; store it in chunks no larger than itself."
    )


def _fault_of_npz(path: Path) -> str | None:
    with zipfile.ZipFile(path) as archive:
        size = sum(member.file_size for member in archive.infolist())
        if large := too_large(path, size, "what is packed"):
            return large
        pickled = []
        for member in archive.infolist():
            name = _word(member.filename.removesuffix(".npy"))
            with archive.open(member) as file:
                header = _npy_header(file)
                held = member.file_size - file.tell()
            if header is None:
                return (
                    f"{path} is not read: {name} has no header of an array of numbers; write the "
                    "file again with numpy.savez."
                )
            shape, kind = header
            promised = kind.itemsize * math.prod(shape)
            if kind.hasobject:
                pickled.append(name)
            elif promised > held:
                return (
                    f"{path} is not read: {name} is to have {plural(promised, 'byte')}, and "
                    f"{held:,} are there; write the incomplete file again."
                )
    if not pickled:
        return None
    return (
        f"{path} contains Python objects under {listed(pickled)}, which could run code when read; "
        "store numbers, such as numpy.asarray(values, float)."
    )


def _npy_header(file: IO[bytes]) -> tuple[tuple[int, ...], np.dtype] | None:
    """The shape and type at the beginning of an array of NumPy; `None` if it is damaged."""
    form = np.lib.format
    try:
        old = form.read_magic(file) == (1, 0)
        found = form.read_array_header_1_0(file) if old else form.read_array_header_2_0(file)
    except (ValueError, TypeError, SyntaxError, TokenError, RecursionError, MemoryError):
        return None
    shape, _, kind = found
    return None if any(n < 0 for n in shape) else (shape, kind)


def _leads_outside(path: Path, what: str) -> str:
    return f"{path} is not read: {what}; copy what it leads to into the file."


def _word(name: str) -> str:
    """A name in a file, shortened and printable."""
    return repr(name[:60])[1:-1]
