"""The encoder of DISCO: an axial vision transformer over patches.

A context is standardised, lifted to a quarter of the embedding at every cell, cut into patches in
three stages, and read by blocks of attention (see `hfluxno.models.baselines.disco.attention`); the
embedding is the mean of all tokens. Tokens do not know their absolute place.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from hfluxno.models.baselines.disco.attention import SPACE, SpaceBlock, TimeBlock
from hfluxno.models.baselines.disco.standard import moments
from hfluxno.models.encoder import Encoder
from hfluxno.models.network import Context
from hfluxno.nn.linear import gelu, on_rows
from hfluxno.nn.patch import cut


class Stage(eqx.Module):
    """Small patches of every frame to vectors, which are normalised over the frame.

    - `linear`: from the numbers of a patch.
    - `norm`: over all channels and places.
    - `width`: the cells of a patch along each axis.
    """

    linear: eqx.nn.Linear
    norm: eqx.nn.GroupNorm
    width: int = eqx.field(static=True)

    def __init__(self, inputs: int, outputs: int, width: int, axes: int, *, key: jax.Array):
        self.linear = eqx.nn.Linear(inputs * width**axes, outputs, key=key)
        self.norm = eqx.nn.GroupNorm(1, outputs)
        self.width = width

    def __call__(
        self, frames: Float[Array, "time channel *space"]
    ) -> Float[Array, "time outputs *patches"]:
        """Cells that do not fill a patch are left out."""
        patches = tuple(n // self.width for n in frames.shape[2:])
        whole = tuple(slice(n * self.width) for n in patches)
        each = (self.width,) * len(patches)
        rows = on_rows(self.linear, cut(frames[(slice(None), slice(None), *whole)], each))
        return jax.vmap(self.norm)(rows.swapaxes(1, 2).reshape(len(frames), -1, *patches))


class AxialTransformer(Encoder):
    """Patches, and blocks of attention along time and along each axis of space.

    - `lift`: from the fields of a cell.
    - `stages`: to patches of a quarter of the width, then of half of it, then of all.
    - `blocks`: along time and along space, in turn.
    """

    lift: eqx.nn.Linear
    stages: tuple[Stage, ...]
    blocks: tuple[tuple[TimeBlock, SpaceBlock], ...]

    def __init__(
        self,
        fields: int,
        axes: int,
        *,
        patch: int,
        embedding: int,
        blocks: int,
        heads: int,
        key: jax.Array,
    ):
        lift_key, stage_key, block_key = jax.random.split(key, 3)
        quarter = embedding // 4
        self.lift = eqx.nn.Linear(fields, quarter, key=lift_key)
        sizes = ((quarter, patch // 4), (quarter, 2), (embedding, 2))
        self.stages = tuple(
            Stage(quarter, outputs, width, axes, key=k)
            for (outputs, width), k in zip(sizes, jax.random.split(stage_key, 3), strict=True)
        )
        keys = jax.random.split(block_key, (blocks, 2))
        self.blocks = tuple(
            (TimeBlock(embedding, heads, key=k[0]), SpaceBlock(embedding, heads, key=k[1]))
            for k in keys
        )

    def __call__(self, context: Context) -> Float[Array, " embedding"]:
        mean, deviation = moments(context, (0, *range(2, context.ndim)))
        x = self.tokens((context - mean) / deviation)
        for along_time, along_space in self.blocks:
            x = along_space(along_time(x))
        return jnp.mean(x.reshape(-1, x.shape[-1]), axis=0)

    def thinned(self, most: float, key: Key[Array, ""]) -> "AxialTransformer":
        """The same encoder without some branches of its blocks, for one window.

        A branch is left out with probability p, which rises linearly from 0 in the first block to
        `most` in the last, and otherwise divided by 1 - p, so that its mean is that of the whole
        encoder. Every block has three: attention along time, along space, and the small network.
        """
        rates = np.linspace(0.0, most, len(self.blocks))
        keys = jax.random.split(key, (len(self.blocks), 3))

        def scale(block: int, branch: int, s: Float[Array, " embedding"]):
            kept = 1.0 - float(rates[block])
            stays = jax.random.bernoulli(keys[block, branch], kept)
            return s * (stays.astype(s.dtype) / kept)

        # The scale of a branch is its last factor, for all times and places at once.
        blocks = tuple(
            (
                eqx.tree_at(lambda b: b.scale, time, scale(i, 0, time.scale)),
                eqx.tree_at(
                    lambda b: (b.scale, b.mlp_scale),
                    space,
                    (scale(i, 1, space.scale), scale(i, 2, space.mlp_scale)),
                ),
            )
            for i, (time, space) in enumerate(self.blocks)
        )
        return eqx.tree_at(lambda encoder: encoder.blocks, self, blocks)

    def tokens(self, frames: Context) -> Float[Array, "time x y z embedding"]:
        """The input of the first block; missing axes have length 1."""
        v = jnp.moveaxis(on_rows(self.lift, jnp.moveaxis(frames, 1, -1)), -1, 1)
        for stage in self.stages[:-1]:
            v = gelu(stage(v))
        v = jnp.moveaxis(self.stages[-1](v), 1, -1)
        times, *patches, embedding = v.shape
        return v.reshape(times, *patches, *(1,) * (SPACE - len(patches)), embedding)
