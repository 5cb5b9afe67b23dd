"""Self-attention between the tokens of one time, and the transformer block around it.

    y = x + Attention(LayerNorm(x)),   y + W_2 gelu(W_1 LayerNorm(y) + b_1) + b_2

(Vaswani et al., NeurIPS 2017, with the norms in front).

The softmax is normalised after the values are mixed, where the arrays are smaller.
"""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from hfluxno.nn.linear import gelu, on_rows, rows_times


class Attention(eqx.Module):
    """Multi-head self-attention without biases, over the tokens of every time separately.

    - `enter`: to the queries, keys and values of all heads, in this order.
    - `leave`: from the heads.
    - `heads`: the number of heads.
    """

    enter: eqx.nn.Linear
    leave: eqx.nn.Linear
    heads: int = eqx.field(static=True)

    def __init__(self, embedding: int, heads: int, *, key: jax.Array):
        if embedding % heads != 0:
            raise ValueError(
                f"The number of heads must divide the embedding of {embedding}; got {heads}."
            )
        keys = jax.random.split(key, 2)
        self.enter = eqx.nn.Linear(embedding, 3 * embedding, use_bias=False, key=keys[0])
        self.leave = eqx.nn.Linear(embedding, embedding, use_bias=False, key=keys[1])
        self.heads = heads

    def __call__(
        self, x: Float[Array, "time token embedding"]
    ) -> Float[Array, "time token embedding"]:
        times, tokens, embedding = x.shape
        size = embedding // self.heads
        # Three products: the parts of a single one would have to be joined again in the derivative.
        query, key, value = (
            rows_times(x, weight).reshape(times, tokens, self.heads, size)
            for weight in jnp.split(self.enter.weight, 3)
        )
        scores = jnp.einsum("tihc,tjhc->thij", query / math.sqrt(size), key)
        largest = jnp.max(scores, axis=-1, keepdims=True)
        weights = jnp.exp(scores - jax.lax.stop_gradient(largest))
        # In the other order the compiler transposes both the values and the result.
        pairs = (((3,), (2,)), ((0, 1), (0, 1)))
        mixed = jax.lax.dot_general(weights, value.swapaxes(1, 2), pairs)
        mixed = mixed / jnp.sum(weights, axis=-1, keepdims=True)
        return on_rows(self.leave, mixed.swapaxes(1, 2).reshape(times, tokens, embedding))


class TransformerBlock(eqx.Module):
    """Attention and a small network on every token, each with its norm and its skip.

    - `attention_norm`, `mlp_norm`: over the embedding.
    - `attention`: between the tokens of a time.
    - `widen`, `narrow`: W_1, b_1 and W_2, b_2.
    """

    attention_norm: eqx.nn.LayerNorm
    mlp_norm: eqx.nn.LayerNorm
    attention: Attention
    widen: eqx.nn.Linear
    narrow: eqx.nn.Linear

    def __init__(self, embedding: int, width: int, heads: int, *, key: jax.Array):
        keys = jax.random.split(key, 3)
        self.attention_norm = eqx.nn.LayerNorm(embedding)
        self.mlp_norm = eqx.nn.LayerNorm(embedding)
        self.attention = Attention(embedding, heads, key=keys[0])
        self.widen = eqx.nn.Linear(embedding, width, key=keys[1])
        self.narrow = eqx.nn.Linear(width, embedding, key=keys[2])

    def __call__(
        self, x: Float[Array, "time token embedding"]
    ) -> Float[Array, "time token embedding"]:
        y = x + self.attention(jax.vmap(jax.vmap(self.attention_norm))(x))
        wide = on_rows(self.widen, jax.vmap(jax.vmap(self.mlp_norm))(y))
        return y + on_rows(self.narrow, gelu(wide))
