"""When a search for further terms ends early: each of them takes its time, and where none helps,
the warning is the same."""

import numpy as np

from hfluxno.identify.joint.estimate import Estimate
from hfluxno.identify.joint.fit import sizes
from hfluxno.trajectory import Trajectory
from hfluxno.wild_values import noise

# Of the deviation, and in units of the noise that the values show: a law is not nearly right.
_FAR, _BEYOND_NOISE = 0.3, 3.0
# Terms that leave more than this part of the misfit explain nothing; with the right ones even what
# is linear at their start left .8, and the first estimate .5.
MOST_PROMISED, _MOST_LEFT = 0.9, 0.7


def is_far_off(found: Estimate, context: Trajectory) -> bool:
    """Whether a law leaves a large part of each quantity that is not its noise, which no finer grid
    explains either."""
    values = np.asarray(context.values, float)
    shown = np.nan_to_num([noise(u) for u in values.swapaxes(0, 1)])
    if context.deviation is not None:
        known = np.mean(np.asarray(context.deviation) ** 2, axis=(0, 2), where=context.observed)
        shown = np.maximum(shown, np.sqrt(known))
    far = (found.noise > _FAR * sizes(context)) & (found.noise > _BEYOND_NOISE * shown)
    return bool(np.all(far))


def hardly_explains(best: Estimate, first: Estimate) -> bool:
    """Whether further terms leave nearly as much as a law without them."""
    return bool(np.all(best.noise > _MOST_LEFT * first.noise))
