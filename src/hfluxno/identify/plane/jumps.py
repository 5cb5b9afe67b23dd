"""Averages of functions of one field over cells that contain a jump.

If a cell of average ū contains a jump between the states a and b, the average of a function φ of
the state is not φ(ū), but

    φ̄ = (1 - θ) φ(a) + θ φ(b),   θ = (ū - a)/(b - a)

(the idea of subcell resolution: Harten, J. Comput. Phys. 83, 1989, 148-184). A flux that is neither
convex nor concave may have extrema between a and b, which φ(ū) cannot show.
"""

import dataclasses
from collections.abc import Callable

import numpy as np
from jaxtyping import Bool, Float

# A cell has a jump if its neighbours differ by more than this fraction of the field's range.
_JUMP = 0.3

Frames = Float[np.ndarray, "time x y"]


@dataclasses.dataclass(frozen=True)
class Jumps:
    """Where a field jumps.

    - `field`: its cell averages.
    - `here`: which cells have a jump.
    - `before`, `after`: the states on both sides, and `part`: θ; meaningless if there is no jump.
    """

    field: Frames
    here: Bool[np.ndarray, "time x y"]
    before: Frames
    after: Frames
    part: Frames

    def average(self, function: Callable[[Frames], Frames]) -> Frames:
        """The average of a function of the state over each cell."""
        crossed = (1.0 - self.part) * function(self.before) + self.part * function(self.after)
        return np.where(self.here, crossed, function(self.field))


def jumps(field: Frames, periodic: tuple[bool, bool]) -> Jumps:
    """The jumps of a field, along the axis of the larger change; an extremum is no jump."""
    sides = [_neighbours(field, axis, around) for axis, around in enumerate(periodic, start=1)]
    (west, east), (south, north) = sides
    along_x = np.abs(east - west) > np.abs(north - south)
    before, after = np.where(along_x, west, south), np.where(along_x, east, north)
    between = (field - before) * (after - field) > 0.0
    here = between & (np.abs(after - before) > _JUMP * np.ptp(field))
    part = (field - before) / np.where(here, after - before, 1.0)
    return Jumps(field, here, before, after, part)


def _neighbours(field: Frames, axis: int, periodic: bool) -> tuple[Frames, Frames]:
    """The neighbours before and after each cell; at an end that is not periodic the cell itself."""
    at, count = np.arange(field.shape[axis]), field.shape[axis]
    found = []
    for step in (-1, 1):
        places = (at + step) % count if periodic else np.clip(at + step, 0, count - 1)
        found.append(np.take(field, places, axis=axis))
    return found[0], found[1]
