"""The command `hfluxno`: one file per subcommand, each a typed config and `main(config)`.

Only the module of the requested command is imported, so help appears at once.
"""

import contextlib
import importlib
import io
import sys
import typing
import warnings
from collections.abc import Callable, Sequence

from hfluxno.cli import streams
from hfluxno.cli.interrupt import INTERRUPTED, end_at_interrupt, sentence

COMMANDS = {
    "forecast": "infer the law from the first frames of a file and continue them",
    "identify": "infer only the law, as a table, CSV or picture",
    "reconstruct": "estimate the whole field behind measurements, with its law and open ends",
    "export": "write a law as a program, a formula or a file",
    "check": "say what a file holds and what its values show, in seconds",
    "generate": "make a data set: many solved trajectories of one law",
    "train": "train a network from a preset",
    "evaluate": "measure a network on a data set",
    "benchmark": "measure every method as in the paper: its tables and figures",
    "explore": "open an interactive page: draw a hidden law, infer it, compare",
    "demo": "forecast the example that comes with hfluxno",
    "doctor": "say what is installed and what the machine has, for a bug report",
}

_NOT_READ, _BAD_INPUT = 1, 2


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command; returns the exit status: 0, 1 if nobody reads the output, 2 if the input
    is at fault, or 130 if interrupted (143 if terminated, 129 if its terminal is gone).

    The fault is reported in one sentence on standard error.
    """
    if argv is None:
        end_at_interrupt()
        streams.prepare()
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _as_sentences(warnings.showwarning)
            status = _run(arguments)
            streams.flush()
            return status
    except BrokenPipeError:
        streams.discard()
        return _NOT_READ
    except (ValueError, OSError, MemoryError) as error:
        if _is_ours(error):
            raise
        streams.say(streams.said_of(error))
        return _BAD_INPUT
    except RuntimeError as error:
        if "RESOURCE_EXHAUSTED" not in str(error):
            raise
        sys.stderr.write(f"hfluxno: There is not enough memory: {str(error).splitlines()[0]}\n")
        return _BAD_INPUT
    except KeyboardInterrupt:
        sys.stderr.write(sentence())
        return INTERRUPTED


def _is_ours(error: Exception) -> bool:
    """Whether a `ValueError` is one of linear algebra, which says nothing about the input."""
    from numpy.linalg import LinAlgError  # help is shown without NumPy

    return isinstance(error, LinAlgError)


def _as_sentences(usual: Callable[..., None]) -> Callable[..., None]:
    """Shows warnings for users as sentences, without their place in the program, and each once,
    though a network may be loaded for every trajectory; others as `usual`."""
    said: set[str] = set()

    def show(message, category, *where):
        if category is not FutureWarning:
            usual(message, category, *where)
        elif str(message) not in said:
            said.add(str(message))
            streams.say(str(message))

    return show


def _run(arguments: list[str]) -> int:
    if not arguments or arguments[0] in ("-h", "--help"):
        sys.stdout.write(_overview())
        return 0
    if arguments[0] == "--version":
        from importlib.metadata import version

        sys.stdout.write(f"hfluxno {version('hfluxno')}\n")
        return 0
    command = arguments[0]
    if command not in COMMANDS:
        raise ValueError(f"Unknown command {command!r}; choose one of {', '.join(COMMANDS)}.")
    import tyro

    from hfluxno.cli import arguments as said

    module = importlib.import_module(f"hfluxno.cli.{command}")
    config_type = typing.get_type_hints(module.main)["config"]
    said.check_paths(arguments[1:], config_type)
    box = io.StringIO()
    try:
        with contextlib.redirect_stderr(box):
            config = tyro.cli(config_type, prog=f"hfluxno {command}", args=arguments[1:])
    except SystemExit as exit:
        if exit.code:
            unknown = said.unknown_options(arguments[1:], config_type)
            raise ValueError(said.sentence(box.getvalue(), command, unknown)) from exit
        return 0  # the help was shown
    return module.main(config)


def _overview() -> str:
    width = max(map(len, COMMANDS))
    lines = [f"  {name:<{width}}  {text}" for name, text in COMMANDS.items()]
    return "\n".join(
        [
            "usage: hfluxno COMMAND [options]",
            "",
            "Infer an unknown conservation law from a few snapshots and forecast it.",
            "",
            *lines,
            "",
            "`hfluxno COMMAND --help` shows the options of a command.",
            "",
        ]
    )
