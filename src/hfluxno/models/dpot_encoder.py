"""The DPOT-style encoder: an alternative encoder of the paper's ablation.

    v = Σ_t cos(ω t) ∘ patches(u_t) W_t,   then layers   x + MLP(Norm(y + K(y))),  y = Norm(x)

with spectral mixing K; the embedding is the mean over patches (Hao et al., ICML 2024). Space and
time are treated separately, which makes it fast; it takes a fixed number of frames.
"""

import math
from typing import Literal

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from hfluxno.models.encoder import Encoder
from hfluxno.models.network import Context
from hfluxno.models.parts import DPOTEncoderConfig
from hfluxno.nn.linear import gelu, on_rows
from hfluxno.nn.patch import PatchEmbedding, tokens_along
from hfluxno.nn.spectral import SpectralMixing
from hfluxno.plural import plural

# The input of the spectral layers (see `hfluxno.nn.spectral`).
Coefficients = Literal["sums", "means"]
_GROUPS = 8
_POSITION_SCALE = 0.02


class DPOTBlock(eqx.Module):
    """x + MLP(Norm(y + K(y))), y = Norm(x), on (channel, *patches)."""

    first_norm: eqx.nn.GroupNorm
    second_norm: eqx.nn.GroupNorm
    mixing: SpectralMixing
    widen: eqx.nn.Linear
    narrow: eqx.nn.Linear

    def __init__(
        self,
        channels: int,
        width: int,
        modes: tuple[int, ...],
        blocks: int,
        cells: int,
        *,
        key: jax.Array,
    ):
        keys = jax.random.split(key, 3)
        self.first_norm = eqx.nn.GroupNorm(_GROUPS, channels)
        self.second_norm = eqx.nn.GroupNorm(_GROUPS, channels)
        self.mixing = SpectralMixing(channels, blocks, modes, cells, key=keys[0])
        self.widen = eqx.nn.Linear(channels, width, key=keys[1])
        self.narrow = eqx.nn.Linear(width, channels, key=keys[2])

    def __call__(self, x: Float[Array, "channel *patches"]) -> Float[Array, "channel *patches"]:
        y = self.first_norm(x)
        rows = jnp.moveaxis(self.second_norm(y + self.mixing(y)), 0, -1)
        wide = gelu(on_rows(self.widen, rows))
        return x + jnp.moveaxis(on_rows(self.narrow, wide), -1, 0)


class DPOTEncoder(Encoder):
    """Patches, a weighted sum over time, spectral layers.

    - `embed`, `embed_second`: the network from the numbers of a patch to its token.
    - `positions`: a learned vector for every place, shape (token, embedding), or `None` if the
      encoder does not see places.
    - `frequencies`: ω, shape (embedding,).
    - `weights`: W_t, shape (time, embedding, embedding).
    - `blocks`: the layers.
    - `tokens`: the number of patches along each axis.
    """

    embed: PatchEmbedding
    embed_second: eqx.nn.Linear
    positions: Float[Array, "token embedding"] | None
    frequencies: Float[Array, " embedding"]
    weights: Float[Array, "time embedding embedding"]
    blocks: tuple[DPOTBlock, ...]
    tokens: tuple[int, ...] = eqx.field(static=True)

    def __init__(
        self,
        fields: int,
        times: int,
        cells: tuple[int, ...],
        config: DPOTEncoderConfig,
        *,
        coordinates: bool,
        coefficients: Coefficients = "sums",
        key: jax.Array,
    ):
        embedding, width = config.embedding, config.patch_width
        if embedding % _GROUPS != 0:
            raise ValueError(
                f"The embedding of a DPOT encoder must be a multiple of {_GROUPS}; got {embedding}."
            )
        self.tokens = tokens_along(cells, config.patch)
        keys = jax.random.split(key, config.layers + 4)
        self.embed = PatchEmbedding(fields, width, config.patch, coordinates, key=keys[0])
        self.embed_second = eqx.nn.Linear(width, embedding, key=keys[1])
        count = math.prod(self.tokens)
        place = _POSITION_SCALE * jax.random.normal(keys[2], (count, embedding))
        self.positions = place if coordinates else None
        self.frequencies = 2.0 ** jnp.linspace(-10.0, 10.0, embedding)
        scale = 1.0 / (times * embedding**0.5)
        self.weights = scale * jax.random.normal(keys[3], (times, embedding, embedding))
        summed = count if coefficients == "sums" else 1
        self.blocks = tuple(
            DPOTBlock(embedding, config.mlp_width, config.modes, config.blocks, summed, key=k)
            for k in keys[4:]
        )

    def __call__(self, context: Context) -> Float[Array, " embedding"]:
        x = self.features(context)
        return jnp.mean(x.reshape(x.shape[0], -1), axis=1)

    def features(self, context: Context) -> Float[Array, "embedding *patches"]:
        """The output of the last layer for every patch."""
        times = self.weights.shape[0]
        if context.shape[0] != times:
            raise ValueError(
                f"This encoder reads exactly {plural(times, 'frame')}; got {context.shape[0]}."
            )
        v = gelu(self.embed(context))
        v = on_rows(self.embed_second, v)
        if self.positions is not None:
            v = v + self.positions[None]
        t = jnp.linspace(0.0, 1.0, times, dtype=v.dtype)
        v = v * jnp.cos(t[:, None] * self.frequencies[None])[:, None]
        x = jnp.einsum("tpi,tij->jp", v, self.weights).reshape(-1, *self.tokens)
        for block in self.blocks:
            x = block(x)
        return x
