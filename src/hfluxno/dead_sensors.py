"""Sensors that repeat one value while what they measure changes."""

import numpy as np
from jaxtyping import Bool, Float

_FEWEST = 5  # values that show whether a sensor is dead
_MOST_PLACES = 0.5  # more are frames, in which a part may be at rest
_DEAD = 0.9  # of the values are the same; the others may be spikes
_AT_REST = 0.5
_MOST_DEAD = 0.25
# A sensor is stuck where it repeats a value so many times, and so many times as often as others do.
_LONG, _LONGER = 8, 4


def dead_sensors(u: Float[np.ndarray, "trajectory time cells"]) -> tuple[int, ...]:
    """The cells of sensors of which nearly all values are the same though all others, in less than
    half of the cells, change from most frames to the next; none if they are more than a quarter."""
    known = (~np.isnan(u)).any(axis=(0, 1))
    if known.mean() > _MOST_PLACES:
        return ()
    places = np.flatnonzero(known)
    same, still = np.zeros(len(places)), np.zeros(len(places))
    for index, place in enumerate(places):
        values = u[..., place][~np.isnan(u[..., place])]
        if len(values) >= _FEWEST:
            same[index] = np.max(np.unique(values, return_counts=True)[1]) / len(values)
            still[index] = np.mean(np.diff(values) == 0.0)
    dead = same >= _DEAD
    if np.mean(dead) > _MOST_DEAD or np.max(still[~dead], initial=0.0) >= _AT_REST:
        return ()
    return tuple(int(place) for place in places[dead])


def stuck_values(u: Float[np.ndarray, "time cells"]) -> Bool[np.ndarray, "time cells"]:
    """The values with which sensors, in less than half of the cells, repeat the one before them
    for a while, if the others never do so for long; none if more than a quarter of the sensors do.
    """
    found, known = np.zeros(u.shape, bool), (~np.isnan(u)).any(axis=0)
    if known.mean() > _MOST_PLACES:
        return found
    runs = {place: _longest_run(u[:, place]) for place in np.flatnonzero(known)}
    stuck = [place for place, run in runs.items() if len(run) >= _LONG]
    usual = max((len(run) for place, run in runs.items() if place not in stuck), default=0)
    for place in stuck if len(stuck) <= _MOST_DEAD * len(runs) else []:
        if len(runs[place]) >= _LONGER * usual:
            found[runs[place][1:], place] = True
    return found


def _longest_run(series: Float[np.ndarray, " time"]) -> np.ndarray:
    """The frames of the longest run of equal values, gaps left out."""
    frames = np.flatnonzero(~np.isnan(series))
    parts = np.split(frames, 1 + np.flatnonzero(np.diff(series[frames]) != 0.0))
    return max(parts, key=len)
