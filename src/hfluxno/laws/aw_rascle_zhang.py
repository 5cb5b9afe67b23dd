"""Traffic with a density and a flow of its own: the model of Aw, Rascle and Zhang."""

from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from hfluxno.laws.base import ConservationLaw, Places, State, Time, coefficient


def _row(values: Any) -> Float[Array, " power"]:
    """Coefficients in the current default precision."""
    return jnp.asarray(values, dtype=jnp.result_type(float))


class AwRascleZhang(ConservationLaw):
    """∂t ρ + ∂x(ρ v) = 0,  ∂t y + ∂x(y v) = (Q(ρ) - ρ v)/τ,  y = ρ (v + p(ρ)).

    The density ρ > 0 of the cars and y, their density times the speed v that each would have on an
    empty road. Q is the flow to which they relax in the time τ. The waves move at v - ρ p'(ρ) and
    v, and none is faster than the cars (Aw and Rascle, SIAM J. Appl. Math. 60, 2000, 916-938;
    Zhang, Transp. Res. B 36, 2002, 275-290).

    **Attributes:**

    - `pressure`: the p_k of p(ρ) = Σ_k p_k (ρ/scale)^k from k = 1 on.
    - `equilibrium`: the q_k of Q(ρ)/τ = Σ_k q_k (ρ/scale)^k from k = 1 on.
    - `rate`: 1/τ; with a rate and an equilibrium of zero there is no relaxation.
    - `scale`: a density.
    """

    fields: tuple[str, ...] = eqx.field(static=True, default=("density", "y"))
    pressure: Float[Array, " power"] = eqx.field(converter=_row, default=(1.0,))
    equilibrium: Float[Array, " power_"] = eqx.field(converter=_row, default=(0.0,))
    rate: Float[Array, ""] = eqx.field(converter=coefficient, default=0.0)
    scale: Float[Array, ""] = eqx.field(converter=coefficient, default=1.0)

    def flux(self, u: Float[Array, "field *points"]) -> Float[Array, "field *points"]:
        return u * self.velocity(u)[None]

    def velocity(self, u: Float[Array, "field *points"]) -> Float[Array, "*points"]:
        """v = y/ρ - p(ρ)."""
        return u[1] / u[0] - series(self.pressure, u[0] / self.scale)

    def source(self, u: State, x: Places, t: Time) -> State:
        relaxing = series(self.equilibrium, u[0] / self.scale) - self.rate * u[0] * self.velocity(u)
        return jnp.stack([jnp.zeros_like(relaxing), relaxing])

    def speed_range(
        self, u: Float[Array, "field *points"]
    ) -> tuple[Float[Array, "*points"], Float[Array, "*points"]]:
        powers = jnp.arange(1, len(self.pressure) + 1, dtype=self.pressure.dtype)
        cars = self.velocity(u)
        waves = cars - series(powers * self.pressure, u[0] / self.scale)
        return jnp.minimum(cars, waves), jnp.maximum(cars, waves)


def series(coefficients: Float[Array, " power"], x: Float[Array, "*points"]) -> Array:
    """Σ_k c_k x^k from k = 1 on, by Horner's rule."""
    found = jnp.zeros_like(x)
    for number in coefficients[::-1]:
        found = (found + number) * x
    return found
