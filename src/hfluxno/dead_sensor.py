"""A sensor that repeats one value while what it measures changes."""

import numpy as np
from jaxtyping import Float

_FEWEST = 5  # values that show whether a sensor is dead
_MOST_PLACES = 0.5  # more are frames, in which a part may be at rest
_AT_REST = 0.5


def dead_sensor(u: Float[np.ndarray, "trajectory time cells"]) -> int | None:
    """The cell of the one sensor that never changes though all others, in less than half of the
    cells, change from most frames to the next; `None` if there is no such sensor."""
    known = (~np.isnan(u)).any(axis=(0, 1))
    if known.mean() > _MOST_PLACES:
        return None
    places = np.flatnonzero(known)
    repeats = np.zeros(len(places))
    for index, place in enumerate(places):
        values = u[..., place][~np.isnan(u[..., place])]
        if len(values) >= _FEWEST:
            repeats[index] = np.mean(np.diff(values) == 0.0)
    dead = np.flatnonzero(repeats == 1.0)
    if len(dead) != 1 or np.max(np.delete(repeats, dead), initial=0.0) >= _AT_REST:
        return None
    return int(places[dead[0]])
