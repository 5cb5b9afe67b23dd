"""The uncertainty of a law that was held fixed in a joint estimate.

    cov(p, x) = [[P, -P Gᵀ], [-G P, C + G P Gᵀ]],   G = (JₓᵀJₓ + 1)⁻¹ JₓᵀJₚ

for the law's coefficients p, whose covariance P comes from the data in which it was found, and the
other unknowns x, whose covariance is C if p is exact: an error δ of p changes the estimate of x by
-G δ. J are the derivatives of the measurements, in units of their noise (Schmidt's consider
parameters: Jazwinski, Stochastic Processes and Filtering Theory, 1970, section 8.4).
"""

import dataclasses

import numpy as np
from jaxtyping import Float

from hfluxno.fv.solve import MOST_STEPS
from hfluxno.identify.forward import Forward
from hfluxno.identify.free_coefficients import free_covariance
from hfluxno.identify.joint import Estimate, HeldLaw, spread_of, states_of, values_of
from hfluxno.identify.saved_law import SavedLaw
from hfluxno.trajectory import Trajectory


def with_uncertain_law(found: Estimate, saved: SavedLaw, context: Trajectory) -> Estimate:
    """The estimate with the uncertainty of the `saved` law in its spread and its forecasts;
    unchanged if the covariance of the law is unknown."""
    spread, law_covariance = _of_law(saved, found.forward)
    law = np.flatnonzero(spread)
    if not len(law) or not np.all(np.isfinite(law_covariance)):
        return found
    forward, z = dataclasses.replace(found.forward, spread=spread), found.z
    seen = context.observed
    noise = found.noise[None, :, None] if context.deviation is None else context.deviation
    rows = values_of(forward, z, context.times, MOST_STEPS)[1] / noise[:, None]
    rows = np.where(seen[:, None], rows, 0.0).swapaxes(0, 1).reshape(len(z), -1)
    others = np.arange(len(spread), len(z))
    inner = found.covariance[np.ix_(others, others)]
    normal = rows[others] @ rows[others].T + np.eye(len(others))
    gain = np.linalg.solve(normal, rows[others] @ rows[law].T)
    covariance = found.covariance.copy()
    covariance[np.ix_(law, law)] = law_covariance
    covariance[np.ix_(others, law)] = -gain @ law_covariance
    covariance[np.ix_(law, others)] = -law_covariance @ gain.T
    covariance[np.ix_(others, others)] = inner + gain @ law_covariance @ gain.T
    _, rows, _ = states_of(forward, z, forward.scale.frames(context.times))
    before, after = (spread_of(rows, each) ** 2 for each in (_without(found, law), covariance))
    return dataclasses.replace(
        found,
        held=HeldLaw(spread, covariance),
        spread=np.sqrt(np.maximum(found.spread**2 + after - before, 0.0)),
    )


def _without(found: Estimate, law: np.ndarray) -> np.ndarray:
    """The covariance if the law is exact."""
    covariance = found.covariance.copy()
    covariance[law], covariance[:, law] = 0.0, 0.0
    return covariance


def _of_law(
    saved: SavedLaw, forward: Forward
) -> tuple[Float[np.ndarray, " coefficient"], Float[np.ndarray, "free free"]]:
    """The standard deviations of all coefficients of the forward model, and the correlations of
    those that are uncertain."""
    places, covariance = free_covariance(saved)
    shape, scale = forward.shape, forward.scale
    half = 0.5 * (np.asarray(shape.upper) - np.asarray(shape.lower))
    count, fields = len(shape.basis.names), len(shape.fields)
    unit = [
        np.repeat(half, count) * scale.cell / scale.interval,
        np.full(fields * shape.diffusion, scale.cell**2 / scale.interval),
        np.repeat(half, shape.by_state) / scale.interval,
        np.ones(shape.kinks),
    ]
    last = sum(shape.sizes) - shape.kinks
    where = [np.arange(sum(map(len, unit[:3]))), last + np.arange(shape.kinks)]
    deviation = np.sqrt(np.maximum(np.diag(covariance), 0.0))
    known = deviation > 0.0
    spread = np.zeros(len(forward.center))
    at = np.concatenate(where)[places]
    spread[at] = deviation / np.concatenate(unit)[places]
    order = np.argsort(at[known])
    found = covariance[np.ix_(known, known)] / np.outer(deviation[known], deviation[known])
    return spread, found[np.ix_(order, order)]
