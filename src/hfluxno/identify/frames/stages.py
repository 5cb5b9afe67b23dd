"""The stages of a search: which candidates are proposed, given the best one so far."""

import dataclasses
import math
from collections.abc import Callable
from operator import attrgetter

from hfluxno.identify.frames.candidate import SIZE_OF_FINER, Candidate
from hfluxno.parametric.solver_settings import FIRST_ORDER

# (desired, maximum, lagged) of a CFL rule; for the usual one see `Candidate`.
_CLAWPACK_DEFAULT = (0.9, 1.0, True)
_PRESENT_STATE = (0.4, 0.4, False)
_CFL_ONE = (1.0, 1.0, False)

# The numbers of equal steps a frame that are tried first.
_STEPS = (*range(1, 13), 16, 20, 24, 32, 40, 50, 64)

# The number of further sets of terms that are tried.
_MOST_RIVALS = 3

# The back-test error of a scheme of first order above which its steps cannot be what is wrong.
_OF_STEPS = 0.02

# If a polynomial predicts this well, no kink is tried.
_SMOOTH = 1e-3

# A usual law with this back-test error needs no bound of the velocity.
_PREDICTED = 5e-3

# Below this error, relative to the fields, the data were made by the scheme of the law.
REPRODUCED = 1e-5

# The degree of a flux that is richer than usual.
_RICH = 9

# Of more fields the eigenvectors of Roe's matrix have no derivatives, which a fit needs.
_WITH_VECTORS = 3

_FIXED = Candidate(size=6, scheme="roe-entropy-fix")
# At the CFL number 1 a constant speed carries a field from cell to cell as it is.
_CONSTANT_SPEED = Candidate(size=1, scheme="roe-entropy-fix", cfl=_CFL_ONE)

# What is tried after the best candidate so far.
_Propose = Callable[[Candidate], tuple[Candidate, ...]]
_has_kinks, _is_dry = attrgetter("kinks"), attrgetter("dry")


@dataclasses.dataclass(frozen=True)
class Stage:
    """A stage of the search: what it proposes given the best candidate so far, the back-test error
    that ends the search after it, and those up to which and from which on it is skipped, the former
    also as a multiple of the noise; or it is skipped unless the weak form of several fields shows
    diffusion."""

    propose: _Propose
    good_enough: float
    worth_above: float = 0.0
    beyond_noise: float = 0.0
    worth_below: float = math.inf
    if_diffusive: bool = False


def _always(*candidates: Candidate) -> _Propose:
    return lambda best: candidates


def _richer_flux(best: Candidate) -> tuple[Candidate, ...]:
    return (dataclasses.replace(best, size=_RICH),) if best.size < _RICH and not best.kinks else ()


def _richer_diffusion(best: Candidate) -> tuple[Candidate, ...]:
    """ν(u) where constant ν helped, with a scheme whose own diffusion is not that large."""
    if best.diffusion != "constant":
        return ()
    if best.scheme in FIRST_ORDER:
        best = dataclasses.replace(_FIXED, diffusion="constant")
    return (dataclasses.replace(best, diffusion="quadratic"),)


def _equal_steps(scheme: str) -> tuple[Stage, ...]:
    """Stages with numbers of equal steps a frame, which determine the diffusion of a scheme of
    first order, and then numbers that are smaller or larger than the best one by smaller and
    smaller fractions of it. That of Rusanov comes first; where it does not reproduce the data, the
    upwind one of Engquist and Osher may, which is Godunov's except at some shocks."""

    def numbers(best: Candidate) -> tuple[Candidate, ...]:
        if best.scheme != "rusanov":
            return ()
        timed = dataclasses.replace(best, scheme=scheme, cfl=_CFL_ONE)
        return tuple(dataclasses.replace(timed, steps=number) for number in _STEPS)

    def nearer(fraction: int) -> _Propose:
        def propose(best: Candidate) -> tuple[Candidate, ...]:
            change = best.steps // fraction if best.scheme == scheme else 0
            each = (best.steps - change, best.steps + change) if change else ()
            return tuple(dataclasses.replace(best, steps=number) for number in each)

        return propose

    proposals = numbers, *(nearer(2**k) for k in (3, 4, 5, 6))
    return tuple(Stage(each, REPRODUCED, 0.0, 1.2, _OF_STEPS) for each in proposals)


def _on_finer(best: Candidate, refinement: int, size: int) -> Candidate:
    """The candidate on finer cells, which Roe's scheme needs an entropy fix for."""
    scheme = "roe-entropy-fix" if best.scheme == "roe" else best.scheme
    return dataclasses.replace(best, scheme=scheme, refinement=refinement, size=size)


def _finer(refinement: int) -> _Propose:
    """The best candidate on a finer internal grid, if the previous refinement was an improvement.

    The first finer grid is also tried with another size of the flux: on the cells of the data,
    jumps are too smeared to decide between them.
    """

    def propose(best: Candidate) -> tuple[Candidate, ...]:
        if not refinement // 2 <= best.refinement < refinement:
            return ()
        # ν of a scheme of first order may be zero because the scheme diffuses more, and a fit that
        # begins at zero would stay there.
        if best.scheme in FIRST_ORDER and best.basis == _FIXED.basis:
            best = dataclasses.replace(_FIXED, size=best.size, diffusion=best.diffusion)
        size = min(best.size, SIZE_OF_FINER)
        sizes = {size}
        if refinement == 2 and size > 1 and not best.kinks:
            sizes |= {SIZE_OF_FINER, best.size}
        return tuple(_on_finer(best, refinement, size) for size in sorted(sizes))

    return propose


def _finest(best: Candidate) -> tuple[Candidate, ...]:
    """Four internal cells although two are hardly better than one: the errors of a coarse grid at
    several jumps may cancel in the frames that are held out."""
    if best.refinement > 1 or best.kinks or best.scheme in FIRST_ORDER:
        return ()
    return (_on_finer(best, 4, min(best.size, SIZE_OF_FINER)),)


def _richest_on_finer(refinement: int) -> _Propose:
    """A flux of high degree on finer cells than those of the best candidate: cells that are too
    large hide what further terms explain, and a flux of too low a degree what finer cells do."""

    def propose(best: Candidate) -> tuple[Candidate, ...]:
        if best.kinks or best.scheme in FIRST_ORDER or best.refinement >= refinement:
            return ()
        return (_on_finer(best, refinement, _RICH),)

    return propose


def _diffusive_on_finer(best: Candidate) -> tuple[Candidate, ...]:
    """Diffusion on finer cells, where the scheme's own does not hide it."""
    if best.diffusion != "none" or best.kinks or best.refinement == 1:
        return ()
    diffusive = dataclasses.replace(_FIXED, size=best.size, diffusion="constant")
    return tuple(dataclasses.replace(diffusive, refinement=cells) for cells in (4, 8))


def _rivals(best: Candidate) -> tuple[Candidate, ...]:
    """The next best sets of functions on the grid of the best law: on a coarser one, smeared shocks
    hide which is right."""
    if best.sparse != "weak-form":
        return ()
    numbers = range(1, _MOST_RIVALS + 1)
    return tuple(dataclasses.replace(best, rival=number) for number in numbers)


def _kinked(best: Candidate, kinks: int = 1) -> tuple[Candidate, ...]:
    """A flux with a kink, without diffusion, which would blur it."""
    scheme = "roe-entropy-fix" if best.scheme in FIRST_ORDER else best.scheme
    kinked = dataclasses.replace(best, size=2, kinks=kinks, diffusion="none", scheme=scheme)
    return (kinked,)


def _two_kinks(best: Candidate) -> tuple[Candidate, ...]:
    """Of a trapezoid a single kink may explain less than a smooth flux does."""
    return () if best.kinks else _kinked(best, 2)


def _richer_kink(best: Candidate) -> tuple[Candidate, ...]:
    if not best.kinks:
        return ()
    return (dataclasses.replace(best, size=4), dataclasses.replace(best, kinks=2))


def _is_diffusive(best: Candidate) -> bool:
    return best.diffusion != "none"


def _if(holds: Callable[[Candidate], bool | int], propose: _Propose) -> _Propose:
    return lambda best: propose(best) if holds(best) else ()


def _with_derivatives(candidate: Candidate, fields: int) -> Candidate:
    """The candidate, with a scheme that needs only a bound of the speeds for many fields."""
    if fields <= _WITH_VECTORS:
        return candidate
    return dataclasses.replace(candidate, scheme="muscl", cfl=_PRESENT_STATE)


def _denoised(best: Candidate) -> tuple[Candidate, ...]:
    return (dataclasses.replace(best, denoised=True),)


def stages(fields: int) -> tuple[Stage, ...]:
    """The stages of the search.

    The first ones test whether one of the common schemes made the data, in which case a fit
    reproduces them almost exactly. The last are for other data, such as measurements.
    """
    if fields > 1:
        weak = _with_derivatives(Candidate("dictionary", 0, sparse="weak-form"), fields)
        quick = (
            Stage(_always(weak), 1e-4),
            Stage(_always(dataclasses.replace(weak, fresh_start=False)), 1e-4),
            Stage(_finer(2), 1e-4),
            Stage(_finer(4), 1e-4),
            Stage(_rivals, 1e-3),
        )
        if fields > 2:  # fitting all functions would take minutes
            return quick
        full, sparse = Candidate("dictionary", 0), Candidate("dictionary", 0, sparse="fit")
        mid_run = dataclasses.replace(sparse, fresh_start=False)
        fixed = dataclasses.replace(sparse, scheme="roe-entropy-fix")
        rusanov = dataclasses.replace(
            full, diffusion="constant", scheme="rusanov", cfl=_PRESENT_STATE
        )
        viscous = dataclasses.replace(weak, diffusion="constant", scheme="roe-entropy-fix")
        return (
            *quick,
            Stage(_always(viscous), 1e-4, if_diffusive=True),
            Stage(_if(_is_diffusive, _finer(2)), 1e-4),
            Stage(_if(_is_diffusive, _finer(4)), 1e-3),
            Stage(_always(full, sparse), 1e-3),
            Stage(_always(mid_run), 5e-3),
            Stage(_always(Candidate("tensor", 0)), 5e-3),
            Stage(_always(fixed, rusanov), 1e-2),
            Stage(_finer(2), 1e-2),
            Stage(_denoised, 0.0),
        )
    first = Candidate()
    return (
        Stage(_always(first), 1e-6),
        Stage(
            _always(Candidate(diffusion="constant", scheme="rusanov", cfl=_PRESENT_STATE)),
            REPRODUCED,
        ),
        Stage(
            _always(
                dataclasses.replace(first, cfl=_CLAWPACK_DEFAULT),
                dataclasses.replace(first, fresh_start=False),
            ),
            REPRODUCED,
        ),
        *(stage for scheme in FIRST_ORDER for stage in _equal_steps(scheme)),
        Stage(_richer_flux, REPRODUCED, 5e-5),
        Stage(_always(_FIXED, dataclasses.replace(_FIXED, diffusion="constant")), REPRODUCED, 1e-4),
        Stage(_always(_CONSTANT_SPEED), REPRODUCED, 1e-4),
        Stage(_richer_diffusion, REPRODUCED, 1e-4),
        # Grids that agree before a shock forms differ after it.
        Stage(_finer(2), REPRODUCED),
        Stage(_finer(4), REPRODUCED),
        Stage(_finer(8), REPRODUCED),
        Stage(_finest, REPRODUCED, _SMOOTH, 1.2),
        Stage(_diffusive_on_finer, REPRODUCED, _SMOOTH, 1.2),
        Stage(_richer_flux, _SMOOTH, 1e-4),
        Stage(_richest_on_finer(4), _SMOOTH, _SMOOTH, 1.2),
        Stage(_richest_on_finer(8), _SMOOTH, _SMOOTH, 1.2),
        Stage(_kinked, 1e-4),
        Stage(_two_kinks, 1e-4, 5e-3, 2.0),
        Stage(_if(_has_kinks, _finer(2)), 1e-4),
        Stage(_if(_has_kinks, _finer(4)), _SMOOTH),
        Stage(_richer_kink, 1e-4),
        Stage(_denoised, 0.0, 1e-4),
    )


def stages_over_dry_ground() -> tuple[Stage, ...]:
    """The stages of the search for a flow over ground that may be dry: unless a usual law predicts
    it, one whose velocity is bounded, with a scheme that keeps its density positive."""
    usual = Candidate("dictionary", 0, sparse="weak-form")
    bounded = dataclasses.replace(usual, scheme="muscl", cfl=_PRESENT_STATE, dry=True, refinement=2)
    return (
        Stage(_always(usual), 0.0),
        Stage(_always(bounded), 1e-4, _PREDICTED, 2.0),
        Stage(_if(_is_dry, _finer(4)), 1e-4),
        Stage(_if(_is_dry, _rivals), 1e-3),
        Stage(_if(_is_dry, _denoised), 0.0),
    )


def stages_with_force() -> tuple[Stage, ...]:
    """The stages of the search if a force that depends on place acts on two fields."""
    weak = Candidate("dictionary", 0, sparse="weak-form", sources=True, force=True)
    # Whose steps are of second order with a source, too.
    weak = dataclasses.replace(weak, scheme="muscl", cfl=_PRESENT_STATE)
    return (
        Stage(_always(weak), 1e-5),
        Stage(_finer(2), 1e-4),
        Stage(_finer(4), 1e-4),
        Stage(_rivals, 1e-3),
    )


def stages_with_sources() -> tuple[Stage, ...]:
    """The stages of the search if no law of several fields without sources explains a context."""
    weak = Candidate("dictionary", 0, sparse="weak-form", sources=True)
    viscous = dataclasses.replace(weak, diffusion="constant", scheme="roe-entropy-fix")
    return (
        Stage(_always(weak), 1e-4),
        Stage(_always(viscous), 1e-4, if_diffusive=True),
        Stage(_finer(2), 1e-4),
        Stage(_finer(4), 1e-4),
        Stage(_rivals, 0.0),
    )
