"""The functions of a candidate's law, and which of their coefficients are free."""

import numpy as np
from jaxtyping import Float

from hfluxno.identify.frames.candidate import DIFFUSION_TERMS, SIZE_OF_FINER, Candidate
from hfluxno.identify.frames.momentum import carried_by, carrying_field
from hfluxno.identify.frames.second_order import NAME
from hfluxno.parametric.basis import (
    Basis,
    Chebyshev,
    Dictionary,
    Kinked,
    TensorChebyshev,
    exponents_up_to,
    fluid_exponents,
    physical_exponents,
)
from hfluxno.parametric.source_terms import Functions, possible_sources

# Sizes share compiled programs: those in between mask functions of the next larger one.
_PROGRAM_SIZES = (4, 6, 9)

# The functions of place of a force.
WAVES_OF_FORCE = 16

# A field counts as staying away from zero if its minimum exceeds this fraction of its maximum.
_AWAY_FROM_ZERO = 0.02
# A density may be dry if its minimum exceeds minus this fraction of its maximum: noise.
_NEARLY_DRY = 0.05
# Where a law divides by such a density, it counts at least as this fraction of the maximum; and a
# flow is at most this many times as fast as those deeper than this fraction.
_LEAST, _FASTER, _DEEP = 1e-4, 2.0, 0.05
# Powers of a road's pressure (see `hfluxno.identify.frames.second_order`) beyond the square.
_STEEP = (3, 4)


def make_basis(
    candidate: Candidate,
    values: np.ndarray,
    fields: tuple[str, ...],
    negated: tuple[int, ...] = (),
) -> Basis:
    """The candidate's basis, scaled to the range of a context (time, field, cells); `negated` are
    the fields that change sign at a wall."""
    lower, upper = values.min(axis=(0, 2)), values.max(axis=(0, 2))
    middle, half = 0.5 * (lower + upper), 0.5 * (upper - lower)
    if candidate.kinks:
        return Kinked(Chebyshev(middle, half, candidate.size), np.zeros(candidate.kinks))
    if candidate.basis == "chebyshev":
        size = max(candidate.size, minimum_size(candidate))
        return Chebyshev(middle, half, next(n for n in _PROGRAM_SIZES if n >= size))
    if candidate.basis == "tensor":
        return TensorChebyshev(middle, half, 3, len(fields))
    positive = _positive(values)
    scale = np.maximum(np.abs(lower), np.abs(upper))
    if candidate.dry:
        return _over_dry_ground(values, scale, fields, negated[0])
    if len(fields) > 2:
        density = carried_by(values, negated[0]) if negated else None
        divides = density is not None and positive[density]
        return Dictionary(scale, fluid_exponents(len(fields), density if divides else None), fields)
    if not any(positive):  # nothing may divide, and cubic terms are few
        return Dictionary(scale, exponents_up_to(len(fields), 3), fields)
    exponents = physical_exponents(positive)
    if NAME in fields:
        exponents = (*exponents, *_of_steep_pressures(1 - fields.index(NAME)))
    return Dictionary(scale, exponents, fields)


def _over_dry_ground(values, scale, fields: tuple[str, ...], momentum: int) -> Dictionary:
    """The dictionary of a flow whose velocity is bounded, so that its density may be zero."""
    density = 1 - momentum
    exponents = physical_exponents(tuple(i == density for i in range(2)))
    height, flow = values[:, density], values[:, momentum]
    deep = height > _DEEP * scale[density]
    fastest = _FASTER * np.max(np.abs(flow[deep]) / height[deep])
    return Dictionary(scale, exponents, fields, (density, momentum), fastest)


def may_be_dry(values: np.ndarray, negated: tuple[int, ...]) -> bool:
    """Whether the density of two fields, the other of which is its momentum, falls to about zero
    but not below, such as the height of water that runs over dry ground."""
    if values.shape[1] != 2 or not negated:
        return False
    density = values[:, 1 - negated[0]]
    least, most = density.min(), density.max()
    return bool(-_NEARLY_DRY * most < least <= _AWAY_FROM_ZERO * most)


def _of_steep_pressures(density: int) -> tuple[tuple[int, ...], ...]:
    """ρ p and y p of pressures that the dictionary of mechanics has no terms for: ρ³ and ρ⁴."""
    by_density = [((power + 1, 0), (power, 1)) for power in _STEEP]
    return tuple(e if density == 0 else e[::-1] for pair in by_density for e in pair)


def make_sources(candidate: Candidate, values: np.ndarray, carrier: int | None) -> Functions:
    """The functions of the candidate's sources of each field; none if it has no sources. If it is
    known what a force acts on, nothing else divides: a drag is of the momentum, by the density."""
    if not candidate.sources:
        return ()
    divides = _positive(values)
    if carrier is not None:
        divides = tuple(i == carrier for i in range(len(divides)))
    return possible_sources(divides)


def carrier_of_force(candidate: Candidate, values: np.ndarray) -> int | None:
    """The field that the force of a candidate acts on: the density whose momentum it changes, if
    that stays away from zero; `None` without a force."""
    momentum = carrying_field(values[None]) if candidate.force else None
    density = None if momentum is None else 1 - momentum
    return density if density is not None and _positive(values)[density] else None


def _positive(values: np.ndarray) -> tuple[bool, ...]:
    """The fields that stay away from zero."""
    lower, upper = values.min(axis=(0, 2)), values.max(axis=(0, 2))
    return tuple(bool(p) for p in lower > _AWAY_FROM_ZERO * upper)


def known_range(
    basis: Basis, values: np.ndarray, negated: tuple[int, ...] = ()
) -> tuple[Float[np.ndarray, " field"], Float[np.ndarray, " field"]]:
    """The range of each field in which the law is known: the observed one, but above zero for a
    density by which it divides, and of both signs where the law is mirrored with the field: waves
    come back from a wall with the other sign."""
    lower, upper = values.min(axis=(0, 2)), values.max(axis=(0, 2))
    if isinstance(basis, Dictionary):
        mirrored = list(negated)
        upper[mirrored] = np.maximum(upper, -lower)[mirrored]
        lower[mirrored] = -upper[mirrored]
        if basis.flow:
            density = basis.flow[0]
            lower[density] = max(lower[density], _LEAST * upper[density])
    return lower, upper


def make_mask(
    candidate: Candidate,
    basis: Basis,
    fields: int,
    negated: tuple[int, ...] = (),
    sources: Functions = (),
    carrier: int | None = None,
) -> np.ndarray:
    """Which parameters are free, in the order of `LawFamily`; `negated` are the fields that change
    sign at a wall: none if there is no wall, except the momentum of three fields. All `sources` are
    free: one that does not change with them, such as gravity, acts between walls too. A force acts
    on the fields that are not its `carrier`."""
    count = len(basis.names)
    size = count if candidate.kinks or not candidate.size else candidate.size
    free = np.tile(np.arange(count) < size, (fields, 1))
    if negated and isinstance(basis, Dictionary):
        free &= _mirrored(basis, negated)
    terms = DIFFUSION_TERMS[candidate.diffusion]
    program = max(DIFFUSION_TERMS.values()) if terms else 0
    diffusion = np.arange(program) < terms
    arising = np.ones(fields * len(sources), bool)
    acted_on = np.arange(fields) != carrier
    force = np.repeat(acted_on, 0 if carrier is None else WAVES_OF_FORCE)
    kinks = np.ones(basis.kinks + 1 if basis.kinks else 0, bool)
    parts = (free.reshape(-1), np.tile(diffusion, fields), arising, force, kinks)
    return np.concatenate(parts).astype(float)


def _mirrored(basis: Dictionary, negated: tuple[int, ...]) -> np.ndarray:
    """Which functions the flux of each field may have if a wall reflects.

    Solutions must be invariant under x → -x with a change of sign of the `negated` fields: their
    fluxes are even in them and those of the other fields odd, so nothing flows through the wall.
    """
    changes = np.array(basis.exponents)[:, list(negated)].sum(axis=1) % 2 == 1
    is_odd = np.isin(np.arange(len(basis.fields)), negated)
    return changes[None] != is_odd[:, None]


def minimum_size(candidate: Candidate) -> int:
    """The minimum number of functions of a program: on the first finer grid two sizes are tried in
    turn and share one, as a constant speed and more functions do on any."""
    shares = candidate.refinement == 2 or candidate.size == 1
    return SIZE_OF_FINER if candidate.basis == "chebyshev" and shares and not candidate.kinks else 0


def make_directions(mask: np.ndarray) -> np.ndarray:
    """The unit vectors of the free parameters; a row of zeros if there are none."""
    free = np.flatnonzero(mask)
    return np.eye(len(mask))[free] if len(free) else np.zeros((1, len(mask)))
