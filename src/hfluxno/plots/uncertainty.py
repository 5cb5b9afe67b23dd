"""How well the data determine the curves of a fitted law: σ of f and f′ from the coefficients."""

from typing import Any

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Array, Float

from hfluxno.identify.free_coefficients import free_covariance
from hfluxno.stored_jit import stored_jit

Points = Float[Array | np.ndarray, "field _"]


def flux_deviation(
    identification: Any, points: Points, origin: Points
) -> tuple[np.ndarray | None, np.ndarray | None]:
    """The standard deviations of f - f(origin) and of f′ at `points` (1, points).

    Both are linear in the flux coefficients C with the covariance Σ: σ² = ∂f/∂C Σ (∂f/∂C)ᵀ.
    `None` if the law is not of that kind or a covariance is not finite.
    """
    law = identification.law
    if not hasattr(law, "flux_coefficients"):
        return None, None
    covariance = _flux_covariance(identification)
    sigmas = []
    for sensitivity in map(np.asarray, _sensitivities(law, points, origin)):
        rows = sensitivity.reshape(sensitivity.shape[0], -1)
        variance = np.einsum("pi,ij,pj->p", rows, covariance, rows)
        if not np.all(np.isfinite(variance)):
            return None, None
        sigmas.append(np.sqrt(np.maximum(variance, 0.0)))
    return sigmas[0], sigmas[1]


@stored_jit
def _sensitivities(law, points, origin):
    def curves(values):
        changed = eqx.tree_at(lambda law: law.flux_coefficients, law, values)
        return (
            (changed.flux(points) - changed.flux(origin))[0],
            changed.jacobian(points)[0, 0],
        )

    return jax.jacfwd(curves)(law.flux_coefficients)


def _flux_covariance(identification) -> np.ndarray:
    """The block of the covariance for the flux, in the order of its coefficients."""
    count = np.asarray(identification.law.flux_coefficients).size
    places, found = free_covariance(identification)
    mine = places < count
    covariance = np.zeros((count, count))
    covariance[np.ix_(places[mine], places[mine])] = found[np.ix_(mine, mine)]
    return covariance
