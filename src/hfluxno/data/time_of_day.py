"""Times of the day without a date, as 23:50 or 11:50 PM, perhaps beyond midnight."""

import re

import numpy as np
import pandas as pd

_CLOCK = re.compile(
    r"\s*([01]?\d|2[0-4]):([0-5]\d)(?::([0-5]\d(?:\.\d*)?))?(?:\s*([AaPp])\.?[Mm]\.?)?\s*"
)
_DAY = 86400.0


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
