"""Laws with several space axes, and their restriction to one of them.

    ∂t u + Σ_a ∂_a f_a(u) = Σ_a ∂_a(ν(u) ∂_a u) + s(u, x, t)

Schemes are written for one axis. If nothing changes along the others, the law becomes ∂t u + ∂_a
f_a(u) = ∂_a(ν(u) ∂_a u), a law with one axis.
"""

import abc
import functools

import equinox as eqx

from hfluxno.laws.base import (
    Admissible,
    ConservationLaw,
    Contact,
    Matrix,
    Places,
    Speed,
    State,
    Time,
    Waves,
    averaged_jacobian,
    pointwise_jacobian,
)


class SpaceLaw(ConservationLaw):
    """∂t u + Σ_a ∂_a f_a(u) = Σ_a ∂_a(ν(u) ∂_a u) + s(u, x, t).

    A law defines `fields`, `axes` and `flux(u, axis)`, and `vectors` if fields are components of
    vectors. Whatever follows from the flux takes the axis as well.
    """

    @abc.abstractmethod
    def flux(self, u: State, axis: int = 0) -> State:
        """f_a(u), the amount of each field that passes along axis a per unit time, in two
        dimensions per unit length across it."""

    def along(self, axis: int) -> ConservationLaw:
        super().along(axis)  # refuses one that it does not have
        return AlongAxis(self, axis)

    def jacobian(self, u: State, axis: int = 0) -> Matrix:
        """∂f_a,i/∂u_j at index (i, j)."""
        return pointwise_jacobian(functools.partial(self.flux, axis=axis), u)

    def roe_matrix(self, left: State, right: State, axis: int = 0) -> Matrix:
        return averaged_jacobian(functools.partial(self.jacobian, axis=axis), left, right)

    def diffusivity(self, u: State, axis: int = 0) -> State | None:
        """ν(u) along an axis."""
        return None

    def waves(self, left: State, right: State, axis: int = 0) -> Waves | None:
        return None

    def speed_range(self, u: State, axis: int = 0) -> tuple[Speed, Speed] | None:
        return None

    def contact(
        self, left: State, right: State, slowest: Speed, fastest: Speed, axis: int = 0
    ) -> Contact:
        return super().contact(left, right, slowest, fastest)


class AlongAxis(ConservationLaw):
    """∂t u + ∂_a f_a(u) = ∂_a(ν(u) ∂_a u), a law along one of its axes.

    - `law`: the law.
    - `axis`: a.
    """

    fields: tuple[str, ...] = eqx.field(static=True, init=False)
    law: SpaceLaw
    axis: int = eqx.field(static=True)

    def __init__(self, law: SpaceLaw, axis: int):
        self.fields, self.law, self.axis = law.fields, law, axis

    @property
    def negated_fields(self) -> tuple[int, ...]:
        return tuple(vector[self.axis] for vector in self.law.vectors)

    def flux(self, u: State) -> State:
        return self.law.flux(u, self.axis)

    def diffusivity(self, u: State) -> State | None:
        return self.law.diffusivity(u, self.axis)

    def source(self, u: State, x: Places, t: Time) -> State | None:
        return self.law.source(u, x, t)

    def jacobian(self, u: State) -> Matrix:
        return self.law.jacobian(u, self.axis)

    def roe_matrix(self, left: State, right: State) -> Matrix:
        return self.law.roe_matrix(left, right, self.axis)

    def waves(self, left: State, right: State) -> Waves | None:
        return self.law.waves(left, right, self.axis)

    def speed_range(self, u: State) -> tuple[Speed, Speed] | None:
        return self.law.speed_range(u, self.axis)

    def contact(self, left: State, right: State, slowest: Speed, fastest: Speed) -> Contact:
        return self.law.contact(left, right, slowest, fastest, self.axis)

    def admissible(self, u: State) -> Admissible | None:
        return self.law.admissible(u)
