"""Names within proposed commands, as a shell takes them: such a command can be pasted, whatever a
file or a field is called."""

import shlex
import sys
from collections.abc import Iterable


def quoted(word: str) -> str:
    """The word in quotes if it needs any; with escapes, as in $'\\xcf\\x81', if it has letters that
    the output cannot show or are no text."""
    if word.isprintable() and _can_be_shown(word):
        return shlex.quote(word)
    return f"$'{''.join(map(_escaped, word.encode('utf-8', 'surrogateescape')))}'"


def joined(words: Iterable[str]) -> str:
    """The words of a command."""
    return " ".join(map(quoted, words))


def option(name: str, value: str) -> str:
    """`--variable h`, or `--variable=-h`, which would be an option."""
    return f"--{name}{'=' if value.startswith('-') else ' '}{quoted(value)}"


def _can_be_shown(word: str) -> bool:
    try:
        word.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _escaped(byte: int) -> str:
    letter = chr(byte)
    return letter if 32 <= byte < 127 and letter not in "\\'" else f"\\x{byte:02x}"
