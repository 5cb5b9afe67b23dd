"""Free ends of which a context does not tell whether they are walls.

As long as no wave has reached an end of a flow, its momentum vanishes there, as it does at a wall.
A forecast in which a wave arrives depends on which of both it is.
"""

import dataclasses
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from hfluxno.boundary import Outflow, Wall
from hfluxno.identify.result import Identification
from hfluxno.parametric.fitted_law import FittedLaw
from hfluxno.parametric.solver_settings import SolverSettings

# The momentum at an end, relative to its largest size and in deviations of the noise, below which
# it vanishes, and so many times as much where a wave has arrived.
_VANISHES, _IN_NOISE, _ARRIVED = 0.01, 4.0, 3.0


class UntestedEnds(NamedTuple):
    """The sides of the ends, 0 for the lower one, and the first frame of the forecast, counted from
    1, in which a wave has arrived at one."""

    sides: tuple[int, ...]
    frame: int


def untested_ends(
    item: Identification,
    seen: Float[np.ndarray, "time field cells"],
    frames: Float[np.ndarray, "steps field cells"],
) -> UntestedEnds | None:
    """The free ends that may be walls, as far as the context `seen` tells, and that waves reach in
    the `frames` of the forecast; `None` if there are none or the momentum is not known."""
    if not item.law.negated or item.estimate is not None:
        return None
    (momentum,) = item.law.negated
    size = float(np.max(np.abs(seen[:, momentum])))
    noise = item.misfit.noise * float(np.std(seen[:, momentum]))
    least = max(_VANISHES * size, _IN_NOISE * noise)
    sides, arrivals = [], []
    for side, end in enumerate(item.settings.grid.boundary[0]):
        cell = -1 if side else 0
        arrived = np.abs(frames[:, momentum, cell]) > _ARRIVED * least
        is_free, is_still = type(end) is Outflow, np.all(np.abs(seen[:, momentum, cell]) <= least)
        if is_free and is_still and np.any(arrived):
            sides.append(side)
            arrivals.append(int(np.argmax(arrived)) + 1)
    return UntestedEnds(tuple(sides), min(arrivals)) if sides else None


def walled(
    item: Identification, settings: SolverSettings, ends: UntestedEnds
) -> tuple[FittedLaw, SolverSettings]:
    """The law and the settings with walls at these ends."""
    low, high = settings.grid.boundary[0]
    pair = (Wall() if 0 in ends.sides else low, Wall() if 1 in ends.sides else high)
    grid = dataclasses.replace(settings.grid, boundary=(pair,))
    law = dataclasses.replace(item.grid_law, negated=item.law.negated)
    return law, dataclasses.replace(settings, grid=grid)
