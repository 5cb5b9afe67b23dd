"""The curves of a law for tables and pictures, in one stored program."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from hfluxno.stored_jit import stored_jit


def law_curves(
    law, u: Float[np.ndarray, "field *points"], origin: Float[np.ndarray, "field *one"]
) -> tuple[
    Float[np.ndarray, "field *points"],
    Float[np.ndarray, "field field *points"],
    Float[np.ndarray, "field *points"],
]:
    """f(u) - f(origin), ∂f_i/∂u_j at index (i, j), and ν, zero where there is none; in float64."""
    flux, jacobian, diffusivity = map(np.asarray, _curves(law, u, origin))
    return flux, jacobian, diffusivity


@stored_jit
def _curves(law, u: Array, origin: Array) -> tuple[Array, Array, Array]:
    nu = law.diffusivity(u)
    flux = law.flux(u) - law.flux(origin)
    return flux, law.jacobian(u), jnp.zeros_like(flux) if nu is None else nu
