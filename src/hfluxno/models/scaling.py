"""The range of values that a context shows, to which networks may scale their input."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from hfluxno.models.network import Context

# A field that varies by at most this fraction of its size counts as constant.
_FLAT = 1e-6


def observed_range(context: Context) -> tuple[Float[Array, " field"], Float[Array, " field"]]:
    """Middle and half width of the values of every field; a constant field has the half width 1."""
    axes = (0, *range(2, context.ndim))
    lower, upper = jnp.min(context, axis=axes), jnp.max(context, axis=axes)
    size = jnp.maximum(jnp.abs(lower), jnp.abs(upper))
    half = 0.5 * (upper - lower)
    return 0.5 * (lower + upper), jnp.where(half > _FLAT * size, half, 1.0)


def per_field(
    values: Float[Array, " field"], like: Float[Array, "..."], axis: int
) -> Float[Array, "..."]:
    """One number per field, shaped to broadcast with an array whose fields are along `axis`."""
    return values.reshape((1,) * axis + (-1,) + (1,) * (like.ndim - axis - 1))
