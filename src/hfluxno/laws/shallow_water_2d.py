"""Shallow water on a plane."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from hfluxno.laws.barotropic import Barotropic
from hfluxno.laws.base import coefficient


class ShallowWater2D(Barotropic):
    """∂t h + ∇·m = 0,  ∂t m + ∇·(m ⊗ m/h) + ∇(g h²/2) = 0.

    The height h > 0 and the momentum m = h v. With n the component of v along an axis the waves
    move at n - √(g h), n and n + √(g h) (LeVeque, Finite Volume Methods for Hyperbolic Problems,
    2002, section 21.7).
    """

    fields: tuple[str, ...] = eqx.field(static=True, default=("h", "m_x", "m_y"))
    axes: int = eqx.field(static=True, default=2)
    g: Float[Array, ""] = eqx.field(converter=coefficient, default=9.81)

    def pressure(self, density: Float[Array, "*points"]) -> Float[Array, "*points"]:
        return 0.5 * self.g * density * density

    def celerity(
        self, left: Float[Array, "*points"], right: Float[Array, "*points"]
    ) -> Float[Array, "*points"]:
        return jnp.sqrt(self.g * 0.5 * (left + right))
