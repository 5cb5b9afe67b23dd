"""What is wrong with a command line, in one sentence; tyro draws a box with the option's help."""

import itertools
import re
import typing
from collections.abc import Mapping, Sequence
from pathlib import Path

_BORDER = "│╭╮╰╯|+ "
_VALUE = re.compile(r"Error parsing (?:-\w/)?(\S+): [^']*'([^']*)'")


def sentence(box: str, command: str, unknown: Sequence[str] = ()) -> str:
    """The fault that a box of tyro describes; `unknown` are the arguments that look like options
    and are none."""
    first, *others = _paragraphs(box) or [[box]]
    text = " ".join(" ".join(first).split())
    kind = "a whole number" if re.search(r"\bint\b|\bINT\b", text) else "a number"
    value = _VALUE.match(text)
    if value and re.search(r"\b(int|float)\b", text, re.IGNORECASE):
        said = f"{value[1]} needs {kind}; got {value[2]!r}"
    elif unknown and (awaited := re.match(r"Missing value for argument '(\w+)'", text)):
        # tyro waits for what has no dash, and does not take them for options either.
        said = f"{unknown[0]} is no option, and {awaited[1].upper()} is missing"
        if "." in unknown[0]:
            said = f"{unknown[0]} is no option; if it is a file, write ./{unknown[0]}"
    elif text.startswith("Missing from"):
        missing = _options(first)
        said = f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing"
    else:
        said = text.partition(". ")[0].rstrip(".")
    meant = [o for each in others if each[0].startswith("Perhaps") for o in _options(each)]
    said += f"; perhaps {' or '.join(meant)} is meant" * bool(meant)
    return f"{said}; see hfluxno {command} --help."


def check_paths(arguments: Sequence[str], config_type: type) -> None:
    """Raises `ValueError` if the name of a file is empty, as a variable of the shell may be, which
    would be the current folder."""
    hints = typing.get_type_hints(config_type, include_extras=True)
    files = {name: hint for name, hint in hints.items() if _has_path(hint)}
    named = {f"--{name.replace('_', '-')}" for name in files} | _aliases(files)
    first = [name.upper() for name in ("input", "file") if name in files]  # without a dash
    for before, word in itertools.pairwise(["", *arguments]):
        option = word[:-1] if word.endswith("=") else "" if word else before
        empty = [option] if option in named else first if not word and before[:1] != "-" else []
        if empty:
            raise ValueError(f"{empty[0]} is empty; give the name of a file.")


def _has_path(hint: typing.Any) -> bool:
    return hint is Path or any(map(_has_path, typing.get_args(hint)))


def _aliases(hints: Mapping[str, typing.Any]) -> set[str]:
    """The short names of options."""
    notes = [note for hint in hints.values() for note in getattr(hint, "__metadata__", ())]
    return {alias for note in notes for alias in getattr(note, "aliases", None) or ()}


def unknown_options(arguments: Sequence[str], config_type: type) -> list[str]:
    """The arguments that begin with a dash and are neither numbers nor options of a command."""
    hints = typing.get_type_hints(config_type, include_extras=True)
    known = _aliases(hints)
    for name in hints:
        known |= {f"--{no}{name.replace('_', '-')}" for no in ("", "no-")}
    named = [argument.partition("=")[0] for argument in arguments]
    return [name for name in named if name not in known and re.match(r"-\D", name)]


def _paragraphs(box: str) -> list[list[str]]:
    """The lines between the rules of a box, without its title."""
    found: list[list[str]] = [[]]
    for line in box.splitlines()[1:]:
        text = line.rstrip(_BORDER).lstrip(_BORDER[:-1])
        if text.strip("-─ "):
            found[-1].append(text)
        elif text:
            found.append([])
    indented = [[line for line in each if line] for each in found]
    edges = [min((len(line) - len(line.lstrip()) for line in each), default=0) for each in indented]
    return [
        [line[edge:] for line in each] for each, edge in zip(indented, edges, strict=True) if each
    ]


def _options(lines: list[str]) -> list[str]:
    """The options that a paragraph lists below its first line, by their long names."""
    inner = [len(line) - len(line.lstrip()) for line in lines[1:]]
    listed = [line for line, n in zip(lines[1:], inner, strict=True) if n == min(inner)]
    return [line.split(", ")[-1].strip() for line in listed]
