"""The data of one training step: windows of trajectories, their laws, and examples of these."""

import functools

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Array, Float

from hfluxno.data.recipes import recipe
from hfluxno.laws.base import ConservationLaw


class Batch(eqx.Module):
    """Windows of consecutive frames.

    - `frames`: cell averages, shape (batch, time, field, *space). The first are the context, the
      others its future.
    - `law`: the law of each window, one law with a leading axis on its coefficients; `None` if
      unknown.
    - `examples`: pairs of states of other trajectories of the law, shape
      (batch, pair, 2, field, *space), for networks that are shown them.
    """

    frames: Float[Array, "batch time field *space"] | Float[np.ndarray, "batch time field *space"]
    law: ConservationLaw | None = None
    examples: (
        Float[Array, "batch pair 2 field *space"]
        | Float[np.ndarray, "batch pair 2 field *space"]
        | None
    ) = None


def batch_of(
    law: str,
    frames: Float[np.ndarray, "batch time field *space"],
    coefficients: Float[np.ndarray, "batch parameter"],
) -> Batch:
    """Windows of the law of that name with the given coefficients, in single precision."""
    coefficients = np.asarray(coefficients, np.float32)
    return Batch(np.asarray(frames, np.float32), _constructor(law)(coefficients))


@functools.lru_cache(maxsize=16)
def _constructor(law: str):
    """Compiled coefficients ↦ laws; a law is unbatched, so `vmap` makes the batch of them."""
    made = recipe(law)

    def one(coefficients):
        return made.law(**{name: coefficients[i] for i, name in enumerate(made.ranges)})

    return jax.jit(jax.vmap(one))
