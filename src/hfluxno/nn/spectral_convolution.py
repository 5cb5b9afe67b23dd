"""Convolution with a learned kernel that has few wave numbers.

    (K z)_k = W_k z_k   for |k| ≤ modes along every axis,   and 0 for the others

with a complex matrix W_k from input to output channels for every kept wave number of the real
transform (Li et al., Fourier Neural Operator, ICLR 2021). Coefficients are means over cells, so
they do not depend on the number of cells. K commutes with shifts. The transform runs over all
axes.
"""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex, Float

from hfluxno.nn.spectral import wave_numbers


class SpectralConvolution(eqx.Module):
    """K, on fields (channel, *space).

    - `weight`: W_k, shape (wave number, outputs, inputs); the wave numbers count that of the last
      axis fastest.
    - `modes`: the largest wave number kept along each axis.
    """

    weight: Complex[Array, "wave outputs inputs"]
    modes: tuple[int, ...] = eqx.field(static=True)

    def __init__(self, inputs: int, outputs: int, modes: tuple[int, ...], *, key: jax.Array):
        waves = math.prod(2 * most + 1 for most in modes[:-1]) * (modes[-1] + 1)
        # The published FNO's small initial weights: layers begin as their linear part.
        bound = 1.0 / (inputs * outputs)
        real, imaginary = jax.random.uniform(
            key, (2, waves, outputs, inputs), minval=-bound, maxval=bound
        )
        self.weight = jax.lax.complex(real, imaginary)
        self.modes = modes

    def __call__(self, z: Float[Array, "inputs *space"]) -> Float[Array, "outputs *space"]:
        shape, axes = z.shape[1:], tuple(range(1, z.ndim))
        for n, most in zip(shape, self.modes, strict=True):
            if 2 * most >= n:
                raise ValueError(f"{n} cells do not have {most} wave numbers; use fewer modes.")
        spectrum = jnp.fft.rfftn(z, axes=axes, norm="forward")
        places = wave_numbers(shape, self.modes)
        kept = spectrum[np.ix_(np.arange(z.shape[0]), *places)]
        mixed = jnp.einsum("koi,ik->ok", self.weight, kept.reshape(z.shape[0], -1))
        outputs = mixed.shape[0]
        whole = jnp.zeros((outputs, *spectrum.shape[1:]), spectrum.dtype)
        here = np.ix_(np.arange(outputs), *places)
        whole = whole.at[here].set(mixed.reshape(outputs, *kept.shape[1:]))
        return jnp.fft.irfftn(whole, s=shape, axes=axes, norm="forward")
