"""HFluxNO: the context determines the numerical flux.

    c = E(u^{n-k+1}, …, u^n),   Θ = H(c),   u^{n+1} = u^n - Δt/Δx (G_Θ(V^r) - G_Θ(V^l))

with an encoder E, a hypernetwork H and a flux operator G (arXiv:2605.05488, equations 6 and 14).
The step is conservative for any parameters. Without a context it is a Flux NO.
"""

from typing import Any

import equinox as eqx
from jaxtyping import PyTree

from hfluxno.fv import NumericalFlux
from hfluxno.grid import Grid
from hfluxno.models.encoder import Encoder
from hfluxno.models.hypernetwork import Hypernetwork
from hfluxno.models.network import Context, ContextNetwork, FluxOperator, Frame


class HFluxNO(ContextNetwork):
    """The published architecture, of any size.

    - `encoder`, `hypernetwork`: E and H; the latter writes one flux for each axis.
    - `grid`, `interval`: its cells and Δt.
    """

    encoder: Encoder
    hypernetwork: Hypernetwork
    grid: Grid
    interval: float = eqx.field(static=True)

    def read(self, context: Context) -> FluxOperator:
        return self.read_window(self.window(context))

    def window(self, context: Context) -> PyTree:
        return self.encoder.window(context)

    def shifted(self, window: PyTree, frame: Frame) -> PyTree:
        return self.encoder.shifted(window, frame)

    def read_window(self, window: PyTree) -> FluxOperator:
        fluxes: Any = self.hypernetwork(self.encoder.of_window(window))
        return FluxOperator(fluxes, self.grid, self.interval)


class FluxNO(ContextNetwork):
    """Flux NO: one flux operator for all contexts (Kim and Kang, 2025, cited in arXiv:2605.05488).
    What the hypernetwork would write is learned directly; the comparison shows the value of the
    context.

    - `fluxes`: one for each axis.
    - `grid`, `interval`: its cells and Δt.
    """

    fluxes: tuple[NumericalFlux, ...]
    grid: Grid
    interval: float = eqx.field(static=True)

    def read(self, context: Context) -> FluxOperator:
        return FluxOperator(self.fluxes, self.grid, self.interval)
