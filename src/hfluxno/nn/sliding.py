"""A window that slides over the first axis of an array, which is time."""

import jax.numpy as jnp
from jaxtyping import Array, Float


def moved_on(window: Float[Array, "time ..."], newest: Float[Array, "new ..."]) -> Array:
    """The window without as many of its first times as are new, and with these at its end."""
    return jnp.concatenate([window[len(newest) :], newest])
