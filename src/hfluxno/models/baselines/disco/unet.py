"""The right-hand side of DISCO's differential equation: a small U-Net on a periodic domain.

    du/dt = leave(…double(bottom(…halve(enter(u))…))…)

At every level the cells are halved and the channels doubled, then back, and the state before each
halving is used again on the way back (Ronneberger et al., MICCAI 2015, in the form of Morel et al.,
ICML 2025). All its parameters are written by the hypernetwork: the norms have none.
"""

import itertools

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from hfluxno.models.baselines.disco.convolution import (
    Convolution,
    circular,
    doubled,
    halved,
    pointwise,
)
from hfluxno.models.network import Frame
from hfluxno.nn.linear import gelu

_EPSILON = 1e-5


class UNet(eqx.Module):
    """Weights of zero, for the hypernetwork to fill.

    - `enter`: two convolutions, from the fields to the channels.
    - `halvings`: for each level, from the finest, the halving of the cells and a convolution of
      every channel separately.
    - `bottom`: two layers at every cell of the coarsest level.
    - `doublings`: for each level, from the coarsest, the doubling of the cells and a convolution in
      which every output sees two channels.
    - `leave`: two convolutions, from the channels to the fields.
    - `groups`: the number of groups of channels that are normalised separately.
    """

    enter: tuple[Convolution, Convolution]
    halvings: tuple[tuple[Convolution, Convolution], ...]
    bottom: tuple[Convolution, Convolution]
    doublings: tuple[tuple[Convolution, Convolution], ...]
    leave: tuple[Convolution, Convolution]
    groups: int = eqx.field(static=True)

    def __init__(self, fields: int, axes: int, channels: int, groups: int, levels: int):
        one, two, three = ((n,) * axes for n in (1, 2, 3))
        sizes = [channels * 2**level for level in range(levels + 1)]
        steps = list(itertools.pairwise(sizes))
        self.enter = (Convolution(fields, channels, three), Convolution(channels, channels, three))
        self.halvings = tuple(
            (Convolution(fine, coarse, two), Convolution(1, coarse, three))
            for fine, coarse in steps
        )
        last = sizes[-1]
        self.bottom = (Convolution(last, 2 * last, one), Convolution(2 * last, last, one))
        self.doublings = tuple(
            (Convolution(coarse, fine, two), Convolution(2, fine, three))
            for fine, coarse in reversed(steps)
        )
        self.leave = (Convolution(channels, channels, three), Convolution(channels, fields, three))
        self.groups = groups

    def __call__(self, u: Frame) -> Frame:
        u = self._bent(circular(self.enter[1], circular(self.enter[0], u)))
        passed = []
        for halve, mix in self.halvings:
            passed.append(u)
            u = self._bent(circular(mix, self._bent(halved(halve, u))))
        u = u + pointwise(self.bottom[1], self._bent(pointwise(self.bottom[0], u)))
        for double, mix in self.doublings:
            fine = passed.pop()
            both = jnp.concatenate([doubled(double, u, fine.shape[1:]), fine])
            u = self._bent(circular(mix, both))
        return circular(self.leave[1], self._bent(circular(self.leave[0], u)))

    def _bent(self, u):
        return gelu(normalised(u, self.groups))


def normalised(u: Float[Array, "channel *space"], groups: int) -> Float[Array, "channel *space"]:
    """Every group of channels with mean 0 and variance 1, over its channels and all cells."""
    rows = u.reshape(groups, -1)
    rows = rows - jnp.mean(rows, axis=1, keepdims=True)
    variance = jnp.mean(jnp.square(rows), axis=1, keepdims=True)
    return (rows * jax.lax.rsqrt(variance + _EPSILON)).reshape(u.shape)


def usual_bounds(unet: UNet) -> tuple[float, ...]:
    """For every array of `unet` the bound of its usual uniform initialisation."""
    layers = jax.tree.leaves(unet, is_leaf=lambda part: isinstance(part, Convolution))
    return tuple(layer.bound for layer in layers for _ in ("weight", "bias"))
