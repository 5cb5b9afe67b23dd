"""A linear layer whose matrix is block diagonal.

    y = diag(W_1, …, W_B) x + b

Block k maps the k-th part of the input to the k-th part of the output, with 1/B of the parameters
of a full matrix.
"""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from hfluxno.nn.linear import rows_times

# From about this many inputs a matrix product is worth its overhead.
_LARGE = 32


class BlockLinear(eqx.Module):
    """A block-diagonal matrix and a bias.

    If the number of blocks does not divide the output size, the last outputs of the last block are
    left out.

    - `weight`: the blocks, shape (block, outputs of a block, inputs of a block).
    - `bias`: shape (block, outputs of a block).
    - `outputs`: the number of outputs.

    Raises `ValueError` if the blocks do not divide the inputs.
    """

    weight: Float[Array, "block rows columns"]
    bias: Float[Array, "block rows"]
    outputs: int = eqx.field(static=True)

    def __init__(self, inputs: int, outputs: int, blocks: int, *, key: jax.Array):
        if blocks < 1 or inputs % blocks != 0:
            raise ValueError(
                f"A block-diagonal layer needs a number of blocks that divides its {inputs} "
                f"inputs; got {blocks}."
            )
        columns, rows = inputs // blocks, math.ceil(outputs / blocks)
        bound = 1.0 / math.sqrt(columns)
        self.weight = jax.random.uniform(key, (blocks, rows, columns), minval=-bound, maxval=bound)
        self.bias = jnp.zeros((blocks, rows))
        self.outputs = outputs

    def __call__(self, x: Float[Array, " inputs"]) -> Float[Array, " outputs"]:
        blocks = x.reshape(self.weight.shape[0], -1)
        y = jnp.einsum("bri,bi->br", self.weight, blocks) + self.bias
        return y.reshape(-1)[: self.outputs]

    def on_rows(self, x: Float[Array, "*rows inputs"]) -> Float[Array, "*rows outputs"]:
        """The layer on the rows of `x`.

        Small blocks are combined, with zeros between them: a few products of larger matrices are
        faster than many small ones.
        """
        blocks, rows, columns = self.weight.shape
        together = max(
            n for n in range(1, blocks + 1) if (blocks % n == 0 and n * columns <= _LARGE) or n == 1
        )
        unit = jnp.eye(together, dtype=self.weight.dtype)
        grouped = self.weight.reshape(-1, together, rows, columns)
        larger = jnp.einsum("gbri,bc->gbrci", grouped, unit)
        larger = larger.reshape(-1, together * rows, together * columns)
        inputs = jnp.split(x, larger.shape[0], axis=-1)
        parts = [rows_times(part, block) for part, block in zip(inputs, larger, strict=True)]
        bias = self.bias.reshape((1,) * (x.ndim - 1) + (-1,))
        return (jnp.concatenate(parts, axis=-1) + bias)[..., : self.outputs]
