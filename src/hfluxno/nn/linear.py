"""A linear layer over many vectors at once: one matrix product.

The weights are in `equinox.nn.Linear`, which maps one vector. Mapping it over vectors with `vmap`
leaves the order of the axes to the compiler; these two functions fix it, so that a batch of any
size is one matrix product without a transposition.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


def gelu(x: jax.Array) -> jax.Array:
    """The Gaussian error linear unit x Φ(x) (Hendrycks and Gimpel, arXiv:1606.08415) in its tanh
    approximation, as in the published model."""
    return jax.nn.gelu(x, approximate=True)


def on_rows(
    linear: eqx.nn.Linear, x: Float[Array, "*rows inputs"]
) -> Float[Array, "*rows outputs"]:
    """x Wᵀ + b: the vectors are the rows of `x`."""
    y = rows_times(x, linear.weight)
    return y if linear.bias is None else y + linear.bias.reshape((1,) * (y.ndim - 1) + (-1,))


def rows_times(
    x: Float[Array, "*rows inputs"], weight: Float[Array, "outputs inputs"]
) -> Float[Array, "*rows outputs"]:
    """x Wᵀ, computed and differentiated in isolation.

    The derivative with respect to W is a product with Gᵀ. XLA would compute G in the order of its
    transpose, together with all elementwise operations before it, with poor use of the cache:
    without the barrier a training step of the published network takes 1.3 times as long on a CPU.
    """
    return jax.lax.optimization_barrier(x @ weight.T)


def on_columns(
    linear: eqx.nn.Linear, x: Float[Array, "inputs points"]
) -> Float[Array, "outputs points"]:
    """W x + b: the vectors are the columns of `x`."""
    y = linear.weight @ x
    return y if linear.bias is None else y + linear.bias[:, None]


class MLP(eqx.Module):
    """Linear layers with gelu between them, over the columns of a matrix.

    - `layers`: `depth` hidden layers of `width` neurons, then the output layer; all with a bias or
      all without.
    """

    layers: tuple[eqx.nn.Linear, ...]

    def __init__(
        self,
        inputs: int,
        outputs: int,
        width: int,
        depth: int,
        bias: bool = True,
        *,
        key: jax.Array,
    ):
        sizes = (inputs, *(width for _ in range(depth)), outputs)
        keys = jax.random.split(key, depth + 1)
        self.layers = tuple(
            eqx.nn.Linear(n, m, use_bias=bias, key=k)
            for n, m, k in zip(sizes[:-1], sizes[1:], keys, strict=True)
        )

    def __call__(self, x: Float[Array, "inputs points"]) -> Float[Array, "outputs points"]:
        for layer in self.layers[:-1]:
            x = gelu(on_columns(layer, x))
        return on_columns(self.layers[-1], x)


def silent(mlp: MLP) -> MLP:
    """The same network with an output of zero, whatever it reads: a correction before training."""
    last = jax.tree.map(jnp.zeros_like, mlp.layers[-1])
    return eqx.tree_at(lambda network: network.layers[-1], mlp, last)
