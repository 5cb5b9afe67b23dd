"""Whether the first frame of a context is its first state."""

import numpy as np
from jaxtyping import Float

from hfluxno.trajectory import Trajectory
from hfluxno.wild_values import NORMAL_MEDIAN

# A first frame is the first state if its noise is less than this fraction of its deviation.
LITTLE_NOISE = 3e-3
_FOURTH = NORMAL_MEDIAN * 70.0**0.5  # the median absolute fourth difference of unit noise


def shows_first_state(context: Trajectory) -> bool:
    """Whether the first frame is the first state: complete, of averages over cells, and with hardly
    any noise, which is estimated from it if it is unknown."""
    frame = np.asarray(context.values, float)[0]
    if context.observation or not np.all(np.isfinite(frame)):
        return False
    if context.deviation is None:
        return _noise_of(frame) < LITTLE_NOISE
    return bool(np.all(context.deviation[0] < LITTLE_NOISE * np.std(frame, axis=-1, keepdims=True)))


def _noise_of(frame: Float[np.ndarray, "field cells"]) -> float:
    """The noise of a frame, estimated from its fourth differences, in standard deviations."""
    differences = np.abs(np.diff(frame, n=4, axis=-1))
    size = np.maximum(np.std(frame, axis=-1), 1e-300)
    return float(np.max(np.median(differences, axis=-1) / (_FOURTH * size)))
