"""Lines of a table that tell nothing: without a value at a time or place of their own, or twice."""

import numpy as np
import pandas as pd

from hfluxno.plural import plural

_FAR = 3.0  # spacings


def without_stray_lines(frame: pd.DataFrame, keys: list[str]) -> tuple[pd.DataFrame, str]:
    """The table without such lines, and a note on them, empty if there are none.

    They would make the grid finer, or add a frame. A time or place without any value is kept if it
    has half as many lines as others, as a sensor that was dead all the time, unless it lies far
    beyond all that were measured, as another number in a header does.
    """
    empty = frame.drop(columns=keys).isna().all(axis=1)
    stray = np.zeros(len(frame), bool)
    if empty.any():
        for key in keys:
            counts = frame[key].value_counts()
            few = frame[key].map(2 * counts < counts.median())
            unmeasured = empty.groupby(frame[key]).transform("all")
            stray |= (few & unmeasured).to_numpy()
            if key == keys[-1] != keys[0] and frame[key].dtype.kind in "iuf":  # a place
                stray |= unmeasured.to_numpy() & _is_far(frame[key], ~unmeasured)
    if not stray.any():
        return frame, ""
    where = ", ".join(f"{key} {frame[key][stray].iloc[0]}" for key in keys)
    return frame[~stray], (
        f"{plural(int(stray.sum()), 'line')} without a value left out, whose time or place is not "
        f"measured in any line; the first is {where}."
    )


def _is_far(at: pd.Series, measured: pd.Series) -> np.ndarray:
    """What is further beyond all that was measured than three typical spacings of it."""
    known = np.unique(at[measured])
    if len(known) < 2:
        return np.zeros(len(at), bool)
    reach = _FAR * float(np.median(np.diff(known)))
    return ((at < known[0] - reach) | (at > known[-1] + reach)).to_numpy()


def without_repeated_lines(frame: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """The table without lines that repeat another in all its keys and values, as agencies deliver
    them, and a note on them, empty if there are none. Others for one time and place contradict each
    other."""
    again = frame.duplicated().to_numpy()
    if not again.any():
        return frame, ""
    return frame[~again], f"Left out, since they repeat others: {plural(int(again.sum()), 'line')}."
