"""The laws that a candidate may have in a context: their functions, and which of them are free."""

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from hfluxno.identify.frames.candidate import DIFFUSION_TERMS
from hfluxno.identify.frames.candidate_functions import (
    known_range,
    make_basis,
    make_directions,
    make_mask,
    make_sources,
)
from hfluxno.identify.frames.sparsify import needed, sets_by_weak_form, weak_form_residual
from hfluxno.identify.frames.weak_start import TERMS, weak_normal
from hfluxno.identify.recognition.known import known_law_directions
from hfluxno.parametric.basis import Dictionary
from hfluxno.parametric.law_family import LawFamily

if TYPE_CHECKING:
    from hfluxno.identify.frames.candidate import Candidate
    from hfluxno.identify.frames.select import FittedCandidate

# A field diffuses if a diffusivity leaves a smaller part of the sum of squares of its weak form. It
# was .58 or more of six systems of other solvers without diffusion, .28 or less of four fields that
# diffuse.
_DIFFUSES = 0.4


def family_of(
    candidate, values, fields, negated, start: "FittedCandidate | None", weights, grid
) -> tuple[LawFamily, int]:
    """The family of the candidate, and the number of rivals of its set of functions."""
    whole = _with_all(candidate, values, fields, negated)
    basis, sources, mask = whole.basis, whole.sources, np.asarray(whole.mask)

    def with_free(mask):
        return dataclasses.replace(whole, directions=make_directions(mask))

    if candidate.sparse == "fit" and start is not None:
        return with_free(mask * needed(start.fit, np.asarray(start.family.mask, bool))), 0
    if candidate.sparse == "weak-form":
        if start is not None:
            return start.family, start.rivals
        normals = np.asarray(weak_normal(whole, values, weights, grid)[0])
        flux, diffusion, arising = _parts(whole)
        if whole.terms:
            at = len(basis.names) + len(sources)
            normals = np.stack([_beside_diffusion(normal, at) for normal in normals])
        parts = [part.reshape(len(fields), -1) for part in (flux, arising)]
        sets = sets_by_weak_form(normals, np.concatenate(parts, axis=1), bool(sources))
        if len(fields) > 2:
            return _reduced(whole, normals, sets, candidate.rival)
        parts = np.split(sets[candidate.rival], [len(basis.names)], axis=1)
        flux, arising = (part.reshape(-1) for part in parts)
        return with_free(np.concatenate([flux, diffusion, arising])), len(sets) - 1
    return whole, 0


def _with_all(candidate: "Candidate", values, fields: tuple[str, ...], negated) -> LawFamily:
    """The family in which all functions of the candidate are free."""
    basis = make_basis(candidate, values, fields, negated)
    sources = make_sources(candidate, values)
    mask = make_mask(candidate, basis, len(fields), negated, sources)
    directions = make_directions(mask)
    lower, upper = known_range(basis, values, negated)
    terms = TERMS if DIFFUSION_TERMS[candidate.diffusion] else 0
    return LawFamily(basis, directions, lower, upper, terms, fields, negated, sources)


def _parts(family: LawFamily) -> list[np.ndarray]:
    """Which parameters of the fluxes, of the diffusivities and of the sources are free."""
    before = len(family.fields) * len(family.basis.names)
    return np.split(np.asarray(family.mask), [before, family.before_sources])


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
    family = _with_all(candidate, values, fields, negated)
    normals = np.asarray(weak_normal(family, values, weights, grid)[0])
    at = len(family.basis.names) + len(family.sources)
    flux, _, arising = _parts(family)
    free = np.concatenate([part.reshape(len(fields), -1) for part in (flux, arising)], axis=1)
    left = []
    for eliminate in (_without_diffusion, _beside_diffusion):
        reduced = np.stack([eliminate(normal, at) for normal in normals])
        chosen = sets_by_weak_form(reduced, free, bool(family.sources))[0]
        left.append([weak_form_residual(*each) for each in zip(reduced, chosen, strict=True)])
    return any(beside < _DIFFUSES * without for without, beside in zip(*left, strict=True))


def _without_diffusion(normal, at: int):
    """(A b)ᵀ(A b) of a field without the columns of its diffusivity, which begin at `at`."""
    kept = [*range(at), len(normal) - 1]
    return normal[np.ix_(kept, kept)]


def _beside_diffusion(
    normal: Float[np.ndarray, "unknown unknown"], at: int
) -> Float[np.ndarray, "unknown_ unknown_"]:
    """The same of what the column of a constant diffusivity leaves of the others and of b."""
    rest = _without_diffusion(normal, at)
    if not normal[at, at] > 0.0:
        return rest
    of_diffusion = normal[at, [*range(at), len(normal) - 1]]
    return rest - np.outer(of_diffusion, of_diffusion) / normal[at, at]
