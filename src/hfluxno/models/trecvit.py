"""The temporally recurrent vision transformer: the encoder of the paper.

Snapshots become patches; then every layer mixes the times of each token by a recurrent block and
the tokens of each time by a transformer block. The embedding is the mean over the normalised tokens
of the last time (HFluxNO, arXiv:2605.05488, section 3.2; Pătrăucean et al., TMLR 2025).

Only the last time of the last layer is needed, so that layer leaves out everything else: its
transformer block runs at one time, and its recurrent block sums over times without a scan.
"""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from hfluxno.models.encoder import Encoder
from hfluxno.models.network import Context, Frame
from hfluxno.models.parts import TRecViTConfig
from hfluxno.nn.attention import TransformerBlock
from hfluxno.nn.patch import PatchEmbedding, tokens_along
from hfluxno.nn.recurrent_block import RecurrentBlock, RecurrentWindow


class TRecViT(Encoder):
    """The encoder of the paper.

    - `embed`: snapshots to tokens.
    - `positions`: a learned vector for every place, shape (token, embedding): the embedding depends
      on where in the domain something happens.
    - `temporal`, `spatial`: the two blocks of every layer.
    - `norm`: over the embedding, at the end.
    """

    embed: PatchEmbedding
    positions: Float[Array, "token embedding"]
    temporal: tuple[RecurrentBlock, ...]
    spatial: tuple[TransformerBlock, ...]
    norm: eqx.nn.LayerNorm

    def __init__(
        self,
        fields: int,
        cells: tuple[int, ...],
        config: TRecViTConfig,
        *,
        coordinates: bool,
        key: jax.Array,
    ):
        layers, embedding = config.layers, config.embedding
        if layers < 1:
            raise ValueError(f"An encoder needs at least one layer; got {layers}.")
        tokens = math.prod(tokens_along(cells, config.patch))
        keys = jax.random.split(key, 2 + 2 * layers)
        self.embed = PatchEmbedding(fields, embedding, config.patch, coordinates, key=keys[0])
        self.positions = embedding**-0.5 * jax.random.normal(keys[1], (tokens, embedding))
        self.temporal = tuple(
            RecurrentBlock(embedding, config.channels, config.heads, key=k) for k in keys[2::2]
        )
        self.spatial = tuple(
            TransformerBlock(embedding, config.mlp_width, config.heads, key=k) for k in keys[3::2]
        )
        self.norm = eqx.nn.LayerNorm(embedding)

    def __call__(self, context: Context) -> Float[Array, " embedding"]:
        return self.of_window(self.window(context))

    def window(self, context: Context) -> RecurrentWindow:
        return self.temporal[0].window(self._tokens(context))

    def shifted(self, window: RecurrentWindow, frame: Frame) -> RecurrentWindow:
        return self.temporal[0].shifted(window, self._tokens(frame[None])[0])

    def of_window(self, window: RecurrentWindow) -> Float[Array, " embedding"]:
        v = self.temporal[0].mixed(window)
        for spatial, temporal in zip(self.spatial[:-2], self.temporal[1:-1], strict=True):
            v = temporal(spatial(v))
        several = len(self.temporal) > 1
        last = self.temporal[-1].last(self.spatial[-2](v)) if several else v[-1]
        return jnp.mean(jax.vmap(self.norm)(self.spatial[-1](last[None])[0]), axis=0)

    def _tokens(self, context):
        return self.embed(context) + self.positions[None]
