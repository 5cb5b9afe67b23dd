"""How open ends go on after a context: as they are, by a trend that fades, or back to usual.

A time τ after its last state an end has changed by

    b ℓ (1 - exp(-τ/ℓ))          with a trend, b the slope of the line through its last states
                                 (a damped trend: Gardner and McKenzie, Management Science 31, 1985,
                                 1237-1246),
    (m - u) (1 - exp(-τ/ℓ))      if it returns to its usual state, m the median, u the last state.

Either is used if it had predicted the states of the second half of the context, from those before
them, much better than a state that is kept.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from hfluxno.boundary import Given
from hfluxno.identify.joint.estimate import Estimate

# Lines go through so many states, and this part of them, at least.
_FEWEST, _PART = 4, 0.25
# ℓ in parts of the context of a trend and of a return, and how far ahead predictions are compared.
_FADING, _RETURNING, _FARTHEST = (0.25, 1.0), (0.05, 0.15), 1 / 3
# The mean square error with a trend, in units of that of a state that is kept: of a bar that is
# heated it was .15, of pulses in a river .48 and more, whose end after the context it misses.
_CLEARLY = 0.25
# The same of a return: half, if states so far apart have nothing in common. (With .8 seven of
# a hundred slow rises and falls counted as a return.)
_NEARLY_HALF = 0.6


class Outlook(NamedTuple):
    """What an end changes by: the sum of its states with these weights, times `growth`."""

    weights: Float[np.ndarray, "field time"]
    length: float
    is_trend: bool

    def growth(self, ahead: Float[np.ndarray, " later"]) -> Float[np.ndarray, " later"]:
        """1 - exp(-τ/ℓ), of a trend times ℓ."""
        return (self.length if self.is_trend else 1.0) * -np.expm1(-ahead / self.length)

    def change(
        self, states: Float[np.ndarray, "*part field time"], ahead: Float[np.ndarray, " later"]
    ) -> Float[np.ndarray, "*part field later"]:
        return np.sum(states * self.weights, axis=-1, keepdims=True) * self.growth(ahead)


def outlooks_of(found: Estimate) -> tuple[Outlook | None, ...]:
    """Of each open side, `None` where the end rather keeps its last state."""
    ends = found.forward.ends
    if ends is None:
        return ()
    boundary = found.forward.grid(found.z).boundary[0]
    given = [boundary[side] for side in ends.sides]
    return tuple(
        outlook(np.asarray(end.values), np.asarray(end.times)) if isinstance(end, Given) else None
        for end in given
    )


def outlook(
    states: Float[np.ndarray, "field time"], times: Float[np.ndarray, " time"]
) -> Outlook | None:
    """Of an end that was in these states."""
    whole, size = times[-1] - times[0], np.std(states, axis=1, keepdims=True)
    if len(times) < 2 * _FEWEST or not np.all(size > 0.0):
        return None
    scaled = states / size
    kept, errors = 0.0, np.zeros(len(_FADING) + len(_RETURNING))
    for k in range(len(times) // 2, len(times) - 1):
        later = (times > times[k]) & (times <= times[k] + _FARTHEST * whole)
        before, ahead = scaled[:, : k + 1], times[later] - times[k]
        changed = scaled[:, later] - before[:, -1:]
        kept += np.sum(changed**2)
        tried = _tried(before, times[: k + 1], whole)
        errors += [np.sum((changed - each.change(before, ahead)) ** 2) for each in tried]
    all_tried = _tried(scaled, times, whole)
    for kind, most in ((slice(len(_FADING)), _CLEARLY), (slice(len(_FADING), None), _NEARLY_HALF)):
        best = int(np.argmin(errors[kind]))
        if errors[kind][best] < most * kept:
            return all_tried[kind][best]
    return None


def _tried(states, times, whole: float) -> list[Outlook]:
    slope = slope_weights(times) * np.ones(states.shape)
    usual = _weights_of_median(states)
    usual[:, -1] -= 1.0
    trends = [Outlook(slope, part * whole, True) for part in _FADING]
    return trends + [Outlook(usual, part * whole, False) for part in _RETURNING]


def slope_weights(times: Float[np.ndarray, " time"]) -> Float[np.ndarray, " time"]:
    """The weights of states whose sum is the slope of the line through the last of them."""
    count = min(len(times), max(_FEWEST, round(_PART * len(times))))
    centred = times[-count:] - np.mean(times[-count:])
    return np.concatenate([np.zeros(len(times) - count), centred / (centred @ centred)])


def _weights_of_median(states: Float[np.ndarray, "field time"]) -> Float[np.ndarray, "field time"]:
    """The weights of states whose sum is their median."""
    count, order = states.shape[1], np.argsort(states, axis=1)
    weights = np.zeros(states.shape)
    for rank in {(count - 1) // 2, count // 2}:
        np.put_along_axis(weights, order[:, rank, None], 1.0, axis=1)
    return weights / np.sum(weights, axis=1, keepdims=True)
