"""The memory of the machine."""

import os


def memory_of_machine() -> int | None:
    """The bytes of memory of this machine, or `None` if the system does not say."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return None


def check_memory(frames: int, numbers: int, what: str, mend: str) -> None:
    """Checks that frames of so many `numbers` in double precision fit in memory; the message names
    `what` is too large and how to `mend` it. Raises `ValueError` if they do not."""
    memory, needed = memory_of_machine(), 8 * frames * numbers
    if memory is not None and needed > memory:
        raise ValueError(
            f"{what} takes about {needed / 2**30:,.0f} GiB, more than the "
            f"{memory / 2**30:.0f} GiB of memory of this machine; {mend}."
        )
