"""Sensors that repeat one value while what they measure changes."""

import numpy as np
from jaxtyping import Float

_FEWEST = 5  # values that show whether a sensor is dead
_MOST_PLACES = 0.5  # more are frames, in which a part may be at rest
_DEAD = 0.9  # of the values are the same; the others may be spikes
_AT_REST = 0.5
_MOST_DEAD = 0.25


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
