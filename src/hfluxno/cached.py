"""Where compiled programs are kept."""

import os
from pathlib import Path


def cache_folder() -> Path:
    """Where programs are kept if nobody chose another place.

    **Raises:**

    - `RuntimeError`, where the user has no home folder.
    """
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "hfluxno" / "jax"


def keep_programs(folder: str | None = None) -> None:
    """Lets JAX keep its programs in this folder, or the user's cache folder; without one it
    compiles anew."""
    import jax

    chosen = jax.config.values["jax_compilation_cache_dir"]
    if chosen is not None:  # by the user, or by a test
        return
    try:
        place = cache_folder() if folder is None else Path(folder)
        place.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError):  # a user without a home folder raises RuntimeError
        return
    if os.access(place, os.W_OK):
        jax.config.update("jax_compilation_cache_dir", str(place))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.3)


def kept_in() -> str | None:
    """The folder that JAX keeps its programs in, for processes that are to share it."""
    import jax

    folder = jax.config.values["jax_compilation_cache_dir"]
    return None if folder is None else str(folder)
