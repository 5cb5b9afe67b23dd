"""The settings of a run of the command line: precision, and the cache of compiled programs."""

import contextlib
from collections.abc import Iterator

from hfluxno.compilation_cache import use_cache
from hfluxno.memory import memory_of_machine
from hfluxno.plural import plural


@contextlib.contextmanager
def prepared(float64: bool = False) -> Iterator[None]:
    """Float64 where it is asked for, and compiled programs that are kept."""
    import jax

    use_cache()
    with jax.enable_x64(True) if float64 else contextlib.nullcontext():
        yield


def check_memory(frames: int, numbers: int, what: str = "", mend: str = "") -> None:
    """Refuses a forecast that this machine cannot hold, `numbers` in double precision a frame;
    `what` is said to be too much and how to `mend` it, where it is not that alone.

    **Raises:**

    - `ValueError`, where it is larger than the memory.
    """
    memory, needed = memory_of_machine(), 8 * frames * numbers
    if memory is not None and needed > memory:
        raise ValueError(
            f"{what or 'A forecast of ' + plural(frames, 'frame')} takes {needed / 2**30:,.0f} "
            f"GiB, more than the {memory / 2**30:.0f} GiB of memory of this machine; "
            f"{mend or 'choose fewer --steps'}."
        )
