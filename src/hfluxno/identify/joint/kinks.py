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
from hfluxno.trajectory import Trajectory

MOST_KINKS = 3
# In half ranges from the middle: states whose fluxes are compared, and places that are tried.
_STATES, _PLACES = np.linspace(-0.97, 0.97, 98), np.linspace(-0.9, 0.9, 19)
# The distance of a flux with a kink to two lines, relative to that to a parabola.
_NEARER = 0.5


def straight_lines(found: Estimate, target: Forward) -> Float[np.ndarray, " unknown"]:
    """A start of a flux with kinks, Σ_k w_k |v - a_k| + s v + c, that is nearest to the flux found,
    with its first state and ends, if those are unknown in both."""
    shape, free = target.shape, target.spread > 0.0
    at, (constant, slope, *weights), _ = _nearest_lines(_flux_of(found), shape.kinks)
    if found.forward.shape.has_offset:
        constant += found.forward.coefficients(found.z)[sum(found.forward.shape.sizes[:4])]
    coefficients = _coefficients(shape, slope, np.array(weights), constant, np.array(at))
    z = (coefficients - target.center)[free] / target.spread[free]
    begin = np.zeros(target.size)
    begin[: len(free)][free] = z
    rest = found.z[len(found.forward.spread) :]
    begin[len(free) :] = rest if len(rest) == len(begin) - len(free) else 0.0
    return begin


def turns_at_once(found: Estimate, context: Trajectory) -> bool:
    """Whether the flux found is much nearer to two straight lines than to a parabola: the root mean
    square distance, over the measured values, is less than half."""
    shape = found.forward.shape
    lower, upper = float(shape.lower[0]), float(shape.upper[0])
    edges = np.linspace(-0.98, 0.98, len(_STATES) + 1)
    measured = (2.0 * np.asarray(context.states.values)[:, 0] - lower - upper) / (upper - lower)
    counts = np.histogram(measured, edges)[0]
    flux, sizes = _flux_of(found), np.sqrt(counts)
    columns = np.stack([np.ones_like(_STATES), _STATES, _STATES**2], axis=1) * sizes[:, None]
    weights = np.linalg.lstsq(columns, flux * sizes, rcond=None)[0]
    parabola = float(np.sum((columns @ weights - flux * sizes) ** 2))
    return _nearest_lines(flux, 1, sizes)[2] < _NEARER**2 * parabola


def _flux_of(found: Estimate) -> Float[np.ndarray, " state"]:
    """The flux found at `_STATES`, in half ranges."""
    shape = found.forward.shape
    lower, upper = (float(each[0]) for each in (shape.lower, shape.upper))
    half, law = 0.5 * (upper - lower), found.forward.law(found.z)
    states = jnp.asarray(0.5 * (upper + lower) + half * _STATES)
    return np.asarray(law.flux(states[None]))[0] / half


def _nearest_lines(
    flux: Float[np.ndarray, " state"], kinks: int, sizes: Float[np.ndarray, " state"] | float = 1.0
) -> tuple[tuple[float, ...], Float[np.ndarray, " column"], float]:
    """The places of the kinks, the constant, the slope and the weights of the lines with so many
    kinks that are nearest to a flux, and the sum of squares that is left, of states that count
    with these sizes."""
    sizes = np.broadcast_to(sizes, _STATES.shape)

    def lines(places: tuple[float, ...]) -> tuple[np.ndarray, float]:
        columns = [np.ones_like(_STATES), _STATES, *(np.abs(_STATES - a) for a in places)]
        weighted = np.transpose(columns) * sizes[:, None]
        weights = np.linalg.lstsq(weighted, flux * sizes, rcond=None)[0]
        return weights, float(np.sum((weighted @ weights - flux * sizes) ** 2))

    tried = {places: lines(places) for places in itertools.combinations(_PLACES, kinks)}
    at = min(tried, key=lambda places: tried[places][1])
    return at, *tried[at]


def _coefficients(
    shape: LawShape, slope: float, weights: np.ndarray, constant: float, at: np.ndarray
) -> Float[np.ndarray, " coefficient"]:
    law, flux = np.zeros(sum(shape.sizes)), shape.sizes[0]
    law[0], law[flux - shape.kinks : flux] = slope, weights
    if shape.has_offset:
        law[sum(shape.sizes[:4])] = constant
    law[len(law) - shape.kinks :] = at
    return law
