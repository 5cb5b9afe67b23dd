"""Tables as text files, in the variants that programs write.

UTF-8, UTF-16 with or without a mark of its byte order, or Windows-1252; columns separated by
commas, semicolons, tabs or blanks; decimal commas in quotes or if commas do not separate columns;
comment lines that begin with #, above the table or within.
"""

import csv
import io
import itertools
import re
import warnings
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from hfluxno.data.line_lengths import checked_lines
from hfluxno.data.numbers import listed
from hfluxno.data.table_faults import (
    check_decimals,
    check_thousands,
    doubtful_commas,
    doubtful_points,
)
from hfluxno.data.time_of_day import are_padded

SUFFIXES = (".csv", ".tsv", ".txt", ".dat")
_EXCEL_SEPARATOR = re.compile(r'"?sep=(.)"?')  # a first line for Excel
_NUMBER = re.compile(r"[-+]?(\d+[.,]?\d*|[.,]\d+)(e[-+]?\d+)?", re.IGNORECASE)
_DATED = re.compile(r"\d{1,4}([./-])\d{1,2}\1\d{1,4}|\d{1,2}:\d{2}")
_GAPS = ("", "nan", "na")
_WITH_UNITS = re.compile(r"[^\s\[(]\S*(?:\s+[\[(][^\])]*[\])])?")  # time [s]
_QUOTED = re.compile(r'"\s*([-+]?\d*,\d+(?:e[-+]?\d+)?)\s*"', re.IGNORECASE)  # "1,5"
_THOUSANDS = re.compile(r"[-+]?[1-9]\d{0,2}(,\d{3})+")
_LOOKED_AT = 1000  # lines, for decimal commas
_BLOCK = 4096  # lines
_SHOWN = 40  # letters
_MOST_ABOVE = 20  # lines of a header or above it
_MARKS = {
    b"\xff\xfe\x00\x00": "utf-32",
    b"\x00\x00\xfe\xff": "utf-32",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
}


def is_table(path: Path) -> bool:
    """Tables have no characteristic first bytes, so the name decides."""
    return path.suffix.lower() in SUFFIXES


def read_text_table(path: Path) -> pd.DataFrame:
    """The columns of a table, as numbers or text, perhaps with a `note` among its `attrs`. One
    without a name is called `column N`, or left out if it is empty.

    If the line after the comments begins with a number and has as many fields as the last comment,
    that comment is the header (as `numpy.savetxt` writes it).

    Raises `OSError` if it cannot be read; `ValueError` if it is not text, has no header, two
    columns with the same name, or lines longer or shorter than the header.
    """
    for encoding in _encodings(path):
        try:
            with path.open(encoding=encoding) as file:
                return _table(file, path)
        except UnicodeError:
            continue
    raise ValueError(
        f"{path} contains bytes that are not text in UTF-8, UTF-16 or Windows-1252; save the table "
        "as CSV in UTF-8."
    )


def _table(file: io.TextIOBase, path: Path) -> pd.DataFrame:
    comments: list[str] = []
    unfinished: list[str] = []
    lines = _without_comments(file, comments, unfinished, path)
    head = next(lines, "")
    declared = _EXCEL_SEPARATOR.fullmatch(head.strip())
    head = next(lines, "") if declared else head
    if not head:
        raise ValueError(f"{path} has no lines; give a file with measurements.")
    above = list(comments)
    head, first = _whole_header(head, list(itertools.islice(lines, _LOOKED_AT)))
    separator = declared[1] if declared else _separator(head)
    names = _fields(above[-1], separator) if above else []
    if 1 < len(names) == len(_fields(head, separator)) and _NUMBER.match(head.strip()):
        first = [head, *first]
    else:
        names = _header(head, first, separator, path)
    decimal = _decimal(first, separator)
    if decimal == ",":
        names = [n.replace(",", ".") if _NUMBER.fullmatch(n) else n for n in names]
    twice = sorted({name for name in names if name and names.count(name) > 1})
    if twice:
        raise ValueError(f"{path} has two columns {listed(twice)}; give each a different name.")
    check_thousands(names, (_fields(line, separator) for line in first), path)
    if separator != ",":
        check_decimals(names, (_fields(line, separator) for line in first), path)
    unnamed = [f"column {i + 1}" for i, name in enumerate(names) if not name]
    named = [name or f"column {i + 1}" for i, name in enumerate(names)]
    columns = zip(*(_fields(line, separator) for line in first), strict=False)
    clocks = [name for name, column in zip(named, columns, strict=False) if are_padded(column)]
    rows = checked_lines(itertools.chain(first, lines), separator, names, path, unfinished)
    try:
        with warnings.catch_warnings():
            # Of words among the numbers of a long column, which are refused by a sentence later.
            warnings.simplefilter("ignore", pd.errors.DtypeWarning)
            frame = pd.read_csv(
                _Rows(rows),
                sep=r"\s+" if separator is None else separator,
                decimal=decimal,
                names=named,
                dtype=dict.fromkeys(clocks, str),
                header=None,
                index_col=False,  # or the first columns of longer lines would name the lines
                skipinitialspace=True,
            )
    except ValueError as error:  # of pandas, or of the lengths
        opens = re.search(r"EOF inside string starting at row (\d+)", str(error))
        if opens is None:
            _check_title(head, len(names), first, path)
            raise
        raise ValueError(
            f"{path} has a quotation mark in row {int(opens[1]) + 1} below the header that no "
            "other closes, as if the rest of the file were one text; remove it, or close it."
        ) from error
    frame = frame.dropna(how="all").drop(columns=[n for n in unnamed if frame[n].isna().all()])
    if separator != ",":
        frame.attrs["note"] = doubtful_commas(_fields(line, separator) for line in first)
    if separator == ";" and decimal == ".":  # where others write 2.035 for 2,035
        frame.attrs["note"] = doubtful_points(names, (_fields(e, separator) for e in first))
    return frame


def _whole_header(head: str, rows: list[str]) -> tuple[str, list[str]]:
    """A header with a break of line within quotes in one line, and the rows below it."""
    for end, row in enumerate(rows[:_MOST_ABOVE]):
        if head.count('"') % 2 == 0 or _NUMBER.match(row.strip()):
            break
        if (head.count('"') + "".join(rows[: end + 1]).count('"')) % 2 == 0:
            return " ".join(map(str.strip, [head, *rows[: end + 1]])) + "\n", rows[end + 1 :]
    return head, rows


def _check_title(head: str, count: int, rows: list[str], path: Path) -> None:
    """Raises `ValueError` if a line with `count` names seems to be a title, as the one above the
    first numbers has more."""
    last, most = "", 0
    for line in rows[:_MOST_ABOVE]:
        names = _fields(line, _separator(line))
        if any(map(_NUMBER.match, names)):
            break
        last, most = line.strip(), len(names)
    if most > count:
        raise ValueError(
            f"The first line of {path}, {head.strip()[:_SHOWN]!r}, seems to be a title, and "
            f"{last[:_SHOWN]!r} the header; remove the lines above it, or begin them with #."
        )


def _decimal(rows: list[str], separator: str | None) -> str:
    """The mark of decimals. Where commas separate columns, they are decimal in quotes, unless there
    are decimal points too, or all of them could be marks of thousands."""
    if separator != ",":
        return "," if any(re.search(r"\d,\d", line) for line in rows) else "."
    quoted = [entry for line in rows for entry in _QUOTED.findall(line)]
    points = any(re.search(r"\d\.\d", line) for line in rows)
    return "." if points or all(map(_THOUSANDS.fullmatch, quoted)) else ","


def _header(head: str, rows: list[str], separator: str | None, path: Path) -> list[str]:
    """The names of the columns. Raises `ValueError` if they are missing."""
    names = _fields(head, separator)
    if separator is None and rows and len(names) != (count := len(_fields(rows[0], separator))):
        names = _WITH_UNITS.findall(head)
        if len(names) != count:
            names = re.split(r"\s{2,}", head.strip())  # time of day   place
    if _are_entries(names) or (rows and _are_alike(names, _fields(rows[0], separator))):
        raise ValueError(
            f"{path} begins with numbers instead of the names of its columns; write these above "
            "them, such as time, x and u, or time and the place of each other column."
        )
    return names


def _are_entries(names: list[str]) -> bool:
    """Whether a line has the entries of columns. A header of places has the name of the time too,
    which may be empty, so gaps count behind the first entry alone."""
    of_any = [name for i, name in enumerate(names) if i == 0 or name.lower() not in _GAPS]
    return all(_NUMBER.fullmatch(name) or _DATED.match(name) for name in of_any)


def _are_alike(names: list[str], row: list[str]) -> bool:
    """Whether a line has numbers, dates and texts where the one below it has them, and a date, or
    the same texts: 03/04/2024 00:00:00,717000,N,0.9."""
    kinds = [[_kind(entry) for entry in line] for line in (names, row)]
    dated = "date" in kinds[0] and "number" in kinds[0]
    texts = [name for name, kind in zip(names, kinds[0], strict=True) if kind == "text"]
    below = [entry for entry, kind in zip(row, kinds[1], strict=True) if kind == "text"]
    return kinds[0] == kinds[1] and (dated or (texts == below and "number" in kinds[0]))


def _kind(entry: str) -> str:
    if entry.lower() in _GAPS:
        return "gap"
    return "date" if _DATED.match(entry) else "number" if _NUMBER.fullmatch(entry) else "text"


class _Rows(io.TextIOBase):
    """Lines as a file object, which pandas reads in blocks."""

    def __init__(self, lines: Iterator[str]):
        self.lines = lines

    def read(self, size: int | None = -1) -> str:
        return "".join(itertools.islice(self.lines, _BLOCK))


def _without_comments(
    file: io.TextIOBase, comments: list[str], unfinished: list[str], path: Path
) -> Iterator[str]:
    """The lines that are not blank; collects those that begin with # outside quotes, and the last
    one if no end of line follows it."""
    quoted = False
    for line in file:
        if "\0" in line:
            raise ValueError(
                f"{path} is named like a table but contains bytes that are not text; give a table "
                "as text, or name the file after its format."
            )
        bare = line.strip()
        if bare.startswith("#") and not quoted:
            comments.append(bare.lstrip("# "))
        elif bare:
            quoted ^= bool(bare.count('"') % 2)
            if not line.endswith("\n"):
                unfinished.append(line)
            yield line if line.endswith("\n") else f"{line}\n"


def _encodings(path: Path) -> tuple[str, ...]:
    """The encodings to try, in order."""
    with path.open("rb") as file:
        head = file.read(_BLOCK)
    for mark, encoding in _MARKS.items():
        if head.startswith(mark):
            return (encoding,)
    even, odd = head[::2].count(0), head[1::2].count(0)
    if max(even, odd) > len(head) // 4 and min(even, odd) == 0:  # half the bytes of plain text
        return ("utf-16-be",) if even else ("utf-16-le",)
    return ("utf-8-sig", "cp1252")


def _separator(head: str) -> str | None:
    """The separator of the columns, `None` for blanks. If there are as many semicolons as commas,
    the commas are in numbers."""
    found = max(";\t,", key=head.count)
    return found if found in head else None


def _fields(line: str, separator: str | None) -> list[str]:
    if separator is None:
        return line.split()
    if len(line) > csv.field_size_limit():
        csv.field_size_limit(len(line))  # a text as long as this one is in memory already
    fields = next(csv.reader([line], delimiter=separator, skipinitialspace=True), [])
    return [field.strip() for field in fields]
