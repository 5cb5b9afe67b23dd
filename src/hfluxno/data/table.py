"""A table of measurements: one line for each time and place, one column for each variable.

Columns are named by their header. The axes are those the user names, or `time`, `x` and
`trajectory`, or else the one column with a usual name for them (`timestamp`, `position [km]`, …).

Or one line for each time and one column for each place, if the header of every column but the time
is a number, the place. The variable is then called `values`.
"""

import math
import re
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from hfluxno.data.contained import too_large
from hfluxno.data.dates import with_one_time, written_dates
from hfluxno.data.epoch import dates_since_1970
from hfluxno.data.numbers import listed
from hfluxno.data.stray_lines import without_stray_lines
from hfluxno.data.table_faults import check_units_row, sensors_beside, sensors_in, thousands_in
from hfluxno.data.time_of_day import since_midnight

# What axes are usually called.
ALIASES = {
    "time": (
        *("time", "t", "timestamp", "datetime", "date_time", "date/time", "date", "seconds"),
        *("zeit", "zeitstempel", "zeitpunkt", "datum", "uhrzeit"),
    ),
    "x": ("x", "position", "pos", "distance", "location", "chainage", "km"),
    "trajectory": ("trajectory",),
}
_UNITS = re.compile(r"^(.*?)\s*[\[(](.*)[\])]$")  # position [km]
_TIME_OF_DAY = re.compile(r"\s*\d{1,2}:\d{2}")
_TWELVE_HOURS = re.compile(r"\d\s*[ap]\.?m\.?\s*$", re.IGNORECASE)  # 10:30 PM
_LONG = 40  # letters
_COUNTERS = ("column 1", "Unnamed: 0", "index", "__index_level_0__")
_ZONE = r"[T ]\d{2}.*?(Z|[+-]\d{2}(?::?\d{2})?)?$"  # of an ISO date and time


def table_variables(
    frame: pd.DataFrame,
    asked: tuple[str, ...],
    names: dict[str, str],
    path: Path,
    axes: tuple[str, ...] = ("time", "x"),
) -> tuple[dict[str, xr.Variable], dict[str, str]]:
    """The columns as variables of (trajectory, time, x), the lines in any order, with NaN for
    missing lines; and `names`, completed by what the table calls its axes, if not our names. A
    table with only the axis time has a line for each time.

    Columns of text are left out unless `asked` for.

    Raises `ValueError` if a column is missing or has text among numbers, or two lines have the same
    place and time.
    """
    frame = frame.set_axis(list(map(str, frame.columns)), axis=1)
    check_units_row(frame, path)
    frame = with_one_time(frame, names, lambda name: _bare(name) in ALIASES["time"], path)
    clock, counted = _clock_of_frames(frame, names, path), _without_counter(frame, asked)
    if clock is None:
        frame = counted
        clock = _clock_of_frames(frame, names, path)
    if clock is not None:
        names = {"time": clock} | names
        frame = _lines(frame, path)
    alone = "x" not in axes
    keyed = axes if alone else (*axes, "trajectory")
    found_columns = {axis: _axis_column(frame, axis, names, path, alone) for axis in keyed}
    columns = {axis: name for axis, name in found_columns.items() if name is not None}
    order = [axis for axis in ("trajectory", "time", "x") if axis in columns]
    keys: list[str] = [columns[axis] for axis in order]
    if len(set(keys)) < len(keys):
        raise ValueError(
            f"One column of {path} would be two of {', '.join(order)}: {', '.join(keys)}; choose "
            "different ones with --time NAME and --x NAME."
        )
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
    dated = any(_bare(name) in ("date", "datum") for name in frame.columns.drop(time))
    dates, zoned = _times(frame[time], path, dated)
    new = {time: dates}
    if "x" in columns:
        if named := sensors_in(frame[columns["x"]], columns["x"], path):
            raise ValueError(named)
        new[columns["x"]] = _numbers(frame, columns["x"], True, path)
    variables = [name for name in frame.columns if name not in keys]
    for name in variables:
        found = _numbers(frame, name, name in asked, path)
        if found is not None:
            new[name] = found
    if len(new) == len(axes):
        for name in variables:
            if split := thousands_in(frame[name].iloc[0], name, "1 below the header", path):
                raise ValueError(split)
        texts = [
            f"{name}, which begins with {_quoted(frame[name].dropna().iloc[0])}"
            for name in variables
            if frame[name].notna().any()
        ]
        raise ValueError(
            f"{path} has no column of numbers beside {' and '.join(keys)}, and one is needed for "
            f"each variable; it has {'; '.join(texts[:3]) or 'no other'}. Write numbers as "
            "-1234.5 or 1e-3, without units."
        )
    frame, left_out = without_stray_lines(frame[keys].assign(**new), keys)
    twice = frame.duplicated(keys)
    if twice.any():
        line = ", ".join(f"{name} {value}" for name, value in frame[keys][twice].iloc[0].items())
        days = " If they are of several days, write the date before the time."
        raise ValueError(
            f"{path} has two lines for {line}; keep one of them, or average them first."
            + days * (dates.dtype.kind == "m")
        )
    _check_dense(frame, keys, path)
    dataset = frame.set_index(keys).to_xarray()
    found = {
        str(name): xr.Variable(v.dims, np.asarray(v.values))
        for name, v in dataset.variables.items()
        if v.dtype.kind in "iufmM"
    }
    for name in (*keys, *units_of):
        units = units_of.get(name) or units_in(name)
        if units and name in found and found[name].dtype.kind not in "mM":
            found[name].attrs["units"] = units
    if zoned:
        found[time].attrs["zone"] = "Z"
    if left_out:
        found[time].attrs["left_out"] = left_out
    shorter = _bare_names(keys, set(found) - set(keys))
    found = {
        shorter.get(name, name): xr.Variable([shorter.get(d, d) for d in v.dims], v, v.attrs)
        for name, v in found.items()
    }
    ours = {"time": ("time", "t"), "x": ("x",), "trajectory": ("trajectory",)}
    called = {axis: shorter.get(name, name) for axis, name in columns.items()}
    strange = {axis: name for axis, name in called.items() if name not in ours[axis]}
    return found, {axis: name for axis, name in names.items() if axis not in called} | strange


def _check_dense(frame: pd.DataFrame, keys: list[str], path: Path) -> None:
    """Rejects so many times and places that a field of them would fill the memory."""
    counts = [int(frame[key].nunique()) for key in keys]
    size = 8 * math.prod(counts) * max(len(frame.columns) - len(keys), 1)
    if too_large(path, size, "the field"):
        each = zip(counts, keys, strict=True)
        several = " and ".join(f"{n:,} entries of {key}" for n, key in each)
        raise ValueError(
            f"The {len(frame):,} lines of {path} have {several}, too many for a field at all of "
            "them; sensors that move, or times that differ from place to place, must first be "
            "averaged to common places and times."
        )


def _places(frame: pd.DataFrame) -> np.ndarray:
    """The headers as numbers, NaN for those that are not."""
    return pd.to_numeric(pd.Series(frame.columns), errors="coerce").to_numpy(float)


def _clock_of_frames(frame: pd.DataFrame, names: dict[str, str], path: Path) -> str | None:
    """The time column of a table with a column for each place; `None` for any other table. Raises
    `ValueError` if the table has a line for each place instead."""
    headed = np.isfinite(_places(frame))
    others = [name for name in frame.columns[~headed] if name != "trajectory"]
    if headed.sum() <= 1 or len(others) != 1 or "x" in names:
        return None
    if _bare(others[0]) in ALIASES["x"]:
        raise ValueError(
            f"Each line of {path} seems to hold a place, by its column {others[0]}, and each of "
            "the other columns a time; exchange lines and columns, so that a line holds a frame."
        )
    return others[0]


def _lines(frame: pd.DataFrame, path: Path) -> pd.DataFrame:
    """A table with a column for each place as one with a line for each."""
    headed = np.isfinite(_places(frame))
    numbers = {name: _numbers(frame, name, True, path) for name in frame.columns[headed]}
    wide = frame.assign(**numbers)
    kept = list(frame.columns[~headed])
    return wide.melt(kept, var_name="x", value_name="values").astype({"x": float})


def _without_counter(frame: pd.DataFrame, asked: tuple[str, ...]) -> pd.DataFrame:
    """The table without a nameless first column that counts the lines, as some programs add."""
    first = frame.columns[0]
    counts = first in _COUNTERS and first not in asked
    for start in (0, 1):
        if counts and np.array_equal(frame[first].to_numpy(), np.arange(len(frame)) + start):
            return frame.drop(columns=first)
    return frame


def _bare_names(names: list[str], kept: set[str]) -> dict[str, str]:
    """The headers with units, except those to be `kept`, and their names without: variables get
    that name, with the units as an attribute. Headers that would become equal keep their units."""
    bare = {name: without_units(name) for name in names if units_in(name) and name not in kept}
    used = [bare.get(name, name) for name in names]
    return {name: short for name, short in bare.items() if short and used.count(short) == 1}


def _axis_column(
    frame: pd.DataFrame, axis: str, names: dict[str, str], path: Path, alone: bool
) -> str | None:
    """The column of an axis, perhaps the only axis: named by the user or by us, or the only one
    with a usual name."""
    every = list(frame.columns)
    if names.get(axis, axis) in every:
        return names.get(axis, axis)
    with_units = [name for name in every if without_units(name) == names.get(axis)]
    if len(with_units) == 1:
        return with_units[0]
    usual = [name for name in every if _bare(name) in ALIASES[axis]]
    if axis in names or len(usual) != 1:
        if axis == "trajectory":
            return None
        missing = names.get(axis, axis)
        several = f"{listed(usual)} could be meant" if len(usual) > 1 else f"it has {listed(every)}"
        if len(every) == 1:
            raise ValueError(
                f"The first line of {path} names a single column, {_quoted(every[0])}; begin lines "
                "above the header with #, and separate columns by commas, semicolons, tabs or "
                "blanks."
            )
        wide = (
            ""
            if axis == "time" or usual
            else (", or head each column by its place if a line holds a whole frame")
        )
        mend = f"Name its columns of time and place with --time NAME and --x NAME{wide}"
        if axis == "x" and not usual:
            mend = sensors_beside(frame) or mend
        if alone:  # of the states at the ends, beside the file with the data
            mend = "Call the column of the times time"
        raise ValueError(f"{path} has no column {missing}; {several}. {mend.rstrip('.')}.")
    return usual[0]


def without_units(name: str) -> str:
    """`position` of `position [km]`."""
    units = _UNITS.match(name)
    return (units[1] if units else name).strip()


def units_in(name: str) -> str:
    """`km` of `position [km]`; empty without units."""
    units = _UNITS.match(name)
    return units[2] if units else ""


def _bare(name: str) -> str:
    bare = without_units(name)
    return bare if bare == "T" else bare.lower()  # T is a temperature, not a time


def _times(column: pd.Series, path: Path, dated: bool) -> tuple[pd.Series, bool]:
    """Numbers and durations unchanged, times of the day as durations unless their dates are in
    another column (`dated`), dates, also such that count from 1970, without their time zone, and
    whether they had one."""
    if column.dtype.kind in "iufm":
        since = None if units_in(str(column.name)) else dates_since_1970(column.to_numpy())
        return (column, False) if since is None else (pd.Series(since, column.index), True)
    if column.dtype.kind != "M":
        text = column.astype(str)
        if not dated and (of_day := since_midnight(text)) is not None:
            return of_day, False
        numbers = pd.to_numeric(column, errors="coerce").isna().to_numpy()
        dates = pd.to_datetime(text, format="ISO8601", errors="coerce", utc=True)
        if dates.isna().all() and (written := written_dates(text, path)) is not None:
            return written, False
        wrong = numbers if numbers.mean() < 0.5 else dates.isna().to_numpy()
        if (neither := numbers & dates.isna().to_numpy()).any():
            wrong = neither
        if not numbers.any():
            return pd.to_numeric(column).astype("float64"), False
        if wrong.any():
            first = text[wrong].iloc[0]
            if split := thousands_in(first, str(column.name), _row(wrong), path):
                raise ValueError(split)
            mend = (
                "Write dates as 2024-02-27T10:30:00, perhaps with a time zone, numbers with a "
                "decimal point, and units in the header, as time [s]."
            )
            if _TIME_OF_DAY.match(first):
                mend = "Write the date before the time, as 2024-02-27T10:30:00, in one column."
            if _TWELVE_HOURS.search(first):
                mend = "Write the hours from 0 to 23, after the date, as 2024-02-27T22:30:00."
            raise ValueError(
                f"The times of {path} are neither numbers nor dates; the first is "
                f"{_quoted(first)} in row {_row(wrong)}. {mend}"
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
    """A column as numbers, or `None` if it is a column of text that nobody needs."""
    column = frame[name]
    if column.dtype.kind in "iuf":
        return column if isinstance(column.dtype, np.dtype) else column.astype("float64")
    numbers = pd.to_numeric(column, errors="coerce")
    wrong = (numbers.isna() & column.notna()).to_numpy()
    if column.dtype.kind == "b":
        wrong = np.ones(len(column), bool)  # true and false are not measurements
    if not wrong.any():
        return numbers.astype("float64")
    if needed or 2 * wrong.sum() < column.notna().sum():
        if split := thousands_in(column[wrong].iloc[0], name, _row(wrong), path):
            raise ValueError(split)
        raise ValueError(
            f"{path} has {_quoted(column[wrong].iloc[0])} in the column {name}, row "
            f"{_row(wrong)}, where a number is needed; correct it, or leave it empty where nothing "
            "was measured."
        )
    return None


def _quoted(entry: object) -> str:
    """An entry of a table, shortened and printable."""
    text = str(entry)
    return repr(text if len(text) <= _LONG else f"{text[:_LONG]}…")


def _row(wrong: np.ndarray) -> str:
    return f"{int(np.argmax(wrong)) + 1} below the header"
