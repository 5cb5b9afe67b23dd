"""The law that a transformed solution obeys.

Where u solves ∂t u + ∂x f(u) = ∂x(ν ∂x u), the state

    v(x, t) = M u(σx, λt),   M diagonal, σ = ±1, λ > 0

solves the law with the flux σλ M f(M⁻¹ v), the Jacobian σλ M f′(M⁻¹ v) M⁻¹ and the diffusivity
λ ν(M⁻¹ v).
"""

import equinox as eqx
from jaxtyping import Array, Float

from hfluxno.laws.base import ConservationLaw


class TransformedLaw(ConservationLaw):
    """The law of v(x, t) = M u(σx, λt).

    **Attributes:**

    - `law`: the law of u.
    - `factors`: the diagonal of M, shape (field,); none of them is zero.
    - `direction`: σ.
    - `pace`: λ.
    """

    fields: tuple[str, ...] = eqx.field(static=True)
    law: ConservationLaw
    factors: Float[Array, " field"]
    direction: Float[Array, ""]
    pace: Float[Array, ""]

    @property
    def odd_fields(self) -> tuple[int, ...]:
        return self.law.odd_fields

    def flux(self, u: Float[Array, "field *points"]) -> Float[Array, "field *points"]:
        factors = self._factors(u)
        return self.direction * self.pace * factors * self.law.flux(u / factors)

    def jacobian(self, u: Float[Array, "field *points"]) -> Float[Array, "field field *points"]:
        factors = self._factors(u)
        quotients = factors[:, None] / factors[None]
        return self.direction * self.pace * quotients * self.law.jacobian(u / factors)

    def diffusivity(self, u: Float[Array, "field *points"]) -> Float[Array, "field *points"] | None:
        nu = self.law.diffusivity(u / self._factors(u))
        return None if nu is None else self.pace * nu

    def roe_matrix(
        self, left: Float[Array, "field *points"], right: Float[Array, "field *points"]
    ) -> Float[Array, "field field *points"]:
        factors = self._factors(left)
        quotients = factors[:, None] / factors[None]
        matrix = self.law.roe_matrix(left / factors, right / factors)
        return self.direction * self.pace * quotients * matrix

    def _factors(self, u):
        return self.factors.reshape((-1,) + (1,) * (u.ndim - 1)).astype(u.dtype)
