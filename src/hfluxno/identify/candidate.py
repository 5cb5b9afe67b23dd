"""The candidates among which a context chooses: what the law and its source may look like."""

import dataclasses
from collections.abc import Callable

import numpy as np

from hfluxno.identify.basis import (
    Basis,
    Chebyshev,
    Dictionary,
    Kinked,
    TensorChebyshev,
    fluid_exponents,
    physical_exponents,
)
from hfluxno.identify.momentum import carried_by

# (desired, maximum, lagged) of a CFL rule.
CLAWPACK_PAPER = (0.5, 0.9, True)
CLAWPACK_DEFAULT = (0.9, 1.0, True)
PRESENT_STATE = (0.4, 0.4, False)

DIFFUSION_TERMS = {"none": 0, "constant": 1, "quadratic": 3}
SOURCE_TERMS = 2

# Sizes share compiled programs: of a larger one, functions are masked.
_PROGRAM_SIZES = (4, 6, 9)

# The derivatives of a fit are taken along its free parameters, in programs for so many of them.
_PROGRAM_DIRECTIONS = (4, 6, 8)

# So many further sets of terms are tried.
_MOST_RIVALS = 3

# The size of the flux that the first finer grid is asked to support.
_SIZE_OF_FINER = 6

# A polynomial that predicts so well leaves nothing for a kink.
_SMOOTH = 1e-3

# A field counts as staying away from zero where its least value exceeds this part of its largest.
_AWAY_FROM_ZERO = 0.02


# A back-test error of one field below which a scheme is the one that made the data.
_REPRODUCED = 1e-5


@dataclasses.dataclass(frozen=True)
class Candidate:
    """One hypothesis about the law and about the scheme that made (or best reproduces) the data.

    **Attributes:**

    - `basis`: `chebyshev` for one field; `dictionary` or `tensor` for several.
    - `size`: how many functions are free: the polynomial degree of a Chebyshev basis, and 0 for all
      functions of the others.
    - `kinks`: of the flux of one field, beside the polynomial.
    - `diffusion`: `none`, `constant` or `quadratic` in the field.
    - `scheme`: the numerical flux.
    - `refinement`: internal cells per cell of the data.
    - `cfl`: the CFL rule (desired, maximum, lagged).
    - `fresh_start`: whether the context starts where the run of its source did.
    - `sparse`: what tells which functions the data do not need, which are dropped: the `weak-form`,
      or an earlier `fit`; `None` keeps all.
    - `sources`: whether each field has a source a + b u of its own.
    - `rival`: which of the sets of functions that explain the weak form as well; 0 is the best one.
    - `denoised`: whether the fit starts from an estimate of the first state that several frames
      share, in place of the first frame itself.
    """

    basis: str = "chebyshev"
    size: int = 4
    kinks: int = 0
    diffusion: str = "none"
    scheme: str = "roe"
    refinement: int = 1
    cfl: tuple[float, float, bool] = CLAWPACK_PAPER
    fresh_start: bool = True
    sparse: str | None = None
    sources: bool = False
    rival: int = 0
    denoised: bool = False

    def __str__(self) -> str:
        basis = self.basis if self.size == 0 else f"{self.basis}-{self.size}"
        if self.kinks:
            basis += " with a kink" if self.kinks == 1 else f" with {self.kinks} kinks"
        parts = [
            basis
            + (f" sparse by {self.sparse}" if self.sparse else "")
            + (f" (rival {self.rival})" if self.rival else ""),
            f"{self.diffusion} diffusion" if self.diffusion != "none" else "no diffusion",
            f"{self.scheme} CFL {self.cfl[0]:g}",
        ]
        if self.sources:
            parts.insert(1, "with sources")
        if self.refinement > 1:
            parts.append(f"grid ×{self.refinement}")
        if not self.fresh_start:
            parts.append("mid-run start")
        if self.denoised:
            parts.append("denoised start")
        return ", ".join(parts)

    @property
    def evaluations(self) -> int:
        """How often the solver may be run with its derivatives. The full dictionary only has to
        come near enough to show which of its functions are needed; a system on a finer grid is
        dear, and starts from the fit on the coarser one."""
        if self.basis == "dictionary" and not self.sparse:
            return 8
        return 6 if self.basis != "chebyshev" and self.refinement > 1 else 12

    @property
    def unknowns(self) -> int:
        """Orders candidates that predict equally well: few first."""
        kinks = 2 * self.kinks + 1 if self.kinks else 0  # sizes, places, and a width
        return self.size + kinks + DIFFUSION_TERMS[self.diffusion] - (6 if self.sparse else 0)


@dataclasses.dataclass(frozen=True)
class Stage:
    """What is tried next, given the best candidate so far, the back-test error that ends the
    search, and the one up to which it is not worth while."""

    propose: Callable[[Candidate], tuple[Candidate, ...]]
    good_enough: float
    worth_above: float = 0.0


def _always(*candidates: Candidate) -> Callable[[Candidate], tuple[Candidate, ...]]:
    return lambda best: candidates


def _richer_flux(best: Candidate) -> tuple[Candidate, ...]:
    return (dataclasses.replace(best, size=9),) if best.size < 9 and not best.kinks else ()


def _richer_diffusion(best: Candidate) -> tuple[Candidate, ...]:
    if best.diffusion != "constant" or best.scheme == "rusanov":
        return ()
    return (dataclasses.replace(best, diffusion="quadratic"),)


def _finer(refinement: int) -> Callable[[Candidate], tuple[Candidate, ...]]:
    """The best candidate on a finer internal grid, if the grid before was worth it.

    The first finer grid is also asked whether it supports another size of the flux: on the cells of
    the data, jumps are too smeared to tell.
    """

    def propose(best: Candidate) -> tuple[Candidate, ...]:
        if not refinement // 2 <= best.refinement < refinement:
            return ()
        scheme = "roe-entropy-fix" if best.scheme == "roe" else best.scheme
        size = min(best.size, _SIZE_OF_FINER)
        sizes = {size}
        if refinement == 2 and size > 0 and not best.kinks:
            sizes |= {_SIZE_OF_FINER, best.size}
        finer = dataclasses.replace(best, scheme=scheme, refinement=refinement)
        return tuple(dataclasses.replace(finer, size=size) for size in sorted(sizes))

    return propose


def _rivals(best: Candidate) -> tuple[Candidate, ...]:
    """The next best sets of functions on the grid of the best law: on a coarser one the smearing of
    shocks hides which is right."""
    if best.sparse != "weak-form":
        return ()
    numbers = range(1, _MOST_RIVALS + 1)
    return tuple(dataclasses.replace(best, rival=number) for number in numbers)


def _kinked(best: Candidate) -> tuple[Candidate, ...]:
    """Without diffusion, which blurs a kink."""
    scheme = "roe-entropy-fix" if best.scheme == "rusanov" else best.scheme
    kinked = dataclasses.replace(best, size=2, kinks=1, diffusion="none", scheme=scheme)
    return (kinked,)


def _richer_kink(best: Candidate) -> tuple[Candidate, ...]:
    if not best.kinks:
        return ()
    return (dataclasses.replace(best, size=4), dataclasses.replace(best, kinks=2))


def _finer_kink(refinement: int) -> Callable[[Candidate], tuple[Candidate, ...]]:
    finer = _finer(refinement)
    return lambda best: finer(best) if best.kinks else ()


def _denoised(best: Candidate) -> tuple[Candidate, ...]:
    return (dataclasses.replace(best, denoised=True),)


def stages(fields: int) -> tuple[Stage, ...]:
    """What is tried in turn.

    The first stages ask whether one of the common schemes made the data, in which case a fit
    reproduces them almost exactly. The last are for data from elsewhere: measurements, other
    programs, noise.
    """
    if fields > 1:
        weak = Candidate("dictionary", 0, sparse="weak-form")
        quick = (
            Stage(_always(weak), 1e-4),
            Stage(_always(dataclasses.replace(weak, fresh_start=False)), 1e-4),
            Stage(_finer(2), 1e-4),
            Stage(_finer(4), 1e-4),
            Stage(_rivals, 1e-3),
        )
        if fields > 2:  # fits of all functions would take minutes
            return quick
        full, sparse = Candidate("dictionary", 0), Candidate("dictionary", 0, sparse="fit")
        mid_run = dataclasses.replace(sparse, fresh_start=False)
        fixed = dataclasses.replace(sparse, scheme="roe-entropy-fix")
        rusanov = dataclasses.replace(
            full, diffusion="constant", scheme="rusanov", cfl=PRESENT_STATE
        )
        return (
            *quick,
            Stage(_always(full, sparse), 1e-3),
            Stage(_always(mid_run), 5e-3),
            Stage(_always(Candidate("tensor", 0)), 5e-3),
            Stage(_always(fixed, rusanov), 1e-2),
            Stage(_finer(2), 1e-2),
            Stage(_denoised, 0.0),
        )
    first, fixed = Candidate(), Candidate(size=6, scheme="roe-entropy-fix")
    return (
        Stage(_always(first), 1e-6),
        Stage(
            _always(Candidate(diffusion="constant", scheme="rusanov", cfl=PRESENT_STATE)),
            _REPRODUCED,
        ),
        Stage(
            _always(
                dataclasses.replace(first, cfl=CLAWPACK_DEFAULT),
                dataclasses.replace(first, fresh_start=False),
            ),
            _REPRODUCED,
        ),
        Stage(_richer_flux, _REPRODUCED, 5e-5),
        Stage(_always(fixed, dataclasses.replace(fixed, diffusion="constant")), _REPRODUCED, 1e-4),
        Stage(_richer_diffusion, _REPRODUCED, 1e-4),
        # The same in a context without a shock is not the same once one has formed.
        Stage(_finer(2), _REPRODUCED),
        Stage(_finer(4), _REPRODUCED),
        Stage(_richer_flux, _SMOOTH, 1e-4),
        Stage(_kinked, 1e-4),
        Stage(_finer_kink(2), 1e-4),
        Stage(_finer_kink(4), _SMOOTH),
        Stage(_richer_kink, 1e-4),
        Stage(_denoised, 0.0, 1e-4),
    )


def stages_with_sources() -> tuple[Stage, ...]:
    """What is tried in turn where no law of several fields without sources explains a context."""
    weak = Candidate("dictionary", 0, sparse="weak-form", sources=True)
    return (
        Stage(_always(weak), 1e-4),
        Stage(_finer(2), 1e-4),
        Stage(_finer(4), 1e-4),
        Stage(_rivals, 0.0),
    )


def make_basis(
    candidate: Candidate,
    values: np.ndarray,
    fields: tuple[str, ...],
    negated: tuple[int, ...] = (),
) -> Basis:
    """The candidate's basis scaled to the range of a context (time, field, cells); `negated` are
    the fields that a mirror turns round."""
    lower, upper = values.min(axis=(0, 2)), values.max(axis=(0, 2))
    middle, half = 0.5 * (lower + upper), 0.5 * (upper - lower)
    if candidate.kinks:
        return Kinked(Chebyshev(middle, half, candidate.size), np.zeros(candidate.kinks))
    if candidate.basis == "chebyshev":
        size = max(candidate.size, least_size(candidate))
        return Chebyshev(middle, half, next(n for n in _PROGRAM_SIZES if n >= size))
    if candidate.basis == "tensor":
        return TensorChebyshev(middle, half, 3, len(fields))
    positive = tuple(bool(p) for p in lower > _AWAY_FROM_ZERO * upper)
    scale = np.maximum(np.abs(lower), np.abs(upper))
    if len(fields) > 2:
        density = carried_by(values, negated[0]) if negated else None
        divides = density is not None and positive[density]
        return Dictionary(scale, fluid_exponents(len(fields), density if divides else None), fields)
    return Dictionary(scale, physical_exponents(positive), fields)


def make_mask(
    candidate: Candidate, basis: Basis, fields: int, negated: tuple[int, ...] = ()
) -> np.ndarray:
    """Which parameters are free, in the order of `LawFamily`; `negated` are the fields that a wall
    turns round, of which there are none without a wall and of three fields the momentum."""
    count = len(basis.names)
    size = count if candidate.kinks or not candidate.size else candidate.size
    free = np.tile(np.arange(count) < size, (fields, 1))
    if negated and isinstance(basis, Dictionary):
        free &= _mirrored(basis, negated)
    terms = DIFFUSION_TERMS[candidate.diffusion]
    program = max(DIFFUSION_TERMS.values()) if terms else 0
    diffusion = np.arange(program) < terms
    arising = np.ones((fields, SOURCE_TERMS if candidate.sources else 0), bool)
    arising[list(negated), :1] = False  # what is constant has no mirror image
    bends = np.ones(basis.kinks + 1 if basis.kinks else 0, bool)
    parts = (free.reshape(-1), np.tile(diffusion, fields), arising.reshape(-1), bends)
    return np.concatenate(parts).astype(float)


def _mirrored(basis: Dictionary, negated: tuple[int, ...]) -> np.ndarray:
    """Which functions the flux of each field may have if a wall is a mirror.

    A solution must remain one under x → -x with the `negated` fields changing sign: their fluxes
    are even in them, and those of the other fields odd, so that nothing flows through the wall.
    """
    changes = np.array(basis.exponents)[:, list(negated)].sum(axis=1) % 2 == 1
    is_odd = np.isin(np.arange(len(basis.fields)), negated)
    return changes[None] != is_odd[:, None]


def least_size(candidate: Candidate) -> int:
    """The number of functions and directions that programs have in any case: on the first finer
    grid two sizes are tried one after the other."""
    shares = candidate.basis == "chebyshev" and not candidate.kinks
    return _SIZE_OF_FINER if shares and candidate.refinement == 2 else 0


def make_directions(mask: np.ndarray, least: int = 0) -> np.ndarray:
    """The unit vectors of the free parameters, filled up with zeros to a number that programs
    share, not less than `least`."""
    free = np.flatnonzero(mask)
    needed = max(least, len(free))
    rows = next((n for n in _PROGRAM_DIRECTIONS if needed <= n <= len(mask)), len(mask))
    directions = np.zeros((rows, len(mask)))
    directions[np.arange(len(free)), free] = 1.0
    return directions
