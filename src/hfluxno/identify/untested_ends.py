"""Ends of which a context does not tell what they are.

As long as no wave has reached a free end of a flow, its momentum vanishes there, as it does at a
wall; and if ends are assumed to be those of a circle, nothing changes there and they are alike,
nothing may go round. A forecast in which a wave arrives depends on what the ends are.
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
# At the seam of a circle fields change by less than this part of their deviation (rms) as long as
# nothing has reached it, or this multiple of the noise, and by more than the third when a wave is
# there.
_STILL, _OF_NOISE, _AT_SEAM = 0.03, 1.2, 0.1
_FRAMES = 3  # fewer show no change


class UntestedEnds(NamedTuple):
    """The sides of the ends, 0 for the lower one; the first frame of the forecast, counted from 1,
    in which a wave has arrived at one; and whether they may be walls, or free ends of a circle that
    is none."""

    sides: tuple[int, ...]
    frame: int
    may_be_walls: bool = True

    @property
    def sentence(self) -> str:
        what, mend = "an end that may be a wall or free", ""
        if not self.may_be_walls:
            what = "the ends, which may be free or those of a circle"
            mend = "; say --boundary periodic if they are those of a circle"
        return (
            f"from frame {self.frame} on waves reach {what}, which the context does not show{mend}"
        )


def untested_ends(
    item: Identification,
    seen: Float[np.ndarray, "time field cells"],
    frames: Float[np.ndarray, "steps field cells"],
    assumed: bool,
) -> UntestedEnds | None:
    """The free ends that may be walls, as far as the context `seen` tells, or periodic ones that
    are only `assumed` to be so and may be free, and that waves reach in the `frames` of the
    forecast; `None` if there are none. Walls are recognised by a momentum."""
    if item.estimate is not None:
        return None
    if item.settings.grid.is_periodic():
        if not assumed:
            return None
        noises = item.misfit.noise * np.std(seen, axis=(0, 2))
        frame = arrival_at_seam(seen[..., [0, -1]], frames[..., [0, -1]], noises, seen)
        return None if frame is None else UntestedEnds((0, 1), frame, may_be_walls=False)
    if not item.law.negated:
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


def arrival_at_seam(
    seen: Float[np.ndarray, "time field *beside 2"],
    frames: Float[np.ndarray, "steps field *beside 2"],
    noise: Float[np.ndarray, " field"],
    every: Float[np.ndarray, "time field *cells"],
    *,
    growing: bool = False,
) -> int | None:
    """The first frame of a forecast, counted from 1, in which a wave is at the ends of a circle, if
    nothing changes there in the context and they are alike; `None` otherwise.

    - `seen`, `frames`: the cells at the lower and the upper end of the context and the forecast.
    - `noise`: its standard deviation.
    - `every`: all cells of the context.
    - `growing`: whether there are sources, so that all that is alike may change with time.
    """
    if not is_still(seen, noise, every, growing=growing):
        return None
    later, varies = _at_rest(frames if growing else seen, growing), _variation(every)
    least = (_AT_SEAM * varies + _ARRIVED * noise).reshape(-1, *(1,) * (seen.ndim - 2))
    arrived = np.any(np.abs(frames - later) > least, axis=tuple(range(1, frames.ndim)))
    return int(np.argmax(arrived)) + 1 if np.any(arrived) else None


def is_still(
    seen: Float[np.ndarray, "time field *beside 2"],
    noise: Float[np.ndarray, " field"],
    every: Float[np.ndarray, "time field *cells"],
    *,
    growing: bool = False,
) -> bool:
    """Whether nothing changes at the ends of a circle in the context, and they are alike
    (`arrival_at_seam`)."""
    if len(seen) < _FRAMES:
        return False
    away = (seen - _at_rest(seen, growing)) ** 2
    off = np.sqrt(np.nanmean(away, axis=(0, *range(2, seen.ndim))))
    return bool(np.all(off <= np.hypot(_STILL * _variation(every), _OF_NOISE * noise)))


def _at_rest(ends: Float[np.ndarray, "time field *beside 2"], growing: bool) -> np.ndarray:
    """What stands at the ends as long as nothing has reached them."""
    return np.nanmean(ends, axis=tuple(range(2, ends.ndim)) if growing else (0, -1), keepdims=True)


def _variation(every: Float[np.ndarray, "time field *cells"]) -> Float[np.ndarray, " field"]:
    return np.nanstd(every, axis=(0, *range(2, every.ndim)))


def otherwise(
    item: Identification, settings: SolverSettings, ends: UntestedEnds
) -> tuple[FittedLaw, SolverSettings]:
    """The law and the settings with what these ends may be instead."""
    low, high = settings.grid.boundary[0]
    other = Wall() if ends.may_be_walls else Outflow()
    pair = (other if 0 in ends.sides else low, other if 1 in ends.sides else high)
    grid = dataclasses.replace(settings.grid, boundary=(pair,))
    law = dataclasses.replace(item.grid_law, negated=item.law.negated)
    return law, dataclasses.replace(settings, grid=grid)
