"""Activation functions by name."""

from collections.abc import Callable

import jax

# The Gaussian error linear unit x Φ(x) (Hendrycks and Gimpel, arXiv:1606.08415) and its
# approximation by tanh, which is the one of the published model.
ACTIVATIONS: dict[str, Callable[[jax.Array], jax.Array]] = {
    "gelu": lambda x: jax.nn.gelu(x, approximate=False),
    "gelu_tanh": lambda x: jax.nn.gelu(x, approximate=True),
}


def activation(name: str) -> Callable[[jax.Array], jax.Array]:
    """The activation function of that name.

    **Raises:**

    - `ValueError`, if the name is not known.
    """
    if name not in ACTIVATIONS:
        raise ValueError(f"Unknown activation {name!r}; choose one of {', '.join(ACTIVATIONS)}.")
    return ACTIVATIONS[name]
