"""How open ends go on after a context: as they are, or by a trend that fades.

The trend of an end is the slope b of the straight line through its last states; a time τ later the
state has changed by b ℓ (1 - exp(-τ/ℓ)) (a damped trend: Gardner and McKenzie, Management Science
31, 1985, 1237-1246). It is used if it had predicted the states of the second half of the context
with half the error of the states before them.
"""

import numpy as np
from jaxtyping import Float

from hfluxno.boundary import Given
from hfluxno.identify.joint.estimate import Estimate

# Lines go through so many states, and this part of them, at least.
_FEWEST, _PART = 4, 0.25
# ℓ in parts of the context, and how far ahead predictions are compared.
_FADING, _FARTHEST = (0.25, 1.0), 1 / 3
# The mean square error with a trend, in units of that without: of a bar that is heated it was .15,
# of pulses in a river .48 and more, whose end after the context it misses.
_CLEARLY = 0.25


def fading_of(found: Estimate) -> tuple[float | None, ...]:
    """ℓ in frames for each open side, `None` where the end rather keeps its last state."""
    ends = found.forward.ends
    if ends is None:
        return ()
    boundary = found.forward.grid(found.z).boundary[0]
    given = [boundary[side] for side in ends.sides]
    return tuple(
        _fading(np.asarray(end.values), np.asarray(end.times)) if isinstance(end, Given) else None
        for end in given
    )


def slope_weights(times: Float[np.ndarray, " time"]) -> Float[np.ndarray, " time"]:
    """The weights of states whose sum is the slope of the line through the last of them."""
    count = min(len(times), max(_FEWEST, round(_PART * len(times))))
    centred = times[-count:] - np.mean(times[-count:])
    return np.concatenate([np.zeros(len(times) - count), centred / (centred @ centred)])


def faded(ahead: Float[np.ndarray, " later"], length: float) -> Float[np.ndarray, " later"]:
    """ℓ (1 - exp(-τ/ℓ))."""
    return length * -np.expm1(-ahead / length)


def _fading(
    states: Float[np.ndarray, "field time"], times: Float[np.ndarray, " time"]
) -> float | None:
    whole, size = times[-1] - times[0], np.std(states, axis=1, keepdims=True)
    if len(times) < 2 * _FEWEST or not np.all(size > 0.0):
        return None
    lengths, scaled = [part * whole for part in _FADING], states / size
    squares = np.zeros(1 + len(lengths))
    for k in range(len(times) // 2, len(times) - 1):
        later = (times > times[k]) & (times <= times[k] + _FARTHEST * whole)
        slope = scaled[:, : k + 1] @ slope_weights(times[: k + 1])
        changed = scaled[:, later] - scaled[:, k : k + 1]
        grown = [np.zeros(later.sum()), *(faded(times[later] - times[k], each) for each in lengths)]
        squares += [np.sum((changed - slope[:, None] * each) ** 2) for each in grown]
    best = int(np.argmin(squares))
    return lengths[best - 1] if best and squares[best] < _CLEARLY * squares[0] else None
