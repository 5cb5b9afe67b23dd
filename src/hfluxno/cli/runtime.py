"""The settings of a run of the command line: precision, and the cache of compiled programs."""

import contextlib
from collections.abc import Iterator

from hfluxno.compilation_cache import use_cache


@contextlib.contextmanager
def prepared(float64: bool = False) -> Iterator[None]:
    """Sets float64 if asked for, and the cache of compiled programs."""
    import jax

    use_cache()
    with jax.enable_x64(True) if float64 else contextlib.nullcontext():
        yield
