"""A gas of constant temperature on a plane."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from hfluxno.laws.barotropic import Barotropic
from hfluxno.laws.base import coefficient


class IsothermalEuler(Barotropic):
    """∂t ρ + ∇·m = 0,  ∂t m + ∇·(m ⊗ m/ρ) + c² ∇ρ = 0.

    The density ρ > 0 and the momentum m = ρ v; c is the speed of sound. With n the component of v
    along an axis the waves move at n - c, n and n + c (LeVeque, Finite Volume Methods for
    Hyperbolic Problems, 2002, section 14.6).
    """

    fields: tuple[str, ...] = eqx.field(static=True, default=("rho", "m_x", "m_y"))
    axes: int = eqx.field(static=True, default=2)
    c: Float[Array, ""] = eqx.field(converter=coefficient, default=1.0)

    def pressure(self, density: Float[Array, "*points"]) -> Float[Array, "*points"]:
        return self.c * self.c * density

    def celerity(
        self, left: Float[Array, "*points"], right: Float[Array, "*points"]
    ) -> Float[Array, "*points"]:
        return self.c * jnp.ones_like(left)
