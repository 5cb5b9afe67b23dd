"""Symmetries that map conservation laws to conservation laws, as augmentation.

With v(x, t) = M u(σ(x - s), t):

| symmetry | M | σ |
|---|---|---|
| shift by s | 1 | 1 |
| reflection | -1 for the fields that are odd in x, else 1 | -1 |

A scheme without a preferred direction commutes with both, so a transformed trajectory is as good as
a solved one. `ReflectedLaw` is the law that it obeys.
"""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from hfluxno.laws.base import ConservationLaw
from hfluxno.strict_json import without
from hfluxno.training.batch import Batch
from hfluxno.training.reflected_law import ReflectedLaw, signs_of_fields


@dataclasses.dataclass(frozen=True)
class AugmentConfig:
    """Which symmetries are drawn, each for itself and for each window.

    **Attributes:**

    - `shift`: a whole number of cells, uniform; for periodic grids.
    - `reflection`: with probability one half.
    """

    shift: bool = False
    reflection: bool = False

    @classmethod
    def upgraded(cls, data: dict[str, Any], where: str) -> dict[str, Any]:
        return without(data, where, sign=False, scale=1.0, pace=1)

    @property
    def description(self) -> str:
        """The symmetries that are drawn."""
        drawn = [name for name in ("shift", "reflection") if getattr(self, name)]
        return ", ".join(drawn) or "none"

    @property
    def active(self) -> bool:
        return self.shift or self.reflection


def augment(config: AugmentConfig, batch: Batch, key: PRNGKeyArray) -> Batch:
    """Another batch of the same shape.

    **Raises:**

    - `ValueError`, if the laws of the batch are not known.
    """
    if batch.law is None:
        raise ValueError("Augmentation needs the laws of a batch; use data that hold them.")
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
