"""HFluxNO + weak form: a variant of HFluxNO that is given the law of the weak form.

    a = least squares of the weak form,   c = E((u - m)/s),   Θ = H(c, arsinh a)
    u^{n+1} = u^n - Δt/Δx (F^r - F^l),    F of `hfluxno.models.guided_flux` with G_Θ, m, s and f_a

It is not the published model. The coefficients a of the law that least squares find in the context
(`hfluxno.models.law_space`, `hfluxno.models.plane_space`) join the embedding, and the flux operator
of each axis sees f and f′ along it in every cell.
How fast states move is a linear problem; the network only has to learn the rest: how such a law
acts over a whole frame, and where least squares err. It works with the scaled variable (u - m)/s,
which runs from -1 to 1 over the context.
"""

from typing import Any

import equinox as eqx
import jax.numpy as jnp

from hfluxno.grid import Grid
from hfluxno.models.encoder import Encoder
from hfluxno.models.guided_flux import GuidedFlux
from hfluxno.models.hypernetwork import Hypernetwork
from hfluxno.models.law_space import LawSpace
from hfluxno.models.network import Context, ContextNetwork, FluxOperator
from hfluxno.models.plane_space import PlaneSpace
from hfluxno.models.scaling import observed_range, per_field


class WeakFormHFluxNO(ContextNetwork):
    """The variant, on a line or on a plane.

    - `encoder`, `hypernetwork`: E and H.
    - `grid`, `interval`: its cells and Δt, which may be any, because it counts in cells and frames.
    - `space`: the laws among which the weak form chooses.
    """

    encoder: Encoder
    hypernetwork: Hypernetwork
    grid: Grid
    interval: float = eqx.field(static=True)
    space: LawSpace | PlaneSpace

    def read(self, context: Context) -> FluxOperator:
        shift, scale = observed_range(context)
        scaled = (context - per_field(shift, context, 1)) / per_field(scale, context, 1)
        weak = self.space.weak_form(context, self.grid)
        law = self.space.law(context, weak, self.grid)
        ends = self.space.reach(context)
        # Coefficients are unbounded; their inverse hyperbolic sines have moderate size.
        inner: Any
        inner = self.hypernetwork(jnp.concatenate([self.encoder(scaled), jnp.arcsinh(weak)]))
        fluxes = tuple(
            GuidedFlux(flux, shift, scale, law, *ends, axis) for axis, flux in enumerate(inner)
        )
        return FluxOperator(fluxes, self.grid, self.interval)
