"""Attention along one axis at a time: time, then the axes of space.

    x = x + s ∘ W Norm(Attention_time(Norm(x)))                       over the times of every place
    x = x + s ∘ W Norm(1/3 Σ_axis Attention_axis(Norm(x)))            along three axes of space
    x = x + s ∘ Norm(W_2 gelu(W_1 x + b_1) + b_2)

(axial attention, Ho et al., arXiv:1912.12180, in the form of Morel et al., ICML 2025). Queries and
keys are normalised (Henry et al., EMNLP 2020) and every head adds a learned number to its scores,
which depends on the offset between two tokens (Raffel et al., JMLR 2020). The scales s are small at
first, so that every block begins as the identity.

There are always three axes of space. Along one of length 1 a token sees only itself, and attention
is the map to its value.
"""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from hfluxno.nn.linear import gelu, on_rows

SPACE = 3
# There are 16 bins of offsets in either direction: 0 to 7 have one each, the others grow by √2.
_BINS, _SINGLE = 16, 8
_FIRST_SCALE = 1e-6


class AxisAttention(eqx.Module):
    """Multi-head self-attention between the tokens along the last axis but one.

    - `query`, `key`, `value`: from a token to those of all heads.
    - `query_norm`, `key_norm`: over the numbers of one head.
    - `offsets`: for every bin of offsets what each head adds to its scores.
    - `heads`: the number of heads.
    """

    query: eqx.nn.Linear
    key: eqx.nn.Linear
    value: eqx.nn.Linear
    query_norm: eqx.nn.LayerNorm
    key_norm: eqx.nn.LayerNorm
    offsets: Float[Array, "bin head"]
    heads: int = eqx.field(static=True)

    def __init__(self, embedding: int, heads: int, *, key: jax.Array):
        keys = jax.random.split(key, 4)
        self.query, self.key, self.value = (
            eqx.nn.Linear(embedding, embedding, key=k) for k in keys[:3]
        )
        self.query_norm, self.key_norm = (eqx.nn.LayerNorm(embedding // heads) for _ in range(2))
        self.offsets = jax.random.normal(keys[3], (2 * _BINS, heads))
        self.heads = heads

    def __call__(
        self, x: Float[Array, "*rows token embedding"]
    ) -> Float[Array, "*rows token embedding"]:
        value = on_rows(self.value, x)
        tokens, embedding = x.shape[-2:]
        if tokens == 1:
            return value
        of_heads = (*x.shape[:-1], self.heads, embedding // self.heads)
        query = on_vectors(self.query_norm, on_rows(self.query, x).reshape(of_heads))
        key = on_vectors(self.key_norm, on_rows(self.key, x).reshape(of_heads))
        scores = jnp.einsum("...ihc,...jhc->...hij", query / math.sqrt(of_heads[-1]), key)
        offsets = jnp.moveaxis(self.offsets[offset_bins(tokens)], -1, 0)
        scores = scores + offsets.reshape((1,) * (scores.ndim - 3) + offsets.shape)
        weights = jax.nn.softmax(scores)
        mixed = jnp.einsum("...hij,...jhc->...ihc", weights, value.reshape(of_heads))
        return mixed.reshape(x.shape)


def offset_bins(tokens: int) -> Int[np.ndarray, "token token"]:
    """The number of the bin of the offset from token i to token j.

    A bin d ≥ 8 begins at the distance 8·√2^(d - 8); later tokens have bins of their own.
    """
    offset = np.arange(tokens)[None, :] - np.arange(tokens)[:, None]
    distance = np.abs(offset)
    # In integers: rounding of a logarithm could miss a bin.
    starts = [_SINGLE**2 * 2**k for k in range(1, _BINS - _SINGLE)]
    grown = _SINGLE + sum((distance**2 >= start).astype(int) for start in starts)
    return np.where(distance < _SINGLE, distance, grown) + np.where(offset > 0, _BINS, 0)


class TimeBlock(eqx.Module):
    """Attention between the times of every place.

    - `enter_norm`, `leave_norm`: before and after attention.
    - `attention`: along time.
    - `leave`: W.
    - `scale`: s.
    """

    enter_norm: eqx.nn.GroupNorm
    leave_norm: eqx.nn.GroupNorm
    attention: AxisAttention
    leave: eqx.nn.Linear
    scale: Float[Array, " embedding"]

    def __init__(self, embedding: int, heads: int, *, key: jax.Array):
        keys = jax.random.split(key, 2)
        self.enter_norm, self.leave_norm = (eqx.nn.GroupNorm(heads, embedding) for _ in range(2))
        self.attention = AxisAttention(embedding, heads, key=keys[0])
        self.leave = eqx.nn.Linear(embedding, embedding, key=keys[1])
        self.scale = jnp.full(embedding, _FIRST_SCALE)

    def __call__(
        self, x: Float[Array, "time x y z embedding"]
    ) -> Float[Array, "time x y z embedding"]:
        mixed = along(self.attention, on_vectors(self.enter_norm, x), 0)
        return x + scaled(self.scale, on_rows(self.leave, on_vectors(self.leave_norm, mixed)))


class SpaceBlock(eqx.Module):
    """Attention along every axis of space, and a small network on every token.

    - `enter_norm`, `leave_norm`: before and after attention.
    - `attentions`: one for each axis.
    - `leave`: W.
    - `widen`, `narrow`: W_1, b_1 and W_2, b_2.
    - `mlp_norm`: after these.
    - `scale`, `mlp_scale`: s of attention and of the small network.
    """

    enter_norm: eqx.nn.GroupNorm
    leave_norm: eqx.nn.GroupNorm
    mlp_norm: eqx.nn.GroupNorm
    attentions: tuple[AxisAttention, ...]
    leave: eqx.nn.Linear
    widen: eqx.nn.Linear
    narrow: eqx.nn.Linear
    scale: Float[Array, " embedding"]
    mlp_scale: Float[Array, " embedding"]

    def __init__(self, embedding: int, heads: int, *, key: jax.Array):
        keys = jax.random.split(key, 3 + SPACE)
        self.enter_norm, self.leave_norm, self.mlp_norm = (
            eqx.nn.GroupNorm(2 * heads, embedding) for _ in range(3)
        )
        self.leave = eqx.nn.Linear(embedding, embedding, key=keys[0])
        self.widen = eqx.nn.Linear(embedding, 4 * embedding, key=keys[1])
        self.narrow = eqx.nn.Linear(4 * embedding, embedding, key=keys[2])
        self.attentions = tuple(AxisAttention(embedding, heads, key=k) for k in keys[3:])
        self.scale, self.mlp_scale = (jnp.full(embedding, _FIRST_SCALE) for _ in range(2))

    def __call__(
        self, x: Float[Array, "time x y z embedding"]
    ) -> Float[Array, "time x y z embedding"]:
        v = on_vectors(self.enter_norm, x)
        seen = [along(attend, v, 1 + axis) for axis, attend in enumerate(self.attentions)]
        mixed = on_vectors(self.leave_norm, sum(seen[1:], seen[0]) / SPACE)
        x = x + scaled(self.scale, on_rows(self.leave, mixed))
        wide = gelu(on_rows(self.widen, x))
        narrow = on_vectors(self.mlp_norm, on_rows(self.narrow, wide))
        return x + scaled(self.mlp_scale, narrow)


def along(attend: AxisAttention, x: Float[Array, "..."], axis: int) -> Float[Array, "..."]:
    """Attention along one axis of (…, embedding)."""
    return jnp.swapaxes(attend(jnp.swapaxes(x, axis, -2)), axis, -2)


def on_vectors(
    norm: eqx.nn.GroupNorm | eqx.nn.LayerNorm, x: Float[Array, "*rows embedding"]
) -> Float[Array, "*rows embedding"]:
    """The norm of every row of `x`."""
    return jax.vmap(norm)(x.reshape(-1, x.shape[-1])).reshape(x.shape)


def scaled(scale: Float[Array, " embedding"], x: Float[Array, "..."]) -> Float[Array, "..."]:
    return scale.reshape((1,) * (x.ndim - 1) + (-1,)) * x
