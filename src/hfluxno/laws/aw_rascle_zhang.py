"""Traffic with a density and a flow of its own: the model of Aw, Rascle and Zhang."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from hfluxno.laws.base import ConservationLaw, Places, Speed, State, Time, coefficient

# Of an exponent.
_SMALL = 1e-4


class AwRascleZhang(ConservationLaw):
    """∂t ρ + ∂x(ρ v) = 0,  ∂t y + ∂x(y v) = (Q(ρ) - ρ v)/τ,  y = ρ (v + p(ρ)),

        p(ρ) = c ((ρ/ρ₀)^γ - 1)/γ,  c ln(ρ/ρ₀) for γ = 0.

    The density ρ > 0 of the cars and y, their density times the speed v that each would have on a
    road of density ρ₀ (a constant added to p adds a multiple of ρ to y, and changes nothing). Q is
    the flow to which they relax in the time τ. The waves move at v - ρ p'(ρ) and v, and none is
    faster than the cars (Aw and Rascle, SIAM J. Appl. Math. 60, 2000, 916-938; Zhang, Transp. Res.
    B 36, 2002, 275-290).

    **Attributes:**

    - `strength`, `exponent`, `scale`: c, γ and ρ₀.
    - `equilibrium`: the q_k of Q(ρ)/τ = Σ_k q_k (ρ/ρ₀)^k from k = 1 on.
    - `rate`: 1/τ; with a rate and an equilibrium of zero there is no relaxation.
    """

    fields: tuple[str, ...] = eqx.field(static=True, default=("density", "y"))
    strength: Float[Array, ""] = eqx.field(converter=coefficient, default=1.0)
    exponent: Float[Array, ""] = eqx.field(converter=coefficient, default=1.0)
    scale: Float[Array, ""] = eqx.field(converter=coefficient, default=1.0)
    equilibrium: Float[Array, " power"] = eqx.field(converter=coefficient, default=(0.0,))
    rate: Float[Array, ""] = eqx.field(converter=coefficient, default=0.0)

    def flux(self, u: State) -> State:
        return u * self.velocity(u)[None]

    def pressure(self, density: Float[Array, "*points"]) -> Float[Array, "*points"]:
        """p(ρ)."""
        logarithm = jnp.log(density / self.scale)
        # Near γ = 0 the quotient is the logarithm, and its derivative by γ half the square of that.
        small = jnp.abs(self.exponent) < _SMALL
        power = jnp.where(small, 1.0, self.exponent)
        found = jnp.expm1(power * logarithm) / power
        near = logarithm * (1.0 + 0.5 * self.exponent * logarithm)
        return self.strength * jnp.where(small, near, found)

    def velocity(self, u: State) -> Speed:
        """v = y/ρ - p(ρ)."""
        return u[1] / u[0] - self.pressure(u[0])

    def source(self, u: State, x: Places, t: Time) -> State:
        relative, flow = u[0] / self.scale, jnp.zeros_like(u[0])
        for number in self.equilibrium[::-1]:
            flow = (flow + number) * relative
        arising = flow - self.rate * u[0] * self.velocity(u)
        return jnp.stack([jnp.zeros_like(arising), arising])

    def speed_range(self, u: State) -> tuple[Speed, Speed]:
        cars = self.velocity(u)
        waves = cars - self.strength * (u[0] / self.scale) ** self.exponent
        return jnp.minimum(cars, waves), jnp.maximum(cars, waves)
