"""Keeps the memory of the process.

glibc gives every large array back to the operating system as soon as it is free, and gets the next
one as new pages that the system has to clear. Compiled programs allocate their temporaries anew at
each call, so forecasts that read their context again at every step spend a seventh of their time on
that. Here freed memory stays with the process.

It is not for training, which allocates in several threads at once: there it loses a tenth.
"""

import contextlib
import ctypes

# From malloc.h.
_M_TRIM_THRESHOLD, _M_MMAP_MAX, _M_ARENA_MAX = -1, -4, -8
_MOST = 2**31 - 1


def keep_memory() -> None:
    """Does so where the C library is glibc; elsewhere nothing."""
    with contextlib.suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL("libc.so.6").mallopt
        mallopt(_M_MMAP_MAX, 0)
        mallopt(_M_TRIM_THRESHOLD, _MOST)
        # One arena: the others cannot hold large arrays without mmap.
        mallopt(_M_ARENA_MAX, 1)
