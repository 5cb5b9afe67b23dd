"""The flux of u from a network that sees the scaled variable v = (u - m)/s."""

from jaxtyping import Array, Float

from hfluxno.fv import NumericalFlux
from hfluxno.models.scaling import per_field


class ScaledFlux(NumericalFlux):
    """F(u) = s F̃((u - m)/s): the flux of u from the flux of the scaled variable.

    It is applied to u itself, so the step conserves to the rounding of u.

    **Attributes:**

    - `inner`: F̃.
    - `shift`, `scale`: m and s of every field.
    """

    inner: NumericalFlux
    shift: Float[Array, " field"]
    scale: Float[Array, " field"]

    @property
    def ghost(self) -> int:
        return self.inner.ghost

    @property
    def integrator(self) -> str:
        return self.inner.integrator

    @property
    def odd_fields(self) -> tuple[int, ...]:
        return self.inner.odd_fields

    @property
    def rowwise(self) -> bool:
        return self.inner.rowwise

    def __call__(
        self, padded: Float[Array, "field *padded"], dt: Float[Array, ""], dx: float
    ) -> Float[Array, "field *interfaces"]:
        return per_field(self.scale, padded, 0) * self.inner(self._scaled(padded), dt, dx)

    def speed(self, padded: Float[Array, "field *padded"], dx: float) -> Float[Array, ""]:
        return self.inner.speed(self._scaled(padded), dx)

    def _scaled(self, padded):
        return (padded - per_field(self.shift, padded, 0)) / per_field(self.scale, padded, 0)
