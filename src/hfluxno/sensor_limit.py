"""Values at the limit of what an instrument shows.

Beyond its limit it repeats the limit. What is there is not known, and a model of the values as they
are would need a source or a leak. The largest values of a field that reaches a state of its own, as
full saturation is, scatter like all others if these have noise.
"""

import dataclasses

import numpy as np
from jaxtyping import Bool, Float

from hfluxno.trajectory import Trajectory
from hfluxno.wild_values import noise

# Limits of what is measured, not of an instrument: nothing, and all.
_NATURAL = (0.0, 1.0, 100.0)
_FEWEST, _SHARE, _MOST = 8, 0.02, 0.3  # of the values; of more the others would tell too little
# Values that are rounded to a step are repeated; noise of more steps hides that. So many values
# within three standard deviations of the limit would be usual for each that has it by chance.
_STEPS, _USUAL = 2.0, 0.5
_NOISY = 0.005  # of the deviation; cells at rest, in frames without noise, have one value too


def at_limit(u: Float[np.ndarray, "*batch time cells"]) -> Bool[np.ndarray, "*batch time cells"]:
    """Where a field, NaN in gaps, has its largest or its smallest value though that is no natural
    limit: many times exactly, and more often than all values near it that noise would spread."""
    found, known = np.zeros(u.shape, bool), u[np.isfinite(u)]
    sigma = noise(u)
    levels = np.unique(known)
    if len(levels) < 3 or not sigma > max(
        _STEPS * float(np.min(np.diff(levels))), _NOISY * float(np.std(known))
    ):
        return found
    changes = np.nanmax(u, axis=-2, keepdims=True, initial=-np.inf) > np.nanmin(
        u, axis=-2, keepdims=True, initial=np.inf
    )
    for limit in (levels[0], levels[-1]):
        # What always shows the same may be at rest there.
        shown = (u == limit) & changes
        here, every = int(np.sum(shown)), int(np.sum(known == limit))
        near = int(np.sum((np.abs(u - limit) < 3.0 * sigma) & changes)) - here
        enough = max(_FEWEST, _SHARE * len(known)) <= here and every <= _MOST * len(known)
        if enough and here > _USUAL * near and not np.isin(limit, _NATURAL):
            found |= u == limit
    return found


def without_limits(context: Trajectory) -> tuple[Trajectory, int]:
    """Frames of a trajectory on a line without such values, and how many these are. (Those of a few
    sensors stay: without them too little would be known, and they are nearly right.)"""
    values = np.asarray(context.values)
    limited = np.stack([at_limit(u) for u in values.swapaxes(0, 1)], axis=1)
    if not limited.any():
        return context, 0
    others = dataclasses.replace(context, values=np.where(limited, np.nan, values))
    return others, int(limited.sum())
