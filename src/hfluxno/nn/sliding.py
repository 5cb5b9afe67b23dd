"""A sliding window over the first axis of an array, which is time."""

import jax.numpy as jnp
from jaxtyping import Array, Float


def shift_in(window: Float[Array, "time ..."], newest: Float[Array, "new ..."]) -> Array:
    """The window with the newest times at its end, and as many fewer at its start."""
    return jnp.concatenate([window[len(newest) :], newest])
