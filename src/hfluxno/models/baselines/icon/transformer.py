"""The network of ICON: the tokens of a prompt and the places of the answer in, values there out.

    h = N(W rows + b),        h ← N(h + A(h, h, h)),          h ← N(h + D(h))      the encoder
    q = N(W_q y + b_q),       q ← N(q + A(q, N_k h, N_v h)),  q ← N(q + D(q))      the decoder
    u(t + τ, y) = W_o q + b_o

with norms N and, in each layer, its own attention A and small network D (Yang, Liu, Meng and Osher,
PNAS 2023). Only the content of the rows matters, not their order.
"""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from hfluxno.nn.linear import gelu, on_rows


class WideAttention(eqx.Module):
    """Multi-head attention of rows to others, in which each head has the width of the embedding.

    Elsewhere (`hfluxno.nn.attention`) the heads share that width. Here they have `heads` times as
    many numbers, and most of the parameters of a layer are theirs.

    - `query`, `key`, `value`: to those of all heads.
    - `leave`: from the heads.
    - `heads`: the number of heads.
    """

    query: eqx.nn.Linear
    key: eqx.nn.Linear
    value: eqx.nn.Linear
    leave: eqx.nn.Linear
    heads: int = eqx.field(static=True)

    def __init__(self, width: int, heads: int, *, key: jax.Array):
        keys = jax.random.split(key, 4)
        self.query, self.key, self.value = (_glorot(width, heads * width, k) for k in keys[:3])
        self.leave = _glorot(heads * width, width, keys[3])
        self.heads = heads

    def __call__(
        self,
        query: Float[Array, "row width"],
        key: Float[Array, "seen width"],
        value: Float[Array, "seen width"],
    ) -> Float[Array, "row width"]:
        rows, size = query.shape
        q, k, v = (
            on_rows(linear, x).reshape(x.shape[0], self.heads, size)
            for linear, x in ((self.query, query), (self.key, key), (self.value, value))
        )
        scores = jnp.einsum("ihc,jhc->hij", q / math.sqrt(size), k)
        mixed = jnp.einsum("hij,jhc->ihc", jax.nn.softmax(scores), v)
        return on_rows(self.leave, mixed.reshape(rows, self.heads * size))


class Layer(eqx.Module):
    """y = N(x + A(x, key, value)),   N(y + W_2 gelu(W_1 y + b_1) + b_2): the norms come last.

    - `attention`, `attention_norm`: A and the norm after it.
    - `widen`, `narrow`, `mlp_norm`: W_1, b_1, W_2, b_2 and the norm after them.
    """

    attention: WideAttention
    attention_norm: eqx.nn.LayerNorm
    widen: eqx.nn.Linear
    narrow: eqx.nn.Linear
    mlp_norm: eqx.nn.LayerNorm

    def __init__(self, width: int, heads: int, widening: int, *, key: jax.Array):
        attention, widen, narrow = jax.random.split(key, 3)
        self.attention = WideAttention(width, heads, key=attention)
        self.attention_norm, self.mlp_norm = eqx.nn.LayerNorm(width), eqx.nn.LayerNorm(width)
        self.widen = _glorot(width, widening * width, widen)
        self.narrow = _glorot(widening * width, width, narrow)

    def __call__(
        self,
        x: Float[Array, "row width"],
        key: Float[Array, "seen width"],
        value: Float[Array, "seen width"],
    ) -> Float[Array, "row width"]:
        y = jax.vmap(self.attention_norm)(x + self.attention(x, key, value))
        wide = gelu(on_rows(self.widen, y))
        return jax.vmap(self.mlp_norm)(y + on_rows(self.narrow, wide))


class Transformer(eqx.Module):
    """An encoder of the prompt, and a decoder that queries it at every place.

    - `embed`, `embed_norm`: W, b and the norm of the embedded rows.
    - `place`, `place_norm`: W_q, b_q and the norm of the embedded places.
    - `encoder`, `decoder`: the layers.
    - `key_norm`, `value_norm`: N_k and N_v.
    - `answer`: W_o and b_o.
    """

    embed: eqx.nn.Linear
    embed_norm: eqx.nn.LayerNorm
    place: eqx.nn.Linear
    place_norm: eqx.nn.LayerNorm
    encoder: tuple[Layer, ...]
    key_norm: eqx.nn.LayerNorm
    value_norm: eqx.nn.LayerNorm
    decoder: tuple[Layer, ...]
    answer: eqx.nn.Linear

    def __init__(
        self,
        columns: int,
        fields: int,
        *,
        width: int,
        layers: int,
        heads: int,
        widening: int,
        key: jax.Array,
    ):
        embed, place, answer, *keys = jax.random.split(key, 3 + 2 * layers)
        self.embed, self.embed_norm = _projection(columns, width, embed), eqx.nn.LayerNorm(width)
        self.place, self.place_norm = _projection(1, width, place), eqx.nn.LayerNorm(width)
        both = [Layer(width, heads, widening, key=k) for k in keys]
        self.encoder, self.decoder = tuple(both[:layers]), tuple(both[layers:])
        self.key_norm, self.value_norm = eqx.nn.LayerNorm(width), eqx.nn.LayerNorm(width)
        self.answer = _projection(width, fields, answer)

    def tokens(self, rows: Float[Array, "token column"]) -> Float[Array, "token width"]:
        """The layers that act on every row separately."""
        return jax.vmap(self.embed_norm)(on_rows(self.embed, rows))

    def __call__(
        self, tokens: Float[Array, "token width"], places: Float[Array, " place"]
    ) -> Float[Array, "field place"]:
        for layer in self.encoder:
            tokens = layer(tokens, tokens, tokens)
        key, value = jax.vmap(self.key_norm)(tokens), jax.vmap(self.value_norm)(tokens)
        q = jax.vmap(self.place_norm)(on_rows(self.place, places[:, None]))
        for layer in self.decoder:
            q = layer(q, key, value)
        return on_rows(self.answer, q).T


def _glorot(inputs: int, outputs: int, key: jax.Array) -> eqx.nn.Linear:
    """Weights uniform in ±√(6/(inputs + outputs)), no bias."""
    bound = math.sqrt(6.0 / (inputs + outputs))
    return _linear(jax.random.uniform(key, (outputs, inputs), minval=-bound, maxval=bound))


def _projection(inputs: int, outputs: int, key: jax.Array) -> eqx.nn.Linear:
    """Weights from N(0, 1/inputs), cut at two deviations, no bias."""
    weight = jax.random.truncated_normal(key, -2.0, 2.0, (outputs, inputs))
    return _linear(weight / math.sqrt(inputs))


def _linear(weight: jax.Array) -> eqx.nn.Linear:
    outputs, inputs = weight.shape
    layer = eqx.nn.Linear(inputs, outputs, key=jax.random.key(0))
    parts = weight, jnp.zeros(outputs, weight.dtype)
    return eqx.tree_at(lambda linear: (linear.weight, linear.bias), layer, parts)
