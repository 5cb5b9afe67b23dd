"""Delays of frames: a speed that changes in time, and frames that were seen at other times.

A factor g(t) of the flux makes u(x, t) = U(x, ∫ g dt), a delay of whole frames, which changes them
by a multiple of ∂u/∂t.
"""

import dataclasses
from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from hfluxno.identify.residuals.explained import Explained, Unexplained
from hfluxno.identify.residuals.noise import noise_level, ratio

_FEWEST_DELAYS = 6  # of frames, to judge their times by
_MOST_CHANGES = 32  # frames at which a change is tried


@dataclasses.dataclass(frozen=True)
class SpeedChange:
    """What changes of speed explain: a gradual one, and the most certain sudden one, which is at
    the frame of this number, from 0."""

    gradual: Explained
    sudden: Explained
    frame: int


def changes_of_speed(
    simulated: Float[np.ndarray, "time field cells"],
    observed: Float[np.ndarray, "time field cells"],
    times: Float[np.ndarray, " time"] | None = None,
    beside: Float[np.ndarray, "unknown time-1 field cells"] | None = None,
    noisy: float = 1.0,
) -> SpeedChange:
    """The changes of speed of `simulated` frames; `times` as in `measure`.

    Both are estimated beyond c and `beside`, the derivatives of the frames after the first with
    respect to other unknowns, which imitate a: without them it is too small if they were fitted,
    and chance if they were not. The misfit is `noisy` times as noisy as the frames.
    """
    late, rate, missed = _in_deviations(simulated, observed, times)
    deviation = _deviation(observed)
    others = (late * rate)[None]
    if beside is not None:
        others = np.concatenate([others, beside / deviation])
    noise = noisy * noise_level(observed / deviation)
    rest = Unexplained(missed.ravel(), others.reshape(len(others), -1), noise)

    def by(delay: np.ndarray) -> Explained:
        return rest.by((delay[:, None, None] * rate).ravel())

    return explained_by_delays(by, late[:, 0, 0])


def explained_by_delays(
    by: Callable[[Float[np.ndarray, " late"]], Explained], late: Float[np.ndarray, " late"]
) -> SpeedChange:
    """The changes of speed a, with what delays of the frames after the first explain.

    A delay c τ + a (τ² - τ) at the times τ of the context, from 0 to 1, changes the frames by this
    multiple of ∂u/∂τ; speeds change by the factor 1 - a (2 τ - 1). If they change at once by the
    factor 1 - a, it is c τ + a max(τ - τ₀, 0). Of the frames τ₀ that is taken at which a is the
    most certain, but not in the first third, in which errors of the first state look like it.
    """
    gradual, count = by(late**2 - late), len(late)
    if count < _FEWEST_DELAYS:
        return SpeedChange(gradual, Explained(0.0, 0.0, 0.0, 0.0), 0)
    changes = np.unique(np.linspace(count // 3, count - 2, _MOST_CHANGES).astype(int))
    found = [by(np.maximum(late - late[k], 0.0)) for k in changes]
    best = max(range(len(found)), key=lambda k: found[k].certainty)
    return SpeedChange(gradual, found[best], int(changes[best]) + 1)


def other_times(simulated, observed, times) -> tuple[float, int]:
    """The fraction of the misfit that a delay of each frame explains beyond one of the form a + cτ,
    and the frame before which the delays change most.

    The delay at a place is that of all other places: where a front passes one of a few sensors, a
    delay of its own would explain everything.
    """
    late, rate, missed = _in_deviations(simulated, observed, times)
    weight, product = np.sum(rate**2, axis=(1, 2)), np.sum(rate * missed, axis=(1, 2))
    delay = np.divide(product, weight, out=np.zeros_like(weight), where=weight > 0.0)
    if len(delay) < _FEWEST_DELAYS:
        return 0.0, 0
    line = np.stack([np.ones_like(delay), late[:, 0, 0]], axis=1)
    by_weight = np.sqrt(weight)[:, None]
    steady = line @ np.linalg.lstsq(line * by_weight, delay * by_weight[:, 0], rcond=None)[0]
    missed = missed - steady[:, None, None] * rate
    of_place, with_rate = np.sum(rate**2, axis=1), np.sum(rate * missed, axis=1)
    elsewhere = of_place.sum(axis=1, keepdims=True) - of_place
    common = with_rate.sum(axis=1, keepdims=True) - with_rate
    told = np.divide(common, elsewhere, out=np.zeros_like(common), where=elsewhere > 0.0)
    total, rest = np.sum(missed**2), np.sum((missed - told[:, None] * rate) ** 2)
    odd_frame = 1 + int(np.argmax(np.abs(np.diff(delay, prepend=0.0))))
    return max(ratio(float(total - rest), float(total)), 0.0), odd_frame


def _in_deviations(simulated, observed, times):
    """The times τ from 0 to 1 after the first, ∂u/∂τ and the misfit there, the latter two in
    standard deviations of the fields; `times` as in `measure`."""
    past = np.arange(len(observed), dtype=float) if times is None else times
    past = (past - past[0]) / (past[-1] - past[0])
    scale = _deviation(observed)
    rate = np.gradient(simulated, past, axis=0)[1:] / scale
    return past[1:, None, None], rate, (simulated - observed)[1:] / scale


def _deviation(observed):
    """The standard deviation of each field, one for a field that does not vary."""
    deviation = np.std(observed, axis=(0, 2))[:, None]
    return np.where(deviation > 0.0, deviation, 1.0)
