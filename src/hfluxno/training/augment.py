"""Symmetries that map conservation laws to conservation laws, as augmentation.

With v(x, t) = M u(σ(x - s), t):

| symmetry | M | σ |
|---|---|---|
| shift by s | 1 | 1 |
| reflection | -1 for the fields that are odd in x, else 1 | -1 |

A scheme without a preferred direction commutes with both, so a transformed trajectory is as good as
a solved one. `ReflectedLaw` is the law that it obeys.

In two dimensions both act along each axis, and axes with equal numbers of cells may be swapped, a
reflection about the diagonal. The law is unchanged if it has no preferred direction, as in gas
dynamics.
"""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from hfluxno.laws.base import ConservationLaw
from hfluxno.training.batch import Batch
from hfluxno.training.reflected_law import ReflectedLaw, signs_of_fields


@dataclasses.dataclass(frozen=True)
class AugmentConfig:
    """Which symmetries are drawn, independently for each window.

    - `shift`: a whole number of cells, uniform; for periodic grids.
    - `reflection`: with probability one half, in two dimensions for each axis and for their swap.
    """

    shift: bool = False
    reflection: bool = False

    @property
    def description(self) -> str:
        """The symmetries that are drawn."""
        drawn = [name for name in ("shift", "reflection") if getattr(self, name)]
        return ", ".join(drawn) or "none"

    @property
    def active(self) -> bool:
        return self.shift or self.reflection


def augment(config: AugmentConfig, batch: Batch, key: PRNGKeyArray) -> Batch:
    """Another batch of the same shape. Raises `ValueError` if the laws of the batch are unknown."""
    if batch.law is None:
        raise ValueError("Augmentation needs the laws of a batch; use data that contain them.")
    keys = jax.random.split(key, batch.frames.shape[0])
    if batch.frames.ndim == 5:
        vectors = batch.law.vectors
        turned = jax.vmap(lambda frames, key: _on_a_plane(config, frames, vectors, key))
        return Batch(turned(jnp.asarray(batch.frames), keys), batch.law)
    frames, law = jax.vmap(lambda *sample: _one(config, *sample))(
        jnp.asarray(batch.frames), batch.law, keys
    )
    return Batch(frames, law)


def _one(
    config: AugmentConfig,
    frames: Float[Array, "time field x"],
    law: ConservationLaw,
    key: PRNGKeyArray,
) -> tuple[Float[Array, "time field x"], ReflectedLaw]:
    shift_key, flip_key = jax.random.split(key)
    direction = jnp.ones((), frames.dtype)
    if config.shift:
        cells = jax.random.randint(shift_key, (), 0, frames.shape[-1])
        frames = jnp.roll(frames, cells, axis=-1)
    if config.reflection:
        flip = jax.random.bernoulli(flip_key)
        frames = jnp.where(flip, frames[..., ::-1], frames)
        direction = jnp.where(flip, -direction, direction)
    frames = frames * signs_of_fields(law, direction)[None, :, None]
    return frames, ReflectedLaw(law.fields, law, direction)


def _on_a_plane(
    config: AugmentConfig,
    frames: Float[Array, "time field x y"],
    vectors: tuple[tuple[int, ...], ...],
    key: PRNGKeyArray,
) -> Float[Array, "time field x y"]:
    for axis in range(2):
        shift_key, flip_key = jax.random.split(jax.random.fold_in(key, axis))
        if config.shift:
            cells = jax.random.randint(shift_key, (), 0, frames.shape[2 + axis])
            frames = jnp.roll(frames, cells, axis=2 + axis)
        if config.reflection:
            odd = np.isin(np.arange(frames.shape[1]), [vector[axis] for vector in vectors])
            signs = np.where(odd, -1.0, 1.0)[None, :, None, None]
            mirrored = jnp.flip(frames, 2 + axis) * jnp.asarray(signs, frames.dtype)
            frames = jnp.where(jax.random.bernoulli(flip_key), mirrored, frames)
    if config.reflection and frames.shape[2] == frames.shape[3]:
        order = np.arange(frames.shape[1])
        for first, second in vectors:
            order[first], order[second] = second, first
        turned = jnp.swapaxes(frames[:, order], 2, 3)
        frames = jnp.where(jax.random.bernoulli(jax.random.fold_in(key, 2)), turned, frames)
    return frames
