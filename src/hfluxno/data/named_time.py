"""Columns of times whose name says which ones they are, as `time_utc` or `timestamp_local`, or how
far they are apart, as `5 Minutes`."""

import re
from collections.abc import Sequence

import pandas as pd

from hfluxno.data.clock import dates_since_1970
from hfluxno.data.headers import candidates, plain, units_in

_NAMED = re.compile(
    r"(time|date|date_?time|timestamp)_\w+"
    r"|(\d+[ _-]?)?(second|minute|hour|day)s?|\d+[ _-]?(s|min|h)"
)
_WRITTEN = r"\s*\d{1,4}(?:([./-])\d{1,2}\1\d{1,4}|:\d\d)"  # the beginning of a date or a time


def with_named_time(
    frame: pd.DataFrame, names: dict[str, str], asked: Sequence[str]
) -> dict[str, str]:
    """The `names` of the axes with the only column of such a name as the time, if it holds dates or
    times of the day, is not `asked` for and no other column is the time."""
    every = list(map(str, frame.columns))
    if "time" in names or candidates(every, "time", names):
        return names
    found = [n for n in every if _NAMED.fullmatch(plain(n)) and n not in asked]
    held = [name for name in found if _holds_times(frame[name])]
    return {"time": held[0]} | names if len(held) == 1 else names


def _holds_times(column: pd.Series) -> bool:
    """Plain numbers may be anything, such as the time between two vehicles (time_headway)."""
    if column.dtype.kind in "iuf":
        return not units_in(str(column.name)) and dates_since_1970(column.to_numpy()) is not None
    if column.dtype.kind in "bm":
        return False
    texts = column.dropna().astype(str)
    return column.dtype.kind == "M" or bool(texts.str.match(_WRITTEN).mean() > 0.5)
