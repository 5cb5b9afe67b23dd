"""The cubic conservation law, the paper's main family."""

from typing import ClassVar

import equinox as eqx
from jaxtyping import Array, Float

from hfluxno.laws.base import ConservationLaw, Matrix, State, coefficient


class Cubic(ConservationLaw):
    """∂t u + ∂x(a u³ + b u² + c u) = 0.

    For a ≠ 0 the flux is neither convex nor concave, so a single wave can join shocks and
    rarefactions. Published range: a, b, c uniform in [-1, 1] (HFluxNO, Appendix B.1).
    """

    name: ClassVar[str] = "cubic"
    ranges: ClassVar[dict[str, tuple[float, float]]] = {
        "a": (-1.0, 1.0),
        "b": (-1.0, 1.0),
        "c": (-1.0, 1.0),
    }
    fields: tuple[str, ...] = eqx.field(static=True, default=("u",))
    a: Float[Array, ""] = eqx.field(converter=coefficient, default=1.0)
    b: Float[Array, ""] = eqx.field(converter=coefficient, default=0.0)
    c: Float[Array, ""] = eqx.field(converter=coefficient, default=0.0)

    def flux(self, u: State) -> State:
        return ((self.a * u + self.b) * u + self.c) * u

    def jacobian(self, u: State) -> Matrix:
        return ((3.0 * self.a * u + 2.0 * self.b) * u + self.c)[None]

    def roe_matrix(self, left: State, right: State) -> Matrix:
        # The divided difference of a cubic, without the cancellation of (f(r) - f(l))/(r - l).
        square = left * left + left * right + right * right
        return (self.a * square + self.b * (left + right) + self.c)[None]
