"""`hfluxno explore`: an interactive page, on this machine."""

import dataclasses
import errno
import sys
from pathlib import Path
from typing import Annotated

import tyro

from hfluxno.extras import require


@dataclasses.dataclass(frozen=True)
class ExploreConfig:
    """Open an interactive page: draw a hidden law or load a file, infer, forecast, compare.

    The page is served only to this machine (127.0.0.1) and loads nothing from any other. Ctrl-C
    ends it.

    Example: hfluxno explore traffic.nc
    """

    file: tyro.conf.Positional[
        Annotated[Path | None, tyro.conf.arg(metavar="[FILE]", help_behavior_hint="")]
    ] = None
    """A file as for `hfluxno forecast`, whose context is chosen on the page; by default a law is
    drawn."""
    variable: Annotated[str | None, tyro.conf.arg(metavar="NAME")] = None
    """The variable to read, if the file has several candidates; another can be chosen on the
    page."""
    gamma: Annotated[float | None, tyro.conf.arg(metavar="G")] = None
    """The ratio of specific heats, if the file has the density, velocity and pressure of a gas."""
    port: Annotated[int, tyro.conf.arg(metavar="PORT")] = 0
    """The port to listen on; by default a free one."""
    browser: bool = True
    """Whether to open the page in the browser."""


def main(config: ExploreConfig) -> int:
    """Serves the page until it is interrupted. Raises `ValueError` if Panel is not installed, there
    is no such port or it is taken, or the file is refused; `OSError` if it cannot be read."""
    from hfluxno.cli import runtime

    require("hfluxno explore", "explore")
    if not 0 <= config.port <= 65535:
        raise ValueError(f"--port must be between 1 and 65535; got {config.port}.")
    from hfluxno.explore.problem import FileChoice, opened

    gamma = "" if config.gamma is None else str(config.gamma)
    choice = FileChoice(str(config.file or ""), config.variable or "", gamma=gamma)
    if choice.path:
        opened(choice)
    elif choice != FileChoice():
        option = "variable" if choice.variable else "gamma"
        raise ValueError(f"--{option} does not apply without a file; leave it out.")
    with runtime.prepared():
        from hfluxno.explore.serve import ADDRESS, server

        try:
            made = server(choice, config.port)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            raise ValueError(
                f"Another program listens on port {config.port}; leave out --port for a free one."
            ) from None
        sys.stdout.write(f"http://{ADDRESS}:{made.port} (Ctrl-C ends it)\n")
        sys.stdout.flush()
        if config.browser:
            made.show("/")
        made.io_loop.start()
    return 0
