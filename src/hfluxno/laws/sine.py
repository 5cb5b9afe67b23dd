"""The sine conservation law, the paper's out-of-distribution family."""

from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from hfluxno.laws.base import ConservationLaw, Matrix, State, coefficient


class Sine(ConservationLaw):
    """∂t u + ∂x(a sin(b u)) = 0.

    Published range: a, b uniform in [-1, 1] (HFluxNO, Appendix B.1).
    """

    name: ClassVar[str] = "sine"
    ranges: ClassVar[dict[str, tuple[float, float]]] = {"a": (-1.0, 1.0), "b": (-1.0, 1.0)}
    fields: tuple[str, ...] = eqx.field(static=True, default=("u",))
    a: Float[Array, ""] = eqx.field(converter=coefficient, default=1.0)
    b: Float[Array, ""] = eqx.field(converter=coefficient, default=1.0)

    def flux(self, u: State) -> State:
        return self.a * jnp.sin(self.b * u)

    def jacobian(self, u: State) -> Matrix:
        return (self.a * self.b * jnp.cos(self.b * u))[None]

    def roe_matrix(self, left: State, right: State) -> Matrix:
        # sin(br) - sin(bl) = 2 cos(b(l + r)/2) sin(b(r - l)/2): the divided difference without
        # cancellation. jnp.sinc is sin(πz)/(πz).
        mean = 0.5 * (left + right)
        ratio = jnp.sinc(self.b * (right - left) / (2.0 * jnp.pi))
        return (self.a * self.b * jnp.cos(self.b * mean) * ratio)[None]
