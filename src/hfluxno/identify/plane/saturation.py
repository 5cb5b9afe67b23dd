"""Buckley and Leverett's flux on a plane, of a saturation u in [0, 1].

    F = q_x g(u; M),   G = q_y g(u; M),   g = u²/(u² + M (1 - u)²)

For each M the law is linear in q, of which one is left out if the equations do not need it; M is
that with the smallest misfit. It is recognised as other laws are
(`hfluxno.identify.plane.known_of_one`), if the equations determine M, and instead of a parabola
that noise allows too if its residual is clearly smaller. The uncertainties are those
of q and M in the law that is linear in both at the solution.
"""

import dataclasses

import numpy as np
from jaxtyping import Float
from scipy.optimize import minimize_scalar

from hfluxno.identify.plane.coefficient_spread import covariance
from hfluxno.identify.plane.known_of_one import OneField, coefficient, recognise_one_field
from hfluxno.identify.plane.select import FieldEstimate, beyond_noise, in_cells, sparse, together
from hfluxno.identify.recognition.recognised import BUCKLEY_LEVERETT, Recognised
from hfluxno.parametric.basis import Chebyshev
from hfluxno.parametric.plane.terms import Structure, with_further
from hfluxno.parametric.plane.weak_form import total

_AXES = {"q_x": 0, "q_y": 1}
# Ratios of mobilities to start from, and how far beyond [0, 1] saturations may be.
_MOBILITIES, _BEYOND = np.geomspace(0.02, 50.0, 40), 0.1
# Its residual is clearly smaller if it is at most this part of that of another law.
_CLEARLY = 0.8
# Near jumps the free law fits the errors of quadratures with all its polynomials, so the residual
# may be this multiple of its; but as a flux of this shape comes near to many others, what noise
# does not explain of it may only be so much, or as much as of the free law.
_AS_GOOD, _CLOSE = 3.0, 0.017
# What the polynomials may lack of the flux, relative to its height.
_LACKING = 2e-3
# A relative deviation of M, above which the equations do not determine it.
_UNKNOWN = 0.25
_STEP = 1e-3  # of M


def recognise(about: OneField) -> tuple[Recognised, Structure] | None:
    """The known law of one field, this one or one of `recognise_one_field`."""
    simple, other = recognise_one_field(about), recognise_saturation(about)
    if simple is None or other is None:
        return simple or other
    return other if other[0].misfit < _CLEARLY * simple[0].misfit else simple


def recognise_saturation(about: OneField) -> tuple[Recognised, Structure] | None:
    """The law and its structure in cells and frames, or `None` if it is another one."""
    systems, basis, sizes, cell, interval, found, further, fields, values, noise = about
    low, high = (float(basis.middle[0] + sign * basis.half[0]) for sign in (-1.0, 1.0))
    if low < -_BEYOND or high > 1.0 + _BEYOND:
        return None
    whole, aspect = total(systems), cell[0] / cell[1]
    possible = [m for m in _MOBILITIES if _row(basis, m) is not None]

    def fitted(mobility: float) -> FieldEstimate | None:
        row = _row(basis, mobility)
        if row is None:
            return None
        structure = in_cells(_structure(row), aspect)
        if further is not None:
            structure = with_further(structure, further, fields)
        return sparse(whole, structure, sizes)

    def misfit(log: float) -> float:
        best = fitted(float(np.exp(log)))
        return np.inf if best is None else best.misfit

    misfits = [misfit(float(np.log(m))) for m in possible]
    k = int(np.argmin(misfits)) if misfits else 0
    if not 0 < k < len(possible) - 1:  # what is best at an end is no minimum
        return None
    around = np.log(possible[k - 1]), np.log(possible[k + 1])
    m = float(np.exp(minimize_scalar(misfit, bounds=around, method="bounded").x))
    best = fitted(m)
    assert best is not None
    kept, unit = best.structure, cell[0] / interval
    said = Recognised(
        BUCKLEY_LEVERETT, "", np.nan, np.nan, best.misfit, together(found, sizes, whole)
    )
    axes = [name for name in kept.names if name in _AXES]
    left, of_free = (
        beyond_noise(each, whole, sizes, noise) for each in (said.misfit, said.without)
    )
    as_good = said.misfit <= _AS_GOOD * said.without and left <= max(_CLOSE, of_free)
    if not axes or not as_good:
        return None
    linear = _with_mobility(basis, best, m)
    known = np.sqrt(np.diag(covariance(systems, linear, sizes, best.misfit, values, noise)))
    sigmas = dict(zip(linear.names, known, strict=True))
    if sigmas["M"] > _UNKNOWN * m:
        return None
    flows = dict(zip(kept.names, best.unknowns, strict=True))
    first, *more = [
        *(coefficient(name, unit * flows[name], unit * sigmas[name]) for name in axes),
        coefficient("M", m, sigmas["M"]),
    ]
    shown = first.symbol, first.value, first.deviation
    return Recognised(BUCKLEY_LEVERETT, *shown, said.misfit, said.without, tuple(more)), kept


def _row(basis: Chebyshev, mobility: float) -> Float[np.ndarray, " function"] | None:
    """g as coefficients of the basis; `None` if these polynomials do not make it."""
    middle, half = float(basis.middle[0]), float(basis.half[0])

    def flux(v: np.ndarray) -> np.ndarray:
        u = middle + half * v
        return u * u / (u * u + mobility * (1.0 - u) ** 2)

    made = np.polynomial.Chebyshev.interpolate(flux, basis.size)
    v = np.linspace(-1.0, 1.0, 101)
    if np.max(np.abs(made(v) - flux(v))) > _LACKING * np.ptp(flux(v)):
        return None
    return np.pad(made.coef[1:], (0, basis.size + 1 - len(made.coef)))


def _structure(row: Float[np.ndarray, " function"]) -> Structure:
    directions = np.zeros((2, 1, 2, len(row)))
    directions[0, 0, 0] = directions[1, 0, 1] = row
    return Structure((0,), directions, tuple(_AXES))


def _with_mobility(basis: Chebyshev, best: FieldEstimate, mobility: float) -> Structure:
    """The law near its best coefficients, with a change of M as its last unknown."""
    kept, step = best.structure, _STEP * mobility
    above, below = (_row(basis, mobility + sign * step) for sign in (1.0, -1.0))
    here = _row(basis, mobility)
    assert here is not None
    above, below = (here if row is None else row for row in (above, below))
    # Relative to g itself, as the flux along each axis is a multiple of it.
    fluxes = np.tensordot(best.unknowns, kept.directions, axes=1)
    place = int(np.argmax(np.abs(here)))
    change = fluxes[:, :, place, None] / here[place] * (above - below) / (2.0 * step)
    return dataclasses.replace(
        kept,
        directions=np.concatenate([kept.directions, change[None]]),
        names=(*kept.names, "M"),
        further=None
        if kept.further is None
        else np.concatenate([kept.further, np.zeros((1, *kept.further.shape[1:]))]),
    )
