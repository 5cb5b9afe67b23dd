"""The temporally recurrent vision transformer: the encoder of the paper.

Snapshots become patches; then every layer mixes the times of each token by a recurrent block and
the tokens of each time by a transformer block. The embedding is the mean over the normalised tokens
of the last time (HFluxNO, arXiv:2605.05488, section 3.2; Pătrăucean et al., TMLR 2025).

It is causal in time, so frames can be read one by one as they come.

The last layer is needed at the last time only. It leaves out everything that does not reach it:
its transformer block runs at one time, and its recurrent block sums over times without a scan.
"""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from hfluxno.models.encoder import Encoder
from hfluxno.nn.attention import TransformerBlock
from hfluxno.nn.patch import PatchEmbedding, tokens_along
from hfluxno.nn.recurrent_block import RecurrentBlock, RecurrentState, RecurrentWindow

POSITIONS = ("learned", "relative", "none")


class TRecViTState(eqx.Module):
    """What the encoder remembers of the frames that it has read one by one."""

    layers: tuple[RecurrentState, ...]
    first: Bool[Array, ""]


class TRecViT(Encoder):
    """The encoder of the paper.

    **Attributes:**

    - `embed`: snapshots to tokens.
    - `positions`: a learned vector for every place, shape (token, embedding), or `None`. With it
      the embedding depends on where in the domain something happens. Without it and without
      coordinates, shifts of the context by whole strides of the patches leave the embedding as it
      is.
    - `temporal`, `spatial`: the two blocks of every layer.
    - `norm`: over the embedding, at the end.
    - `tokens`: the number of patches along each axis.
    """

    embed: PatchEmbedding
    positions: Float[Array, "token embedding"] | None
    temporal: tuple[RecurrentBlock, ...]
    spatial: tuple[TransformerBlock, ...]
    norm: eqx.nn.LayerNorm
    tokens: tuple[int, ...] = eqx.field(static=True)

    def __init__(
        self,
        fields: int,
        cells: tuple[int, ...],
        *,
        patch: tuple[int, ...],
        stride: tuple[int, ...],
        embedding: int,
        layers: int,
        channels: int,
        heads: int,
        mlp_width: int,
        positions: str,
        coordinates: bool,
        activation: str,
        key: jax.Array,
    ):
        if positions not in POSITIONS:
            raise ValueError(
                f"Unknown positions {positions!r}; choose one of {', '.join(POSITIONS)}."
            )
        if layers < 1:
            raise ValueError(f"An encoder needs at least one layer; got {layers}.")
        self.tokens = tokens_along(cells, patch, stride)
        keys = jax.random.split(key, 2 + 2 * layers)
        self.embed = PatchEmbedding(fields, embedding, patch, stride, coordinates, key=keys[0])
        self.positions = None
        if positions == "learned":
            shape = (math.prod(self.tokens), embedding)
            self.positions = embedding**-0.5 * jax.random.normal(keys[1], shape)
        self.temporal = tuple(
            RecurrentBlock(embedding, channels, heads, activation, key=k) for k in keys[2::2]
        )
        relative = positions == "relative"
        self.spatial = tuple(
            TransformerBlock(embedding, mlp_width, heads, self.tokens, relative, activation, key=k)
            for k in keys[3::2]
        )
        self.norm = eqx.nn.LayerNorm(embedding)

    def __call__(self, context: Float[Array, "time field *space"]) -> Float[Array, " embedding"]:
        return self.of_window(self.window(context))

    def window(self, context: Float[Array, "time field *space"]) -> RecurrentWindow:
        return self.temporal[0].window(self._tokens(context))

    def slid(self, window: RecurrentWindow, frame: Float[Array, "field *space"]) -> RecurrentWindow:
        return self.temporal[0].slid(window, self._tokens(frame[None])[0])

    def of_window(self, window: RecurrentWindow) -> Float[Array, " embedding"]:
        v = self.temporal[0].mixed(window)
        for spatial, temporal in zip(self.spatial[:-2], self.temporal[1:-1], strict=True):
            v = temporal(spatial(v))
        several = len(self.temporal) > 1
        last = self.temporal[-1].last(self.spatial[-2](v)) if several else v[-1]
        return self._pooled(self.spatial[-1](last[None])[0])

    def states(
        self, context: Float[Array, "time field *space"]
    ) -> Float[Array, "time token embedding"]:
        """The tokens of all times after the last layer. Those of a time depend on the frames up to
        it only."""
        v = self._tokens(context)
        for temporal, spatial in zip(self.temporal, self.spatial, strict=True):
            v = spatial(temporal(v))
        return v

    def embeddings(
        self, context: Float[Array, "time field *space"]
    ) -> Float[Array, "time embedding"]:
        """The embedding of every window that starts with the first frame."""
        return jax.vmap(self._pooled)(self.states(context))

    def initial_state(self) -> TRecViTState:
        """Before the first frame."""
        count = math.prod(self.tokens)
        return TRecViTState(
            tuple(block.initial_state(count) for block in self.temporal), jnp.asarray(True)
        )

    def step(
        self, state: TRecViTState, frame: Float[Array, "field *space"]
    ) -> tuple[TRecViTState, Float[Array, " embedding"]]:
        """Reads one more frame; the embedding is that of the window from the first frame on."""
        v = self._tokens(frame[None])[0]
        layers = []
        for block, spatial, memory in zip(self.temporal, self.spatial, state.layers, strict=True):
            memory, v = block.step(memory, v, state.first)
            v = spatial(v[None])[0]
            layers.append(memory)
        return TRecViTState(tuple(layers), jnp.asarray(False)), self._pooled(v)

    def _tokens(self, context):
        v = self.embed(context)
        return v if self.positions is None else v + self.positions[None]

    def _pooled(self, v: Float[Array, "token embedding"]) -> Float[Array, " embedding"]:
        return jnp.mean(jax.vmap(self.norm)(v), axis=0)
