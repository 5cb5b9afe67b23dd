"""HFluxNO: the context decides the numerical flux.

    c = E(u^{n-k+1}, …, u^n),   Θ = H(c),   u^{n+1} = u^n - Δt/Δx (G_Θ(V^r) - G_Θ(V^l))

with an encoder E, a hypernetwork H and a flux operator G (arXiv:2605.05488, equations 6 and 14).
Whatever the parameters are, the step is conservative.

Two options change what the network is given; both are off in the published architecture.

`normalise`: the network sees v = (u - m)/s, which runs from -1 to 1 over the context for every
field. If u obeys a conservation law with the flux f, then v obeys one with the flux
f(m + s v)/s, so nothing is lost, and contexts that differ by units or by an offset look alike.

`spacing_aware`: log(Δt/Δt₀) and log(Δx/Δx₀) join the embedding, with the spacings of the training
data Δt₀, Δx₀. Frames show speeds in cells per frame, but the generated flux is in physical units:
without the two numbers a network that works at one spacing must fail at another.
"""

import dataclasses
import math

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, PyTree

from hfluxno.grid import Grid
from hfluxno.models.encoder import Encoder
from hfluxno.models.hypernetwork import Hypernetwork
from hfluxno.models.network import ContextNetwork, FluxOperator
from hfluxno.models.scaled_flux import ScaledFlux
from hfluxno.models.scaling import observed_range, per_field


class HFluxNO(ContextNetwork):
    """The published architecture, of any size.

    **Attributes:**

    - `encoder`, `hypernetwork`: E and H; the latter writes one flux for each axis.
    - `grid`, `interval`: the cells and Δt that it works at.
    - `normalise`: whether the fields of a context are brought to [-1, 1].
    - `reference`: Δt₀ and the Δx₀ of each axis if the network is aware of its spacing, or `None`.
    """

    encoder: Encoder
    hypernetwork: Hypernetwork
    grid: Grid
    interval: float = eqx.field(static=True)
    normalise: bool = eqx.field(static=True, default=False)
    reference: tuple[float, ...] | None = eqx.field(static=True, default=None)

    def read(self, context: Float[Array, "time field *space"]) -> FluxOperator:
        if not self.normalise:
            return self._operator(self._fluxes(self.encoder(context)))
        shift, scale = observed_range(context)
        scaled = (context - per_field(shift, context, 1)) / per_field(scale, context, 1)
        fluxes = self._fluxes(self.encoder(scaled))
        return self._operator(tuple(ScaledFlux(flux, shift, scale) for flux in fluxes))

    def window(self, context: Float[Array, "time field *space"]) -> PyTree:
        # The scale is that of the whole window, so nothing can be said of a frame by itself.
        return context if self.normalise else self.encoder.window(context)

    def slid(self, window: PyTree, frame: Float[Array, "field *space"]) -> PyTree:
        return super().slid(window, frame) if self.normalise else self.encoder.slid(window, frame)

    def read_window(self, window: PyTree) -> FluxOperator:
        if self.normalise:
            return self.read(window)
        return self._operator(self._fluxes(self.encoder.of_window(window)))

    def at(self, grid: Grid, interval: float) -> "HFluxNO":
        """The same network at another spacing."""
        return dataclasses.replace(self, grid=grid, interval=interval)

    def _operator(self, fluxes) -> FluxOperator:
        return FluxOperator(fluxes, self.grid, self.interval)

    def _fluxes(self, embedding):
        if self.reference is None:
            return self.hypernetwork(embedding)
        present = (self.interval, *self.grid.spacing)
        logs = [math.log(a / b) for a, b in zip(present, self.reference, strict=True)]
        return self.hypernetwork(jnp.concatenate([embedding, jnp.asarray(logs, embedding.dtype)]))
