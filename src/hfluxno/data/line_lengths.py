"""Lines of a text table, which have as many entries as the header has names.

A shorter line does not say which of its entries is missing, so nothing is filled in.
"""

import csv
import itertools
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from hfluxno.plural import plural

_MARKS = {",": "commas", ";": "semicolons", "\t": "tabs"}
_BETWEEN_BLANKS = re.compile(r'"[^"]*"|\S+')


def checked_lines(
    lines: Iterator[str],
    separator: str | None,
    names: Sequence[str],
    path: Path,
    unfinished: Sequence[str],
) -> Iterator[str]:
    """The lines, each with an entry for each of the `names`; empty ones may follow, or be missing
    below names at the end that are empty. `separator` is `None` for blanks; `unfinished` holds the
    last line, once it has been taken, if no end of line follows it.

    Raises `ValueError` at the first line with more or fewer.
    """
    least, most = _without_empty_end(names), len(names)
    for row, (text, entries) in enumerate(_records(lines, separator), 1):
        filled = most if len(entries) == most else _without_empty_end(entries)
        if filled > most:
            raise ValueError(
                f"The header of {path} has {plural(most, 'name')}, row {row} below it {filled}; "
                f"name every column, or correct the lines{_if_decimal(entries, most, separator)}."
            )
        if filled > 0 and len(entries) < least:
            if unfinished and next(lines, None) is None:
                raise ValueError(
                    f"{path} ends within a line, which has {len(entries)} of "
                    f"{plural(most, 'column')}, as if the file were cut off; complete this line, "
                    "or remove it."
                )
            marks = _MARKS.get(separator or "", f"marks {separator!r}")
            mend = f"keep the {marks} around an entry that was not measured, or complete the line"
            if separator is None:
                mend = "write NaN where nothing was measured, as blanks do not show in which column"
            raise ValueError(
                f"The header of {path} has {plural(most, 'name')}, row {row} below it "
                f"{len(entries)}; {mend}."
            )
        yield text


def _if_decimal(entries: Sequence[str], names: int, separator: str | None) -> str:
    """What to do if the commas between entries may be those of decimals too."""
    twice = separator == "," and len(entries) == 2 * names
    if twice and all(each.strip().isdigit() for each in entries[1::2]):
        return "; if commas are decimal too, separate entries by semicolons"
    return ""


def _without_empty_end(entries: Sequence[str]) -> int:
    """The number of entries up to the last that is not empty."""
    return max((i for i, entry in enumerate(entries, 1) if entry.strip()), default=0)


def _records(lines: Iterator[str], separator: str | None) -> Iterator[tuple[str, list[str]]]:
    """Lines, those of one entry in quotes together, and their entries."""
    for line in lines:
        if '"' not in line:
            yield line, line.split(separator)
        elif separator is None:
            yield line, _BETWEEN_BLANKS.findall(line)
        else:
            yield _quoted(line, lines, separator)


def _quoted(first: str, lines: Iterator[str], separator: str) -> tuple[str, list[str]]:
    """A line with quotes and those that it goes on in; nothing of an entry that no quote closes,
    which is refused as such later."""
    taken: list[str] = []

    def noted() -> Iterator[str]:
        for line in itertools.chain([first], lines):
            taken.append(line)
            if len(line) > csv.field_size_limit():
                csv.field_size_limit(len(line))  # a text as long as this one is in memory already
            yield line

    try:
        entries = next(csv.reader(noted(), delimiter=separator, skipinitialspace=True))
    except csv.Error:
        entries = []
    text = "".join(taken)
    closed = len(taken) == 1 or text.count('"') % 2 == 0
    return text, entries if closed else []
