"""Times of the day without a date, as 23:50, 11:50 PM or 0730, perhaps beyond midnight."""

import re
from collections.abc import Iterable

import numpy as np
import pandas as pd

_CLOCK = re.compile(
    r"\s*([01]?\d|2[0-4])(?::|(?<=\d\d))([0-5]\d)(?::([0-5]\d(?:\.\d*)?))?(?:\s*([AaPp])\.?[Mm]\.?)?\s*"
)
_PADDED = re.compile(r"(?:[01]\d|2[0-4])[0-5]\d")
_DAY = 86400.0
_LAST = 2400  # 24:00 as a number


def since_midnight(text: pd.Series) -> pd.Series | None:
    """Durations since the midnight before the first time, `None` if an entry is no time of the day,
    or it is not certain which of them are of the next day.

    The measurements must be of 24 hours at most, so they begin after the longest pause. If that is
    not where the lines begin, they may be in any order, but must not pass midnight.
    """
    seconds = seconds_of_day(text)
    if seconds is None:
        return None
    seconds %= _DAY  # 24:00 is 00:00
    times = np.unique(seconds)
    pauses = np.diff(times, prepend=times[-1] - _DAY)
    starts = times[pauses >= (1.0 - 1e-6) * pauses.max()]
    for start in (seconds.iloc[0], times[0]):
        if start in starts:
            return pd.to_timedelta(seconds + _DAY * (seconds < start), unit="s")
    return None


def seconds_of_day(text: pd.Series) -> pd.Series | None:
    """The seconds since the midnight before each time, up to 24:00; `None` if an entry is no time
    of the day, or only some of them say AM or PM."""
    found = text.str.extract(f"^{_CLOCK.pattern}$")
    parts, half = found[[0, 1, 2]].astype(float), found[3].str.lower()
    if parts[[0, 1]].isna().any(axis=None):
        return None
    if half.notna().any():
        if half.isna().any() or not parts[0].between(1, 12).all():
            return None
        parts[0] = parts[0] % 12 + 12 * (half == "p")
    seconds = parts[0] * 3600.0 + parts[1] * 60.0 + parts[2].fillna(0.0)
    return None if seconds.max() > _DAY else seconds


def are_no_clocks(text: pd.Series) -> np.ndarray:
    """Which entries are no times of the day, as 25:00 or 00:30.5."""
    return ~text.str.fullmatch(_CLOCK.pattern).to_numpy(bool)


def are_padded(entries: Iterable[str]) -> bool:
    """Whether all entries are times of the day as 0730, which would lose their zero as numbers. A
    count of frames, 0000, 0001, …, does not pass an hour before it has 0060."""
    found = [entry for entry in entries if entry]
    padded = all(map(_PADDED.fullmatch, found)) and any(e.startswith("0") for e in found)
    return padded and any(not e.startswith("00") for e in found)


def check_no_clock(times: np.ndarray, name: str, dated: bool = False) -> None:
    """Rejects times of the day written as numbers, 755 before 800. Raises `ValueError` if no entry
    has minutes above 59, and a step to another hour is as many minutes as most steps, fewer than an
    hour: even numbers would have entries between. Beside a column of dates (`dated`) they need not
    be even."""
    if times.ndim != 1 or len(times) < 2 or np.any(times != np.floor(times)):
        return
    if times.min() < 0 or times.max() > _LAST or np.any(times % 100 > 59):
        return
    entries = np.unique(times)
    minutes = entries // 100 * 60 + entries % 100
    steps = np.diff(minutes, append=minutes[0] + 1440)
    usual = steps == np.median(steps)
    over = usual & (np.diff(entries, append=entries[0]) != steps)
    evident = np.mean(usual) > 0.5 and np.median(steps) < 60 and over.any()
    if not evident and not (dated and entries[-1] >= 100 and len(entries) > 1):
        return
    one = int(np.argmax(over))  # 0 if there is none
    pair = [int(entries[one]), int(entries[(one + 1) % len(entries)])]
    first, then = (f"{n // 100:02d}:{n % 100:02d}" for n in pair)
    raise ValueError(
        f"The entries of {name} look like times of the day written as numbers, such as {pair[0]} "
        f"before {pair[1]}; write {first} and {then}, after their date if they are of several days "
        f"(2024-02-27T{first}), or state units if they are numbers, as {name} [s]."
    )
