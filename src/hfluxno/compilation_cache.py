"""The folder where compiled programs are stored."""

import functools
import os
import shutil
import warnings
from pathlib import Path

# JAX leaves the beginning of a program in its folder if the disk becomes full.
_LEAST_FREE = 64 * 1024**2


def cache_folder() -> Path:
    """The default folder. Raises `RuntimeError` if the user has no home folder."""
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "hfluxno" / "jax"


def use_cache(folder: str | None = None) -> None:
    """Makes JAX store its programs in this folder, by default the user's cache folder; if there is
    none, or the disk is nearly full, they are compiled in each process."""
    import jax

    # A program that is not stored, or damaged, is compiled: that takes time, and nothing else.
    warnings.filterwarnings("ignore", "Error (reading|writing) persistent compilation cache")
    chosen = jax.config.values["jax_compilation_cache_dir"]
    if chosen is not None:  # set by the user or a test
        return
    place = _default() if folder is None else _usable(Path(folder))
    if place is not None:
        jax.config.update("jax_compilation_cache_dir", str(place))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.3)


def programs_folder() -> Path | None:
    """The folder beside which this library stores programs of its own: that of JAX, or the user's
    cache folder if JAX has none, as in a script; `None` if JAX is told to store nothing
    (`jax_enable_compilation_cache`), its folder is not one of files, or there is none."""
    import jax

    if not jax.config.values["jax_enable_compilation_cache"]:
        return None
    chosen = jax.config.values["jax_compilation_cache_dir"]
    if chosen is None:
        return _default()
    return None if "://" in str(chosen) else Path(chosen)


def _default() -> Path | None:
    try:
        return _usable(cache_folder())
    except RuntimeError:  # a user without a home folder
        return None


@functools.cache
def _usable(place: Path) -> Path | None:
    """The folder, made if necessary; `None` if it cannot be written to, or the disk is nearly
    full."""
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    room = os.access(place, os.W_OK) and shutil.disk_usage(place).free > _LEAST_FREE
    return place if room else None


def cache_in_use() -> str | None:
    """The folder in which JAX stores its programs, for processes that should share it."""
    import jax

    folder = jax.config.values["jax_compilation_cache_dir"]
    return None if folder is None else str(folder)
