"""A table of measurements: one line for each time and place, one column for each variable.

Columns are named by their header. The axes are those that the user names, or `time`, `x` and
`trajectory`, or else the one column with a usual name for them (`timestamp`, `position [km]`, …).

Or one line for each time and one column for each place, if the header has a number, the place, for
every column but the time. Their variable is called `values`.
"""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from hfluxno.data.numbers import listed

_ALIASES = {
    "time": ("time", "t", "timestamp", "datetime", "date_time", "date", "seconds"),
    "x": ("x", "position", "pos", "distance", "location", "chainage", "km"),
    "trajectory": ("trajectory",),
}
_UNITS = re.compile(r"^(.*?)\s*[\[(](.*)[\])]$")  # position [km]
_ZONE = r"[T ]\d{2}.*?(Z|[+-]\d{2}(?::?\d{2})?)?$"  # of an ISO date with a time of day


def is_table(path: Path) -> bool:
    """A table has no first bytes of its own, so here the name decides."""
    return path.suffix.lower() == ".csv"


def read_csv(path: Path) -> pd.DataFrame:
    """The lines of a CSV file; where semicolons part its columns, commas may be decimal points.

    Lines above the table that begin with # are comments. The last of them is the header where what
    follows is no header but has as many fields and begins with a number.
    """
    comments: list[str] = []
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        while (head := file.readline()).startswith("#"):
            comments.append(head.lstrip("# "))
        first = file.readline()
    separator = max(",;\t", key=head.count)
    options: dict[str, Any] = {"skiprows": len(comments)}
    names = [name.strip() for name in comments[-1].split(separator)] if comments else []
    if 1 < len(names) == len(head.split(separator)) and re.match(r"\s*[-+]?\d", head):
        first = head
        options |= {"names": names, "header": None}
    decimal = "," if separator != "," and re.search(r"\d,\d", first) else "."
    return pd.read_csv(path, sep=separator, decimal=decimal, **options)


def table_variables(
    frame: pd.DataFrame,
    asked: tuple[str, ...],
    names: dict[str, str],
    path: Path,
    axes: tuple[str, ...] = ("time", "x"),
) -> tuple[dict[str, xr.Variable], dict[str, str]]:
    """The columns as variables of (trajectory, time, x), the lines in any order; NaN where there is
    no line. And `names` with what the table calls its axes, where that is no name of ours. A table
    with the axis time alone has a line for each time.

    Columns of text are left out, unless they are `asked` for.

    **Raises:**

    - `ValueError`, where a column is missing or holds text among numbers, or there are two lines
      for one place and time.
    """
    frame = _lines(frame.set_axis(list(map(str, frame.columns)), axis=1), names, path)
    keyed = (*axes, "trajectory") if "x" in axes else axes
    found_columns = {axis: _axis_column(frame, axis, names, path) for axis in keyed}
    columns = {axis: name for axis, name in found_columns.items() if name is not None}
    order = [axis for axis in ("trajectory", "time", "x") if axis in columns]
    keys: list[str] = [columns[axis] for axis in order]
    renames = _bare_names(list(frame.columns), {*keys, *asked})
    units_of = {bare: units_in(name) for name, bare in renames.items()}
    frame = frame.rename(columns=renames)
    gone = frame[keys].isna().any(axis=1).to_numpy()
    if gone.any():
        needed = " or ".join(keys)
        raise ValueError(
            f"{path} has a line without {needed}, row {_row(gone)}; fill in or remove it."
        )
    if frame.empty:
        raise ValueError(f"{path} has no lines below its header; give a file with measurements.")
    time = columns["time"]
    dates, zoned = _times(frame[time], path)
    new = {time: dates}
    if "x" in columns:
        new[columns["x"]] = _numbers(frame, columns["x"], True, path)
    variables = [name for name in frame.columns if name not in keys]
    for name in variables:
        found = _numbers(frame, name, name in asked, path)
        if found is not None:
            new[name] = found
    if len(new) == len(axes):
        raise ValueError(
            f"{path} has no column of numbers beside {' and '.join(keys)}; it has "
            f"{listed(list(frame.columns))}, and one is needed for each variable."
        )
    frame = frame[keys].assign(**new)
    twice = frame.duplicated(keys)
    if twice.any():
        line = ", ".join(f"{name} {value}" for name, value in frame[keys][twice].iloc[0].items())
        raise ValueError(
            f"{path} has two lines for {line}; keep one of them, or average them first."
        )
    dataset = frame.set_index(keys).to_xarray()
    found = {
        str(name): xr.Variable(v.dims, np.asarray(v.values))
        for name, v in dataset.variables.items()
        if v.dtype.kind in "iufM"
    }
    for name in (*keys, *units_of):
        units = units_of.get(name) or units_in(name)
        if units and name in found and found[name].dtype.kind != "M":
            found[name].attrs["units"] = units
    if zoned:
        found[time].attrs["zone"] = "Z"
    ours = {"time": ("time", "t"), "x": ("x",), "trajectory": ("trajectory",)}
    strange = {axis: name for axis, name in columns.items() if name not in ours[axis]}
    return found, names | strange


def _lines(frame: pd.DataFrame, names: dict[str, str], path: Path) -> pd.DataFrame:
    """A table with a column for each place as one with a line for each; any other as it is."""
    places = pd.to_numeric(pd.Series(frame.columns), errors="coerce").to_numpy(float)
    headed = np.isfinite(places)
    others = [name for name in frame.columns[~headed] if name != "trajectory"]
    if headed.sum() < 2 or len(others) != 1 or "x" in names:
        return frame
    numbers = {name: _numbers(frame, name, True, path) for name in frame.columns[headed]}
    wide = frame.assign(**numbers)
    kept = list(frame.columns[~headed])
    return wide.melt(kept, var_name="x", value_name="values").astype({"x": float})


def _bare_names(names: list[str], kept: set[str]) -> dict[str, str]:
    """The headers with units that are not to be `kept`, and what they are called without: variables
    are stored by that, with the units as an attribute. Those that would be called alike keep
    theirs."""
    bare = {name: without_units(name) for name in names if units_in(name) and name not in kept}
    used = [bare.get(name, name) for name in names]
    return {name: short for name, short in bare.items() if short and used.count(short) == 1}


def _axis_column(frame: pd.DataFrame, axis: str, names: dict[str, str], path: Path) -> str | None:
    """The column of an axis: as the user or we name it, or the only one with a usual name."""
    every = list(frame.columns)
    if names.get(axis, axis) in every:
        return names.get(axis, axis)
    usual = [name for name in every if _bare(name) in _ALIASES[axis]]
    if axis in names or len(usual) != 1:
        if axis == "trajectory":
            return None
        missing = names.get(axis, axis)
        several = f"{listed(usual)} could be meant" if len(usual) > 1 else f"it has {listed(every)}"
        raise ValueError(
            f"{path} has no column {missing}; {several}. Name its columns of time and place with "
            "--time NAME and --x NAME."
        )
    return usual[0]


def without_units(name: str) -> str:
    """`position` of `position [km]`."""
    units = _UNITS.match(name)
    return (units[1] if units else name).strip()


def units_in(name: str) -> str:
    """`km` of `position [km]`; empty where there are none."""
    units = _UNITS.match(name)
    return units[2] if units else ""


def _bare(name: str) -> str:
    bare = without_units(name)
    return bare if bare == "T" else bare.lower()  # a temperature is no time


def _times(column: pd.Series, path: Path) -> tuple[pd.Series, bool]:
    """Numbers as they are, dates without their time zone, and whether they had one."""
    if column.dtype.kind in "iuf":
        return column, False
    if column.dtype.kind != "M":
        text = column.astype(str)
        numbers = pd.to_numeric(column, errors="coerce").isna().to_numpy()
        dates = pd.to_datetime(text, format="ISO8601", errors="coerce", utc=True)
        wrong = numbers if numbers.mean() < 0.5 else dates.isna().to_numpy()
        if not numbers.any():
            return pd.to_numeric(column).astype("float64"), False
        if wrong.any():
            raise ValueError(
                f"The times of {path} are neither numbers nor dates; the first is "
                f"{text[wrong].iloc[0]!r} in row {_row(wrong)}. Write dates as "
                "2024-02-27T10:30:00, perhaps with a time zone."
            )
        zones = text.str.extract(_ZONE)[0].replace({"Z": "+00:00"}).str.replace(":", "")
        zones = zones.str.ljust(5, "0").fillna("none").unique()
        if len(zones) > 1:
            raise ValueError(
                f"The times of {path} are in several time zones ({listed(sorted(zones))}); convert "
                "them to one, such as UTC."
            )
        return dates.dt.tz_convert(None), bool(zones[0] != "none")
    if column.dt.tz is None:
        return column, False
    return column.dt.tz_convert(None), True


def _numbers(frame: pd.DataFrame, name: str, needed: bool, path: Path) -> pd.Series | None:
    """A column as numbers, or `None` where it is a column of text that nobody needs."""
    column = frame[name]
    if column.dtype.kind in "iuf":
        return column if isinstance(column.dtype, np.dtype) else column.astype("float64")
    numbers = pd.to_numeric(column, errors="coerce")
    wrong = (numbers.isna() & column.notna()).to_numpy()
    if column.dtype.kind == "b":
        wrong = np.ones(len(column), bool)  # true and false are no measurements
    if not wrong.any():
        return numbers.astype("float64")
    if needed or 2 * wrong.sum() < column.notna().sum():
        first = str(column[wrong].iloc[0])
        raise ValueError(
            f"{path} has {first!r} in the column {name}, row {_row(wrong)}, where "
            "a number is needed; correct it, or leave it empty where nothing was measured."
        )
    return None


def _row(wrong: np.ndarray) -> str:
    return f"{int(np.argmax(wrong)) + 1} below the header"
