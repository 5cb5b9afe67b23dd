"""The entries of a column of a table: times, numbers, or what is neither, in a sentence."""

import re
from pathlib import Path

import numpy as np
import pandas as pd

from hfluxno.data.clock import dates_since_1970
from hfluxno.data.dates import written_dates
from hfluxno.data.headers import units_in
from hfluxno.data.numbers import listed
from hfluxno.data.table_faults import thousands_in
from hfluxno.data.time_of_day import are_no_clocks, check_no_clock, since_midnight

_TIME_OF_DAY = re.compile(r"\s*\d{1,2}:\d{2}")
_TWELVE_HOURS = re.compile(r"\d\s*[ap]\.?m\.?\s*$", re.IGNORECASE)  # 10:30 PM
_LONG = 40  # letters
_ZONE = r"[T ]\d{2}.*?(Z|[+-]\d{2}(?::?\d{2})?)?$"  # of an ISO date and time


def times_in(column: pd.Series, path: Path, dated: bool) -> tuple[pd.Series, bool]:
    """Numbers and durations unchanged, times of the day as durations unless their dates are in
    another column (`dated`), dates, also such that count from 1970, without their time zone, and
    whether they had one."""
    if column.dtype.kind in "iufm":
        since = None if units_in(str(column.name)) else dates_since_1970(column.to_numpy())
        if since is not None:
            return pd.Series(since, column.index), True
        if dated and not units_in(str(column.name)):
            check_no_clock(column.to_numpy(), str(column.name), dated)
        return column, False
    if column.dtype.kind != "M":
        text = column.astype(str)
        if not dated and (of_day := since_midnight(text)) is not None:
            return of_day, False
        numbers = pd.to_numeric(column, errors="coerce").isna().to_numpy() | _truths_in(column)
        dates = pd.to_datetime(text, format="ISO8601", errors="coerce", utc=True)
        if dates.isna().all() and (written := written_dates(text, path)) is not None:
            return written, False
        wrong = numbers if numbers.mean() < 0.5 else dates.isna().to_numpy()
        if (neither := numbers & dates.isna().to_numpy()).any():
            wrong = neither
        if text.str.match(_TIME_OF_DAY.pattern).all() and (none := are_no_clocks(text)).any():
            wrong = none
        if not numbers.any():
            return pd.to_numeric(column).astype("float64"), False
        if wrong.any():
            first = text[wrong].iloc[0]
            if split := thousands_in(first, str(column.name), row_of(wrong), path):
                raise ValueError(split)
            mend = (
                "Write dates as 2024-02-27T10:30:00, perhaps with a time zone, numbers with a "
                "decimal point, and units in the header, as time [s]."
            )
            if _TIME_OF_DAY.match(first):
                mend = "Write the date before the time, as 2024-02-27T10:30:00, in one column."
                if are_no_clocks(text[wrong].iloc[:1]).any():
                    mend = (
                        "Write durations as numbers, with units in the header, as time [s], and "
                        "times of the day as 23:55:30, after the date if they are of several days."
                    )
            if _TWELVE_HOURS.search(first):
                mend = "Write the hours from 0 to 23, after the date, as 2024-02-27T22:30:00."
            raise ValueError(
                f"The times of {path} are neither numbers nor dates; the first is "
                f"{quoted(first)} in row {row_of(wrong)}. {mend}"
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


def numbers_in(
    frame: pd.DataFrame, name: str, asked: tuple[str, ...], path: Path
) -> pd.Series | None:
    """A column as numbers, or `None` if it has text and nobody needs it."""
    column = frame[name]
    if column.dtype.kind in "iuf":
        return column if isinstance(column.dtype, np.dtype) else column.astype("float64")
    numbers = pd.to_numeric(column, errors="coerce")
    truths = _truths_in(column)
    wrong = (numbers.isna() & column.notna()).to_numpy() | truths
    if not wrong.any():
        return numbers.astype("float64")
    if name in asked or (not asked and 2 * wrong.sum() < column.notna().sum()):
        if split := thousands_in(column[wrong].iloc[0], name, row_of(wrong), path):
            raise ValueError(split)
        mend = "correct it, or leave it empty where nothing was measured"
        if truths[wrong].all():
            mend = "choose another column, or write 1 and 0 for true and false"
        raise ValueError(
            f"{path} has {quoted(column[wrong].iloc[0])} in the column {name}, row "
            f"{row_of(wrong)}, where a number is needed; {mend}."
        )
    return None


def _truths_in(column: pd.Series) -> np.ndarray:
    """Which entries are true or false, which are no measurements; pandas takes them as 1 and 0."""
    if column.dtype.kind == "b":
        return column.notna().to_numpy()
    if column.dtype.kind != "O":
        return np.zeros(len(column), bool)
    return column.map(lambda entry: isinstance(entry, bool | np.bool_)).to_numpy(bool)


def text_in(column: pd.Series) -> str:
    """A column without numbers by its first entry that is none."""
    truths = _truths_in(column)
    if truths[column.notna()].all():
        return f"{column.name} of true and false (write 1 and 0, if these are measurements)"
    wrong = truths | (column.notna() & pd.to_numeric(column, errors="coerce").isna()).to_numpy()
    return f"{column.name}, which has {quoted(column[wrong].iloc[0])} in row {row_of(wrong)}"


def quoted(entry: object) -> str:
    """An entry of a table, shortened and printable."""
    text = str(entry)
    return repr(text if len(text) <= _LONG else f"{text[:_LONG]}…")


def row_of(wrong: np.ndarray) -> str:
    return f"{int(np.argmax(wrong)) + 1} below the header"
