"""The rotating wave of Kurganov, Petrova and Popov."""

import equinox as eqx
import jax.numpy as jnp

from hfluxno.laws.base import State
from hfluxno.laws.space import SpaceLaw


class KPP(SpaceLaw):
    """∂t u + ∂x sin u + ∂y cos u = 0.

    Neither flux is convex. A disc of large u surrounded by small u winds up into a composite wave,
    which schemes with too little dissipation miss (Kurganov, Petrova and Popov, SIAM J. Sci.
    Comput. 29, 2007, 2381-2401; there u = 7π/2 in the disc and π/4 around it).
    """

    fields: tuple[str, ...] = eqx.field(static=True, default=("u",))
    axes: int = eqx.field(static=True, default=2)

    def flux(self, u: State, axis: int = 0) -> State:
        return jnp.sin(u) if axis == 0 else jnp.cos(u)
