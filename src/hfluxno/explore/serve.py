"""The page on this machine: an address of its own, nothing from elsewhere, one state a visitor."""

import panel as pn

from hfluxno.explore.page import Page

ADDRESS = "127.0.0.1"


def server(file: str = "", port: int = 0):
    """A server that has begun to listen, at a free port where it is 0; its `io_loop.start()` serves
    until it is stopped.

    **Raises:**

    - `OSError`, if the port is taken.
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
