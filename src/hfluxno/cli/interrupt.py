"""Ctrl-C: ends a command at any moment with one line and the exit status 130.

Python raises `KeyboardInterrupt` wherever the main thread happens to be. A library being imported
may take it for a failure of its own, a callback loses it, and a compilation continues until it is
done. So here a thread waits for the signal, removes half-written files and ends the process, while
the main thread stops where it is.
"""

import os
import signal
import sys
import threading
import time

INTERRUPTED = 130


# Terminal codes: go to the start of the line, clear it, and show the cursor.
_RESTORED = "\r\x1b[K\x1b[?25h"


def sentence() -> str:
    """The message, with how much of a batch is done."""
    # The signal may arrive while the module is being imported: it is there, its names are not yet.
    so_far = getattr(sys.modules.get("hfluxno.cli.progress"), "so_far", str)
    return f"hfluxno: interrupted{so_far()}\n"


def end_at_interrupt() -> None:
    """Makes Ctrl-C end this process, unless it is ignored, as in the background."""
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        return
    waiting, signalled = os.pipe()
    os.set_blocking(signalled, False)
    signal.signal(signal.SIGINT, lambda *_: time.sleep(60))
    signal.set_wakeup_fd(signalled, warn_on_full_buffer=False)
    threading.Thread(target=_wait, args=(waiting,), daemon=True).start()


def _wait(waiting: int) -> None:
    while os.read(waiting, 1)[0] != signal.SIGINT:  # other signals arrive here too
        pass
    try:
        if sys.stdout.isatty():
            os.write(1, _RESTORED.encode())
        os.write(2, ((_RESTORED if sys.stderr.isatty() else "") + sentence()).encode())
        # Nothing is being written before this module is loaded.
        replacing = sys.modules.get("hfluxno.data.replacing")
        getattr(replacing, "remove_unfinished", lambda: None)()
    finally:
        os._exit(INTERRUPTED)
