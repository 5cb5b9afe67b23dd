"""A different law along each axis."""

import equinox as eqx

from hfluxno.laws.base import ConservationLaw, Places, State, Time
from hfluxno.laws.space import SpaceLaw


class ByAxis(SpaceLaw):
    """∂t u + Σ_a ∂_a f_a(u) = Σ_a (∂_a(ν_a(u) ∂_a u) + s_a(u, x_a, t)).

    The parts are laws with one axis and the same fields: `ByAxis((Cubic(a=1.0), Cubic(b=1.0)))` is
    cubic in both directions.

    - `laws`: one for each axis.
    """

    fields: tuple[str, ...] = eqx.field(static=True, init=False)
    laws: tuple[ConservationLaw, ...]

    def __init__(self, laws: tuple[ConservationLaw, ...]):
        if len({law.fields for law in laws}) != 1:
            raise ValueError("The axes need one or more laws, all with the same fields.")
        self.fields, self.laws = laws[0].fields, laws

    @property
    def axes(self) -> int:
        return len(self.laws)

    def along(self, axis: int) -> ConservationLaw:
        return self.laws[axis]

    def flux(self, u: State, axis: int = 0) -> State:
        return self.laws[axis].flux(u)

    def source(self, u: State, x: Places, t: Time) -> State | None:
        parts = [law.source(u, x[a : a + 1], t) for a, law in enumerate(self.laws)]
        arising = [part for part in parts if part is not None]
        return sum(arising[1:], start=arising[0]) if arising else None
