"""Trajectories of a table that were measured one after another, as on several days: each has its
own times, and a batch has one axis of times for all."""

from pathlib import Path

import numpy as np
import pandas as pd

from hfluxno.data.numbers import listed
from hfluxno.data.same_entries import with_same_united
from hfluxno.plural import percent

# At least so much of a batch must be measured; of two that have no time in common half is.
_SHARE = 0.5


def of_one(frame: pd.DataFrame, trajectory: str, number: int | None) -> pd.DataFrame:
    """The lines of this trajectory, counted in the order of their names; all if it is `None`, or
    there is none of this number."""
    names = _names(frame, trajectory)
    if number is None or not 0 <= number < len(names):
        return frame
    return frame[frame[trajectory] == names[number]]


def on_common_times(
    frame: pd.DataFrame, time: str, trajectory: str, keys: list[str]
) -> tuple[pd.DataFrame, str]:
    """The table with all trajectories from the first time of the first one on, if at their own
    times at most half of the frames of a batch were measured, and more would be so, or none are
    measured while another is; and a note on that. Else the table as it is, and nothing."""
    starts = frame.groupby(trajectory)[time].transform("min")
    first = starts[frame[trajectory] == _names(frame, trajectory)[0]].iloc[0]
    before = _measured(frame, time, trajectory)
    if before > _SHARE or (starts == first).all():
        return frame, ""
    moved = with_same_united(frame.assign(**{time: frame[time] - starts + first}), keys)
    after = _measured(moved, time, trajectory)
    if after <= _SHARE and not _one_after_another(frame, time, trajectory):
        return frame, ""
    begins = frame.groupby(trajectory)[time].min()
    few = (
        f" So {percent(1.0 - after)} of their frames are gaps, as their steps differ: take the "
        "same steps for all."
    )
    return moved, (
        f"The trajectories begin at different times ({listed([_shown(t) for t in begins])}): each "
        f"is counted from its first frame, as if at {_shown(first)}; --trajectory N reads one at "
        f"its own times.{few if after <= _SHARE else ''}"
    )


def check_one_clock(notes: list[str], path: Path) -> None:
    """Raises `ValueError` if there is a note that times were moved: given ends are at times of the
    file."""
    if any(notes):
        raise ValueError(
            f"The trajectories of {path} begin at different times, and given ends are those of "
            "one: choose it with --trajectory N."
        )


def _names(frame: pd.DataFrame, trajectory: str) -> pd.Index:
    """Those of the trajectories in the order of the axis that pandas makes of them."""
    return pd.Categorical(frame[trajectory]).categories


def _measured(frame: pd.DataFrame, time: str, trajectory: str) -> float:
    """The fraction of the frames of a batch that have any line."""
    frames = len(frame[[trajectory, time]].drop_duplicates())
    return frames / (frame[trajectory].nunique() * frame[time].nunique())


def _one_after_another(frame: pd.DataFrame, time: str, trajectory: str) -> bool:
    ends = frame.groupby(trajectory)[time].agg(["min", "max"]).sort_values("min")
    return bool((ends["min"].to_numpy()[1:] > ends["max"].to_numpy()[:-1]).all())


def _shown(time: object) -> str:
    return f"{time:.6g}" if isinstance(time, float | int | np.number) else str(time)
