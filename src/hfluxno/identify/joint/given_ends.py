"""What given ends leave open between their times.

A given end is linear between its times. A jump may enter at any time between two of them, so what
linear interpolation misses there is of first order, and half of the difference to interpolation
between every second time estimates it (Richardson). It is small for a smooth curve, of which a
quarter would do.
"""

import dataclasses

import numpy as np
from jaxtyping import Bool

from hfluxno.boundary import Boundary, Given
from hfluxno.grid import Grid
from hfluxno.identify.joint.forward import Forward

OF_DIFFERENCE = 0.5


def on_every_second_time(
    forward: Forward, after: float = -np.inf, until: float = np.inf
) -> tuple[Forward, ...]:
    """The same with given ends that are linear between every second of their times: without the odd
    ones, and without the even ones, as far as they are between these two times, in frames. None if
    no end has such a time."""
    grid = forward.settings.grid
    ends = grid.boundary[0]
    found = []
    for first in (1, 2):
        left_out = [_left_out(end, first, after, until) for end in ends]
        if any(each.any() for each in left_out):
            low, high = (_without(*pair) for pair in zip(ends, left_out, strict=True))
            other = Grid(grid.lower, grid.upper, grid.shape, ((low, high),))
            settings = dataclasses.replace(forward.settings, grid=other)
            found.append(dataclasses.replace(forward, settings=settings))
    return tuple(found)


def _left_out(end: Boundary, first: int, after: float, until: float) -> Bool[np.ndarray, " time"]:
    """Every second time from the `first` on, but never the last one."""
    if not isinstance(end, Given):
        return np.zeros(0, bool)
    times = np.asarray(end.times)
    found = (times > after) & (times <= until)
    found[:first] = found[-1:] = found[first + 1 :: 2] = False
    return found


def _without(end: Boundary, left_out: Bool[np.ndarray, " time"]) -> Boundary:
    # With as many times as before, runs share a program.
    if not isinstance(end, Given):
        return end
    times, values = np.asarray(end.times), np.asarray(end.values)
    kept = ~left_out
    return Given(times, np.stack([np.interp(times, times[kept], row[kept]) for row in values]))
