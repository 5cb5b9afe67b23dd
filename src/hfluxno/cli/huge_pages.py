"""Large arrays on huge pages.

Compiled programs allocate their temporaries anew at each call, and glibc gets every large one from
the system as new pages of 4 KiB: 46 000 in a training step of 64 windows of the paper's model, a
sixth of its time. On pages of 2 MiB it is a thousand. glibc asks for these (from version 2.35 on,
and where the kernel grants them) if a tunable says so; it reads tunables when a process starts.
"""

import contextlib
import os
import sys

_TUNABLES, _HUGE_PAGES = "GLIBC_TUNABLES", "glibc.malloc.hugetlb"


def use_huge_pages() -> None:
    """Starts the command of this process once more, with the tunable.

    Where a user has set it, or the C library is another, it does nothing.
    """
    tunables = os.environ.get(_TUNABLES, "")
    if _HUGE_PAGES in tunables or not _glibc():
        return
    more = ":".join(filter(None, (tunables, f"{_HUGE_PAGES}=1")))
    with contextlib.suppress(OSError):
        os.execve(sys.executable, sys.orig_argv, os.environ | {_TUNABLES: more})


def _glibc() -> bool:
    try:
        version = os.confstr("CS_GNU_LIBC_VERSION") if sys.platform == "linux" else None
    except (ValueError, OSError):
        return False
    return version is not None
