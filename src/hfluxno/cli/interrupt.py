"""Ctrl-C, and what else asks a process to end: ends a command at any moment with one line and the
exit status 130 (143 if it is terminated, 129 if its terminal is gone).

Python raises `KeyboardInterrupt` wherever the main thread happens to be. A library being imported
may take it for a failure of its own, a callback loses it, and a compilation continues until it is
done. So here a thread waits for the signal, removes half-written files and ends the process, while
the main thread stops where it is.
"""

import contextlib
import os
import signal
import sys
import threading
import time

INTERRUPTED = 130
# The statuses that a shell gives processes that such signals end; Windows has fewer of them.
_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")
_STATUS = {getattr(signal, n): 128 + int(getattr(signal, n)) for n in _NAMES if hasattr(signal, n)}

# Terminal codes: go to the start of the line, clear it, and show the cursor.
_RESTORED = "\r\x1b[K\x1b[?25h"


def sentence() -> str:
    """The message, with how much of a batch is done."""
    # The signal may arrive while the module is being imported: it is there, its names are not yet.
    so_far = getattr(sys.modules.get("hfluxno.cli.progress"), "so_far", str)
    return f"hfluxno: interrupted{so_far()}\n"


def end_at_interrupt() -> None:
    """Makes these signals end this process, unless they are ignored, as Ctrl-C is in the
    background."""
    usual = (signal.SIG_DFL, signal.default_int_handler)
    handled = {each: was for each in _STATUS if (was := signal.getsignal(each)) in usual}
    if not handled:
        return
    waiting, signalled = os.pipe()
    os.set_blocking(signalled, False)
    for each in handled:
        signal.signal(each, lambda *_: time.sleep(60))
    signal.set_wakeup_fd(signalled, warn_on_full_buffer=False)
    threading.Thread(target=_wait, args=(waiting,), daemon=True).start()

    def forked() -> None:  # would tell the parent process of its own signals
        signal.set_wakeup_fd(-1)
        for each, was in handled.items():
            signal.signal(each, was)

    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=forked)


def _wait(waiting: int) -> None:
    while (status := _STATUS.get(os.read(waiting, 1)[0])) is None:  # others arrive here too
        pass
    try:
        with contextlib.suppress(OSError, AttributeError, ValueError):  # nobody may be there
            if sys.stdout.isatty():
                os.write(1, _RESTORED.encode())
            os.write(2, ((_RESTORED if sys.stderr.isatty() else "") + sentence()).encode())
        # Nothing is being written before this module is loaded.
        replacing = sys.modules.get("hfluxno.data.replacing")
        getattr(replacing, "remove_unfinished", lambda: None)()
    finally:
        os._exit(status)
