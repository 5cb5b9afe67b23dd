"""What tables often have instead of numbers, in sentences that say how to mend it."""

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import zip_longest
from pathlib import Path

import pandas as pd

from hfluxno.data.headers import ALIASES, candidates, plain, units_in, without_units

# 1,234.5 and 1.234,5 and 1'234.5
_THOUSANDS = {
    mark: re.compile(rf"[-+]?\d{{1,3}}({re.escape(mark)}\d{{3}})+({decimal}\d*)?")
    for mark, decimal in ((",", r"\."), (".", ","), *((mark, "[.,]") for mark in " '’\u00a0\u202f"))
}
_ONE_MARK = re.compile(r"([-+]?[1-9]\d{0,2})[.,]\d{3}")
_MARKED = re.compile(r"[-+]?\d+[.,]\d+")
_FEWEST_MARKED = 3
_WHOLE = re.compile(r"[-+]?\d{1,3}")
_NAMED = re.compile(r"([^\W\d][\w .-]*?)[ _.-]?\d+")  # D1, sensor 12
_DIGITS = re.compile(r"\d+([.,]\d+)?")
_LEAST_SENSORS = 3
_MOST_PARTS = 12  # of a place, such as lanes
_LANES = {"lane", "lanes", "laneid", "spur", "fahrstreifen"}
_ALSO_UNITS = {"seconds", "km"}
OF_TIME = {"hour", "hours", "stunde", "minute", "minutes", "second", "seconds", "sekunde"}
_FEWEST_COLUMNS = 4  # time, x, y and a field
_FEWEST_PLACES = 2  # across a line there may be two, as the sides of a road
_OF_PLANES = {"y", "latitude", "lat", "northing"}
_NAMELESS = re.compile(r"column \d+")  # as text tables call them
_WITH_UNIT = re.compile(r"([-+]?\d+(?:[.,]\d+)?)\s*([^\W\d_]{1,3})")  # 0.5 km


def check_units_row(frame: pd.DataFrame, path: Path) -> None:
    """Rejects units in a row below the header. Raises `ValueError` if the first row has text where
    all others have numbers, and no number."""
    if len(frame) < 2:
        return
    first = frame.iloc[0].dropna()
    if any(_is_number(entry) for entry in first):
        return
    if head := _header_below(frame, first):
        raise ValueError(
            f"The first line of {path}, with {frame.columns[0]!r}, seems to be a title, and {head} "
            "the header; remove the lines above it, or begin them with #."
        )
    units = {}
    for name in first.index[first.map(lambda entry: isinstance(entry, str))]:
        below = frame[name].iloc[1:].dropna()
        if len(below) and pd.to_numeric(below, errors="coerce").notna().all():
            units[name] = first[name].strip()
    if units:
        named = [
            _with_units(name, text)
            for name, text in units.items()
            if text != name and not _is_number(name)
        ]
        heads = f", and write units in the header: {', '.join(named[:3])}" if named else ""
        raise ValueError(
            f"The row below the header of {path} has no numbers but units or names; delete "
            f"it{heads}."
        )


def _header_below(frame: pd.DataFrame, first: pd.Series) -> str:
    """The names in the first row if time and place are usual names there, and not in the header."""
    texts = [entry.strip() for entry in first if isinstance(entry, str)]
    axes = ("time", "x")
    above = any(candidates(list(frame.columns), axis, {}) for axis in axes)
    below = all(set(map(plain, texts)) & (set(ALIASES[axis]) - _ALSO_UNITS) for axis in axes)
    return ", ".join(texts) if below and not above else ""


def _with_units(name: str, text: str) -> str:
    """A header from a name and the units below it, or what stands below it in their place, as
    `level (cm)`; a column without a name takes that of there."""
    units = units_in(text) or text.strip("[]() ")
    if _NAMELESS.fullmatch(name):
        name, units = without_units(text) or name, units_in(text)
    return f"{name} [{units}]" if units else name


def thousands_in(entry: object, name: str, row: str, path: Path) -> str:
    """A sentence if an entry that is no number is one with marks of thousands, else nothing."""
    text = str(entry).strip()
    if not (meant := meant_by_thousands(text)):
        return ""
    return (
        f"{path} has {text!r} in the column {name}, row {row}, with thousands separated; write "
        f"{meant}, and others likewise."
    )


def meant_by_thousands(text: str) -> str:
    """`1234.5` of `1,234.5` or `1.234,5`; empty for other texts."""
    for mark, pattern in _THOUSANDS.items():
        if pattern.fullmatch(text.strip()):
            return text.strip().replace(mark, "").replace(",", ".")
    return ""


def check_thousands(names: Sequence[str], rows: Iterable[Sequence[str]], path: Path) -> None:
    """Rejects columns of text in which 1.093 follows 981. Raises `ValueError` if the entries of a
    column are whole or have three decimals, with which they would be far smaller."""
    for name, column in zip(names, zip_longest(*rows, fillvalue=""), strict=False):
        marked: dict[int, int] = {}
        whole = [0]
        for row, entry in enumerate(map(str.strip, column)):
            if found := _ONE_MARK.fullmatch(entry):
                marked[row] = abs(int(found[1]))
            elif _WHOLE.fullmatch(entry):
                whole.append(abs(int(entry)))
            elif entry:
                break
        else:
            if marked and 10 * max(marked.values()) < max(whole) >= 100:
                row = min(marked)
                where = f"{row + 1} below the header"
                raise ValueError(thousands_in(column[row], name, where, path))


def check_decimals(names: Sequence[str], rows: Iterable[Sequence[str]], path: Path) -> None:
    """Rejects a column whose numbers with a mark are all as 1.379 if another column has the other
    mark, so that this one may be of thousands. Raises `ValueError` if there is one."""
    doubtful: list[tuple[str, int, str, str]] = []
    used: dict[str, set[str]] = {".": set(), ",": set()}  # the columns with this mark
    for name, column in zip(names, zip_longest(*rows, fillvalue=""), strict=False):
        entries = dict(enumerate(map(str.strip, column)))
        numbers = {row: entry for row, entry in entries.items() if _MARKED.fullmatch(entry)}
        for mark, columns in used.items():
            marked = {row: entry for row, entry in numbers.items() if mark in entry}
            columns |= {name} if marked else set()
            if marked and all(map(_ONE_MARK.fullmatch, marked.values())):
                row = min(marked)
                doubtful.append((name, row, marked[row], mark))
    for name, row, entry, mark in doubtful:
        other = ",."[mark == ","]
        if others := [each for each in names if each in used[other] - {name}]:
            raise ValueError(
                f"{path} has {entry} in the column {name}, row {row + 1} below the header, and "
                f"numbers with {other!r} for decimals in the column {others[0]}: are these "
                f"thousands or decimals? Write {entry.replace(mark, '')} or "
                f"{entry.replace(mark, other)}, and others likewise."
            )


def doubtful_commas(rows: Iterable[Sequence[str]]) -> str:
    """A note if all commas in entries could be marks of thousands, as in 2,035, else nothing."""
    marked = [e for row in rows for e in map(str.strip, row) if "," in e and _MARKED.fullmatch(e)]
    if not marked or not all(map(_ONE_MARK.fullmatch, marked)):
        return ""
    return (
        f"Every comma stands before three digits, as in {marked[0]}, and was read as that of a "
        f"decimal; if it separates thousands, write {marked[0].replace(',', '')}."
    )


def doubtful_points(names: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A note if all points in a column could be marks of thousands, as in 2.035, else nothing."""
    for name, column in zip(names, zip_longest(*rows, fillvalue=""), strict=False):
        marked = [e for e in map(str.strip, column) if "." in e and _MARKED.fullmatch(e)]
        if len(marked) >= _FEWEST_MARKED and all(map(_ONE_MARK.fullmatch, marked)):
            return (
                f"Every point in the column {name} stands before three digits, as in {marked[0]}, "
                "and was read as that of a decimal; if it separates thousands, write "
                f"{marked[0].replace('.', '')}."
            )
    return ""


def sensors_in(column: pd.Series, name: str, path: Path) -> str:
    """A sentence if a column of places has names instead, else nothing."""
    if column.dtype.kind in "iufbmM" or pd.to_numeric(column, errors="coerce").notna().any():
        return ""
    first = str(column.dropna().iloc[0])
    if number := _WITH_UNIT.fullmatch(first.strip()):
        return (
            f"{path} has {first[:40]!r} in the column {name}; write the number alone, and the unit "
            f"in the header, as {name} [{number[2]}]."
        )
    return (
        f"{path} has names in the column {name}, where places are needed: the first is "
        f"{first[:40]!r}. Write the position of each sensor instead of its name, all in one "
        "unit, such as m."
    )


def mend_of_doubles(frame: pd.DataFrame, keys: Sequence[str]) -> str:
    """How to mend a table with several lines for a time and place, by the column that tells these
    lines apart, as one of lanes does."""
    others = list(frame.columns.drop(list(keys)))
    clocks = [name for name in others if plain(name) in OF_TIME]
    if clocks and not frame.duplicated([*keys, *clocks]).any():
        return (
            f"{' and '.join(clocks)} may tell them apart, being part of the time: write the whole "
            "time in one column, as 2024-02-27T10:30:00, or as a number with units in the header"
        )
    planes = [name for name in others if plain(name) in _OF_PLANES]
    if planes and not frame.duplicated([*keys, planes[0]]).any():
        return (
            f"the column {planes[0]} tells them apart, as places on a plane, which are not read "
            "from tables: store them as NetCDF, or as NPZ with the arrays time, x and y"
        )
    apart = [
        name
        for name in others
        if frame[name].dtype.kind != "f"
        and 1 < frame[name].nunique() <= _MOST_PARTS
        and not frame.duplicated([*keys, name]).any()
    ]
    if not apart:
        return "keep one of them, or average them first"
    part = next((name for name in apart if _is_of_lanes(name)), apart[0])
    if _is_of_lanes(part):
        return (
            f"the column {part} tells them apart. Make one line of the lanes at each time and "
            "place: with the sum of their flows and densities, and the mean of their speeds "
            "weighted by the flows; or keep the lines of a single one"
        )
    return (
        f"the column {part} tells them apart. Keep the lines with one of its "
        f"{frame[part].nunique()} entries, or make one line of those at each time and place first: "
        "the sum of what adds up, the mean of what does not"
    )


def check_along_a_line(
    frame: pd.DataFrame, x: str, named: bool, asked: Sequence[str], path: Path
) -> None:
    """Refuses places on a plane: each x has a y of its own, which is no field. It is no fault if
    the user has `named` x, and with that the distance along a line."""
    if named or plain(x) != "x" or len(frame.columns) < _FEWEST_COLUMNS:
        return
    for y in frame.columns.drop(x):
        if plain(y) != "y" or y in asked:
            continue
        of_place = frame.groupby(x)[y].nunique()
        if frame[y].nunique() > _FEWEST_PLACES and (of_place <= 1).all():
            raise ValueError(
                f"{path} has places on a plane, in the columns {x} and {y}, which are not read "
                "from tables: interpolate them to a grid, and store it as NetCDF, or as NPZ with "
                f"the arrays time, x and y. If {x} is the distance along a line, say so by --x {x}."
            )


def _is_of_lanes(name: str) -> bool:
    return bool(_LANES & set(re.findall(r"[^\W\d_]+", plain(name))))


def naming(frame: pd.DataFrame, axis: str, names: Mapping[str, str]) -> str:
    """How to mend a table without a column of this axis, by what its lines seem to hold: the values
    of one place, or of all places, which are then called after sensors."""
    columns = list(frame.columns)
    clocks, places = (candidates(columns, each, names) for each in ("time", "x"))
    both = "Name its columns of time and place with --time NAME and --x NAME"
    if axis in names or len(places) > 1 or (axis == "time" and (clocks or places)):
        return both
    keys = [*clocks, *(name for name in columns if name == "trajectory")]
    if axis == "x" and frame.duplicated(keys).any():
        return _sensors_below(frame) or (
            f"Several lines have the same {clocks[0]}, as if each held a place: name the column of "
            "places with --x NAME"
        )
    if sensors := _sensors_in_header(columns):
        named = " and name the column of time with --time NAME" if axis == "time" else ""
        return (
            f"If {sensors} are sensors and a line holds a whole frame, replace their names in the "
            f"header by their positions, as numbers{',' * bool(named)}{named}"
        )
    numbers = sum(frame[name].dtype.kind in "iuf" for name in columns if name not in keys)
    if axis == "x" and numbers >= _LEAST_SENSORS:
        return (
            f"No two lines have the same {clocks[0]}, as if each held a whole frame: head each "
            "column by its place, as a number"
        )
    return f"{both}, or head each column by its place if a line holds a whole frame"


def _sensors_in_header(columns: Sequence[str]) -> str:
    """The first two of those headers that differ by a number alone, for up to two such groups;
    empty if there are none."""
    groups: dict[str, list[str]] = {}
    for name in columns:
        alike = _DIGITS.sub("#", without_units(name))
        if alike[:1].isalpha() and "#" in alike:
            groups.setdefault(alike, []).append(name)
    sensors = sorted((g for g in groups.values() if len(g) >= _LEAST_SENSORS), key=len)[::-1]
    return " or ".join(f"{', '.join(group[:2])}, …" for group in sensors[:2])


def _sensors_below(frame: pd.DataFrame) -> str:
    """How to mend a table with names of sensors in a column; empty for other tables."""
    for name in frame.columns:
        column = frame[name].dropna()
        text = column.dtype.kind not in "iufbmM" and len(column)
        if text and column.duplicated().any() and _NAMED.fullmatch(str(column.iloc[0])):
            return (
                f"If the entries of {name}, such as {str(column.iloc[0])[:40]!r}, are names of "
                "sensors, add a column x with their positions"
            )
    return ""


def _is_number(entry: object) -> bool:
    return bool(pd.notna(pd.to_numeric(pd.Series([entry]), errors="coerce").iloc[0]))
