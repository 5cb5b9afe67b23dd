"""A table of measurements: one line for each time and place, one column for each variable.

Columns are named by their header. The axes are those the user names, or `time`, `x` and
`trajectory`, or else the one column with a usual name for them (`timestamp`, `position [km]`, …),
or the only one of times with a name such as `time_utc`.

Or one line for each time and one column for each place, if the headers of these are numbers, the
places. The variable is then called `values`; others than these and the time are left out.
"""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from hfluxno.data.clock_changes import clock_change
from hfluxno.data.contained import too_large
from hfluxno.data.dates import with_one_time
from hfluxno.data.headers import (
    ALIASES,
    HEIGHTS,
    bare_names,
    candidates,
    plain,
    units_in,
    units_of_places,
)
from hfluxno.data.named_time import with_named_time
from hfluxno.data.numbers import listed
from hfluxno.data.own_times import of_one, on_common_times
from hfluxno.data.same_entries import with_same_united
from hfluxno.data.stray_lines import without_repeated_lines, without_stray_lines
from hfluxno.data.table_entries import numbers_in, quoted, row_of, text_in, times_in
from hfluxno.data.table_faults import (
    check_along_a_line,
    check_units_row,
    mend_of_doubles,
    naming,
    sensors_in,
    thousands_in,
)
from hfluxno.data.wide_table import (
    check_places,
    clock_among_others,
    clock_of_frames,
    headed_by_places,
)

_FEWEST_TIMES = 3  # at which each place occurs, in the mean
_COUNTERS = ("column 1", "Unnamed: 0", "index", "__index_level_0__")


def table_variables(
    frame: pd.DataFrame,
    asked: tuple[str, ...],
    names: dict[str, str],
    path: Path,
    axes: tuple[str, ...] = ("time", "x"),
    member: int | None = None,
) -> tuple[dict[str, xr.Variable], dict[str, str]]:
    """The columns as variables of (trajectory, time, x), the lines in any order, with NaN for
    missing lines; and `names`, completed by what the table calls its axes, if not our names. A
    table with only the axis time has a line for each time. Of several trajectories the one of the
    number `member` is read alone, if it is given; all of them are `on_common_times`.

    Columns of text are left out unless `asked` for.

    Raises `ValueError` if a column is missing or has text among numbers, or two lines have the same
    place and time.
    """
    noted = frame.attrs.get("note", "")
    frame = frame.set_axis(list(map(str, frame.columns)), axis=1)
    check_units_row(frame, path)
    names = with_named_time(frame, names, asked)
    frame = with_one_time(frame, names, lambda name: plain(name) in ALIASES["time"], path)
    check_places(frame, names, path)
    clock, kept_out = clock_of_frames(frame, names, path), ""
    if clock is None:
        frame = _without_counter(frame, asked)
        clock = clock_of_frames(frame, names, path)
    if clock is None and (clock := clock_among_others(frame, names, asked, path)):
        beside = ~headed_by_places(frame) & ~frame.columns.isin([clock, "trajectory"])
        others = listed(list(frame.columns[beside]))
        kept_out = f"Left out, since they are not headed by places: {others}."
        frame = frame.loc[:, ~beside]
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
    renames = bare_names(list(frame.columns), {*keys, *asked})
    units_of = {bare: units_in(name) for name, bare in renames.items()}
    frame = frame.rename(columns=renames)
    for key in keys:
        gone = frame[key].isna().to_numpy()
        if gone.any():
            raise ValueError(
                f"{path} has a line without {key}, row {row_of(gone)}: there is nothing, or a word "
                "that stands for it, such as NA; fill it in, choose another word, or remove the "
                "line."
            )
    if frame.empty:
        raise ValueError(f"{path} has no lines below its header; give a file with measurements.")
    time = columns["time"]
    dated = any(plain(name) in ("date", "datum") for name in frame.columns.drop(time))
    dates, zoned = times_in(frame[time], path, dated)
    one_place = np.ones(len(frame), bool)
    for key in set(keys) - {time}:
        one_place &= (frame[key] == frame[key].iloc[0]).to_numpy()
    changed = "" if zoned else clock_change(dates[one_place], path)
    new = {time: dates}
    if "x" in columns:
        if named := sensors_in(frame[columns["x"]], columns["x"], path):
            raise ValueError(named)
        new[columns["x"]] = numbers_in(frame, columns["x"], (columns["x"],), path)
        check_along_a_line(frame, columns["x"], "x" in names, asked, path)
    _check_finite_keys(frame.assign(**new), keys, path)
    variables = [name for name in frame.columns if name not in keys]
    for name in variables:
        found = numbers_in(frame, name, asked, path)
        if found is not None:
            new[name] = found
    empty = [n for n in variables if n in new and n not in asked and new[n].isna().all()]
    if len(empty) == len(new) - len(keys):
        empty = []  # none can be left out
    if len(new) == len(axes):
        for name in variables:
            if split := thousands_in(frame[name].iloc[0], name, "1 below the header", path):
                raise ValueError(split)
        texts = [text_in(frame[name]) for name in variables if frame[name].notna().any()]
        raise ValueError(
            f"{path} has no column of numbers besides {' and '.join(keys)}, and one is needed for "
            f"each variable; it has {'; '.join(texts[:3]) or 'no other'}. Write numbers as "
            "-1234.5 or 1e-3, without units."
        )
    lines, (frame, left_out) = frame, without_stray_lines(frame[keys].assign(**new), keys)
    frame, repeated = without_repeated_lines(with_same_united(frame, keys))
    twice = frame.duplicated(keys)
    if twice.any():
        line = ", ".join(f"{name} {value}" for name, value in frame[keys][twice].iloc[0].items())
        days = " If they are of several days, write the date before the time."
        raise ValueError(
            f"{path} has two lines for {line}; {mend_of_doubles(lines.loc[frame.index], keys)}."
            + days * (dates.dtype.kind == "m")
        )
    together, one = "", columns.get("trajectory")
    if one is not None:
        every = frame
        frame = of_one(frame, one, member)
        if member is None:
            frame, together = on_common_times(frame, time, one, keys)
    _check_dense(frame, keys, path)
    dataset = frame.set_index(keys).to_xarray()
    found = {
        str(name): xr.Variable(v.dims, np.asarray(v.values))
        for name, v in dataset.variables.items()
        if v.dtype.kind in "iufmM"
    }
    for name in (*keys, *units_of):
        of_header = units_of_places if name == columns.get("x") else units_in
        units = units_of.get(name) or of_header(name)
        if units and name in found and found[name].dtype.kind not in "mM":
            found[name].attrs["units"] = units
    if zoned:
        found[time].attrs["zone"] = "Z"
    for name in empty:
        found[name].attrs["empty"] = True
    no_entries = f"Left out, since they have no entries: {listed(empty)}." if empty else ""
    if together:
        found[time].attrs["together"] = together
    if one is not None and len(frame) < len(every):
        found[time].attrs["chosen"] = True
    if notes := " ".join(filter(None, (noted, changed, kept_out, no_entries, left_out, repeated))):
        found[time].attrs["left_out"] = notes
    shorter = bare_names(keys, set(found) - set(keys))
    found = {
        shorter.get(name, name): xr.Variable([shorter.get(d, d) for d in v.dims], v, v.attrs)
        for name, v in found.items()
    }
    ours = {"time": ("time", "t"), "x": ("x",), "trajectory": ("trajectory",)}
    called = {axis: shorter.get(name, name) for axis, name in columns.items()}
    strange = {axis: name for axis, name in called.items() if name not in ours[axis]}
    return found, {axis: name for axis, name in names.items() if axis not in called} | strange


def _check_finite_keys(frame: pd.DataFrame, keys: list[str], path: Path) -> None:
    """Rejects infinite times and places. Raises `ValueError` if there is one."""
    for name in keys:
        column = frame[name].to_numpy()
        wrong = np.isinf(column) if column.dtype.kind == "f" else np.zeros(0, bool)
        if wrong.any():
            raise ValueError(
                f"{path} has {column[wrong][0]} in the column {name}, row {row_of(wrong)}, where a "
                "finite number is needed; correct it, or remove the line."
            )


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


def _lines(frame: pd.DataFrame, path: Path) -> pd.DataFrame:
    """A table with a column for each place as one with a line for each."""
    headed = headed_by_places(frame)
    places = tuple(frame.columns[headed])
    numbers = {name: numbers_in(frame, name, places, path) for name in places}
    wide = frame.assign(**numbers)
    kept = list(frame.columns[~headed])
    return wide.melt(kept, var_name="x", value_name="values").astype({"x": float})


def _without_counter(frame: pd.DataFrame, asked: tuple[str, ...]) -> pd.DataFrame:
    """The table without a nameless first column that counts the lines, as some programs add, in
    any order, as they are after a shuffle."""
    first = frame.columns[0]
    if first not in _COUNTERS or first in asked or frame[first].dtype.kind not in "iu":
        return frame
    numbers = np.sort(frame[first].to_numpy())
    counts = any(np.array_equal(numbers, np.arange(len(frame)) + start) for start in (0, 1))
    return frame.drop(columns=first) if counts else frame


def _axis_column(
    frame: pd.DataFrame, axis: str, names: dict[str, str], path: Path, alone: bool
) -> str | None:
    """The column of an axis, perhaps the only axis."""
    every = list(frame.columns)
    found = candidates(every, axis, names)
    if axis == "x" and not found and axis not in names:
        found = [name for name in every if plain(name) in HEIGHTS and _recurs(frame[name])]
    if len(found) == 1:
        return found[0]
    if axis == "trajectory":
        return None
    if len(every) == 1:
        raise ValueError(
            f"The first line of {path} names a single column, {quoted(every[0])}; begin lines "
            "above the header with #, and separate columns by commas, semicolons, tabs or blanks."
        )
    several = f"{listed(found)} could be meant" if found else f"it has {listed(every)}"
    # The only axis is that of states at the ends, beside the file with the data.
    mend = "Call the column of the times time" if alone else naming(frame, axis, names)
    raise ValueError(f"{path} has no column {names.get(axis, axis)}; {several}. {mend}.")


def _recurs(column: pd.Series) -> bool:
    """Whether a column of numbers has few different ones, each in several lines."""
    numbers = column.dropna()
    counts = numbers.value_counts()
    return bool(
        numbers.dtype.kind in "iuf"
        and len(numbers) == len(column)
        and 1 < len(counts) <= len(numbers) / _FEWEST_TIMES
        and counts.min() > 1
    )
