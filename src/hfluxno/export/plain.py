"""A fitted law as plain numbers, which any language can evaluate.

    f_i(u) = Σ_k F_ik Π_j w_j^{e_kj},   w_j = (u_j - shift_j)/scale_j

for u in the observed range, and the linear continuation from its nearest state ū beyond. All bases
are such sums: Chebyshev polynomials are written out in powers. A flux of one field may also have
rounded kinks, with g_k √((w - a_k)² + r²) for each. And

    ν_i(u) = max(0, Σ_k D_ik v_i^k),   s_i(u, x) = Σ_k S_ik v_i^k + Σ_m P_im ψ_m(x),
    k(x) = exp(Σ_m K_m ψ_m(x)),   v_i = (ū_i - middle_i)/half_i.

The sum with P is multiplied by a field, u_p, if it is a force that acts on what flows.

Beyond the range the source of one field changes by b_1 (u - ū) + b_2 (u - ū)² with numbers b for
either end. That of several fields has Σ_k S_ik Π_j ū_j^{e_kj} |ū_j|^{a_kj} instead of powers of v.

A law on a plane is such a law along each axis, with a constant ν_i along each; its source, which
the first of them has, is Σ_k S_ik Π_j u_j^{e_kj}, with its linear continuation too.
"""

import dataclasses
import functools
import itertools
from collections.abc import Iterator
from typing import Any

import jax
import numpy as np

from hfluxno.identify.plane import SavedPlaneLaw
from hfluxno.identify.saved.format import Row, Table, as_row, as_table
from hfluxno.identify.saved.law import SavedLaw, Units
from hfluxno.parametric.basis import Basis, Chebyshev, Dictionary, Kinked, TensorChebyshev
from hfluxno.parametric.fitted_law import Terms
from hfluxno.parametric.source_terms import Functions


@dataclasses.dataclass(frozen=True)
class Place:
    """P, K, the offset c in k(x) (f(u) + c), the domain of the modes ψ of place, the stretches on
    which the flux has another factor (begin, end and the logarithm of the factor of each), and the
    field u_p by which P ψ is multiplied, if there is one."""

    source: Table
    factor: Row
    offset: Row
    lower: float
    upper: float
    periodic: bool
    stretches: Table
    carrier: int | None = None

    @property
    def scales_flux(self) -> bool:
        return any(self.factor) or bool(self.stretches)

    def waves(self, coefficients: Row) -> Iterator[tuple[float, str, int]]:
        """Σ_m c_m ψ_m(x) as the c, `sin` or `cos`, and n of each c sin(nπξ) or c cos(nπξ), with ξ
        from 0 to 1 on the domain."""
        for k, c in enumerate(coefficients):
            if self.periodic:
                yield c, "sin" if k % 2 else "cos", 2 * (k // 2 + 1)
            else:
                yield c, "cos", k + 1


@dataclasses.dataclass(frozen=True)
class PlainLaw:
    """The numbers above, all in the units of the data; tables without terms are empty.

    - `fields`, `units`: names.
    - `lower`, `upper`: the range in which the flux is this sum.
    - `continued`: whether it is continued linearly beyond, rather than being this sum there too.
    - `shift`, `scale`: of w.
    - `exponents`: one row for each term, one number for each field.
    - `flux`: F, one row for each field.
    - `kinks`: a and g of each.
    - `width`: r.
    - `diffusivity`, `source`: D and S, the powers from 0 on.
    - `beyond`: b below and above the range.
    - `arising`: the exponents e and a of each term of a source of several fields; then S has its
      coefficients.
    - `place`: what depends on x.
    - `flow`, `fastest`: the density and the momentum of a flow over ground that may be dry, and its
      largest velocity: for the flux the momentum counts at most as that times the density.
    - `anchored`: whether a constant of the flux has an effect, by a factor of place or at walls.
    """

    fields: tuple[str, ...]
    units: Units
    lower: Row
    upper: Row
    shift: Row
    scale: Row
    exponents: tuple[tuple[int, ...], ...]
    flux: Table
    kinks: tuple[tuple[float, float], ...]
    width: float
    diffusivity: Table
    source: Table
    place: Place | None
    anchored: bool = False
    continued: bool = True
    arising: tuple[tuple[int, ...], ...] = ()
    beyond: Table = ((0.0, 0.0), (0.0, 0.0))
    flow: tuple[int, ...] = ()
    fastest: float = 0.0

    @property
    def middle(self) -> Row:
        return tuple(0.5 * (a + b) for a, b in zip(self.lower, self.upper, strict=True))

    @property
    def half(self) -> Row:
        return tuple(0.5 * (b - a) for a, b in zip(self.lower, self.upper, strict=True))


def along_axes(saved: SavedLaw | SavedPlaneLaw) -> tuple[PlainLaw, ...]:
    """The numbers of a law along each of its axes. Raises `ValueError` if it has no such form."""
    if isinstance(saved, SavedPlaneLaw) and saved.law.flow is not None:
        raise ValueError(
            "The velocity of a steady flow depends on place, which only a law file keeps: save the "
            "law as JSON (--to json), and forecast with it (--law)."
        )
    return (plain(saved),) if isinstance(saved, SavedLaw) else _plane(saved)


def plain(saved: SavedLaw) -> PlainLaw:
    """The numbers of a law on a line. Terms whose coefficients are zero are left out."""
    law = saved.law
    shift, scale, exponents, flux = _flux(law.basis, np.asarray(law.flux_coefficients))
    used = [k for k in range(len(exponents)) if np.any(flux[:, k])] or [0]
    terms = law.terms
    # Laws with functions of the scaled state never extend beyond their range.
    low, high = law.range_of_flux()
    diffusivity = _powers(_trimmed(np.asarray(law.diffusion_coefficients)))
    if diffusivity.shape[1] == 1:  # the same at all states
        diffusivity = np.maximum(diffusivity, 0.0)
    source, arising = (np.zeros((1, 0)), ()) if terms is None else _source(terms)
    place = None if terms is None else _place(terms)
    beyond = np.zeros((2, 2))
    if np.any(source) and not arising:
        with jax.enable_x64(True):
            beyond = np.asarray(law.source_beyond())
    return PlainLaw(
        law.fields,
        saved.units,
        as_row(low),
        as_row(high),
        as_row(shift),
        as_row(scale),
        tuple(exponents[k] for k in used),
        as_table(flux[:, used]),
        *_kinks(law.basis, np.asarray(law.flux_coefficients)),
        as_table(diffusivity) if np.any(diffusivity) else (),
        as_table(source) if np.any(source) else (),
        place,
        anchored=place is not None and place.scales_flux,
        arising=arising,
        beyond=as_table(beyond),
        **_dry(law.basis),
    )


def _dry(basis: Basis) -> dict[str, Any]:
    if not isinstance(basis, Dictionary):
        return {}
    return {"flow": basis.flow, "fastest": float(basis.fastest)}


def _plane(saved: SavedPlaneLaw) -> tuple[PlainLaw, ...]:
    law = saved.law
    fluxes = [_flux(law.basis, table) for table in np.asarray(law.coefficients)]
    if law.constant is not None:
        constants = np.asarray(law.constant)
        fluxes = [_raised(each, own) for each, own in zip(fluxes, constants, strict=True)]
    shift, scale, exponents, _ = fluxes[0]
    used = [k for k in range(len(exponents)) if any(np.any(flux[:, k]) for *_, flux in fluxes)]
    nu = () if law.diffusivities is None else np.asarray(law.diffusivities)
    none = (0,) * len(law.fields)
    arising = () if law.sources is None else tuple((*powers, *none) for powers in law.arising)
    return tuple(
        PlainLaw(
            law.fields,
            saved.units,
            as_row(law.lower),
            as_row(law.upper),
            as_row(shift),
            as_row(scale),
            tuple(exponents[k] for k in used),
            as_table(flux[:, used]),
            *_kinks(law.basis, flux),
            diffusivity=as_table(nu[axis]) if len(nu) else (),
            source=as_table(law.sources) if arising and axis == 0 else (),
            place=None,
            anchored=law.constant is not None,
            continued=law.is_continued,
            arising=arising if axis == 0 else (),
        )
        for axis, (*_, flux) in enumerate(fluxes)
    )


def _flux(basis: Basis, given: np.ndarray):
    orders: tuple[tuple[int, ...], ...]
    if isinstance(basis, Kinked):
        basis = basis.smooth
        given = given[:, : basis.size]
    if isinstance(basis, Dictionary):
        return np.zeros(len(basis.fields)), basis.scale, basis.exponents, given
    if isinstance(basis, Chebyshev):
        orders, degree = tuple((k,) for k in range(1, basis.size + 1)), basis.size
    elif isinstance(basis, TensorChebyshev):
        orders, degree = basis.orders, basis.degree
    else:
        raise TypeError(f"No plain form of the basis {type(basis).__name__} is known.")
    exponents = list(itertools.product(range(degree + 1), repeat=len(orders[0])))
    # T_i(w_1) T_j(w_2) … in powers, at index (power of w_1, power of w_2, …).
    factors = ((_chebyshev(k, degree) for k in order) for order in orders)
    matrix = np.array([functools.reduce(np.multiply.outer, each).ravel() for each in factors])
    # A constant has no effect, but it is part of what `flux` returns.
    return basis.middle, basis.half, exponents, given @ matrix


def _raised(fluxes, constant):
    """The same fluxes with a constant of each."""
    shift, scale, exponents, flux = fluxes
    none = (0,) * len(constant)
    if none not in exponents:
        exponents, flux = [*exponents, none], np.append(flux, np.zeros((len(flux), 1)), axis=1)
    flux = np.array(flux)
    flux[:, list(exponents).index(none)] += constant
    return shift, scale, exponents, flux


def _kinks(basis: Basis, given: np.ndarray) -> tuple[tuple[tuple[float, float], ...], float]:
    if not isinstance(basis, Kinked):
        return (), 1.0
    weights = given[0, basis.smooth.size :]
    every = zip(as_row(basis.at), as_row(weights), strict=True)
    return tuple((place, weight) for place, weight in every if weight), float(basis.width)


def _chebyshev(order: int, degree: int) -> np.ndarray:
    powers = np.polynomial.chebyshev.cheb2poly([0.0] * order + [1.0])
    return np.pad(powers, (0, degree + 1 - len(powers)))


def _trimmed(coefficients: np.ndarray) -> np.ndarray:
    """The coefficients without trailing zeros: laws of a joint estimate have room for more
    functions than were estimated."""
    used = np.flatnonzero(np.any(coefficients, axis=0))
    return coefficients[:, : used[-1] + 1 if used.size else 0]


def _powers(coefficients: np.ndarray) -> np.ndarray:
    """Rows of Chebyshev coefficients from T_0 on, in powers."""
    count = coefficients.shape[1]
    matrix = np.array([_chebyshev(k, count - 1) for k in range(count)]).reshape(count, count)
    return coefficients @ matrix


def _source(terms: Terms) -> tuple[np.ndarray, Functions]:
    """The source that depends on the state, and its functions if it is one of several fields."""
    by_state = np.asarray(terms.by_state)
    if not terms.functions:
        return _powers(_trimmed(by_state)), ()
    used = np.flatnonzero(np.any(by_state, axis=0))
    return by_state[:, used], tuple(terms.functions[k] for k in used)


def _place(terms) -> Place | None:
    by_place = (terms.source_by_place, terms.flux_by_place, terms.stretches)
    if not any(np.any(part) for part in by_place):
        return None
    return Place(
        as_table(terms.source_by_place),
        as_row(terms.flux_by_place),
        as_row(terms.flux_offset),
        float(terms.modes.lower),
        float(terms.modes.upper),
        terms.modes.periodic,
        as_table(terms.stretches),
        terms.carrier,
    )
