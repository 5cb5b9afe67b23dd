"""Local times across a change of the clocks."""

from pathlib import Path

import numpy as np
import pandas as pd

_HOUR = 3600.0
_LONGEST = 1800.0  # seconds between measurements, by which an hour more or less is told
_LATE = 3  # measurements that may be missing at the change


def clock_change(times: pd.Series, path: Path) -> str:
    """A note if the times of one place, in the order of the file and without a zone, go back or
    forward once by an hour as clocks do, and otherwise are even; empty if they do not."""
    if times.dtype.kind != "M" or len(times) < 2 * _LATE:
        return ""
    steps = np.diff(times.to_numpy()) / np.timedelta64(1, "s")
    usual = float(np.median(steps))
    if not 0.0 < usual <= _LONGEST:
        return ""
    (odd,) = np.nonzero((steps <= 0.0) | (steps > (_LATE + 1) * usual))
    if len(odd) != 1:
        return ""
    beyond = steps[odd[0]] - usual
    for way, change in (("back", -_HOUR), ("forward", _HOUR)):
        if -0.5 * usual < beyond - change < _LATE * usual:
            before, after = (str(each) for each in times.iloc[odd[0] : odd[0] + 2])
            return (
                f"Between {before} and {after} the clock of {path} seems to have been set {way} by "
                "an hour: write the times in UTC, or with their zone."
            )
    return ""
