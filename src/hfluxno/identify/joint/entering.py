"""Values that tell little because of what enters at a given end.

A given end is linear between its times (see `hfluxno.identify.joint.given_ends`). If it jumps, the
values that the jump reaches differ from any run by far more than their noise, and a flux of many
coefficients would bend to them. So what a given end leaves open counts as noise of these values,

    σ² = σ₀² + d²,

with d its standard deviation in the run of a first estimate, and σ₀ by the median misfit, which a
few values hardly change.
"""

import dataclasses

import numpy as np
from jaxtyping import Float

from hfluxno.boundary import Given
from hfluxno.identify.joint.estimate import Estimate, by_given_ends
from hfluxno.identify.joint.fit import LEAST_NOISE, sizes
from hfluxno.identify.joint.forward_runs import states_of
from hfluxno.identify.residuals.noise import deviation_by_median
from hfluxno.trajectory import Trajectory

# The misfit of the values with d > σ₀ matters if it is this multiple of σ₀, and if they are no more
# than this part of all.
_MATTERS, _MOST = 2.0, 0.5


def with_noise_of_ends(found: Estimate, context: Trajectory) -> Trajectory | None:
    """The context with the noise of each value; `None` if what given ends leave open does not
    matter, or matters nearly everywhere, or if not states were measured."""
    given = any(isinstance(end, Given) for end in context.grid.boundary[0])
    if not given or found.forward.observation:
        return None
    states, _ = states_of(found.forward, found.z, found.times)
    left_open = by_given_ends(found.forward, found.z, found.times, states)
    known, away = context.deviation, states - np.asarray(context.values)
    sigma = _sigma(away, context)[:, None]
    entered = context.observed & (left_open > sigma)
    size = np.sqrt(np.mean((away / sigma) ** 2, where=entered)) if entered.any() else 0.0
    if not size > _MATTERS or entered.sum() > _MOST * context.observed.sum():
        return None
    return dataclasses.replace(
        context, deviation=np.hypot(sigma if known is None else known, left_open)
    )


def robust_noise(found: Estimate, context: Trajectory) -> Float[np.ndarray, " field"]:
    """σ₀ of each field."""
    states, _ = states_of(found.forward, found.z, found.times)
    return _sigma(states - np.asarray(context.values), context)


def _sigma(away: np.ndarray, context: Trajectory) -> Float[np.ndarray, " field"]:
    missed = np.where(context.observed, away, np.nan)
    return np.maximum(deviation_by_median(missed, axis=(0, 2)), LEAST_NOISE * sizes(context))
