"""The memory of the machine."""

import os


def memory_of_machine() -> int | None:
    """The bytes of memory of this machine, or `None` if the system does not say."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return None
