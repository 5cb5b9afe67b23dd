"""Whether waves on a plane disperse, which no law here makes them do.

Dispersion adds δ_0 ∂xxx u + δ_1 ∂xxy u + δ_2 ∂xyy u + δ_3 ∂yyy u to the equation of a field; in the
weak form these are four more columns (`hfluxno.parametric.plane.weak_form`). An error of a law that
is small in a short context may grow long after it.
"""

import dataclasses
from typing import NamedTuple

import numpy as np

from hfluxno.identify.plane.frames import Frames
from hfluxno.identify.plane.residual import functions_of_flow
from hfluxno.identify.plane.search import deviations
from hfluxno.identify.plane.select import (
    beyond_noise,
    chebyshev_of,
    functions_of,
    left_over,
    solved,
    systems_of,
)
from hfluxno.parametric.basis import Dictionary
from hfluxno.parametric.plane.law import FittedPlaneLaw
from hfluxno.parametric.plane.terms import Further
from hfluxno.parametric.plane.weak_form import WeakSystem, has_room, total
from hfluxno.plural import percent

_DERIVATIVES = 4
_FEWEST = 6  # frames
# Waves disperse if that explains more than the first number of what flux, diffusion and sources
# leave beyond noise, more than the second of that with noise, and it is more than the third of the
# equations. Of four waves after Zakharov and Kuznetsov it explained .77 to .89, of them with 1 % of
# noise .35 to .72, left were .010 or more; of 45 contexts of other solvers (16 kinds of
# `python -m benchmarks.plane_trust`, two seeds, with and without noise, and others) .43 at most,
# and .29 where more than .005 was left.
_DISPERSES, _BESIDE_NOISE, _LITTLE = 0.6, 0.33, 0.004


class Dispersion(NamedTuple):
    """The field whose equation third derivatives explain most of what a law leaves of it.

    - `left`: what flux, diffusion and the law's sources leave at least, relative to ∫∫∫ u ψ_t χ η.
    - `explained`: the fraction of its square, beyond noise, that third derivatives explain.
    - `share`: the same with noise.
    """

    field: str = ""
    left: float = 0.0
    explained: float = 0.0
    share: float = 0.0

    @property
    def matters(self) -> bool:
        """Whether waves disperse."""
        explains = self.explained > _DISPERSES and self.share > _BESIDE_NOISE
        return explains and self.left > _LITTLE

    def __str__(self) -> str:
        return (
            f"most likely dispersion: it explains {percent(self.share)} of the "
            f"{percent(self.left)} of the weak form of {self.field} that other terms leave"
        )


NO_DISPERSION = Dispersion()


def dispersion(law: FittedPlaneLaw, seen: Frames) -> Dispersion:
    """Measured with any fluxes of the functions of a law, diffusion and its sources; none in a few
    frames, or if walls leave no room for the weak form."""
    if len(seen.values) < _FEWEST or not has_room(seen.grid.free, seen.around):
        return NO_DISPERSION
    basis = law.basis
    if len(law.fields) == 1:
        basis = chebyshev_of(seen.filled)
    elif isinstance(basis, Dictionary):
        used = np.any(np.asarray(law.coefficients) != 0.0, axis=(0, 1))
        chosen = tuple(e for e, has in zip(basis.exponents, used, strict=True) if has)
        basis = dataclasses.replace(basis, exponents=chosen or basis.exponents[:1])
    functions, further = functions_of(basis, seen.around), Further(law.arising)
    if law.flow is not None:
        functions, supply = functions_of_flow(law.flow, seen)
        further = Further(law.arising, supply=supply)
    whole = total(systems_of(seen, functions, further, dispersing=True))
    sizes = deviations(seen.filled, ())
    found = [_of_field(whole, i, name, sizes, seen) for i, name in enumerate(law.fields)]
    return max(found, key=lambda each: (each.matters, each.explained))


def _of_field(whole: WeakSystem, i: int, name: str, sizes: np.ndarray, seen: Frames) -> Dispersion:
    normal, right, square = whole.of_field(i)
    of_field = WeakSystem(normal, right[None], np.array([square]), whole.noise)
    lefts = []
    for count in (len(right) - _DERIVATIVES, len(right)):
        coefficients = np.zeros((1, len(right)))
        coefficients[0, :count] = solved(normal[:count, :count], right[:count])
        lefts.append(left_over(of_field, coefficients, sizes[i : i + 1]))
    before, after = lefts
    by_dispersion = before**2 - after**2
    # What is left at last is noise or not.
    beyond = beyond_noise(after, of_field, sizes[i : i + 1], seen.noise) ** 2 + by_dispersion
    explained = by_dispersion / beyond if beyond > 0.0 else 0.0
    return Dispersion(name, before, explained, by_dispersion / before**2 if before > 0.0 else 0.0)
