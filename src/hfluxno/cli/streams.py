"""The standard streams of a process: closed, of an old encoding, on a full disk, or a pipe whose
reader has left."""

import errno
import io
import json
import os
import shutil
import sys

# What helps where the system refuses a file before anything of ours looks at it.
_MENDS = {
    errno.ENAMETOOLONG: "choose a shorter one",
    errno.ENOTDIR: "name folders where folders are needed",
    errno.ENOSPC: "make room on the disk, or choose another folder",
}
# Letters a line: reports and help of fewer have no room for values, and of 5 help never ends.
_NARROWEST, _USUAL = 40, 80


def prepare() -> None:
    """Makes everything printable: what goes to a closed stream is lost, `?` stands for letters
    that the encoding of the output lacks, and lines are wide enough."""
    _widen()
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")


def _widen() -> None:
    """Ignores a width in the environment that is none, and that of a terminal without room."""
    said = os.environ.get("COLUMNS", "")
    if not (said.isdecimal() and int(said) >= _NARROWEST):
        os.environ.pop("COLUMNS", None)
    if shutil.get_terminal_size((_USUAL, 24)).columns < _NARROWEST:
        os.environ["COLUMNS"] = str(_USUAL)


def flush() -> None:
    """Writes what was printed. Raises `OSError` if that fails, `BrokenPipeError` if nobody reads
    it."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        discard()
        raise OSError(f"The report cannot be written: {error.strerror}.") from error


def discard() -> None:
    """Leaves nothing for the end of the process to write, which would fail again."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def say(*sentences: str) -> None:
    """Says something to the user, each sentence in a line of standard error."""
    for sentence in sentences:
        sys.stderr.write(f"hfluxno: {printable(sentence)}\n")


def said_of(error: Exception) -> str:
    """The sentence of an error, in one line, also of one of the system, which has none."""
    if isinstance(error, OSError) and error.strerror and str(error).startswith("[Errno"):
        where = "The output" if error.filename is None else os.fsdecode(error.filename)
        mend = _MENDS.get(error.errno or 0, "check the path")
        return f"{where} cannot be used ({error.strerror}); {mend}."
    said = " ".join(str(error).split()) or type(error).__name__
    if isinstance(error, MemoryError):
        return f"There is not enough memory ({said.rstrip('.')}); choose fewer cells or frames."
    return said


def printable(text: str) -> str:
    """The text in one line, with `?` for what cannot be shown: names may contain bytes that are no
    text, or codes that change the terminal."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def escaped(text: str) -> str:
    """JSON with escapes for letters that the encoding of the output lacks, if it lacks any."""
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        return json.dumps(json.loads(text))
    return text
