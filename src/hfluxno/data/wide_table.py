"""Tables with a line for each time and a column for each place, headed by that place."""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from hfluxno.data.headers import ALIASES, candidates, plain
from hfluxno.data.numbers import listed
from hfluxno.data.source import LEAST_FRAMES, LEAST_PLACES

_DATE = re.compile(r"\s*\d{1,4}([./-])\d{1,2}\1\d{1,4}(\D.*)?")
# What heads a column of places where the others are headed by times.
_PLACES = {"depth", "height", "layer", "level", "sensor", "station", "gauge", "detector"}
_PLACES |= {"place", "cell", "node", "ort", "zelle"}


def headed_by_places(frame: pd.DataFrame) -> np.ndarray:
    """Which headers are numbers."""
    numbers = pd.to_numeric(pd.Series(frame.columns), errors="coerce")
    return np.isfinite(numbers.to_numpy(float))


def clock_of_frames(frame: pd.DataFrame, names: dict[str, str], path: Path) -> str | None:
    """The time column of a table with a column for each place; `None` for any other table. Raises
    `ValueError` if the table has a line for each place instead."""
    headed = headed_by_places(frame)
    dates = [name for name in frame.columns if _DATE.fullmatch(name)]
    if len(dates) >= max(LEAST_FRAMES, len(frame.columns) / 2):
        raise ValueError(
            f"The columns of {path} are headed by dates, such as {dates[0]}, as if each line held "
            "a place; exchange lines and columns, so that a line holds a frame."
        )
    others = [name for name in frame.columns[~headed] if name != "trajectory"]
    if headed.sum() <= 1 or len(others) != 1 or "x" in names:
        return None
    words = {word.lower() for word in re.split(r"[\W\d_]+", others[0])}
    if plain(others[0]) in ALIASES["x"] or words & _PLACES:
        raise ValueError(
            f"Each line of {path} seems to hold a place, by its column {others[0]}, and each of "
            "the other columns a time; exchange lines and columns, so that a line holds a frame."
        )
    return others[0]


def clock_among_others(
    frame: pd.DataFrame, names: dict[str, str], asked: Sequence[str], path: Path
) -> str | None:
    """The time column of a table with columns for places and others; `None` if there are too few
    places, or a column of places is known or one of the others `asked` for. Raises `ValueError` if
    the time is not known, or has several lines."""
    headed = headed_by_places(frame)
    others = [name for name in frame.columns[~headed] if name != "trajectory"]
    known = "x" in names or any(plain(name) in ALIASES["x"] for name in others)
    if headed.sum() < LEAST_PLACES or known or set(asked) & set(others):
        return None
    found = candidates(others, "time", names)
    if len(found) != 1:
        raise ValueError(
            f"Columns of {path} are headed by places, and which of the others has the times is not "
            f"known: {listed(others)}; choose it with --time NAME (the rest are left out)."
        )
    keys = [*found, *(name for name in frame.columns if name == "trajectory")]
    twice = frame.duplicated(keys)
    if twice.any():
        rest = listed([name for name in others if name not in found])
        raise ValueError(
            f"Columns of {path} are headed by places, but several lines have the {found[0]} "
            f"{frame[found[0]][twice].iloc[0]}; keep one line for each time, if they differ in "
            f"{rest}, or choose the column of places with --x NAME."
        )
    return found[0]
