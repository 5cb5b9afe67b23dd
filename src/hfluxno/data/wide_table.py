"""Tables with a line for each time and a column for each place, headed by that place."""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from hfluxno.data.headers import ALIASES, candidates, plain
from hfluxno.data.numbers import listed
from hfluxno.data.source import LEAST_FRAMES, LEAST_PLACES
from hfluxno.data.table_faults import OF_TIME, meant_by_thousands
from hfluxno.units import METRES

_DATE = re.compile(r"\s*\d{1,4}([./-])\d{1,2}\1\d{1,4}(\D.*)?")
# What heads a column of places where the others are headed by times.
_PLACES = {"depth", "height", "layer", "level", "sensor", "station", "gauge", "detector"}
_PLACES |= {"place", "cell", "node", "ort", "zelle"}
_WITH_UNIT = re.compile(r"([-+]?\d+(?:[.,]\d+)?)\s*([^\W\d_]+)")  # 0.5 km
_COMMA = re.compile(r"[-+]?\d*,\d+")
_SHORT = re.compile(r"[-+]?\d{1,3}(\.\d{3})?")  # 900, and 1.100 for 1100


def headed_by_places(frame: pd.DataFrame) -> np.ndarray:
    """Which headers are numbers."""
    numbers = pd.to_numeric(pd.Series(frame.columns), errors="coerce")
    return np.isfinite(numbers.to_numpy(float))


def check_places(frame: pd.DataFrame, names: dict[str, str], path: Path) -> None:
    """Rejects places in the header that would be left out, or taken for others. Raises `ValueError`
    if they have marks of thousands, decimal commas or units, in a table with columns of places."""
    if "x" in names or any(plain(name) in ALIASES["x"] for name in frame.columns):
        return
    headed = headed_by_places(frame)
    others = list(frame.columns[~headed])
    commas = {name: name.replace(",", ".") for name in others if _COMMA.fullmatch(name)}
    whole = {name: meant for name in others if (meant := meant_by_thousands(name))}
    if not commas.keys() <= whole.keys() or any(n.lstrip("+-").startswith("0") for n in commas):
        whole = {}
    commas = {} if whole else commas
    units = {
        name: found[1].replace(",", ".")
        for name in others
        if (found := _WITH_UNIT.fullmatch(name.strip())) and found[2] in METRES
    }
    marked = {"thousands separated": whole, "decimal commas": commas, "units": units}
    wrong, kind = next(((each, kind) for kind, each in marked.items() if each), ({}, ""))
    if headed.sum() + len(wrong) < LEAST_PLACES or not wrong:
        wrong = _split_by_points(list(frame.columns[headed]))
        kind = "thousands separated"
    if wrong:
        name, meant = next(iter(wrong.items()))
        raise ValueError(
            f"{path} has places with {kind} in its header, such as {name}; write {meant}, and "
            "others likewise."
        )


def _split_by_points(places: list[str]) -> dict[str, str]:
    """Headers such as 1.100 that follow 900, with what they mean: all have three digits behind a
    point or none, and only so are in order."""
    if len(places) < LEAST_PLACES or not all(map(_SHORT.fullmatch, places)):
        return {}
    meant = {name: name.replace(".", "") for name in places}
    if _in_order(list(map(float, places))) or not _in_order(list(map(float, meant.values()))):
        return {}
    return {name: number for name, number in meant.items() if "." in name}


def _in_order(numbers: list[float]) -> bool:
    steps = np.diff(numbers)
    return bool(np.all(steps > 0.0) or np.all(steps < 0.0))


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
        rest = [name for name in others if name not in found]
        said = (
            f"Columns of {path} are headed by places, but several lines have the {found[0]} "
            f"{frame[found[0]][twice].iloc[0]}"
        )
        if parts := [name for name in rest if plain(name) in OF_TIME]:
            raise ValueError(
                f"{said}; write {listed([found[0], *parts])} in one column of times, as "
                "2024-02-27T10:30:00."
            )
        raise ValueError(
            f"{said}; keep one line for each time, if they differ in {listed(rest)}, or choose the "
            "column of places with --x NAME."
        )
    return found[0]
