"""Patches of a periodic field as tokens.

A snapshot is cut into patches, and each patch becomes one vector (Dosovitskiy et al., ICLR 2021).
Cutting is a reshape and embedding is one matrix product, which is a convolution whose stride is
its width.

With a stride shorter than the patch the patches overlap, around the periodic boundary. A shift of
the field by whole strides permutes the tokens; with a stride of one cell that is any shift.
"""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from hfluxno.nn.linear import on_rows


def cut(
    u: Float[Array, "..."],
    patch: tuple[int, ...],
    stride: tuple[int, ...],
) -> Float[Array, "..."]:
    """The patches of fields (*lead, channel, *space) as rows: (*lead, token, channel·cells).

    Tokens count the last space axis fastest; a row counts channels, then the cells of the patch.
    """
    axes = len(patch)
    lead = u.shape[: u.ndim - axes - 1]
    for axis, (width, step) in enumerate(zip(patch, stride, strict=True)):
        position = len(lead) + 1 + 2 * axis
        u = _windows(u, position, width, step)
    # Now (*lead, channel, tokens₁, width₁, tokens₂, width₂, …).
    first = len(lead) + 1
    tokens = [first + 2 * axis for axis in range(axes)]
    widths = [first + 2 * axis + 1 for axis in range(axes)]
    order = [*range(len(lead)), *tokens, len(lead), *widths]
    count = math.prod(u.shape[axis] for axis in tokens)
    return u.transpose(order).reshape(*lead, count, -1)


def joined(
    rows: Float[Array, "token cell channel"], tokens: tuple[int, ...], patch: tuple[int, ...]
) -> Float[Array, "channel *space"]:
    """A field from patches side by side: what `cut` takes apart, but for the order in a row."""
    axes, channels = len(patch), rows.shape[-1]
    u = rows.reshape(*tokens, *patch, channels)
    order = [2 * axes, *(axis for i in range(axes) for axis in (i, axes + i))]
    space = [n * width for n, width in zip(tokens, patch, strict=True)]
    return u.transpose(order).reshape(channels, *space)


def _windows(u, position, width, step):
    """Replaces one axis by (window, cell of the window)."""
    cells = u.shape[position]
    before, after = u.shape[:position], u.shape[position + 1 :]
    if step == width:
        return u.reshape(*before, cells // width, width, *after)
    starts = [
        jax.lax.slice_in_dim(jnp.roll(u, -k, position), 0, cells, step, position)
        for k in range(width)
    ]
    return jnp.stack(starts, position + 1)


def tokens_along(
    cells: tuple[int, ...], patch: tuple[int, ...], stride: tuple[int, ...]
) -> tuple[int, ...]:
    """The number of patches along each axis.

    **Raises:**

    - `ValueError`, where the stride does not divide the cells or exceeds the patch.
    """
    if not len(cells) == len(patch) == len(stride):
        raise ValueError(
            f"Patches and strides need one entry per axis; got {patch} and {stride} for "
            f"{len(cells)} axes."
        )
    for n, width, step in zip(cells, patch, stride, strict=True):
        if not 1 <= step <= width <= n or n % step != 0:
            raise ValueError(
                f"Patches of {width} cells every {step} cells do not fit {n} cells: the stride "
                "must divide the cells and be no longer than the patch."
            )
    return tuple(n // step for n, step in zip(cells, stride, strict=True))


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

    **Attributes:**

    - `linear`: from the numbers of a patch to the embedding.
    - `patch`, `stride`: the cells of a patch, and between the starts of two, along each axis.
    - `coordinates`: whether the place of every cell is appended as channels.
    """

    linear: eqx.nn.Linear
    patch: tuple[int, ...] = eqx.field(static=True)
    stride: tuple[int, ...] = eqx.field(static=True)
    coordinates: bool = eqx.field(static=True)

    def __init__(
        self,
        fields: int,
        embedding: int,
        patch: tuple[int, ...],
        stride: tuple[int, ...],
        coordinates: bool,
        *,
        key: jax.Array,
    ):
        channels = fields + len(patch) if coordinates else fields
        self.linear = eqx.nn.Linear(channels * math.prod(patch), embedding, key=key)
        self.patch, self.stride, self.coordinates = patch, stride, coordinates

    def __call__(
        self, u: Float[Array, "time field *space"]
    ) -> Float[Array, "time token embedding"]:
        if self.coordinates:
            u = with_coordinates(u, len(self.patch))
        return on_rows(self.linear, cut(u, self.patch, self.stride))
