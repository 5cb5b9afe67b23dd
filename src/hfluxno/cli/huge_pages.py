"""Large arrays on huge pages.

Compiled programs allocate their temporaries at each call, and glibc gets each large one from the
system as new pages of 4 KiB: 46 000 in a training step of 64 windows of the paper's model, a sixth
of its time. With pages of 2 MiB there are a thousand. A tunable makes glibc ask for these (from
version 2.35 on, if the kernel grants them), but it is read when a process starts.
"""

import contextlib
import os
import sys

_TUNABLES, _HUGE_PAGES = "GLIBC_TUNABLES", "glibc.malloc.hugetlb"
_MARK = "HFLUXNO_ON_HUGE_PAGES"


def use_huge_pages() -> None:
    """Restarts the command of this process with the tunable.

    Does nothing if the user has set it, the C library is not glibc, or there is no command to
    restart.
    """
    tunables = os.environ.get(_TUNABLES, "")
    again = bool(sys.executable) and os.path.isfile(sys.argv[0])
    # Where tunables have no effect, it must not restart forever.
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
