"""How well the data determine the curves of a fitted law: σ of f and f′ from the coefficients."""

from typing import Any

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Array, Float, Int

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
        return ((changed.flux(points) - changed.flux(origin))[0], changed.jacobian(points)[0, 0])

    return jax.jacfwd(curves)(law.flux_coefficients)


def _flux_covariance(identification) -> np.ndarray:
    """The block of the covariance for the flux, in the order of its coefficients."""
    count = np.asarray(identification.law.flux_coefficients).size
    places, found = free_covariance(identification)
    mine = places < count
    covariance = np.zeros((count, count))
    covariance[np.ix_(places[mine], places[mine])] = found[np.ix_(mine, mine)]
    return covariance


def free_covariance(
    identification: Any,
    without_scheme: bool = False,
) -> tuple[Int[np.ndarray, " free"], Float[np.ndarray, "free free"]]:
    """The indices of the free coefficients and their covariance, in the order of
    `coefficient_names`; all others are fixed.

    - `identification`: anything with a fitted `law`, its `coefficients` and their `covariance`.
    - `without_scheme`: what counts in a run of the same scheme, which has the error that the
      coefficients make up for.
    """
    names = coefficient_names(identification.law)
    order = {name: i for i, name in enumerate(identification.coefficients)}
    places = [i for i, name in enumerate(names) if name in order]
    found = [order[names[i]] for i in places]
    covariance = np.asarray(identification.covariance, float)
    if without_scheme and len(identification.by_scheme):
        covariance = covariance - identification.by_scheme.T @ identification.by_scheme
    covariance = covariance[np.ix_(found, found)]
    return np.array(places, int), covariance


def coefficient_names(law: Any) -> list[str]:
    """The coefficients of the flux field by field, of the diffusivities, of the sources that depend
    on the state and of the force by place, and the places of kinks in half ranges."""
    terms = range(law.diffusion_coefficients.shape[1])
    names = [f"f_{field}[{name}]" for field in law.fields for name in law.basis.names]
    names += [f"nu_{field}[T{k}]" for field in law.fields for k in terms]
    if law.terms is not None:
        arising = law.terms.names(law.fields)
        names += [f"s_{field}[{name}]" for field in law.fields for name in arising]
        names += law.terms.names_of_force(law.fields)
    return names + [f"v[kink {k}]" for k in range(1, law.basis.kinks + 1)]
