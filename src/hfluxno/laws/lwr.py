"""Traffic flow after Lighthill, Whitham and Richards."""

from typing import ClassVar

import equinox as eqx
from jaxtyping import Array, Float

from hfluxno.laws.base import ConservationLaw, Matrix, State, coefficient


class LWR(ConservationLaw):
    """∂t ρ + ∂x(v ρ (1 - ρ/ρ_max)) = 0, traffic density with Greenshields' speed.

    `v` is the free speed and `rho_max` the jam density (Lighthill and Whitham, Proc. R. Soc. A 229,
    1955, 317-345; Greenshields, Highway Research Board 14, 1935). The flux is concave, unlike that
    of Burgers' equation. The law is not in the paper; v uniform in [0.5, 1.5] and ρ_max = 1 are our
    choice.
    """

    name: ClassVar[str] = "lwr"
    ranges: ClassVar[dict[str, tuple[float, float]]] = {"v": (0.5, 1.5), "rho_max": (1.0, 1.0)}
    fields: tuple[str, ...] = eqx.field(static=True, default=("rho",))
    v: Float[Array, ""] = eqx.field(converter=coefficient, default=1.0)
    rho_max: Float[Array, ""] = eqx.field(converter=coefficient, default=1.0)

    def flux(self, u: State) -> State:
        return self.v * u * (1.0 - u / self.rho_max)

    def jacobian(self, u: State) -> Matrix:
        return (self.v * (1.0 - 2.0 * u / self.rho_max))[None]

    def roe_matrix(self, left: State, right: State) -> Matrix:
        return (self.v * (1.0 - (left + right) / self.rho_max))[None]
