"""The activation function of all networks."""

import jax


def gelu(x: jax.Array) -> jax.Array:
    """The Gaussian error linear unit x Φ(x) (Hendrycks and Gimpel, arXiv:1606.08415) in its tanh
    approximation, as in the published model."""
    return jax.nn.gelu(x, approximate=True)
