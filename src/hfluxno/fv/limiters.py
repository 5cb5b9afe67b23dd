"""TVD limiters φ(θ) of the ratio θ of the upwind to the local jump.

φ ≡ 1 gives Lax-Wendroff, φ ≡ 0 first-order upwind; a φ inside Sweby's region makes the scheme
total-variation diminishing for scalar laws (Sweby, SIAM J. Numer. Anal. 21, 1984, 995-1011;
LeVeque, Finite Volume Methods for Hyperbolic Problems, 2002, section 6.11).
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


def minmod(theta: Float[Array, "*points"]) -> Float[Array, "*points"]:
    return jnp.clip(theta, 0.0, 1.0)


def superbee(theta: Float[Array, "*points"]) -> Float[Array, "*points"]:
    return jnp.maximum(jnp.clip(2.0 * theta, 0.0, 1.0), jnp.clip(theta, 0.0, 2.0))


def van_leer(theta: Float[Array, "*points"]) -> Float[Array, "*points"]:
    return (theta + jnp.abs(theta)) / (1.0 + jnp.abs(theta))


def mc(theta: Float[Array, "*points"]) -> Float[Array, "*points"]:
    """Van Leer's monotonised central limiter."""
    return jnp.clip(jnp.minimum(0.5 * (1.0 + theta), 2.0 * theta), 0.0, 2.0)


def none(theta: Float[Array, "*points"]) -> Float[Array, "*points"]:
    return jnp.ones_like(theta)


Limiter = Callable[[Float[Array, "*points"]], Float[Array, "*points"]]
LIMITERS: dict[str, Limiter] = {
    "mc": mc,
    "minmod": minmod,
    "superbee": superbee,
    "van-leer": van_leer,
    "none": none,
}


def limiter(name: str) -> Limiter:
    """The limiter of that name. Raises `ValueError` if the name is unknown."""
    if name not in LIMITERS:
        raise ValueError(f"Unknown limiter {name!r}; choose one of {', '.join(LIMITERS)}.")
    return LIMITERS[name]


@jax.custom_jvp
def jump_ratio(
    upwind: Float[Array, "*points"], local: Float[Array, "*points"]
) -> Float[Array, "*points"]:
    """upwind/local, and 0 where the local jump vanishes.

    Its derivatives are finite wherever the ratio is: far before a front, states on empty ground
    differ by 1e-150, and the square of that, by which JAX would divide, is zero.
    """
    return jnp.where(_vanishes(local), 0.0, upwind / _safe(local))


@jump_ratio.defjvp
def _jump_ratio_jvp(primals, tangents):
    (upwind, local), (of_upwind, of_local) = primals, tangents
    ratio = jump_ratio(upwind, local)
    change = (of_upwind - ratio * of_local) / _safe(local)
    return ratio, jnp.where(_vanishes(local), 0.0, change)


def _vanishes(local):
    limits = jnp.finfo(local.dtype)
    return jnp.abs(local) < limits.tiny / limits.eps


def _safe(local):
    return jnp.where(_vanishes(local), 1.0, local)
