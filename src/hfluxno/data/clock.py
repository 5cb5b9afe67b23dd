"""Times as numbers, in the units of others ("hours since 2024-05-02" or plain ones), as dates."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from hfluxno.coordinates import seconds
from hfluxno.data.source import Source, unit_in
from hfluxno.units import SECONDS

_SINCE = re.compile(r"^\s*(\w+)\s+since\s+(.+?)\s*$")
_SECONDS = SECONDS | dict.fromkeys(("ms", "millisecond", "msec"), 1e-3)
_STEPS = {"d": 86_400.0, "h": 3600.0, "min": 60.0, "s": 1.0}
_WHOLE = 1e-6  # of a step
_CALENDARS = ("", "standard", "gregorian", "proleptic_gregorian")  # whose dates are ours
_SINCE_1970 = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}  # in a second
_FROM, _TO = 631_152_000, 4_102_444_800  # 1990 and 2100 in seconds
_MOST_SPAN = 0.5  # of the first entry: a shorter count could be any other


class _Clock(NamedTuple):
    """Seconds in a unit, the date from which it counts, and whether that has a time zone."""

    seconds: float | None
    origin: pd.Timestamp | None
    zoned: bool


def converted(times: np.ndarray, units: str, path: Path, source: Source) -> np.ndarray:
    """The times of `path` in the units of `source`. Raises `ValueError` if only one of them has
    dates, or they differ in their units, or only one has a time zone."""
    own = source.coordinates.get(source.time_axis)
    target = "" if own is None else unit_in(own.attrs)
    return in_units(times, units, target, str(path), str(source.path))


def in_units(times: np.ndarray, units: str, target: str, one: str, other: str) -> np.ndarray:
    """Times of `one` in the units of the `other`, as messages call them. Raises `ValueError` as
    `converted` does."""
    if units == target or not (units or target):
        return times
    own, wanted = _clock(units), _clock(target)
    if (own.origin is None) != (wanted.origin is None):
        dated, plain = (one, other) if own.origin is not None else (other, one)
        raise ValueError(
            f"The times of {dated} are dates, and those of {plain} are numbers; write both alike."
        )
    if own.origin is None or wanted.origin is None:
        if units and target and (own.seconds is None or own.seconds != wanted.seconds):
            raise ValueError(
                f"The times of {one} are in {units}, and those of {other} in {target}; "
                "convert one of them."
            )
        return times
    if own.zoned != wanted.zoned:
        zoned, bare = (one, other) if own.zoned else (other, one)
        raise ValueError(
            f"The times of {zoned} have a time zone, and those of {bare} have none; convert both "
            "to one, such as UTC."
        )
    offset = (own.origin - wanted.origin).total_seconds()
    return (times * own.seconds + offset) / wanted.seconds


def in_seconds(coordinate: np.ndarray, zone: str = "") -> tuple[np.ndarray, dict[str, str]]:
    """Dates as seconds since the first of them, durations as seconds, with their units."""
    if coordinate.dtype.kind != "M":
        return seconds(coordinate), {"units": "s"} if coordinate.dtype.kind == "m" else {}
    if np.datetime_data(coordinate.dtype)[0] in ("Y", "M"):  # of no fixed length
        coordinate = coordinate.astype("M8[D]")
    known = coordinate[~np.isnat(coordinate)]
    if not known.size:
        return seconds(coordinate), {}
    first = known.min()
    whole = first == first.astype("M8[s]")
    text = np.datetime_as_string(first, unit="s" if whole else "auto")
    return (coordinate - first) / np.timedelta64(1, "s"), {"units": f"seconds since {text}{zone}"}


def numbers_of(
    entries: np.ndarray, axis: str, attributes: Mapping
) -> tuple[np.ndarray, dict[str, str]]:
    """`in_seconds` of the entries of an axis, which may be times that count from 1970."""
    since = dates_since_1970(entries) if axis == "time" and "units" not in attributes else None
    return in_seconds(entries) if since is None else in_seconds(since, "Z")


def dated(source: Source) -> str:
    """The units of the time, unless they count in a calendar in which dates are others."""
    own = source.coordinates.get(source.time_axis)
    calendar = "" if own is None else str(own.attrs.get("calendar", "")).lower()
    return source.units.get("time", "") if calendar in _CALENDARS else ""


def date(time: float, units: str) -> str:
    """The date of a time in units that count from one, as `2024-05-02 07:00`, with seconds if there
    are any, and `UTC` if it is known; empty for other units."""
    clock = _clock(units)
    if clock.origin is None or clock.seconds is None:
        return ""
    try:
        found = clock.origin + pd.Timedelta(round(time * clock.seconds, 3), unit="s")
    except (ValueError, OverflowError):  # beyond what pandas can hold
        return ""
    precision = "milliseconds" if found.microsecond else "seconds" if found.second else "minutes"
    return found.isoformat(" ", precision) + " UTC" * clock.zoned


def step(length: float, units: str) -> str:
    """A length of time in such units as `3 h`: in the largest one of which it is a multiple, or of
    which it is longer; empty for other units."""
    clock = _clock(units)
    if clock.origin is None or clock.seconds is None:
        return ""
    seconds = length * clock.seconds
    counts = {name: seconds / size for name, size in _STEPS.items()}
    whole = [n for n, c in counts.items() if 0.5 < c < 1e3 and abs(c - round(c)) <= _WHOLE * c]
    longer = [name for name, count in counts.items() if count >= 1.0]
    name = (*whole, *longer, "s")[0]
    return f"{counts[name]:.4g} {name}"


def _clock(units: str) -> _Clock:
    dated = _SINCE.match(units)
    name = (dated[1] if dated else units).strip().lower()
    seconds = _SECONDS.get(name, _SECONDS.get(name.removesuffix("s")))
    if dated is None or seconds is None:
        return _Clock(seconds, None, False)
    try:
        origin = pd.Timestamp(dated[2])
    except ValueError:
        return _Clock(seconds, None, False)
    if origin.tzinfo is None:
        return _Clock(seconds, origin, False)
    return _Clock(seconds, origin.tz_convert("UTC").tz_localize(None), True)


def dates_since_1970(entries: np.ndarray) -> np.ndarray | None:
    """The dates that integers are, as many loggers write them, if all entries are whole seconds,
    milliseconds, microseconds or nanoseconds since 1970 of dates between 1990 and 2100; else
    `None`."""
    if entries.dtype.kind not in "iuf" or entries.ndim != 1 or not entries.size:
        return None
    low, high = entries.min(), entries.max()
    if not low > 0 or high - low > _MOST_SPAN * low or np.any(entries != np.floor(entries)):
        return None
    for unit, count in _SINCE_1970.items():
        if _FROM * count <= low and high < _TO * count:
            return entries.astype(np.int64).astype(f"M8[{unit}]")
    return None
