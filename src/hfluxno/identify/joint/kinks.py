"""Where the kinks of a flux are, for starts of joint estimates.

From most places of a kink a fit ends beside the truth, and the weak form of noisy or incomplete
frames does not show where it is. But a smooth flux that was fitted turns most where the kinks are:
they begin at the ends of the straight lines that are nearest to it.
"""

import itertools

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from hfluxno.identify.joint.estimate import Estimate
from hfluxno.identify.joint.forward import Forward
from hfluxno.identify.joint.law_shape import LawShape

MOST_KINKS = 3
# In half ranges from the middle: states whose fluxes are compared, and places that are tried.
_STATES, _PLACES = np.linspace(-0.97, 0.97, 98), np.linspace(-0.9, 0.9, 19)


def straight_lines(found: Estimate, target: Forward) -> Float[np.ndarray, " unknown"]:
    """A start of a flux with kinks, Σ_k w_k |v - a_k| + s v + c, that is nearest to the flux found,
    with its first state and ends, if those are unknown in both."""
    shape, free = target.shape, target.spread > 0.0
    lower, upper = (float(each[0]) for each in (shape.lower, shape.upper))
    half, v = 0.5 * (upper - lower), _STATES
    law = found.forward.law(found.z)
    flux = np.asarray(law.flux(jnp.asarray(0.5 * (upper + lower) + half * v)[None]))[0] / half

    def lines(places: tuple[float, ...]) -> tuple[np.ndarray, float]:
        columns = [np.ones_like(v), v, *(np.abs(v - a) for a in places)]
        weights, left, *_ = np.linalg.lstsq(np.transpose(columns), flux, rcond=None)
        return weights, float(left.sum())

    tried = itertools.combinations(_PLACES, shape.kinks)
    at = min(tried, key=lambda places: lines(places)[1])
    (constant, slope, *weights), _ = lines(at)
    if found.forward.shape.has_offset:
        constant += found.forward.coefficients(found.z)[sum(found.forward.shape.sizes[:4])]
    coefficients = _coefficients(shape, slope, np.array(weights), constant, np.array(at))
    z = (coefficients - target.center)[free] / target.spread[free]
    begin = np.zeros(target.size)
    begin[: len(free)][free] = z
    rest = found.z[len(found.forward.spread) :]
    begin[len(free) :] = rest if len(rest) == len(begin) - len(free) else 0.0
    return begin


def _coefficients(
    shape: LawShape, slope: float, weights: np.ndarray, constant: float, at: np.ndarray
) -> Float[np.ndarray, " coefficient"]:
    law, flux = np.zeros(sum(shape.sizes)), shape.sizes[0]
    law[0], law[flux - shape.kinks : flux] = slope, weights
    if shape.has_offset:
        law[sum(shape.sizes[:4])] = constant
    law[len(law) - shape.kinks :] = at
    return law
