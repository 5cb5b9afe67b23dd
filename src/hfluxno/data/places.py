"""Where in a file the cells of its grid are: at its sensors."""

import numpy as np
from jaxtyping import Float

from hfluxno.data.source import Source


def places_of(source: Source) -> Float[np.ndarray, " cells"]:
    """For each cell the place in the file of what was put there, nearest to its centre; the centre
    of a cell with nothing."""
    own = source.coordinates.get("x")
    if own is None or source.columns is None or own.shape != (len(source.columns),):
        return source.x
    found, cells, at = source.x.copy(), np.asarray(source.columns), np.asarray(own.values, float)
    for entry in np.argsort(-np.abs(at - source.x[cells])):
        found[cells[entry]] = at[entry]
    return found
