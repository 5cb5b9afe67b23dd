"""Faults of files as exceptions that name them."""

import contextlib
import warnings
from collections.abc import Iterator
from pathlib import Path


class NotRead(ValueError):
    """A file with unsupported content; the message names the remedy."""


@contextlib.contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turns the exceptions of file libraries into an `OSError` that names the file.

    The libraries raise nearly any exception on a damaged file, so nearly any is caught; their
    warnings about encodings are of no use to a reader and are silenced.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except NotRead:
        raise
    except PermissionError as error:
        raise PermissionError(f"{path} may not be read; ask for permission.") from error
    except Exception as error:
        raise _unreadable(path, error) from error


@contextlib.contextmanager
def understanding(path: Path) -> Iterator[None]:
    """The same where what is in a file is understood, which raises `ValueError` with sentences of
    its own: only what h5py raises on a damaged structure is turned into an `OSError`."""
    try:
        yield
    except (RuntimeError, KeyError, OSError) as error:
        if isinstance(error, OSError) and str(path) in str(error):
            raise
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> OSError:
    reason = str(error).strip() or type(error).__name__
    reason = reason.splitlines()[0].rstrip(".")
    return OSError(f"{path} cannot be read ({reason}); check that it is complete.")
