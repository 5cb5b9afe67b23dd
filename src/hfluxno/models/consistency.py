"""What a learned numerical flux says about the physical flux.

A numerical flux is consistent with a flux f where F(u, …, u) = f(u): the condition under which a
scheme that converges, converges to a solution of the law (Lax and Wendroff, Comm. Pure Appl. Math.
13, 1960, 217-237). A learned one is free to break it, because training data show differences
of fluxes only, and a constant state shows none. A term in the loss can ask for it where the law is
known; and what F(u, …, u) is, can be drawn beside f where it is not.

Both are defined up to a constant, which moves nothing.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from hfluxno.fv import NumericalFlux


def constant_state_flux(
    flux: NumericalFlux, states: Float[Array, "field point"], dt: float, dx: float
) -> Float[Array, "field point"]:
    """F(u, …, u) of a flux of one axis, without the constant: its mean over the states is zero.

    A flux that sees coordinates is taken at the first interface.
    """

    def one(u):
        # The fewest cells with one interface between them.
        padded = jnp.repeat(u[:, None], 2 * flux.ghost + 1, axis=1)
        return flux(padded, jnp.asarray(dt, u.dtype), dx)[:, 0]

    values = jax.vmap(one, in_axes=1, out_axes=1)(states)
    return values - jnp.mean(values, axis=1, keepdims=True)


def consistency_error(
    flux: NumericalFlux,
    states: Float[Array, "field point"],
    physical: Float[Array, "field point"],
    dt: float,
    dx: float,
) -> Float[Array, ""]:
    """The mean square of F(u, …, u) - f(u), each without its mean over the states.

    **Arguments:**

    - `states`: constant states u, for example values that the context takes.
    - `physical`: f(u).
    """
    learned = constant_state_flux(flux, states, dt, dx)
    centred = physical - jnp.mean(physical, axis=1, keepdims=True)
    return jnp.mean((learned - centred) ** 2)
