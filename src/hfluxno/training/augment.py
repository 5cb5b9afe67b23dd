"""Symmetries that map conservation laws to conservation laws, as augmentation.

With v(x, t) = M u(σ(x - s), λt):

| symmetry | M | σ | λ |
|---|---|---|---|
| shift | 1 | 1 | 1 |
| reflection | -1 for the fields that are odd in x, else 1 | -1 | 1 |
| sign | -1 | 1 | 1 |
| scale | c > 0 | 1 | 1 |
| pace | 1 | 1 | 1, 2, … |

A scheme without a preferred direction or scale commutes with all of them, so a transformed
trajectory is as good as a solved one. `TransformedLaw` is the law that it obeys. The pace leaves
out frames, so it needs windows that are longer by its factor. Where v leaves the law's family (a
cubic of twice the speed), the data become more varied than the set that they come from.
"""

import dataclasses
import math

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from hfluxno.laws.base import ConservationLaw
from hfluxno.training.batch import Batch
from hfluxno.training.transformed_law import TransformedLaw


@dataclasses.dataclass(frozen=True)
class AugmentConfig:
    """Which symmetries are drawn, each for itself and for each window.

    **Attributes:**

    - `shift`: a whole number of cells, uniform; for periodic grids.
    - `reflection`: with probability one half.
    - `sign`: with probability one half; for one field.
    - `scale`: the largest factor c; log c is uniform in ± log `scale`.
    - `pace`: the largest λ, uniform in 1, …, `pace`.
    """

    shift: bool = False
    reflection: bool = False
    sign: bool = False
    scale: float = 1.0
    pace: int = 1

    @property
    def description(self) -> str:
        """The symmetries that are drawn."""
        drawn = [name for name in ("shift", "reflection", "sign") if getattr(self, name)]
        drawn += [
            f"{name} {getattr(self, name):g}"
            for name in ("scale", "pace")
            if getattr(self, name) != 1
        ]
        return ", ".join(drawn) or "none"

    def __post_init__(self):
        if not self.scale >= 1.0:
            raise ValueError(f"The scale of the augmentation is at least 1; got {self.scale}.")
        if self.pace < 1:
            raise ValueError(f"The pace of the augmentation is at least 1; got {self.pace}.")

    @property
    def active(self) -> bool:
        return self != AugmentConfig()

    def frames(self, needed: int) -> int:
        """How many frames a window must have for `needed` ones to be left."""
        return self.pace * (needed - 1) + 1


def augment(config: AugmentConfig, batch: Batch, key: PRNGKeyArray) -> Batch:
    """Another batch of the same shape, but for the frames that the pace needs.

    **Raises:**

    - `ValueError`, where a symmetry is asked for that the fields do not have.
    """
    if batch.law is None:
        raise ValueError("Augmentation needs the laws of a batch; use data that hold them.")
    if config.sign and batch.frames.shape[2] > 1:
        raise ValueError(
            "The sign is a symmetry of one field only; leave it out for the fields "
            f"{', '.join(batch.law.fields)}."
        )
    keys = jax.random.split(key, batch.frames.shape[0])
    frames, law = jax.vmap(lambda *sample: _one(config, *sample))(
        jnp.asarray(batch.frames), batch.law, keys
    )
    return Batch(frames, law)


def _one(
    config: AugmentConfig,
    frames: Float[Array, "time field x"],
    law: ConservationLaw,
    key: PRNGKeyArray,
) -> tuple[Float[Array, "time_left field x"], TransformedLaw]:
    dtype = frames.dtype
    shift_key, flip_key, sign_key, scale_key, pace_key = jax.random.split(key, 5)
    factors = jnp.ones(frames.shape[1], dtype)
    direction, pace = jnp.ones((), dtype), jnp.ones((), dtype)
    if config.pace > 1:
        stride = jax.random.randint(pace_key, (), 1, config.pace + 1)
        left = (frames.shape[0] - 1) // config.pace + 1
        frames = frames[stride * jnp.arange(left)]
        pace = stride.astype(dtype)
    if config.shift:
        cells = jax.random.randint(shift_key, (), 0, frames.shape[-1])
        frames = jnp.roll(frames, cells, axis=-1)
    if config.reflection:
        flip = jax.random.bernoulli(flip_key)
        frames = jnp.where(flip, frames[..., ::-1], frames)
        direction = jnp.where(flip, -direction, direction)
        odd = jnp.asarray([-1.0 if i in law.odd_fields else 1.0 for i in range(len(factors))])
        factors = jnp.where(flip, odd.astype(dtype), factors)
    if config.sign:
        factors = jnp.where(jax.random.bernoulli(sign_key), -factors, factors)
    if config.scale > 1.0:
        bound = math.log(config.scale)
        factors *= jnp.exp(jax.random.uniform(scale_key, (), dtype, -bound, bound))
    return frames * factors[None, :, None], TransformedLaw(
        law.fields, law, factors, direction, pace
    )
