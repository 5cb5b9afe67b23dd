"""How much open ends may change after a context: as much as they did in it.

The prior of an end has the covariance s² exp(-|τ|/ℓ), with s from the scatter of the field. What
enters may vary far more than the field, of which fronts and rarefactions take most: then its
changes over a time τ have a mean square above 2 s² (1 - exp(-τ/ℓ)). And it may come back to where
it was: unless it goes on by a trend, the states of the context are no further from the last one
than √2 s in the mean, or from the usual one than s if it returns to that.
"""

import dataclasses

import numpy as np
from jaxtyping import Float

from hfluxno.identify.joint.end_outlook import outlooks_of
from hfluxno.identify.joint.estimate import Estimate

# Changes are compared over up to this part of the context.
_FARTHEST = 1 / 3


def with_end_scatter(found: Estimate) -> Estimate:
    """The same with s of each open end, for what follows, as its estimated states have it, if that
    is more."""
    ends = found.forward.ends
    if ends is None:
        return found
    before = np.asarray(ends.scatter)
    after = before.copy()
    for i, (side, outlook) in enumerate(zip(ends.sides, outlooks_of(found), strict=True)):
        states = found.ends[side]
        assert states is not None
        after[i] = np.maximum(before[i], _scatter(states, found.times, float(ends.length)))
        if outlook is None:
            away = np.mean((states - states[:, -1:]) ** 2, axis=1)
            after[i] = np.maximum(after[i], np.sqrt(0.5 * away))
        elif not outlook.is_trend:
            usual = np.median(states, axis=1, keepdims=True)
            away = np.mean((states - usual) ** 2, axis=1)
            after[i] = np.maximum(after[i], np.sqrt(away))
    forward = dataclasses.replace(found.forward, ends=dataclasses.replace(ends, scatter=after))
    return dataclasses.replace(found, forward=forward)


def _scatter(
    states: Float[np.ndarray, "field time"], times: Float[np.ndarray, " time"], length: float
) -> Float[np.ndarray, " field"]:
    """s: the root mean square, over lags, of changes in units of those that s = 1 has."""
    squares = []
    for lag in range(1, max(2, int(_FARTHEST * len(times)))):
        changed = np.mean((states[:, lag:] - states[:, :-lag]) ** 2, axis=1)
        expected = 2.0 * (1.0 - np.exp(-np.mean(times[lag:] - times[:-lag]) / length))
        squares.append(changed / expected)
    return np.sqrt(np.mean(squares, axis=0))
