"""A tiny network: advection at a learned speed, upwind. It conserves, and its answers are known."""

import itertools

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from hfluxno.models.network import ContextNetwork, Operator


class Upwind(Operator):
    number: Float[Array, ""]

    def __call__(self, u: Float[Array, "field x"]) -> Float[Array, "field x"]:
        return u - self.number * (u - jnp.roll(u, 1, axis=-1))


class Advection(ContextNetwork):
    """Advances by `number` cells a frame; with `reads`, by that times the mean square of the
    context, which falls while the mean is conserved."""

    number: Float[Array, ""]
    reads: bool = eqx.field(static=True, default=False)

    def read(self, context: Float[Array, "time field x"]) -> Upwind:
        return Upwind(self.number * jnp.mean(context**2) if self.reads else self.number)


def advected(number: float, frames: int, windows: int, cells: int = 12) -> Array:
    """Windows that the network with this number reproduces: (window, time, field, x)."""
    u = 2.0 + np.random.default_rng(3).normal(size=(windows, 1, cells))
    states = [u]
    for _ in range(frames - 1):
        states.append(states[-1] - number * (states[-1] - np.roll(states[-1], 1, axis=-1)))
    return jnp.asarray(np.stack(states, axis=1), float)


def take(source, start, count):
    """Some batches of a source."""
    iterator = source.batches(start)
    taken = list(itertools.islice(iterator, count))
    iterator.close()
    return taken
