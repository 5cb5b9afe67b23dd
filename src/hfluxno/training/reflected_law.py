"""The law obeyed by a reflected solution.

If u solves ∂t u + ∂x f(u) = ∂x(ν ∂x u), the state

    v(x, t) = M u(σx, t),   σ = ±1,   M diagonal, σ for the fields that are odd in x, else 1

solves the law with the flux σ M f(M v), the Jacobian σ M f′(M v) M and the diffusivity ν(M v).
"""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from hfluxno.laws.base import ConservationLaw, Matrix, State, by_field


class ReflectedLaw(ConservationLaw):
    """The law of v(x, t) = M u(σx, t).

    - `law`: the law of u.
    - `direction`: σ.
    """

    fields: tuple[str, ...] = eqx.field(static=True)
    law: ConservationLaw
    direction: Float[Array, ""]

    @property
    def negated_fields(self) -> tuple[int, ...]:
        return self.law.negated_fields

    def flux(self, u: State) -> State:
        signs = self._signs(u)
        return self.direction * signs * self.law.flux(signs * u)

    def jacobian(self, u: State) -> Matrix:
        signs = self._signs(u)
        return self.direction * signs[:, None] * signs[None] * self.law.jacobian(signs * u)

    def diffusivity(self, u: State) -> State | None:
        return self.law.diffusivity(self._signs(u) * u)

    def _signs(self, u):
        signs = signs_of_fields(self.law, self.direction).astype(u.dtype)
        return by_field(signs, u)


def signs_of_fields(law: ConservationLaw, direction: Float[Array, ""]) -> Float[Array, " field"]:
    """The diagonal of M."""
    negated = jnp.asarray([i in law.negated_fields for i in range(len(law.fields))])
    return jnp.where(negated, direction, jnp.ones_like(direction))
