"""Standardising: fields with mean 0 and standard deviation 1."""

import jax.numpy as jnp
from jaxtyping import Array, Float

# Added to the deviation, so that a constant field becomes 0.
_EPSILON = 1e-7


def moments(
    u: Float[Array, "*dims"], axes: tuple[int, ...]
) -> tuple[Float[Array, "*kept"], Float[Array, "*kept"]]:
    """Mean and standard deviation over `axes`, which stay with length 1."""
    mean = jnp.mean(u, axis=axes, keepdims=True)
    variance = jnp.mean(jnp.square(u - mean), axis=axes, keepdims=True)
    # The root has no derivative at 0, so the deviation is treated as constant there.
    varies = variance > 0.0
    deviation = jnp.where(varies, jnp.sqrt(jnp.where(varies, variance, 1.0)), 0.0)
    return mean, deviation + _EPSILON
