"""Frames with a few values that are no measurements.

Misfits are squares, so one wild value counts as much as hundreds of others. Values that stand out
from all their neighbours and do not travel are left out, and those of places that are dead, if the
law of the others has other values there. (For sensors see `hfluxno.identify.joint.suspect`.)
"""

import dataclasses
from collections.abc import Callable

import numpy as np
from jaxtyping import Bool

from hfluxno.dead_sensors import dead_sensors
from hfluxno.identify.joint.hopeless import is_far_off
from hfluxno.identify.result import Identification
from hfluxno.identify.status import FitStatus
from hfluxno.trajectory import Trajectory
from hfluxno.wild_values import wild

_HALF = 0.5
# A value with a larger known noise than this part of the standard deviation may stand out by it.
_NOISY = 0.2


def without_wild_values(
    context: Trajectory, law_of: Callable[[Trajectory], Identification]
) -> Identification:
    """What `law_of` finds in frames, without suspect values if it explains the others and not
    these, predicts the last frames twice as well as with them, or is far off."""
    values = np.asarray(context.values, float)
    suspect = np.stack([wild(u) for u in values.swapaxes(0, 1)], axis=1)
    if context.deviation is not None:  # what is known to be noisy may stand out
        size = np.nanstd(values, axis=(0, 2))[:, None]
        suspect &= ~(np.asarray(context.deviation) > _NOISY * size)
    for i, u in enumerate(values.swapaxes(0, 1)):
        dead = list(dead_sensors(u[None]))
        suspect[:, i, dead] = np.isfinite(u[:, dead])
    if not suspect.any():
        return law_of(context)
    others = dataclasses.replace(context, values=np.where(suspect, np.nan, values))
    left = law_of(others)
    without = dataclasses.replace(left, suspect=int(suspect.sum()))
    if left.status == FitStatus.OK and _misses(left, context, suspect):
        return without
    if left.status != FitStatus.OK and left.estimate and is_far_off(left.estimate, others):
        return without  # a few values more do not make an estimate of all others right
    found = law_of(context)
    worse = not left.backtest_error <= _HALF * found.backtest_error
    return found if found.status == FitStatus.OK or worse else without


def _misses(
    found: Identification, context: Trajectory, suspect: Bool[np.ndarray, "time quantity cells"]
) -> bool:
    """Whether the law has other values in these places, by half a deviation of their quantity or
    more."""
    values = np.asarray(context.values, float)
    if found.estimate is not None:
        shown = found.estimate.observed(context.times)
    else:
        assert found.filled is not None
        within = np.isin(np.asarray(context.times), np.asarray(found.filled.times))
        shown = np.full(values.shape, np.nan)
        shown[within] = np.asarray(found.filled.values)
    away = np.abs(values - shown) / np.nanstd(values, axis=(0, 2))[:, None]
    return bool(np.nanmedian(away[suspect]) > _HALF)
