"""The vision transformer over space and time: an alternative encoder of the paper's ablation.

Patches of space and time become tokens, through hidden layers on every patch; every layer mixes all
of them; the embedding is their mean (Dosovitskiy et al., ICLR 2021). Attention over all tokens
makes it more expensive than a recurrent encoder, and it must read the window again when a frame is
added.

The authors' ablation has 32 hidden layers on every patch, without skip connections: in a fresh
network the difference between two patches reaches the tokens with less than a rounding error of
single precision.
"""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from hfluxno.models.encoder import Encoder
from hfluxno.models.network import Context
from hfluxno.models.parts import ViTConfig
from hfluxno.nn.attention import TransformerBlock
from hfluxno.nn.linear import gelu, on_rows
from hfluxno.nn.patch import PatchEmbedding, tokens_along, with_coordinates

_LONGEST = 10_000.0


class ViT(Encoder):
    """A plain vision transformer with fixed positions.

    - `embed`: patches of space and time to the first hidden layer, or to tokens if there is
      none; time is its first axis.
    - `patch_layers`: from each hidden layer to the next one, and to tokens.
    - `blocks`: the layers.
    - `norm`: over the embedding, at the end.
    - `coordinates`: whether the place of every cell is appended to the fields, and the fixed
      positions encode places too, or times only.
    """

    embed: PatchEmbedding
    patch_layers: tuple[eqx.nn.Linear, ...]
    blocks: tuple[TransformerBlock, ...]
    norm: eqx.nn.LayerNorm
    coordinates: bool = eqx.field(static=True)

    def __init__(
        self,
        fields: int,
        times: int,
        cells: tuple[int, ...],
        config: ViTConfig,
        *,
        coordinates: bool,
        key: jax.Array,
    ):
        axes, embedding, depth = 1 + len(cells), config.embedding, config.patch_depth
        if embedding % (2 * axes) != 0:
            raise ValueError(
                f"The embedding of a vision transformer over {axes} axes must be a multiple of "
                f"{2 * axes}; got {embedding}."
            )
        tokens_along((times, *cells), config.patch)
        keys = jax.random.split(key, 1 + depth + config.layers)
        # A place is appended to every frame, but no time.
        channels = fields + len(cells) if coordinates else fields
        self.embed = PatchEmbedding(channels, embedding, config.patch, False, key=keys[0])
        self.patch_layers = tuple(
            eqx.nn.Linear(embedding, embedding, key=k) for k in keys[1 : 1 + depth]
        )
        self.blocks = tuple(
            TransformerBlock(embedding, config.mlp_width, config.heads, key=k)
            for k in keys[1 + depth :]
        )
        self.norm = eqx.nn.LayerNorm(embedding)
        self.coordinates = coordinates

    def __call__(self, context: Context) -> Float[Array, " embedding"]:
        v = self.tokens(context)[None]
        for block in self.blocks:
            v = block(v)
        return jnp.mean(jax.vmap(self.norm)(v[0]), axis=0)

    def tokens(self, context: Context) -> Float[Array, "token embedding"]:
        """The input of the first layer."""
        sizes = (context.shape[0], *context.shape[2:])
        tokens = tokens_along(sizes, self.embed.patch)
        if self.coordinates:
            context = with_coordinates(context, context.ndim - 2)
        v = self.embed(jnp.moveaxis(context, 0, 1)[None])[0]
        for layer in self.patch_layers:
            v = on_rows(layer, gelu(v))
        known = tokens if self.coordinates else (tokens[0], *(1 for _ in tokens[1:]))
        return v + jnp.asarray(waves(tokens, known, v.shape[-1]), v.dtype)


def waves(tokens: tuple[int, ...], known: tuple[int, ...], embedding: int) -> np.ndarray:
    """Sines and cosines of every token's index along each axis, shape (token, embedding).

    The wave numbers run from 1 to 1/10 000. An axis of length one in `known` is left out: all its
    tokens get the same numbers.
    """
    count = embedding // (2 * len(tokens))
    numbers = _LONGEST ** -np.linspace(0.0, 1.0, count)
    places = np.stack(np.unravel_index(np.arange(math.prod(tokens)), tokens))
    parts = []
    # Space first, time last.
    for place, length in zip(places[::-1], known[::-1], strict=True):
        phase = np.outer(place if length > 1 else np.zeros_like(place), numbers)
        parts += [np.sin(phase), np.cos(phase)]
    return np.concatenate(parts, axis=1)
