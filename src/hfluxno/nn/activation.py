"""The activation function of all networks."""

import jax


def gelu(x: jax.Array) -> jax.Array:
    """The Gaussian error linear unit x Φ(x) (Hendrycks and Gimpel, arXiv:1606.08415) in its
    approximation by tanh, which is the one of the published model."""
    return jax.nn.gelu(x, approximate=True)
