"""The terms of a law on a plane: isotropy and sparsity. Both are decided by the weak form, whose
errors are those of quadratures.
"""

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float

from hfluxno.coordinates import is_vacuum
from hfluxno.identify.frames.sparsify import sets_by_weak_form
from hfluxno.identify.plane.frames import Frames
from hfluxno.identify.plane.jumps import jumps
from hfluxno.parametric.basis import Basis, Chebyshev, Dictionary, fluid_exponents
from hfluxno.parametric.plane.terms import (
    Further,
    Roles,
    Structure,
    free_structures,
    isotropic_structures,
    with_further,
)
from hfluxno.parametric.plane.weak_form import WeakSystem, weak_systems

# A law is isotropic if the misfit of its weak form is at most this multiple of that of a law
# without any symmetry. On isotropic data the latter, with five times as many unknowns, halves it.
_ANISOTROPIC = 4.0
# Diffusivities are the same along both axes if that increases the misfit by this factor at most.
_ALIKE = 1.2
# The Chebyshev polynomials of one field.
_SIZE = 12
# How strongly the flux of one field may be held smooth.
_STIFFNESS = (1e-4, 1e-3, 1e-2)
_DEPENDENT = 1e-12


@dataclasses.dataclass(frozen=True)
class FieldEstimate:
    """The fluxes of some fields, estimated from the weak form.

    - `structure`: what is unknown.
    - `unknowns`: its least-squares solution.
    - `misfit`: the residual of the equations, root mean square relative to their right-hand side.
    """

    structure: Structure
    unknowns: Float[np.ndarray, " unknown"]
    misfit: float


def systems_of(
    seen: Frames,
    functions: Sequence[Callable[[np.ndarray], np.ndarray]],
    further: Further | None = None,
    basis: Basis | None = None,
    dispersing: bool = False,
    up_to_sides: bool = False,
) -> list[WeakSystem]:
    """The weak equations of the frames, by default without further terms; the basis is that of the
    flux of one field whose diffusivity depends on it. Those with further terms may be `up_to_sides`
    that are not periodic."""
    frames = seen.filled, functions, seen.around, seen.at, seen.gaps
    if further is None:
        return weak_systems(*frames, free=seen.grid.free)
    arising = [_monomial(np.ones(len(powers)), powers) for powers in further.sources]
    arising += further.supply
    diffusing = [component(i) for i in range(seen.filled.shape[1])]
    if further.powers > 1:
        assert isinstance(basis, Chebyshev)
        diffusing = [_diffusing(basis, k) for k in range(further.powers)]
    return weak_systems(*frames, arising, diffusing, seen.grid.free, dispersing, up_to_sides)


def make_basis(
    values: Float[np.ndarray, "time field x y"], roles: Roles, fields: tuple[str, ...]
) -> Basis:
    """The functions of which fluxes are combinations, scaled to the data."""
    if roles.fields == 1:
        return chebyshev_of(values)
    lower, upper = values.min(axis=(0, 2, 3)), values.max(axis=(0, 2, 3))
    scale = np.maximum(np.abs(lower), np.abs(upper))
    if roles.vector is not None:
        scale[list(roles.vector)] = np.max(scale[list(roles.vector)])
    carrier = roles.carrier
    divides = carrier is not None and not is_vacuum(values[:, carrier]).any()
    return Dictionary(scale, fluid_exponents(roles.fields, carrier if divides else None), fields)


def chebyshev_of(values: Float[np.ndarray, "time field x y"]) -> Chebyshev:
    """The polynomials of one field."""
    lower, upper = values.min(axis=(0, 2, 3)), values.max(axis=(0, 2, 3))
    return Chebyshev(0.5 * (lower + upper), 0.5 * (upper - lower), _SIZE)


def functions_of(basis: Basis, periodic: tuple[bool, bool]) -> list:
    """The cell averages of the functions of a basis, for NumPy arrays."""
    if isinstance(basis, Chebyshev):
        return [_polynomial(basis, k, periodic) for k in range(1, basis.size + 1)]
    assert isinstance(basis, Dictionary)
    return [_monomial(np.asarray(basis.scale), powers) for powers in basis.exponents]


def choose(
    system: WeakSystem,
    basis: Basis,
    roles: Roles,
    sizes: Float[np.ndarray, " field"],
    aspect: float,
    further: Further | None = None,
    fields: tuple[str, ...] = (),
) -> tuple[list[FieldEstimate], bool]:
    """The law with as few terms as the equations need, and whether its fluxes are isotropic; by
    default without further terms, whose diffusivities are the same along both axes if that is as
    good."""

    if isinstance(basis, Dictionary):
        free = free_structures(roles, basis.exponents, basis.fields)
    else:
        free = [_of_one_field(basis)]
    if further is not None:
        further = _as_alike(system, free, sizes, aspect, further, fields)
        free = [with_further(each, further, fields) for each in free]
    whole = [estimate(system, each, sizes) for each in free]
    if isinstance(basis, Dictionary) and roles.vector is not None:
        tied = [
            in_cells(each, aspect)
            for each in isotropic_structures(roles, basis.exponents, basis.fields)
        ]
        if further is not None:
            tied = [with_further(each, further, fields) for each in tied]
        fitted = [estimate(system, each, sizes) for each in tied]
        if all(_explains(each, whole) for each in fitted):
            return [sparse(system, each, sizes) for each in tied], True
    return [sparse(system, each, sizes) for each in free], False


def _as_alike(
    system: WeakSystem,
    fluxes: Sequence[Structure],
    sizes: Float[np.ndarray, " field"],
    aspect: float,
    further: Further,
    fields: tuple[str, ...],
) -> Further:
    """The further terms with the same diffusivities along both axes, if the equations allow it."""
    alike = dataclasses.replace(further, alike=aspect**2)

    def misfit(terms: Further) -> float:
        found = [estimate(system, with_further(each, terms, fields), sizes) for each in fluxes]
        return together(found, sizes, system)

    return alike if misfit(alike) <= _ALIKE * misfit(further) else further


def alternatives(
    found: list[FieldEstimate],
    system: WeakSystem,
    basis: Basis,
    sizes: Float[np.ndarray, " field"],
) -> list[list[FieldEstimate]]:
    """The chosen law, and for one field also those with all polynomials and a smooth flux.

    The equations of a field with jumps have errors from within cells, which a few terms may fit. So
    coefficients of all polynomials are fitted that decay with the square of the degree, as those of
    a smooth flux do, with several weights of this penalty, among which the back-test can choose.
    """
    if not isinstance(basis, Chebyshev):
        return [found]
    whole = _of_one_field(basis)
    falls = np.tile(np.arange(1.0, basis.size + 1.0) / 4.0, 2) ** 4
    smooth = [
        _beside(found[0].structure, dataclasses.replace(whole, stiffness=weight * falls))
        for weight in _STIFFNESS
    ]
    return [found, *([estimate(system, each, sizes)] for each in smooth)]


def in_cells(structure: Structure, aspect: float) -> Structure:
    """A structure in units of length as one in cells, with fluxes counted in Δx along both axes."""
    directions = structure.directions * np.array([1.0, aspect])[:, None]
    return dataclasses.replace(structure, directions=directions)


def _scaled(matrix: Float[np.ndarray, "n n"]) -> tuple[np.ndarray, Float[np.ndarray, " n"]]:
    """The matrix of normal equations with ones on its diagonal, and the factors of its unknowns."""
    scale = np.sqrt(np.diag(matrix))
    scale = np.where(scale > 0.0, scale, 1.0)
    return matrix / np.outer(scale, scale), scale


def solved(
    matrix: Float[np.ndarray, "n n"], right: Float[np.ndarray, " n"]
) -> Float[np.ndarray, " n"]:
    """The least-squares solution of normal equations, some of which may be dependent."""
    matrix, scale = _scaled(matrix)
    return np.linalg.pinv(matrix, rcond=_DEPENDENT, hermitian=True) @ (right / scale) / scale


def estimate(
    system: WeakSystem,
    structure: Structure,
    sizes: Float[np.ndarray, " field"],
    offset: Float[np.ndarray, "field coefficient"] | None = None,
) -> FieldEstimate:
    """The least-squares solution of the weak equations of some fields, given the coefficients
    `offset`."""
    normal = normal_equations(system, structure, sizes, offset)
    matrix, scale = _scaled(normal[:-1, :-1])
    right = normal[:-1, -1] / scale
    held = matrix
    if structure.stiffness is not None:
        held = matrix + np.diag(structure.stiffness * np.mean(scale**2) / scale**2)
    solution = np.linalg.pinv(held, rcond=_DEPENDENT, hermitian=True) @ right
    square = normal[-1, -1] - 2.0 * solution @ right + solution @ matrix @ solution
    rest = max(float(square), 0.0)
    whole = sum(float(system.square[i]) / float(sizes[i]) ** 2 for i in structure.fields)
    return FieldEstimate(structure, solution / scale, float(np.sqrt(rest / whole)))


def together(found: Sequence[FieldEstimate], sizes, system: WeakSystem) -> float:
    """The misfit of several estimates together."""
    rest = whole = 0.0
    for each in found:
        part = sum(float(system.square[i]) / float(sizes[i]) ** 2 for i in each.structure.fields)
        rest, whole = rest + each.misfit**2 * part, whole + part
    return float(np.sqrt(rest / whole))


def left_over(
    system: WeakSystem,
    coefficients: Float[np.ndarray, "field coefficient"],
    sizes: Float[np.ndarray, " field"],
) -> float:
    """The residual of the equations, root mean square relative to their right-hand side."""
    rest = whole = 0.0
    for i, known in enumerate(coefficients):
        left = float(system.squared_residual(i, known))
        rest += max(left, 0.0) / float(sizes[i]) ** 2
        whole += float(system.square[i]) / float(sizes[i]) ** 2
    return float(np.sqrt(rest / whole))


def beyond_noise(
    misfit: float, system: WeakSystem, sizes: Float[np.ndarray, " field"], noise: float
) -> float:
    """A misfit less that of noise, which is in standard deviations of the fields and of similar
    size in the fluxes."""
    whole = float(np.sum(system.square / sizes**2))
    by_noise = 2.0 * noise**2 * system.noise * len(sizes) / whole
    return float(np.sqrt(max(misfit**2 - by_noise, 0.0)))


def sparse(
    system: WeakSystem,
    structure: Structure,
    sizes: Float[np.ndarray, " field"],
    offset: Float[np.ndarray, "field coefficient"] | None = None,
) -> FieldEstimate:
    """The estimate with as few unknowns as the equations need; no diffusivity is negative."""
    while True:
        normal = normal_equations(system, structure, sizes, offset)
        mask = sets_by_weak_form(normal[None], np.ones((1, len(structure.names))))[0][0]
        found = estimate(system, structure.keep(mask), sizes, offset)
        wrong = found.structure.is_diffusivity & (found.unknowns < 0.0)
        if not wrong.any():
            return found
        possible = np.ones(len(structure.names), bool)
        possible[np.flatnonzero(mask)[wrong]] = False
        structure = structure.keep(possible)


def normal_equations(
    system: WeakSystem,
    structure: Structure,
    sizes: Float[np.ndarray, " field"],
    offset: Float[np.ndarray, "field coefficient"] | None = None,
) -> Float[np.ndarray, "unknown unknown"]:
    """(A b)ᵀ(A b) of the equations of all fields of a structure, each in units of its size."""
    count = len(structure.names)
    normal = np.zeros((count + 1, count + 1))
    for c, i in enumerate(structure.fields):
        flat, (matrix, right, _) = structure.flat[:, c], system.of_field(i)
        known = np.zeros(flat.shape[1]) if offset is None else offset[i]
        left = right - matrix @ known
        rows = np.vstack([flat @ matrix @ flat.T, flat @ left])
        last = np.append(flat @ left, system.squared_residual(i, known))
        normal += np.column_stack([rows, last]) / float(sizes[i]) ** 2
    return normal


def _explains(tied: FieldEstimate, whole: Sequence[FieldEstimate]) -> bool:
    without = max(
        each.misfit for each in whole if each.structure.fields[0] in tied.structure.fields
    )
    return tied.misfit <= _ANISOTROPIC * without


def _of_one_field(basis: Basis) -> Structure:
    count = len(basis.names)
    directions = np.eye(2 * count).reshape(2 * count, 1, 2, count)
    return Structure((0,), directions, tuple(f"{a}: {n}" for a in "xy" for n in basis.names))


def _beside(kept: Structure, fluxes: Structure) -> Structure:
    """All the `fluxes`, with the sources and diffusivities that were kept."""
    if kept.further is None:
        return fluxes
    own = np.any(kept.further != 0.0, axis=(1, 2))
    assert fluxes.stiffness is not None
    return Structure(
        fluxes.fields,
        np.concatenate([fluxes.directions, kept.directions[own]]),
        fluxes.names + kept.keep(own).names,
        np.append(fluxes.stiffness, np.zeros(own.sum())),
        np.concatenate([np.zeros((len(fluxes.names), *kept.further.shape[1:])), kept.further[own]]),
        kept.powers,
    )


def component(i: int):
    return lambda states: states[i]


def _diffusing(basis: Chebyshev, k: int):
    """half w^(k+1)/(k+1) with w = (u - middle)/half."""
    middle, half = float(basis.middle[0]), float(basis.half[0])
    return lambda states: half / (k + 1.0) * ((states[0] - middle) / half) ** (k + 1)


def _polynomial(basis: Chebyshev, degree: int, periodic: tuple[bool, bool]):
    middle, half = float(basis.middle[0]), float(basis.half[0])
    series = np.polynomial.Chebyshev.basis(degree)
    return lambda states: jumps(states[0], periodic).average(lambda u: series((u - middle) / half))


def _monomial(scale: np.ndarray, powers: tuple[int, ...]):
    def of(states):
        result = np.ones_like(states[0])
        for field, power in enumerate(powers):
            if power:
                result = result * (states[field] / scale[field]) ** power
        return result

    return of
