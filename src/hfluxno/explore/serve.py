"""Serves the page on this machine: nothing loaded from elsewhere, one state per visitor."""

import panel as pn

from hfluxno.explore.page import Page

ADDRESS = "127.0.0.1"


def server(file: str = "", port: int = 0):
    """A server that is listening, on a free port if `port` is 0; its `io_loop.start()` serves until
    stopped.

    Raises `OSError` if the port is taken.
    """
    made = pn.serve(
        {"/": lambda: Page(file).view},
        port=port,
        address=ADDRESS,
        show=False,
        start=False,
        verbose=False,
    )
    made.start()
    return made
