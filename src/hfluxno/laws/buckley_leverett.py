"""Two-phase flow in a porous medium after Buckley and Leverett."""

from typing import ClassVar

import equinox as eqx
from jaxtyping import Array, Float

from hfluxno.laws.base import ConservationLaw, Matrix, State, coefficient


class BuckleyLeverett(ConservationLaw):
    """∂t s + ∂x(q s²/(s² + M (1 - s)²)) = 0, the saturation s ∈ [0, 1] of the displacing fluid.

    `q` is the total volume flux and `M` the ratio of the mobilities of the displaced and the
    displacing fluid (Buckley and Leverett, Trans. AIME 146, 1942, 107-116). The flux has an
    inflection, so a step becomes a shock followed by a rarefaction. The law is not in the paper; q
    uniform in [0.5, 1.5] and M uniform in [0.25, 1] are our choice.
    """

    name: ClassVar[str] = "buckley-leverett"
    ranges: ClassVar[dict[str, tuple[float, float]]] = {"q": (0.5, 1.5), "M": (0.25, 1.0)}
    fields: tuple[str, ...] = eqx.field(static=True, default=("s",))
    q: Float[Array, ""] = eqx.field(converter=coefficient, default=1.0)
    M: Float[Array, ""] = eqx.field(converter=coefficient, default=0.5)

    def flux(self, u: State) -> State:
        return self.q * u * u / (u * u + self.M * (1.0 - u) * (1.0 - u))

    def jacobian(self, u: State) -> Matrix:
        denominator = u * u + self.M * (1.0 - u) * (1.0 - u)
        return (2.0 * self.q * self.M * u * (1.0 - u) / (denominator * denominator))[None]
