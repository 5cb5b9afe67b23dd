"""The Euler equations of gas dynamics in one, two or three dimensions."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from hfluxno.laws.base import Admissible, Contact, Speed, State, Waves, coefficient
from hfluxno.laws.space import SpaceLaw


class Euler(SpaceLaw):
    """∂t ρ + ∇·m = 0,  ∂t m + ∇·(m ⊗ m/ρ) + ∇p = 0,  ∂t E + ∇·((E + p) m/ρ) = 0,

    with the density ρ, the momentum m = ρ v, the energy E and the pressure p = (γ - 1)(E - ½ m²/ρ)
    of an ideal gas. With n the component of v along an axis and c = √(γ p/ρ) the waves move at
    n - c, n (the contact, and shear) and n + c (Toro, Riemann Solvers and Numerical Methods for
    Fluid Dynamics, 2009, chapter 3).

    **Attributes:**

    - `axes`: the number of space axes.
    - `gamma`: γ > 1, the ratio of the specific heats; 7/5 for air.
    """

    fields: tuple[str, ...] = eqx.field(static=True, init=False)
    axes: int = eqx.field(static=True, default=1)
    gamma: Float[Array, ""] = eqx.field(default=1.4)

    def __init__(self, axes: int = 1, gamma: Float[Array, ""] | float = 1.4):
        if not 1 <= axes <= 3:
            raise ValueError(f"The Euler equations have 1, 2 or 3 axes; got {axes}.")
        momentum = ("m",) if axes == 1 else ("m_x", "m_y", "m_z")[:axes]
        self.fields, self.axes, self.gamma = ("rho", *momentum, "E"), axes, coefficient(gamma)

    @property
    def vectors(self) -> tuple[tuple[int, ...], ...]:
        return (tuple(range(1, 1 + self.axes)),)

    def conserved(
        self,
        density: Float[Array, "*points"],
        velocity: Float[Array, "axis *points"],
        pressure: Float[Array, "*points"],
    ) -> State:
        """(ρ, m, E) from ρ, v and p."""
        energy = pressure / (self.gamma - 1.0) + 0.5 * density * _square(velocity)
        return jnp.concatenate([density[None], density[None] * velocity, energy[None]])

    def pressure(self, u: State) -> Float[Array, "*points"]:
        """p = (γ - 1)(E - ½ m²/ρ)."""
        return (self.gamma - 1.0) * (u[-1] - 0.5 * _square(u[1:-1]) / u[0])

    def admissible(self, u: State) -> Admissible:
        """ρ > 0 and p > 0."""
        return (u[0] > 0.0) & (self.pressure(u) > 0.0)

    def flux(self, u: State, axis: int = 0) -> State:
        pressure = self.pressure(u)
        n = u[1 + axis] / u[0]
        momentum = [component * n for component in u[1:-1]]
        momentum[axis] = momentum[axis] + pressure
        return jnp.stack([u[1 + axis], *momentum, (u[-1] + pressure) * n])

    def speed_range(self, u: State, axis: int = 0) -> tuple[Speed, Speed]:
        n, c = u[1 + axis] / u[0], jnp.sqrt(self.gamma * self.pressure(u) / u[0])
        return n - c, n + c

    def waves(self, left: State, right: State, axis: int = 0) -> Waves:
        """Roe's averages: v and the enthalpy H = (E + p)/ρ weighted with √ρ (Roe, J. Comput. Phys.
        43, 1981, 357-372). Entropy and shear are waves of their own."""
        root_left, root_right = jnp.sqrt(left[0]), jnp.sqrt(right[0])

        def mean(of_left, of_right):
            weighted = of_left / left[0] * root_left + of_right / right[0] * root_right
            return weighted / (root_left + root_right)

        v = jnp.stack([mean(left[1 + a], right[1 + a]) for a in range(self.axes)])
        enthalpy = mean(left[-1] + self.pressure(left), right[-1] + self.pressure(right))
        n, square = v[axis], _square(v)
        c = jnp.sqrt((self.gamma - 1.0) * (enthalpy - 0.5 * square))
        tangents = [a for a in range(self.axes) if a != axis]

        def split(vector):
            density, momentum, energy = vector[0], vector[1:-1], vector[-1]
            work = sum(v[a] * momentum[a] for a in range(self.axes))
            entropy = (self.gamma - 1.0) / (c * c) * ((enthalpy - square) * density + work - energy)
            fast = (momentum[axis] + (c - n) * density - c * entropy) / (2.0 * c)
            slow = density - entropy - fast
            zero = jnp.zeros_like(density)

            def sound(strength, sign):
                velocity = [v[a] + sign * c if a == axis else v[a] for a in range(self.axes)]
                along = [strength * component for component in velocity]
                return jnp.stack([strength, *along, strength * (enthalpy + sign * n * c)])

            moved = [entropy * v[a] for a in range(self.axes)]
            parts = [sound(slow, -1.0), jnp.stack([entropy, *moved, 0.5 * entropy * square])]
            for tangent in tangents:
                shear = momentum[tangent] - v[tangent] * density
                turned = [shear if a == tangent else zero for a in range(self.axes)]
                parts.append(jnp.stack([zero, *turned, shear * v[tangent]]))
            return jnp.stack([*parts, sound(fast, 1.0)])

        return jnp.stack([n - c, *[n] * self.axes, n + c]), split

    def contact(
        self, left: State, right: State, slowest: Speed, fastest: Speed, axis: int = 0
    ) -> Contact:
        """Velocity and pressure are the same on both sides of the contact (Toro, 2009, section
        10.4)."""
        p_left, p_right = self.pressure(left), self.pressure(right)
        n_left, n_right = left[1 + axis] / left[0], right[1 + axis] / right[0]
        # The masses swept up by the outermost waves per unit time.
        swept_left, swept_right = left[0] * (slowest - n_left), right[0] * (fastest - n_right)
        contact = (p_right - p_left + n_left * swept_left - n_right * swept_right) / (
            swept_left - swept_right
        )

        def star(u, n, pressure, speed, swept):
            density = swept / (speed - contact)
            momentum = [density * (component / u[0]) for component in u[1:-1]]
            momentum[axis] = density * contact
            energy = u[-1] / u[0] + (contact - n) * (contact + pressure / swept)
            return jnp.stack([density, *momentum, density * energy])

        return (
            contact,
            star(left, n_left, p_left, slowest, swept_left),
            star(right, n_right, p_right, fastest, swept_right),
        )


def _square(vector: Float[Array, "axis *points"]) -> Float[Array, "*points"]:
    return sum((part * part for part in vector[1:]), start=vector[0] * vector[0])
