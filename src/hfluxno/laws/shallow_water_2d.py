"""Shallow water on a plane."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from hfluxno.laws.base import Admissible, Speed, State, Waves, coefficient
from hfluxno.laws.space import SpaceLaw


class ShallowWater2D(SpaceLaw):
    """∂t h + ∇·m = 0,  ∂t m + ∇·(m ⊗ m/h) + ∇(g h²/2) = 0.

    The height h > 0 and the momentum m = h v. With n the component of v along an axis the waves
    move at n - √(g h), n and n + √(g h) (LeVeque, Finite Volume Methods for Hyperbolic Problems,
    2002, section 21.7).
    """

    fields: tuple[str, ...] = eqx.field(static=True, default=("h", "m_x", "m_y"))
    axes: int = eqx.field(static=True, default=2)
    g: Float[Array, ""] = eqx.field(converter=coefficient, default=9.81)

    @property
    def vectors(self) -> tuple[tuple[int, ...], ...]:
        return ((1, 2),)

    def flux(
        self, u: Float[Array, "field *points"], axis: int = 0
    ) -> Float[Array, "field *points"]:
        h = u[0]
        velocity = u[1 + axis] / h
        momentum = [u[1] * velocity, u[2] * velocity]
        momentum[axis] = momentum[axis] + 0.5 * self.g * h * h
        return jnp.stack([u[1 + axis], *momentum])

    def speed_range(self, u: State, axis: int = 0) -> tuple[Speed, Speed]:
        velocity, celerity = u[1 + axis] / u[0], jnp.sqrt(self.g * u[0])
        return velocity - celerity, velocity + celerity

    def admissible(self, u: State) -> Admissible:
        return u[0] > 0.0

    def waves(self, left: State, right: State, axis: int = 0) -> Waves:
        """Roe's averages: velocities weighted with √h, the arithmetic mean of h."""
        root_left, root_right = jnp.sqrt(left[0]), jnp.sqrt(right[0])

        def mean(of_left, of_right):
            weighted = root_left * (of_left / left[0]) + root_right * (of_right / right[0])
            return weighted / (root_left + root_right)

        n = mean(left[1 + axis], right[1 + axis])
        along = mean(left[2 - axis], right[2 - axis])
        c = jnp.sqrt(self.g * 0.5 * (left[0] + right[0]))

        def split(vector):
            height, normal, tangential = vector[0], vector[1 + axis], vector[2 - axis]
            first = ((n + c) * height - normal) / (2.0 * c)
            third = (normal - (n - c) * height) / (2.0 * c)
            zero = jnp.zeros_like(height)

            def part(height, normal, tangential):
                pair = (normal, tangential) if axis == 0 else (tangential, normal)
                return jnp.stack([height, *pair])

            return jnp.stack(
                [
                    part(first, first * (n - c), first * along),
                    part(zero, zero, tangential - along * height),
                    part(third, third * (n + c), third * along),
                ]
            )

        return jnp.stack([n - c, n, n + c]), split
