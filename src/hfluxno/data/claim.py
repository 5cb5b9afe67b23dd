"""A folder that one process at a time makes: the results of two would be mixed in it."""

import contextlib
import os
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows has other locks, of files alone
    fcntl = None  # type: ignore[assignment]

# The folders of this process, and what holds each of them until the process has ended.
_held: dict[Path, int] = {}


def claim(folder: Path) -> None:
    """Takes a folder, if it exists, until it is released or the process ends, in whatever way.
    Raises `FileExistsError` if another process has it."""
    if fcntl is None or not folder.is_dir():
        return
    opened = os.open(folder, os.O_RDONLY)
    held = _held.get(folder.resolve())
    if held is not None and os.path.samestat(os.fstat(held), os.fstat(opened)):
        os.close(opened)
        return
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(opened)
        raise FileExistsError(
            f"Another run is writing {folder}; wait until it has ended, or choose another output."
        ) from error
    except OSError:  # a file system without locks
        pass
    release(folder)
    _held[folder.resolve()] = opened


def release(folder: Path) -> None:
    """Gives a folder back, if this process has it."""
    held = _held.pop(folder.resolve(), None)
    if held is not None:
        with contextlib.suppress(OSError):
            os.close(held)
