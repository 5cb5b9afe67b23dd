"""Convolutions of a periodic field whose weights are data.

Every window has an operator with its own weights, and XLA turns a batch of convolutions with
different weights into one grouped convolution, which on a CPU is ten times slower than this: the
neighbours of all cells side by side, and a matrix product.

    circular   y_i = b + Σ_k W_k u_{i+k},      k = -1, 0, 1 around the domain
    pointwise  y_i = b + W u_i
    halved     y_i = b + W_0 u_{2i} + W_1 u_{2i+1}
    doubled    y_{2i+k} = b + W_k u_i,          the transpose of `halved`

with matrices from input to output channels, and the same along several axes.
"""

import math

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float


class Convolution(eqx.Module):
    """The weights of a convolution, zero until a hypernetwork writes them.

    - `weight`: W, with the taps along each axis last.
    - `bias`: b.
    """

    weight: Float[Array, "outputs inputs *taps"]
    bias: Float[Array, " outputs"]

    def __init__(self, inputs: int, outputs: int, taps: tuple[int, ...]):
        self.weight = jnp.zeros((outputs, inputs, *taps))
        self.bias = jnp.zeros(outputs)

    @property
    def bound(self) -> float:
        """Weights are usually drawn between this number and its negative: 1/√(terms of a sum)."""
        return 1.0 / math.sqrt(math.prod(self.weight.shape[1:]))


def circular(
    layer: Convolution, u: Float[Array, "channel *space"]
) -> Float[Array, "outputs *space"]:
    """Three taps along each axis.

    A layer with fewer inputs than the field has channels is grouped: each of its outputs sees the
    next channels in turn.
    """
    outputs, inputs = layer.weight.shape[:2]
    seen = neighbours(u)
    if inputs == len(u):
        y = layer.weight.reshape(outputs, -1) @ seen.reshape(inputs * 3 ** (u.ndim - 1), -1)
    else:
        # Each product has too few terms to be one of matrices.
        y = jnp.sum(layer.weight.reshape(outputs, -1, 1) * seen.reshape(outputs, -1, u[0].size), 1)
    return _with_bias(layer, y, u.shape[1:])


def pointwise(
    layer: Convolution, u: Float[Array, "channel *space"]
) -> Float[Array, "outputs *space"]:
    y = layer.weight.reshape(layer.weight.shape[:2]) @ u.reshape(len(u), -1)
    return _with_bias(layer, y, u.shape[1:])


def halved(layer: Convolution, u: Float[Array, "channel *space"]) -> Float[Array, "outputs *half"]:
    """Pairs of cells become one; the last cell of an odd number is left out."""
    half = tuple(n // 2 for n in u.shape[1:])
    u = u[(slice(None), *(slice(2 * n) for n in half))]
    pairs = u.reshape(len(u), *(size for n in half for size in (n, 2)))
    axes = len(half)
    taps = [2 * axis + 2 for axis in range(axes)]
    cells = [2 * axis + 1 for axis in range(axes)]
    rows = pairs.transpose(0, *taps, *cells).reshape(len(u) * 2**axes, -1)
    y = layer.weight.reshape(len(layer.weight), -1) @ rows
    return _with_bias(layer, y, half)


def doubled(
    layer: Convolution, u: Float[Array, "channel *half"], space: tuple[int, ...]
) -> Float[Array, "outputs *space"]:
    """One cell becomes two. A last cell of `space` that `halved` left out gets only the bias."""
    half, axes, outputs = u.shape[1:], u.ndim - 1, len(layer.weight)
    # (output, *taps, input), so that rows of the product are the taps of an output.
    rows = jnp.moveaxis(layer.weight, 1, -1).reshape(-1, len(u))
    parts = (rows @ u.reshape(len(u), -1)).reshape(outputs, *(2,) * axes, *half)
    order = [axis for i in range(axes) for axis in (1 + axes + i, 1 + i)]
    y = parts.transpose(0, *order).reshape(outputs, *(2 * n for n in half))
    y = jnp.pad(y, ((0, 0), *((0, n - m) for n, m in zip(space, y.shape[1:], strict=True))))
    return _with_bias(layer, y, space)


def neighbours(u: Float[Array, "channel *space"]) -> Float[Array, "channel *taps_and_space"]:
    """The cell before, the cell and the cell after, along each axis: (channel, *taps, *space)."""
    axes = u.ndim - 1
    for axis in range(axes):
        place = axis - axes
        u = jnp.stack([jnp.roll(u, 1, place), u, jnp.roll(u, -1, place)], 1 + axis)
    return u


def _with_bias(layer, y, space):
    return (y.reshape(len(y), -1) + layer.bias[:, None]).reshape(-1, *space)
