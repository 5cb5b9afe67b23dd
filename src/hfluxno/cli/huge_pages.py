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
_MARK = "HFLUXNO_ON_HUGE_PAGES"


def use_huge_pages() -> None:
    """Starts the command of this process once more, with the tunable.

    Where a user has set it, the C library is another, or there is no command that could be started
    again, it does nothing.
    """
    tunables = os.environ.get(_TUNABLES, "")
    again = bool(sys.executable) and os.path.isfile(sys.argv[0])
    # A system that does not let tunables through must not be asked for ever.
    if _HUGE_PAGES in tunables or _MARK in os.environ or not again or not _glibc():
        return
    more = ":".join(filter(None, (tunables, f"{_HUGE_PAGES}=1")))
    with contextlib.suppress(OSError):
        os.execve(sys.executable, sys.orig_argv, os.environ | {_TUNABLES: more, _MARK: "1"})


def _glibc() -> bool:
    try:
        version = os.confstr("CS_GNU_LIBC_VERSION") if sys.platform == "linux" else None
    except (ValueError, OSError):
        return False
    return version is not None
