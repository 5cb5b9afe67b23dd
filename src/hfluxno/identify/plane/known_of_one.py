"""Known laws of one field on a plane.

    linear advection   F = a u,             G = b u
    Burgers            F = a u²/2,          G = b u²/2
    Greenshields       F = v_x u (1 - u/K_x),   G = v_y u (1 - u/K_y),   K_x ≈ K_y

Each is linear in the coefficients of u and u² along both axes, of which those are left out that the
equations do not need, such as all of one axis. It is recognised if its weak-form residual is hardly
larger than that of the law found without it, and no law predicts the last frames much better. A
jam is as dense along x as along y: other fluxes that come near to parabolas in the observed range,
such as sin u and cos u, have two different K.

`hfluxno.identify.plane.saturation` has one that is not linear in a coefficient.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from hfluxno.identify.plane.coefficient_spread import covariance
from hfluxno.identify.plane.known import is_as_good
from hfluxno.identify.plane.select import FieldEstimate, in_cells, sparse, together
from hfluxno.identify.recognition.reading_deviation import deviations_of
from hfluxno.identify.recognition.recognised import Coefficient, Recognised
from hfluxno.parametric.basis import Chebyshev, Dictionary
from hfluxno.parametric.plane.terms import Further, Structure, with_further
from hfluxno.parametric.plane.weak_form import WeakSystem, total

# A smaller relative deviation is due to rounding.
_LEAST, _ROUNDING = 1e-6, 1e-12
# What two estimates of one number may differ by: in standard deviations, and relative to it, since
# errors at jumps are no random ones.
_DEVIATIONS, _APART = 3.0, 0.1
# Their names, and the functions along each axis as coefficients of u and u².
_FORMS: tuple[tuple[str, tuple[tuple[float, float], ...]], ...] = (
    ("linear advection", ((1.0, 0.0),)),
    ("Burgers", ((0.0, 0.5),)),
    ("Greenshields", ((1.0, 0.0), (0.0, 1.0))),
)


class OneField(NamedTuple):
    """What a known law of one field is compared with: the weak equations of parts of the frames,
    the functions they were made of, the estimate `found` and the `further` terms that they support.

    - `sizes`: of the equations of each field.
    - `cell`, `interval`: the lengths of a cell, and of the time between two frames.
    - `values`, `noise`: the frames, and their noise in standard deviations.
    """

    systems: Sequence[WeakSystem]
    basis: Chebyshev
    sizes: Float[np.ndarray, " field"]
    cell: tuple[float, float]
    interval: float
    found: Sequence[FieldEstimate]
    further: Further | None
    fields: tuple[str, ...]
    values: Float[np.ndarray, "time field x y"]
    noise: float


def recognise_one_field(about: OneField) -> tuple[Recognised, Structure] | None:
    """The known law with the fewest coefficients that is as good as the estimate that was found,
    and its structure in cells and frames, with the further terms as far as the equations need them;
    `None` if there is none."""
    systems, basis, sizes, cell, interval, found, further, fields, values, noise = about
    whole = total(systems)
    without = together(found, sizes, whole)
    for name, functions in _FORMS:
        structure = in_cells(_structure(basis, functions), cell[0] / cell[1])
        if further is not None:
            structure = with_further(structure, further, fields)
        best = sparse(whole, structure, sizes)
        kept, unit = best.structure, cell[0] / interval
        numbers = _numbers(name, kept.names, unit * best.unknowns)
        said = Recognised(name, "", np.nan, np.nan, best.misfit, without)
        if numbers is None or not is_as_good(said):
            continue
        unknown = covariance(systems, kept, sizes, best.misfit, values, noise)

        def shown(unknowns, name=name, names=kept.names, numbers=numbers):
            return list((_numbers(name, names, unknowns) or numbers).values())

        sigmas = deviations_of(shown, unit * best.unknowns, unit**2 * unknown)
        if _contradict(numbers, dict(zip(numbers, sigmas, strict=True))):
            continue
        first, *more = (
            coefficient(symbol, value, sigma)
            for (symbol, value), sigma in zip(numbers.items(), sigmas, strict=True)
        )
        said = Recognised(
            name, first.symbol, first.value, first.deviation, best.misfit, without, tuple(more)
        )
        return said, kept
    return None


def coefficient(symbol: str, value: float, sigma: float) -> Coefficient:
    """A coefficient with its deviation, or at least that of rounding."""
    return Coefficient(symbol, float(value), max(float(sigma), _LEAST * abs(float(value))))


def in_powers(
    basis: Chebyshev, coefficients: Float[np.ndarray, "2 1 function"], fields: tuple[str, ...]
) -> tuple[Dictionary, Float[np.ndarray, "2 1 power"]]:
    """The fluxes of a known law in u and u²."""
    inner = np.polynomial.Polynomial([-float(basis.middle[0]), 1.0]) / float(basis.half[0])
    powers = np.zeros((2, 1, 2))
    for axis in (0, 1):
        series = np.polynomial.Chebyshev([0.0, *coefficients[axis, 0]])
        found = series.convert(kind=np.polynomial.Polynomial)(inner).coef[1:3]
        powers[axis, 0, : len(found)] = found
    # What rounding leaves of a power that the law does not have is nothing.
    reach = np.abs(float(basis.middle[0])) + float(basis.half[0])
    sizes = np.abs(powers) * reach ** np.array([1.0, 2.0])
    powers = np.where(sizes > _ROUNDING * np.max(sizes), powers, 0.0)
    return Dictionary(np.ones(1), ((1,), (2,)), fields), powers


def _structure(basis: Chebyshev, functions: Sequence[tuple[float, float]]) -> Structure:
    """The functions along x and y, each named by its axis and its place among them."""
    middle, half = float(basis.middle[0]), float(basis.half[0])
    directions, names = [], []
    for axis in (0, 1):
        for k, (linear, square) in enumerate(functions):
            power = np.polynomial.Polynomial([0.0, linear, square])
            scaled = power(np.polynomial.Polynomial([middle, half]))
            row = scaled.convert(kind=np.polynomial.Chebyshev).coef[1:]
            direction = np.zeros((1, 2, basis.size))
            direction[0, axis, : len(row)] = row
            directions.append(direction)
            names.append(f"{'xy'[axis]}{k}")
    return Structure((0,), np.stack(directions), tuple(names))


def _numbers(
    name: str, names: tuple[str, ...], values: Float[np.ndarray, " unknown"]
) -> dict[str, float] | None:
    """The numbers of a law by symbol; `None` if what is kept is not such a law."""
    kept = {key: float(value) for key, value in zip(names, values, strict=True)}
    numbers: dict[str, float] = {}
    for axis, speed in zip("xy", "ab", strict=True):
        linear, square = (kept.get(f"{axis}{k}") for k in (0, 1))
        if name != "Greenshields":
            numbers |= {} if linear is None else {speed: linear}
            continue
        if linear is None and square is None:
            continue
        if linear is None or square is None or linear * square >= 0.0:
            return None
        numbers |= {f"v_{axis}": linear, f"K_{axis}": -linear / square}
    return numbers or None


def _contradict(numbers: dict[str, float], sigmas: dict[str, float]) -> bool:
    """Whether the densities of a jam along the two axes are different ones."""
    if not {"K_x", "K_y"} <= set(numbers):
        return False
    along_x, along_y = numbers["K_x"], numbers["K_y"]
    by_chance = _DEVIATIONS * float(np.hypot(sigmas["K_x"], sigmas["K_y"]))
    usual = _APART * 0.5 * (abs(along_x) + abs(along_y))
    return abs(along_x - along_y) > max(by_chance, usual)
