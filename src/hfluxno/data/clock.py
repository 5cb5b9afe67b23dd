"""Times of one file in the units of another: "hours since 2024-05-02" or plain numbers."""

import re
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from hfluxno.data.source import Source, unit_in

_SINCE = re.compile(r"^\s*(\w+)\s+since\s+(.+?)\s*$")
_SECONDS = {
    "ms": 1e-3, "millisecond": 1e-3, "msec": 1e-3,
    "s": 1.0, "sec": 1.0, "second": 1.0,
    "min": 60.0, "minute": 60.0,
    "h": 3600.0, "hr": 3600.0, "hour": 3600.0,
    "d": 86400.0, "day": 86400.0,
}  # fmt: skip


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
    if units == target or not (units or target):
        return times
    one, other = _clock(units), _clock(target)
    if (one.origin is None) != (other.origin is None):
        dated, plain = (path, source.path) if one.origin is not None else (source.path, path)
        raise ValueError(
            f"The times of {dated} are dates, and those of {plain} are numbers; write both alike."
        )
    if one.origin is None or other.origin is None:
        if units and target and (one.seconds is None or one.seconds != other.seconds):
            raise ValueError(
                f"The times of {path} are in {units}, and those of {source.path} in {target}; "
                "convert one of them."
            )
        return times
    if one.zoned != other.zoned:
        zoned, bare = (path, source.path) if one.zoned else (source.path, path)
        raise ValueError(
            f"The times of {zoned} have a time zone, and those of {bare} have none; convert both "
            "to one, such as UTC."
        )
    offset = (one.origin - other.origin).total_seconds()
    return (times * one.seconds + offset) / other.seconds


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
