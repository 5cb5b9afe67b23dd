"""Ends of which neither the user nor the context tells what they are.

They are assumed to be those of a circle; if nothing changes there, and they are alike, nothing may
go round. A forecast in which a wave arrives depends on what the ends are.
"""

import dataclasses
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from hfluxno.boundary import Outflow
from hfluxno.identify.result import Identification
from hfluxno.parametric.solver_settings import SolverSettings

# At the seam of a circle fields change by less than this part of their deviation (rms) as long as
# nothing has reached it, or this multiple of the noise, and when a wave is there by more than the
# third and this multiple of the noise.
_STILL, _OF_NOISE, _AT_SEAM, _ARRIVED = 0.03, 1.2, 0.1, 3.0
_FRAMES = 3  # fewer show no change


class UntestedEnds(NamedTuple):
    """The first frame of the forecast, counted from 1, in which a wave has arrived at the ends."""

    frame: int

    @property
    def sentence(self) -> str:
        return (
            f"from frame {self.frame} on waves reach the ends, which may be free or those of a "
            "circle, which the context does not show; say --boundary periodic if they are those of "
            "a circle"
        )


def untested_ends(
    item: Identification,
    seen: Float[np.ndarray, "time field cells"],
    frames: Float[np.ndarray, "steps field cells"],
    assumed: bool,
) -> UntestedEnds | None:
    """The ends that are `assumed` to be periodic and may be free, as far as the context `seen`
    tells, and that waves reach in the `frames` of the forecast; `None` if they are not."""
    if not assumed or item.estimate is not None or not item.settings.grid.is_periodic():
        return None
    noises = item.misfit.noise * np.std(seen, axis=(0, 2))
    frame = arrival_at_seam(seen[..., [0, -1]], frames[..., [0, -1]], noises, seen)
    return None if frame is None else UntestedEnds(frame)


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
    if len(seen) < _FRAMES:
        return None
    varies = np.nanstd(every, axis=(0, *range(2, every.ndim)))
    rest = later = np.nanmean(seen, axis=(0, -1), keepdims=True)
    if growing:
        along = tuple(range(2, seen.ndim))
        rest, later = (np.nanmean(u, axis=along, keepdims=True) for u in (seen, frames))
    off = np.sqrt(np.nanmean((seen - rest) ** 2, axis=(0, *range(2, seen.ndim))))
    if np.any(off > np.hypot(_STILL * varies, _OF_NOISE * noise)):
        return None
    least = (_AT_SEAM * varies + _ARRIVED * noise).reshape(-1, *(1,) * (seen.ndim - 2))
    arrived = np.any(np.abs(frames - later) > least, axis=tuple(range(1, frames.ndim)))
    return int(np.argmax(arrived)) + 1 if np.any(arrived) else None


def with_free_ends(settings: SolverSettings) -> SolverSettings:
    """The settings with what these ends may be instead."""
    grid = dataclasses.replace(settings.grid, boundary=((Outflow(), Outflow()),))
    return dataclasses.replace(settings, grid=grid)
