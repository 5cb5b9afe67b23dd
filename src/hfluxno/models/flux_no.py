"""Flux NO: a flux operator with its own parameters, for one equation.

It is HFluxNO without a context: what the hypernetwork would write is learned directly (Kim and
Kang, 2025, cited in arXiv:2605.05488). The comparison shows the value of the context.
"""

import equinox as eqx

from hfluxno.fv import NumericalFlux
from hfluxno.grid import Grid
from hfluxno.models.network import Context, ContextNetwork, FluxOperator


class FluxNO(ContextNetwork):
    """One flux operator for all contexts.

    - `fluxes`: one for each axis.
    - `grid`, `interval`: its cells and Δt.
    """

    fluxes: tuple[NumericalFlux, ...]
    grid: Grid
    interval: float = eqx.field(static=True)

    def read(self, context: Context) -> FluxOperator:
        return FluxOperator(self.fluxes, self.grid, self.interval)
