"""Shallow water with three parameters, the paper's system."""

from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from hfluxno.laws.base import ConservationLaw, Matrix, State, coefficient


class ShallowWater(ConservationLaw):
    """∂t h + ∂x(α m) = 0,  ∂t m + ∂x(γ m²/h + β h²/2) = 0.

    The height h > 0 and the momentum m = h v; α = γ = 1 and β = g give the shallow-water
    equations. The wave speeds are γ v ± sqrt(γ(γ - α) v² + α β h). Published range: α, γ uniform
    in [0.5, 1.5], β uniform in [8, 12] (HFluxNO, Appendix B.2).

    Heights below `h_floor` count as `h_floor` in divisions and square roots.
    """

    name: ClassVar[str] = "shallow-water"
    ranges: ClassVar[dict[str, tuple[float, float]]] = {
        "alpha": (0.5, 1.5),
        "gamma": (0.5, 1.5),
        "beta": (8.0, 12.0),
    }
    fields: tuple[str, ...] = eqx.field(static=True, default=("h", "m"))
    alpha: Float[Array, ""] = eqx.field(converter=coefficient, default=1.0)
    gamma: Float[Array, ""] = eqx.field(converter=coefficient, default=1.0)
    beta: Float[Array, ""] = eqx.field(converter=coefficient, default=9.81)
    h_floor: float = eqx.field(static=True, default=1e-8)

    @property
    def vectors(self) -> tuple[tuple[int, ...], ...]:
        return ((1,),)

    def flux(self, u: State) -> State:
        h, m = u[0], u[1]
        floored = jnp.maximum(h, self.h_floor)
        return jnp.stack([self.alpha * m, self.gamma * m * m / floored + 0.5 * self.beta * h * h])

    def jacobian(self, u: State) -> Matrix:
        h = jnp.maximum(u[0], self.h_floor)
        return self._matrix(u[1] / h, h)

    def roe_matrix(self, left: State, right: State) -> Matrix:
        """The Jacobian at Roe's averages: v̂ weighted with sqrt(h), the arithmetic mean of h."""
        h_left = jnp.maximum(left[0], self.h_floor)
        h_right = jnp.maximum(right[0], self.h_floor)
        root_left, root_right = jnp.sqrt(h_left), jnp.sqrt(h_right)
        velocity = (root_left * (left[1] / h_left) + root_right * (right[1] / h_right)) / (
            root_left + root_right
        )
        return self._matrix(velocity, 0.5 * (h_left + h_right))

    def _matrix(self, v, h):
        zero = jnp.zeros_like(h)
        top = jnp.stack([zero, zero + self.alpha])
        bottom = jnp.stack([self.beta * h - self.gamma * v * v, 2.0 * self.gamma * v])
        return jnp.stack([top, bottom])
