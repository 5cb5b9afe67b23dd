"""The viscous Burgers equation."""

from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from hfluxno.laws.base import ConservationLaw, Matrix, State, coefficient


class ViscousBurgers(ConservationLaw):
    """∂t u + ∂x(a u²) = ν ∂xx u.

    Published range: a uniform in [0.5, 1.5], ν uniform in [0.005, 0.015] (HFluxNO, Appendix B.3);
    ν = 0 is the inviscid equation.
    """

    name: ClassVar[str] = "burgers"
    ranges: ClassVar[dict[str, tuple[float, float]]] = {"a": (0.5, 1.5), "nu": (0.005, 0.015)}
    fields: tuple[str, ...] = eqx.field(static=True, default=("u",))
    a: Float[Array, ""] = eqx.field(converter=coefficient, default=0.5)
    nu: Float[Array, ""] = eqx.field(converter=coefficient, default=0.01)

    def flux(self, u: State) -> State:
        return self.a * u * u

    def jacobian(self, u: State) -> Matrix:
        return (2.0 * self.a * u)[None]

    def diffusivity(self, u: State) -> State:
        return jnp.broadcast_to(self.nu, u.shape)

    def roe_matrix(self, left: State, right: State) -> Matrix:
        return (self.a * (left + right))[None]
