"""The settings of a run of the command line: precision, and the cache of compiled programs."""

import contextlib
from collections.abc import Iterator

from hfluxno.compilation_cache import use_cache
from hfluxno.memory import memory_of_machine


@contextlib.contextmanager
def prepared(float64: bool = False) -> Iterator[None]:
    """Sets float64 if asked for, and the cache of compiled programs."""
    import jax

    use_cache()
    with jax.enable_x64(True) if float64 else contextlib.nullcontext():
        yield


def check_memory(frames: int, numbers: int, what: str, mend: str) -> None:
    """Checks that frames of so many `numbers` in double precision fit in memory; the message names
    `what` is too large and how to `mend` it. Raises `ValueError` if they do not."""
    memory, needed = memory_of_machine(), 8 * frames * numbers
    if memory is not None and needed > memory:
        raise ValueError(
            f"{what} takes about {needed / 2**30:,.0f} GiB, more than the "
            f"{memory / 2**30:.0f} GiB of memory of this machine; {mend}."
        )
