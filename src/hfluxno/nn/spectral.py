"""Mixing of all cells of a periodic domain in Fourier space.

    K(z) = 1/n F⁻¹ (M(n F z)),   M(ẑ) = W_2 σ(W_1 ẑ + b_1) + b_2

at every kept wave number, and zero at the others, with block-diagonal complex matrices that all
wave numbers share and σ on real and imaginary parts separately (Guibas et al., Adaptive Fourier
Neural Operators, ICLR 2022). F takes means over cells, so K does not depend on the number of cells.
With n the number of cells M sees sums over them, as in the original code. Because σ is nonlinear,
the output of a fresh network and its rate of change under Adam depend on n.

The transform runs over all axes. Along every axis the wave numbers |k| ≤ `modes` are kept. Of two
opposite wave numbers only one is mixed, and the other is its conjugate, in every dimension: so for
data that vary only along one axis, K is the same as in one dimension. Neither σ nor b commutes with
the phases of a shift, so K is not translation equivariant.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex, Float

from hfluxno.nn.linear import gelu


class SpectralMixing(eqx.Module):
    """K, on fields (channel, *space).

    - `first`, `second`: W_1 and W_2, shape (block, outputs, inputs).
    - `first_bias`, `second_bias`: b_1 and b_2, shape (block, outputs).
    - `modes`: the largest wave number kept along each axis.
    - `cells`: n.
    """

    first: Complex[Array, "block rows columns"]
    second: Complex[Array, "block rows columns"]
    first_bias: Complex[Array, "block rows"]
    second_bias: Complex[Array, "block rows"]
    modes: tuple[int, ...] = eqx.field(static=True)
    cells: int = eqx.field(static=True)

    def __init__(
        self, channels: int, blocks: int, modes: tuple[int, ...], cells: int = 1, *, key: jax.Array
    ):
        if channels % blocks != 0:
            raise ValueError(
                f"The number of blocks must divide the {channels} channels; got {blocks}."
            )
        size = channels // blocks
        keys = jax.random.split(key, 4)
        self.first = _uniform(keys[0], (blocks, size, size), size)
        self.first_bias = _uniform(keys[1], (blocks, size), size)
        self.second = _uniform(keys[2], (blocks, size, size), size)
        self.second_bias = _uniform(keys[3], (blocks, size), size)
        self.modes = modes
        self.cells = cells

    def __call__(self, z: Float[Array, "channel *space"]) -> Float[Array, "channel *space"]:
        shape = z.shape[1:]
        axes = tuple(range(1, z.ndim))
        spectrum = jnp.fft.rfftn(z, axes=axes, norm="forward")
        kept = np.ix_(np.arange(z.shape[0]), *wave_numbers(shape, self.modes))
        coefficients = spectrum[kept] * self.cells
        mixed = self._mix(coefficients.reshape(z.shape[0], -1)).reshape(coefficients.shape)
        mixed = mixed / self.cells
        result = _conjugate_symmetric(jnp.zeros_like(spectrum).at[kept].set(mixed), shape)
        return jnp.fft.irfftn(result, s=shape, axes=axes, norm="forward")

    def _mix(self, coefficients):
        parts = coefficients.reshape(self.first.shape[0], self.first.shape[2], -1)
        hidden = self.first @ parts + self.first_bias[..., None]
        hidden = jax.lax.complex(gelu(hidden.real), gelu(hidden.imag))
        mixed = self.second @ hidden + self.second_bias[..., None]
        return mixed.reshape(coefficients.shape)


def _uniform(key, shape, inputs):
    bound = inputs**-0.5
    real, imaginary = jax.random.uniform(key, (2, *shape), minval=-bound, maxval=bound)
    return jax.lax.complex(real, imaginary)


def wave_numbers(shape: tuple[int, ...], modes: tuple[int, ...]) -> list[np.ndarray]:
    """The places of the kept wave numbers in a real transform, whose last axis is halved."""
    if len(shape) != len(modes):
        raise ValueError(
            f"Spectral mixing of {len(shape)} axes needs a number of modes for each; got {modes}."
        )
    places = []
    for n, most in zip(shape[:-1], modes[:-1], strict=True):
        places.append(np.flatnonzero(np.abs(np.fft.fftfreq(n, 1.0 / n)) <= most))
    places.append(np.arange(min(modes[-1], shape[-1] // 2) + 1))
    return places


def _conjugate_symmetric(spectrum, shape: tuple[int, ...]):
    """A real transform contains both of two opposite wave numbers if that of its last axis is its
    own opposite: there the second becomes the conjugate of the first."""
    if len(shape) == 1:
        return spectrum
    numbers = np.meshgrid(*[np.fft.fftfreq(n, 1.0 / n) for n in shape[:-1]], indexing="ij")
    second = np.zeros(shape[:-1], bool)
    for number in reversed(numbers):
        second = np.where(number == 0, second, number < 0)
    opposite = np.ix_(np.arange(spectrum.shape[0]), *[-np.arange(n) % n for n in shape[:-1]])
    for place in {0, shape[-1] // 2} if shape[-1] % 2 == 0 else {0}:
        plane = spectrum[..., place]
        whole = jnp.where(second[None], jnp.conj(plane[opposite]), plane)
        spectrum = spectrum.at[..., place].set(whole)
    return spectrum
