"""A flux operator on more cells than it was trained on.

On r times as many cells the flux at every interface is that of the network between averages of r
cells, which have the width of those in training:

    F_{j+1/2} = G(…, ū_{j-r+1…j}, ū_{j+1…j+r}, …),    u_j ← u_j - Δt/δx (F_{j+1/2} - F_{j-1/2})

with the fine spacing δx. The context is averaged for the encoder. The step is conservative, and
averages of r cells advance exactly as on the coarse cells, because every r-th interface sees the
stencil it would have there. Finer details move at the speed given by the network.
"""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, PyTree

from hfluxno.fv import NumericalFlux
from hfluxno.fv.numerical_flux import Number
from hfluxno.grid import Grid
from hfluxno.models.hfluxno import HFluxNO
from hfluxno.models.learned_flux import LearnedFlux
from hfluxno.models.network import ContextNetwork, FluxOperator, Operator
from hfluxno.models.weak_form_hfluxno import WeakFormHFluxNO


class FinerFlux(LearnedFlux):
    """The flux between averages of several cells, at every interface of the cells; for one axis.

    - `coarse`: G.
    - `factor`: r.
    """

    coarse: NumericalFlux
    factor: int = eqx.field(static=True)

    @property
    def ghost(self) -> int:
        return self.factor * (self.coarse.ghost + 1)

    @property
    def rowwise(self) -> bool:
        return False

    def __call__(
        self, padded: Float[Array, "field padded"], dt: Number, dx: float
    ) -> Float[Array, "field interfaces"]:
        r = self.factor
        cells = padded.shape[-1] - 2 * self.ghost
        # The average of r cells from each cell on.
        parts = [padded[..., i : padded.shape[-1] - r + 1 + i] for i in range(r)]
        averages = sum(parts[1:], start=parts[0]) / r
        # Interfaces of the same remainder by r are those of one coarse grid.
        grids = []
        for shift in range(r):
            begin = self.ghost + shift - r * self.coarse.ghost
            count = cells // r + 2 * self.coarse.ghost
            states = averages[..., begin : begin + r * (count - 1) + 1 : r]
            grids.append(self.coarse(states, dt, r * dx))
        inner = jnp.stack([flux[..., :-1] for flux in grids], axis=-1)
        last = grids[0][..., -1:]
        return jnp.concatenate([inner.reshape(*inner.shape[:-2], cells), last], axis=-1)


class FinerNetwork(ContextNetwork):
    """A flux operator's network on more cells of the same domain.

    - `network`: at the cells that it was trained on.
    - `grid`: the cells to forecast on, `factor` times as many.
    """

    network: HFluxNO | WeakFormHFluxNO
    grid: Grid
    factor: int = eqx.field(static=True)

    def read(self, context: Float[Array, "time field x"]) -> FluxOperator:
        return self._finer(self.network.read(self._averaged(context)))

    def window(self, context: Float[Array, "time field x"]) -> PyTree:
        return self.network.window(self._averaged(context))

    def shifted(self, window: PyTree, frame: Float[Array, "field x"]) -> PyTree:
        return self.network.shifted(window, self._averaged(frame))

    def read_window(self, window: PyTree) -> FluxOperator:
        return self._finer(self.network.read_window(window))

    def _averaged(self, u):
        return jnp.mean(u.reshape(*u.shape[:-1], -1, self.factor), axis=-1)

    def _finer(self, operator: Operator) -> FluxOperator:
        assert isinstance(operator, FluxOperator)
        fluxes = tuple(FinerFlux(flux, self.factor) for flux in operator.fluxes)
        return FluxOperator(fluxes, self.grid, operator.interval)
