"""The first-order scheme with the Rusanov flux."""

from typing import ClassVar

from hfluxno.fv.numerical_flux import (
    Interfaces,
    LawFlux,
    Number,
    Padded,
    diffusive_flux,
    largest,
    limiting_speed,
)
from hfluxno.fv.riemann import rusanov, speed_bound
from hfluxno.laws.base import ConservationLaw


class Rusanov(LawFlux):
    """The first-order Rusanov flux, monotone for scalar laws."""

    ghost: ClassVar[int] = 1
    integrator: ClassVar[str] = "euler"
    law: ConservationLaw

    def __call__(self, padded: Padded, dt: Number, dx: float) -> Interfaces:
        left, right = padded[..., :-1], padded[..., 1:]
        convective = self.law.across(left, right, rusanov(self.law, left, right))
        return convective + diffusive_flux(self.law, padded, dx)

    def speed(self, padded: Padded, dx: float) -> Number:
        bound = speed_bound(self.law, padded[..., :-1], padded[..., 1:])
        return limiting_speed(self.law, largest(bound), padded, dx)
