"""Times as integers that count from 1970, as many loggers write them."""

import numpy as np

_UNITS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}  # in a second
_FROM, _TO = 631_152_000, 4_102_444_800  # 1990 and 2100 in seconds
_MOST_SPAN = 0.5  # of the first entry: a shorter count could be any other


def dates_since_1970(entries: np.ndarray) -> np.ndarray | None:
    """The dates if all entries are whole seconds, milliseconds, microseconds or nanoseconds since
    1970 of dates between 1990 and 2100, else `None`."""
    if entries.dtype.kind not in "iuf" or entries.ndim != 1 or not entries.size:
        return None
    low, high = entries.min(), entries.max()
    if not low > 0 or high - low > _MOST_SPAN * low or np.any(entries != np.floor(entries)):
        return None
    for unit, count in _UNITS.items():
        if _FROM * count <= low and high < _TO * count:
            return entries.astype(np.int64).astype(f"M8[{unit}]")
    return None
