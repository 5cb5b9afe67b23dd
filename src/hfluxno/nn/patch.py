"""Patches of a periodic field as tokens.

A snapshot is cut into patches, and each patch becomes one vector (Dosovitskiy et al., ICLR 2021).
Cutting is a reshape and embedding is one matrix product, which is a convolution whose stride is
its width.
"""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from hfluxno.nn.linear import on_rows


def cut(u: Float[Array, "..."], patch: tuple[int, ...]) -> Float[Array, "..."]:
    """The patches of fields (*lead, channel, *space) as rows: (*lead, token, channel·cells).

    Tokens run fastest over the last space axis; a row runs over channels, then the cells of the
    patch.
    """
    axes = len(patch)
    lead, space = u.shape[: u.ndim - axes - 1], u.shape[u.ndim - axes :]
    split = [n for pair in zip(tokens_along(space, patch), patch, strict=True) for n in pair]
    # To (*lead, channel, tokens₁, width₁, tokens₂, width₂, …).
    u = u.reshape(*u.shape[: u.ndim - axes], *split)
    first = len(lead) + 1
    tokens = [first + 2 * axis for axis in range(axes)]
    widths = [first + 2 * axis + 1 for axis in range(axes)]
    order = [*range(len(lead)), *tokens, len(lead), *widths]
    count = math.prod(u.shape[axis] for axis in tokens)
    return u.transpose(order).reshape(*lead, count, -1)


def joined(
    rows: Float[Array, "token cell channel"], tokens: tuple[int, ...], patch: tuple[int, ...]
) -> Float[Array, "channel *space"]:
    """A field from patches side by side: the inverse of `cut`, except for the order in a row."""
    axes, channels = len(patch), rows.shape[-1]
    u = rows.reshape(*tokens, *patch, channels)
    order = [2 * axes, *(axis for i in range(axes) for axis in (i, axes + i))]
    space = [n * width for n, width in zip(tokens, patch, strict=True)]
    return u.transpose(order).reshape(channels, *space)


def tokens_along(cells: tuple[int, ...], patch: tuple[int, ...]) -> tuple[int, ...]:
    """The number of patches along each axis. Raises `ValueError` if the patch does not divide the
    cells."""
    if len(cells) != len(patch):
        raise ValueError(
            f"A patch needs one number of cells per axis; got {patch} for {len(cells)} axes."
        )
    for n, width in zip(cells, patch, strict=True):
        if width < 1 or n % width != 0:
            raise ValueError(f"The patch must divide the {n} cells; got {width}.")
    return tuple(n // width for n, width in zip(cells, patch, strict=True))


def coordinates(shape: tuple[int, ...]) -> np.ndarray:
    """The place of every cell, from 0 at the first to 1 at the last, one channel per axis."""
    axes = [np.linspace(0.0, 1.0, n) for n in shape]
    return np.stack(np.meshgrid(*axes, indexing="ij"))


def with_coordinates(u: Float[Array, "..."], axes: int) -> Float[Array, "..."]:
    """Fields (*lead, channel, *space) with the place of every cell as further channels."""
    lead, space = u.shape[: u.ndim - axes - 1], u.shape[u.ndim - axes :]
    place = jnp.asarray(coordinates(space), u.dtype)
    place = jnp.broadcast_to(place, (*lead, *place.shape))
    return jnp.concatenate([u, place], axis=len(lead))


class PatchEmbedding(eqx.Module):
    """Snapshots (time, channel, *space) to tokens (time, token, embedding).

    - `linear`: from the numbers of a patch to the embedding.
    - `patch`: the cells of a patch along each axis.
    - `coordinates`: whether the place of every cell is appended as channels.
    """

    linear: eqx.nn.Linear
    patch: tuple[int, ...] = eqx.field(static=True)
    coordinates: bool = eqx.field(static=True)

    def __init__(
        self,
        fields: int,
        embedding: int,
        patch: tuple[int, ...],
        coordinates: bool,
        *,
        key: jax.Array,
    ):
        channels = fields + len(patch) if coordinates else fields
        self.linear = eqx.nn.Linear(channels * math.prod(patch), embedding, key=key)
        self.patch, self.coordinates = patch, coordinates

    def __call__(
        self, u: Float[Array, "time field *space"]
    ) -> Float[Array, "time token embedding"]:
        if self.coordinates:
            u = with_coordinates(u, len(self.patch))
        return on_rows(self.linear, cut(u, self.patch))
