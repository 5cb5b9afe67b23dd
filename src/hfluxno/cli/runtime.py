"""The settings of a run of the command line: precision, and the cache of compiled programs."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def prepared(float64: bool = False) -> Iterator[None]:
    """Float64 where it is asked for, and compiled programs that are kept."""
    import jax

    _keep_compiled_programs()
    with jax.enable_x64(True) if float64 else contextlib.nullcontext():
        yield


def check_memory(frames: int, numbers: int) -> None:
    """Refuses a forecast that this machine cannot hold, `numbers` in double precision a frame.

    **Raises:**

    - `ValueError`, where it is larger than the memory.
    """
    try:
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):  # a system that does not say
        return
    needed = 8 * frames * numbers
    if needed > memory:
        raise ValueError(
            f"A forecast of {frames:,} frames takes {needed / 2**30:,.0f} GiB, more than the "
            f"{memory / 2**30:.0f} GiB of memory of this machine; choose fewer --steps."
        )


def cache_folder() -> Path:
    """Where programs are kept if nobody chose another place.

    **Raises:**

    - `RuntimeError`, where the user has no home folder.
    """
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "hfluxno" / "jax"


def _keep_compiled_programs() -> None:
    """Lets JAX keep its programs in the user's cache folder; without one it compiles anew."""
    import jax

    chosen = jax.config.values["jax_compilation_cache_dir"]
    if chosen is not None:  # by the user, or by a test
        return
    try:
        folder = cache_folder()
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError):  # a user without a home folder raises RuntimeError
        return
    if os.access(folder, os.W_OK):
        jax.config.update("jax_compilation_cache_dir", str(folder))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.3)
