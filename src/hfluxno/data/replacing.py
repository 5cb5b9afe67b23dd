"""Writing files so that an interrupted or failed run neither leaves half a file nor loses one."""

import contextlib
import errno
import os
import shutil
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

from hfluxno.data.opening import is_zarr

# A full disk, a full quota, a file longer than the system allows.
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

# Temporary files; and files moved away, with the place where they belong.
_unfinished: dict[Path, Path | None] = {}


def check_writable(path: Path, suffixes: tuple[str, ...], source: Path | None = None) -> None:
    """Checks an output before the work for it is done. Raises `ValueError` if the suffix is not one
    of `suffixes`, or the file is `source` itself; `OSError` if it cannot be written there."""
    if path.suffix not in suffixes:
        ends = f"{'one of ' * (len(suffixes) > 1)}{', '.join(suffixes)}"
        raise ValueError(f"The name {path} does not say what to write; end it with {ends}.")
    folder = _target(path).parent
    if not folder.is_dir():
        raise FileNotFoundError(f"{path} cannot be written: there is no folder {folder}.")
    if source is not None and path.exists() and path.resolve() == source.resolve():
        raise ValueError(f"{path} is the input itself; choose another name for the output.")
    if path.is_dir() and not (path.suffix == ".zarr" and is_zarr(path)):
        raise IsADirectoryError(f"{path} is a folder; choose another name.")
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise FileExistsError(f"{path} is a pipe or a device; choose another name.")
    if path.suffix == ".zarr" and path.is_file():
        raise FileExistsError(f"{path} is a file, but a Zarr store is a folder; choose another.")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise PermissionError(f"{path} cannot be written: the folder {folder} is read-only.")


@contextlib.contextmanager
def replacing(*paths: Path) -> Iterator[tuple[Path, ...]]:
    """Temporary siblings of `paths`, or of what those that are links lead to, which replace them
    when the block succeeds.

    If the block raises, nothing is left behind and existing files remain.

    Raises `OSError` if the disk is full, or takes no file there.
    """
    mark = uuid.uuid4().hex[:8]
    targets = tuple(map(_target, paths))
    # The suffix stays last: libraries choose the format by it. A name has 255 bytes at most.
    temporary = tuple(
        target.with_name(f".{target.stem[:40]}.{mark}.{i}.tmp{path.suffix}")
        for i, (path, target) in enumerate(zip(paths, targets, strict=True))
    )
    _unfinished.update(dict.fromkeys(temporary))
    try:
        yield temporary
        for new, path in zip(temporary, targets, strict=True):
            _replace(new, path, mark)
    except OSError as error:
        where = str(error.filename)
        if not is_full(error) and not where.startswith(tuple(map(str, temporary))):
            raise
        names, room = ", ".join(map(str, paths)), "make room or " if is_full(error) else ""
        raise OSError(
            f"{names} cannot be written: {error.strerror}; {room}choose another folder."
        ) from error
    finally:
        for new in temporary:
            remove(new)
            del _unfinished[new]


def replace_text(path: Path, text: str) -> None:
    """Writes a text in UTF-8 as `replacing` does."""
    with replacing(path) as (temporary,):
        temporary.write_text(text, encoding="utf-8")


def remove_unfinished() -> None:
    """For ending the process at any moment: as if the blocks of all `replacing` had raised."""
    for path, home in list(_unfinished.items()):
        if home is not None and path.exists() and not home.exists():
            os.rename(path, home)
        else:
            remove(path)


def is_full(error: BaseException) -> bool:
    """Whether the disk is full."""
    return isinstance(error, OSError) and error.errno in _FULL


def _target(path: Path) -> Path:
    """The path itself, or what a link leads to, which need not exist."""
    return Path(os.path.realpath(path)) if path.is_symlink() else path


def _replace(new: Path, path: Path, mark: str) -> None:
    if not path.is_dir():
        os.replace(new, path)
        return
    # A folder cannot be renamed over another.
    old = path.with_name(f".{path.stem[:40]}.{mark}.old{path.suffix}")
    _unfinished[old] = path
    os.rename(path, old)
    try:
        os.rename(new, path)
    except OSError:
        os.rename(old, path)
        raise
    remove(old)
    del _unfinished[old]


def remove(path: Path) -> None:
    """Removes a file or a folder, if it exists."""
    if not path.is_dir():
        path.unlink(missing_ok=True)
        return
    # Zarr writes in its own threads, which may continue for a moment after one of them has failed.
    for _ in range(100):
        shutil.rmtree(path, ignore_errors=True)
        time.sleep(0.01)
        if not path.exists():
            return
