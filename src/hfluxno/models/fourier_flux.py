"""A learned numerical flux that sees the whole periodic domain: the Fourier flux operator.

    z⁰ = lift(V),   z^l = z^{l-1} + K_l(z^{l-1}),   F = project(z^L)

with the stencils V of the interfaces and spectral mixing K_l (HFluxNO, arXiv:2605.05488, equation
15; the nonlinearity stands inside K_l, as in adaptive Fourier neural operators).

All interfaces are one pass of the network, and the first is the last: so what leaves a cell enters
its neighbour. Two passes, for the left and for the right faces of cells, would not agree, and the
step would not conserve.
"""

from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from hfluxno.fv import NumericalFlux
from hfluxno.models.local_flux import stencils, with_places
from hfluxno.nn.linear import MLP
from hfluxno.nn.spectral import SpectralMixing


class FourierFlux(NumericalFlux):
    """The flux of one axis, the last one of the padded states. It is made for one Δt and for
    periodic domains.

    **Attributes:**

    - `lift`, `project`: networks on every interface by itself.
    - `layers`: the spectral mixings.
    - `left`, `right`: the numbers of cells before and after an interface in its stencil.
    - `axis`: which axis of the domain the last one of the padded states is.
    - `coordinates`: whether the stencil also holds the place of every cell, one number per axis.

    The padded states have `inputs` channels, by default as many as there are fluxes.
    """

    integrator: ClassVar[str] = "euler"
    lift: MLP
    layers: tuple[SpectralMixing, ...]
    project: MLP
    left: int = eqx.field(static=True)
    right: int = eqx.field(static=True)
    axis: int = eqx.field(static=True)
    coordinates: bool = eqx.field(static=True)

    def __init__(
        self,
        fields: int,
        axes: int,
        axis: int = 0,
        *,
        inputs: int | None = None,
        left: int,
        right: int,
        channels: int,
        width: int,
        depth: int,
        modes: tuple[int, ...],
        blocks: int,
        activation: str,
        coordinates: bool,
        key: jax.Array,
    ):
        seen = (fields if inputs is None else inputs) + (axes if coordinates else 0)
        keys = jax.random.split(key, depth + 2)
        self.lift = MLP(seen * (left + right), channels, width, 1, activation, key=keys[0])
        self.project = MLP(channels, fields, width, 1, activation, key=keys[1])
        self.layers = tuple(
            SpectralMixing(channels, blocks, modes, activation, key=k) for k in keys[2:]
        )
        self.left, self.right = left, right
        self.axis, self.coordinates = axis, coordinates

    @property
    def ghost(self) -> int:
        return max(self.left, self.right)

    @property
    def odd_fields(self) -> tuple[int, ...]:
        return ()

    @property
    def rowwise(self) -> bool:
        return False

    def __call__(
        self, padded: Float[Array, "channel *padded"], dt: Float[Array, ""], dx: float
    ) -> Float[Array, "field *interfaces"]:
        if self.coordinates:
            padded = with_places(padded, self.ghost, self.axis)
        stencil = stencils(padded, self.ghost, self.left, self.right)[..., :-1]
        shape = stencil.shape[1:]
        z = self.lift(stencil.reshape(stencil.shape[0], -1)).reshape(-1, *shape)
        for layer in self.layers:
            z = z + layer(z)
        flux = self.project(z.reshape(z.shape[0], -1)).reshape(-1, *shape)
        return jnp.concatenate([flux, flux[..., :1]], axis=-1)

    def speed(self, padded: Float[Array, "channel *padded"], dx: float) -> Float[Array, ""]:
        return jnp.zeros((), padded.dtype)
