"""Serves the page on this machine: nothing loaded from elsewhere, one state per visitor."""

import panel as pn
from tornado.web import RequestHandler

from hfluxno.explore.page import Page
from hfluxno.explore.problem import FileChoice

ADDRESS = "127.0.0.1"
_OTHER_NAMES = r"(?!(127\.0\.0\.1|localhost)$).*"


class _Refused(RequestHandler):
    """Answers a request under a name of another machine, which a page from there could have given
    this address (DNS rebinding)."""

    def prepare(self) -> None:
        self.set_status(403)
        self.finish(f"This page is only served as {ADDRESS} and localhost.")


def server(choice: FileChoice, port: int = 0):
    """A server that is listening, on a free port if `port` is 0; its `io_loop.start()` serves until
    stopped. The page begins with a file, if `choice` names one.

    Raises `OSError` if the port is taken.
    """
    made = pn.serve(
        {"/": lambda: Page(choice).view},
        port=port,
        address=ADDRESS,
        show=False,
        start=False,
        verbose=False,
    )
    made._tornado.add_handlers(_OTHER_NAMES, [(".*", _Refused)])
    made.start()
    return made
