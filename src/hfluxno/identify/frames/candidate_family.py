"""The laws that a candidate may have in a context: their functions, and which of them are free."""

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from hfluxno.grid import Grid
from hfluxno.identify.frames.candidate import DIFFUSION_TERMS
from hfluxno.identify.frames.candidate_functions import (
    WAVES_OF_FORCE,
    carrier_of_force,
    known_range,
    make_basis,
    make_directions,
    make_mask,
    make_sources,
)
from hfluxno.identify.frames.sparsify import needed, sets_by_weak_form, weak_form_residual
from hfluxno.identify.frames.weak_start import TERMS, weak_normal
from hfluxno.identify.recognition.known import known_law_directions
from hfluxno.laws.place import PlaceModes
from hfluxno.parametric.basis import Dictionary
from hfluxno.parametric.law_family import LawFamily

if TYPE_CHECKING:
    from hfluxno.identify.frames.candidate import Candidate
    from hfluxno.identify.frames.select import FittedCandidate

# A field diffuses if a diffusivity leaves a smaller part of the sum of squares of its weak form. It
# was .58 or more of six systems of other solvers without diffusion, .28 or less of four fields that
# diffuse.
_DIFFUSES = 0.4
# A force acts if it leaves a smaller part. It was .03 or less of four rivers and lakes over a bed
# with up to 1 % noise, and of water over a step; .8 or more of systems without one; .01 to .1 of
# roads whose flow was measured, which a force does not explain to the end.
_FORCED = 0.05
# The same if all functions are taken, which imitate much of a force: .007 of one of these lakes,
# .97 and more of two systems without a force.
_PERHAPS_FORCED = 0.5


def family_of(
    candidate, values, fields, negated, start: "FittedCandidate | None", weights, grid
) -> tuple[LawFamily, int]:
    """The family of the candidate, and the number of rivals of its set of functions."""
    whole = _with_all(candidate, values, fields, negated, grid)
    basis, sources, mask = whole.basis, whole.sources, np.asarray(whole.mask)

    def with_free(mask):
        return dataclasses.replace(whole, directions=make_directions(mask))

    if candidate.sparse == "fit" and start is not None:
        return with_free(mask * needed(start.fit, np.asarray(start.family.mask, bool))), 0
    if candidate.sparse == "weak-form":
        if start is not None:
            return start.family, start.rivals
        normals = _without_force(whole, weak_normal(whole, values, weights, grid)[0])
        flux, diffusion, arising, force = _parts(whole)
        if whole.terms:
            columns = _of_diffusion(whole)
            normals = np.stack([_beside(normal, columns) for normal in normals])
        parts = [part.reshape(len(fields), -1) for part in (flux, arising)]
        sets = sets_by_weak_form(normals, np.concatenate(parts, axis=1), bool(sources))
        if len(fields) > 2:
            return _reduced(whole, normals, sets, candidate.rival)
        parts = np.split(sets[candidate.rival], [len(basis.names)], axis=1)
        flux, arising = (part.reshape(-1) for part in parts)
        return with_free(np.concatenate([flux, diffusion, arising, force])), len(sets) - 1
    return whole, 0


def _with_all(
    candidate: "Candidate", values, fields: tuple[str, ...], negated, grid: Grid
) -> LawFamily:
    """The family in which all functions of the candidate are free."""
    basis = make_basis(candidate, values, fields, negated)
    carrier = carrier_of_force(candidate, values)
    sources = make_sources(candidate, values, carrier)
    mask = make_mask(candidate, basis, len(fields), negated, sources, carrier)
    directions = make_directions(mask)
    lower, upper = known_range(basis, values, negated)
    terms = TERMS if DIFFUSION_TERMS[candidate.diffusion] else 0
    force = None
    if carrier is not None:
        force = PlaceModes(0.0, float(values.shape[-1]), WAVES_OF_FORCE, grid.is_periodic())
    return LawFamily(
        basis, directions, lower, upper, terms, fields, negated, sources, force, carrier
    )


def _parts(family: LawFamily) -> list[np.ndarray]:
    """Which parameters of the fluxes, the diffusivities, the sources and the force are free."""
    d = len(family.fields)
    begin, end = d * len(family.basis.names), family.before_sources
    return np.split(np.asarray(family.mask), [begin, end, end + d * len(family.sources)])


def _reduced(
    family: LawFamily, normals: np.ndarray, sets: list[np.ndarray], rival: int
) -> tuple[LawFamily, int]:
    """The family of a known law, if the weak form allows it, or of a set of functions, with a basis
    of only these functions, and the number of rivals."""
    basis, free = family.basis, np.asarray(family.mask, bool)
    assert isinstance(basis, Dictionary)
    half = 0.5 * np.asarray(family.upper - family.lower)
    left = sum(weak_form_residual(*each) for each in zip(normals, sets[0], strict=True))
    directions = known_law_directions(basis, basis.sizes / half[:, None], free, normals, left)
    rivals = 0
    if directions is None:
        kept = np.flatnonzero(sets[rival])
        directions, rivals = np.eye(len(free))[kept], len(sets) - 1
    table = directions.reshape(len(directions), len(family.fields), -1)
    used = np.flatnonzero(np.any(table, axis=(0, 1)))
    basis = dataclasses.replace(basis, exponents=tuple(basis.exponents[k] for k in used))
    directions = table[:, :, used].reshape(len(directions), -1)
    return dataclasses.replace(family, basis=basis, directions=directions), rivals


def diffuses(
    candidate: "Candidate", values, fields: tuple[str, ...], negated, weights, grid
) -> bool:
    """Whether the weak form of a candidate with diffusion says that a field diffuses: beside a
    diffusivity, the fluxes that it needs leave far less."""
    family = _with_all(candidate, values, fields, negated, grid)
    normals = np.asarray(weak_normal(family, values, weights, grid)[0])
    systems = _without_and_beside(normals, _of_diffusion(family))
    free, several = _free_functions(family), bool(family.sources)
    return _leaves_less(_DIFFUSES, systems, lambda each: sets_by_weak_form(each, free, several)[0])


def needs_force(
    candidate: "Candidate", values, fields: tuple[str, ...], negated, weights, grid
) -> bool:
    """Whether the weak form of a candidate with a force says that there is one: beside it, the
    fluxes and sources that are needed leave far less."""
    whole = _with_all(candidate, values, fields, negated, grid)
    if whole.force is None:
        return False
    normals = np.asarray(weak_normal(whole, values, weights, grid)[0])
    systems, free = _without_and_beside(normals, _of_force(whole)), _free_functions(whole)
    # To choose functions takes far longer than to take all.
    return _leaves_less(_PERHAPS_FORCED, systems, lambda each: free) and _leaves_less(
        _FORCED, systems, lambda each: sets_by_weak_form(each, free, True)[0]
    )


def _free_functions(family: LawFamily) -> np.ndarray:
    """Which functions of the flux and the source of each field are free."""
    flux, _, arising, _ = _parts(family)
    parts = [part.reshape(len(family.fields), -1) for part in (flux, arising)]
    return np.concatenate(parts, axis=1)


def _without_and_beside(normals: np.ndarray, columns: list[int]) -> list[np.ndarray]:
    """The normal matrices of all fields without these columns, and of what these leave."""
    both = (_without, _beside)
    return [np.stack([each(normal, columns) for normal in normals]) for each in both]


def _leaves_less(
    part: float, systems: list[np.ndarray], choose: Callable[[np.ndarray], np.ndarray]
) -> bool:
    """Whether the functions that are chosen leave of a field less than this part beside the columns
    that are in question of what they leave without them."""
    left = [map(weak_form_residual, each, choose(each)) for each in systems]
    return any(beside < part * without for without, beside in zip(*left, strict=True))


def _without_force(family: LawFamily, normals) -> np.ndarray:
    """(A b)ᵀ(A b) of each field of what the force, whatever it is, leaves of the others and b."""
    normals = np.asarray(normals)
    if family.force is None:
        return normals
    return np.stack([_beside(normal, _of_force(family)) for normal in normals])


def _of_diffusion(family: LawFamily) -> list[int]:
    """The columns of the diffusivities, after those of the force have been taken away."""
    begin = len(family.basis.names) + len(family.sources)
    return list(range(begin, begin + family.terms))


def _of_force(family: LawFamily) -> list[int]:
    """The columns of the force."""
    begin = len(family.basis.names) + len(family.sources)
    return list(range(begin, begin + family.modes))


def _without(normal, columns: list[int]):
    """(A b)ᵀ(A b) of a field without these columns."""
    kept = np.setdiff1d(np.arange(len(normal)), columns)
    return normal[np.ix_(kept, kept)]


def _beside(
    normal: Float[np.ndarray, "unknown unknown"], columns: list[int]
) -> Float[np.ndarray, "unknown_ unknown_"]:
    """The same of what these columns leave of the others and of b."""
    kept = np.setdiff1d(np.arange(len(normal)), columns)
    mine = [k for k in columns if normal[k, k] > 0.0]
    rest = normal[np.ix_(kept, kept)]
    if not mine:
        return rest
    across = normal[np.ix_(mine, kept)]
    return rest - across.T @ np.linalg.pinv(normal[np.ix_(mine, mine)], hermitian=True) @ across
