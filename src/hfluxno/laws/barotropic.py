"""Laws on a plane of a density and a momentum whose pressure depends on the density alone."""

import abc

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from hfluxno.laws.base import Admissible, Speed, State, Waves
from hfluxno.laws.space import SpaceLaw


class Barotropic(SpaceLaw):
    """∂t ρ + ∇·m = 0,  ∂t m + ∇·(m ⊗ m/ρ) + ∇p(ρ) = 0.

    With n the component of v = m/ρ along an axis and c = √p'(ρ) the waves move at n - c, n and
    n + c (LeVeque, Finite Volume Methods for Hyperbolic Problems, 2002, sections 14.6 and 21.7).
    """

    axes: eqx.AbstractVar[int]

    @property
    def vectors(self) -> tuple[tuple[int, ...], ...]:
        return ((1, 2),)

    @abc.abstractmethod
    def pressure(self, density: Float[Array, "*points"]) -> Float[Array, "*points"]:
        """p(ρ)."""

    @abc.abstractmethod
    def celerity(
        self, left: Float[Array, "*points"], right: Float[Array, "*points"]
    ) -> Float[Array, "*points"]:
        """c with c² = (p(right) - p(left))/(right - left), √p'(ρ) between equal densities."""

    def flux(self, u: State, axis: int = 0) -> State:
        velocity = u[1 + axis] / u[0]
        momentum = [u[1] * velocity, u[2] * velocity]
        momentum[axis] = momentum[axis] + self.pressure(u[0])
        return jnp.stack([u[1 + axis], *momentum])

    def speed_range(self, u: State, axis: int = 0) -> tuple[Speed, Speed]:
        velocity, celerity = u[1 + axis] / u[0], self.celerity(u[0], u[0])
        return velocity - celerity, velocity + celerity

    def admissible(self, u: State) -> Admissible:
        return u[0] > 0.0

    def waves(self, left: State, right: State, axis: int = 0) -> Waves:
        """Roe's averages: velocities weighted with √ρ, and the celerity of the jump."""
        root_left, root_right = jnp.sqrt(left[0]), jnp.sqrt(right[0])

        def mean(of_left, of_right):
            weighted = root_left * (of_left / left[0]) + root_right * (of_right / right[0])
            return weighted / (root_left + root_right)

        n = mean(left[1 + axis], right[1 + axis])
        along = mean(left[2 - axis], right[2 - axis])
        c = self.celerity(left[0], right[0])

        def split(vector):
            density, normal, tangential = vector[0], vector[1 + axis], vector[2 - axis]
            first = ((n + c) * density - normal) / (2.0 * c)
            third = (normal - (n - c) * density) / (2.0 * c)
            zero = jnp.zeros_like(density)

            def part(density, normal, tangential):
                pair = (normal, tangential) if axis == 0 else (tangential, normal)
                return jnp.stack([density, *pair])

            return jnp.stack(
                [
                    part(first, first * (n - c), first * along),
                    part(zero, zero, tangential - along * density),
                    part(third, third * (n + c), third * along),
                ]
            )

        return jnp.stack([n - c, n, n + c]), split
