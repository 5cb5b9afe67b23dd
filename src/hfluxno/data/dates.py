"""Dates as people write them: 31.12.2024 23:45, 12/31/24 11:45 PM, or in two columns."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path

import pandas as pd

from hfluxno.data.time_of_day import seconds_of_day

_WRITTEN = re.compile(
    r"\s*(\d{1,2}|\d{4})([./-])(\d{1,2})\2(\d{4}|\d{1,2})(?:(?:,?\s+|T)(\S.*?))?\s*"
)
_THIS_CENTURY = 69  # a year of two digits below this is of it, as for strptime
_DATES = ("date", "datum", "day", "tag")
_HOURS = ("hour", "hours", "clock", "stunde", "uhr")  # of times of the day beside a date


def written_dates(text: pd.Series, path: Path) -> pd.Series | None:
    """The dates, with or without a time of the day; `None` if an entry is something else.

    Of day and month the one is first whose entries exceed 12; with full stops it is the day. A year
    may have two digits if it stands last.

    Raises `ValueError` if that cannot be told.
    """
    found = text.str.extract(f"^{_WRITTEN.pattern}$")
    if found[0].isna().any() or found[1].nunique() > 1:
        return None
    days = _days(found, text, path)
    clock = found[4].dropna()
    seconds = seconds_of_day(clock) if len(clock) else pd.Series(dtype=float)
    if days is None or seconds is None:
        return None
    # Some programs leave out midnight.
    return days + pd.to_timedelta(seconds.reindex(text.index).fillna(0.0), unit="s")


def with_one_time(
    frame: pd.DataFrame, names: Mapping[str, str], usual: Callable[[str], bool], path: Path
) -> pd.DataFrame:
    """A table with a column of dates and another of times of the day, the one that is named or has
    a `usual` name of the time, with both in the latter; or in the former, if that is named or has
    a `usual` name and the other is called hour, clock or the like. Any other table as it is.

    Raises `ValueError` as `written_dates` does.
    """
    texts = [name for name in frame.columns if frame[name].dtype.kind not in "iufbmM"]
    dated = [name for name in texts if name.strip().lower() in _DATES]
    named = names.get("time")
    clocks = [n for n in texts if n not in dated and (n == named if named else usual(n))]
    into = clocks
    if len(dated) == 1 and not clocks and (named == dated[0] if named else usual(dated[0])):
        clocks, into = [n for n in texts if n.strip().lower() in _HOURS], dated
    if len(dated) != 1 or len(clocks) != 1:
        return frame
    date, clock = frame[dated[0]].astype(str), frame[clocks[0]].astype(str)
    seconds = seconds_of_day(clock)
    days = None if seconds is None else _dates_alone(date, path)
    if days is None:
        return frame
    whole = days + pd.to_timedelta(seconds, unit="s")
    return frame.drop(columns=clocks if into is dated else dated).assign(**{into[0]: whole})


def _dates_alone(text: pd.Series, path: Path) -> pd.Series | None:
    """Dates without a time of the day, also in the order of ISO 8601."""
    alone = text.str.fullmatch(r"\s*[\d./-]+\s*").all()
    return written_dates(text, path) if alone else None


def _days(found: pd.DataFrame, text: pd.Series, path: Path) -> pd.Series | None:
    """The days, from the three numbers of each entry."""
    one, other, last = (found[i].astype(int) for i in (0, 2, 3))
    long_first, long_last = (found[i].str.len().eq(4) for i in (0, 3))
    if long_first.all():
        return _calendar(one, other, last)
    short = not long_last.any() and found[3].str.len().eq(2).all()
    if long_first.any() or not (short or long_last.all()):
        return None
    stops = found[1].iloc[0] == "."
    if short:
        # The year, which may stand first, changes least; before a full stop that is rare.
        changes_least = one.nunique() < last.nunique() + (not stops)
        if changes_least and _calendar(_whole_year(one), other, last) is not None:
            which = "year, the month or the day first, since their years have two digits"
            raise _doubt(text, path, which)
        last = _whole_year(last)
    day_first, month_first = bool((one > 12).any()), bool((other > 12).any())
    if not (day_first or month_first or stops or (one == other).all()):
        which = "day or the month first, since none of their numbers is above 12"
        raise _doubt(text, path, which)
    day, month = (other, one) if month_first else (one, other)
    return _calendar(last, month, day)


def _whole_year(short: pd.Series) -> pd.Series:
    """2024 for 24, 1999 for 99."""
    return short + 1900 + 100 * (short < _THIS_CENTURY)


def _calendar(year: pd.Series, month: pd.Series, day: pd.Series) -> pd.Series | None:
    """The days of these numbers; `None` if one is not in the calendar."""
    parts = pd.DataFrame({"year": year, "month": month, "day": day})
    days = pd.to_datetime(parts, errors="coerce")
    return None if days.isna().any() else days


def _doubt(text: pd.Series, path: Path, which: str) -> ValueError:
    return ValueError(
        f"The dates of {path}, such as {text.iloc[0]!r} in row 1 below the header, may have the "
        f"{which}; write them as 2024-02-27, with the time of the day as 2024-02-27T10:30:00."
    )
