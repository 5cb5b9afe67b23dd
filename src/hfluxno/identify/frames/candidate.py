"""The candidates for a context: possible forms of the law and of the scheme that made the data."""

import dataclasses
import math
from collections.abc import Callable

from hfluxno.parametric.solver_settings import FIRST_ORDER
from hfluxno.plural import plural

# (desired, maximum, lagged) of a CFL rule.
CLAWPACK_PAPER = (0.5, 0.9, True)
CLAWPACK_DEFAULT = (0.9, 1.0, True)
PRESENT_STATE = (0.4, 0.4, False)
_CFL_ONE = (1.0, 1.0, False)

DIFFUSION_TERMS = {"none": 0, "constant": 1, "quadratic": 3}

# The number of further sets of terms that are tried.
_MOST_RIVALS = 3

# The size of the flux that is tried on the first finer grid.
SIZE_OF_FINER = 6

# The back-test error of Rusanov's scheme above which its steps cannot be what is wrong.
_OF_STEPS = 0.02

# If a polynomial predicts this well, no kink is tried.
_SMOOTH = 1e-3

# A usual law with this back-test error needs no bound of the velocity.
_PREDICTED = 5e-3

# Below this back-test error of one field, the scheme is the one that made the data.
_REPRODUCED = 1e-5


@dataclasses.dataclass(frozen=True)
class Candidate:
    """One hypothesis about the law and about the scheme that made (or best reproduces) the data.

    - `basis`: `chebyshev` for one field; `dictionary` or `tensor` for several.
    - `size`: how many functions are free: the polynomial degree of a Chebyshev basis, and 0 for all
      functions of the others.
    - `kinks`: the number of kinks of the flux of one field, beside the polynomial.
    - `diffusion`: `none`, `constant` or `quadratic` in the field.
    - `scheme`: the numerical flux.
    - `refinement`: internal cells per cell of the data.
    - `cfl`: the CFL rule (desired, maximum, lagged).
    - `steps`: the number of equal steps from a frame to the next; 0 if only the CFL rule counts.
    - `fresh_start`: whether the context begins with the first frame of the run that made it.
    - `sparse`: what decides which functions are dropped because the data do not need them: the
      `weak-form` or an earlier `fit`; `None` keeps all.
    - `sources`: whether each field has a source that depends on the state.
    - `rival`: the rank among the sets of functions that explain the weak form well; 0 is the best.
    - `dry`: whether a flow may leave its ground dry, which bounds its velocity.
    - `denoised`: whether the fit starts from an estimate of the first state from several frames
      instead of the first frame itself.
    """

    basis: str = "chebyshev"
    size: int = 4
    kinks: int = 0
    diffusion: str = "none"
    scheme: str = "roe"
    refinement: int = 1
    cfl: tuple[float, float, bool] = CLAWPACK_PAPER
    steps: int = 0
    fresh_start: bool = True
    sparse: str | None = None
    sources: bool = False
    rival: int = 0
    dry: bool = False
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
            f"{self.scheme} "
            + (
                f"with {plural(self.steps, 'step')} a frame"
                if self.steps
                else f"CFL {self.cfl[0]:g}"
            ),
        ]
        if self.sources:
            parts.insert(1, "with sources")
        if self.dry:
            parts.append("dry ground")
        if self.refinement > 1:
            parts.append(f"grid ×{self.refinement}")
        if not self.fresh_start:
            parts.append("mid-run start")
        if self.denoised:
            parts.append("denoised start")
        return ", ".join(parts)

    @property
    def evaluations(self) -> int:
        """The maximum number of runs of the solver with derivatives. The fit of the full dictionary
        need only be good enough to show which functions are needed; a system on a finer grid is
        expensive, and starts from the fit on the coarser one."""
        if self.basis == "dictionary" and not self.sparse:
            return 8
        return 6 if self.basis != "chebyshev" and self.refinement > 1 else 12

    @property
    def unknowns(self) -> int:
        """Orders candidates that predict equally well, fewest first. A constant speed is no simpler
        than a few functions: under noise the last frames hardly tell them apart, later ones do."""
        kinks = 2 * self.kinks + 1 if self.kinks else 0  # sizes, places, and a width
        size = 4 if self.size == 1 else self.size
        return size + kinks + DIFFUSION_TERMS[self.diffusion] - (6 if self.sparse else 0)


_FIXED = Candidate(size=6, scheme="roe-entropy-fix")
# At the CFL number 1 a constant speed carries a field from cell to cell as it is.
_CONSTANT_SPEED = Candidate(size=1, scheme="roe-entropy-fix", cfl=_CFL_ONE)


@dataclasses.dataclass(frozen=True)
class Stage:
    """A stage of the search: what it proposes given the best candidate so far, the back-test error
    that ends the search after it, and those up to which and from which on it is skipped, the former
    also as a multiple of the noise; or it is skipped unless the weak form of several fields shows
    diffusion."""

    propose: Callable[[Candidate], tuple[Candidate, ...]]
    good_enough: float
    worth_above: float = 0.0
    beyond_noise: float = 0.0
    worth_below: float = math.inf
    if_diffusive: bool = False


def _always(*candidates: Candidate) -> Callable[[Candidate], tuple[Candidate, ...]]:
    return lambda best: candidates


def _richer_flux(best: Candidate) -> tuple[Candidate, ...]:
    return (dataclasses.replace(best, size=9),) if best.size < 9 and not best.kinks else ()


def _richer_diffusion(best: Candidate) -> tuple[Candidate, ...]:
    """ν(u) where constant ν helped, with a scheme whose own diffusion is not that large."""
    if best.diffusion != "constant":
        return ()
    if best.scheme in FIRST_ORDER:
        best = dataclasses.replace(_FIXED, diffusion="constant")
    return (dataclasses.replace(best, diffusion="quadratic"),)


def _equal_steps(best: Candidate) -> tuple[Candidate, ...]:
    """Numbers of equal steps a frame, which determine the diffusion of a scheme of first order."""
    if best.scheme != "rusanov":
        return ()
    numbers = (*range(1, 13), 16, 20, 24, 32, 40, 50, 64)
    return tuple(dataclasses.replace(best, cfl=_CFL_ONE, steps=number) for number in numbers)


def _upwind(best: Candidate) -> tuple[Candidate, ...]:
    """The same for another scheme of first order: that of Engquist and Osher, which is Godunov's
    except at some shocks."""
    if best.scheme != "rusanov":
        return ()
    numbers = (1, 2, 3, 4, 6, 8, 11, 16, 23, 32, 45, 64)
    upwind = dataclasses.replace(best, scheme="upwind", cfl=_CFL_ONE)
    return tuple(dataclasses.replace(upwind, steps=number) for number in numbers)


def _nearer_upwind(fraction: int) -> Callable[[Candidate], tuple[Candidate, ...]]:
    nearer = _nearer_steps(fraction)
    return lambda best: nearer(best) if best.scheme == "upwind" else ()


def _nearer_steps(fraction: int) -> Callable[[Candidate], tuple[Candidate, ...]]:
    """A number of steps that is smaller, or larger, by a fraction of the best one."""

    def propose(best: Candidate) -> tuple[Candidate, ...]:
        change = best.steps // fraction
        numbers = (best.steps - change, best.steps + change) if change else ()
        return tuple(dataclasses.replace(best, steps=number) for number in numbers)

    return propose


def _finer(refinement: int) -> Callable[[Candidate], tuple[Candidate, ...]]:
    """The best candidate on a finer internal grid, if the previous refinement was an improvement.

    The first finer grid is also tried with another size of the flux: on the cells of the data,
    jumps are too smeared to decide between them.
    """

    def propose(best: Candidate) -> tuple[Candidate, ...]:
        if not refinement // 2 <= best.refinement < refinement:
            return ()
        if best.scheme == "upwind":
            best = dataclasses.replace(_FIXED, size=best.size, diffusion=best.diffusion)
        scheme = "roe-entropy-fix" if best.scheme == "roe" else best.scheme
        size = min(best.size, SIZE_OF_FINER)
        sizes = {size}
        if refinement == 2 and size > 1 and not best.kinks:
            sizes |= {SIZE_OF_FINER, best.size}
        finer = dataclasses.replace(best, scheme=scheme, refinement=refinement)
        return tuple(dataclasses.replace(finer, size=size) for size in sorted(sizes))

    return propose


def _finest(best: Candidate) -> tuple[Candidate, ...]:
    """Four internal cells although two are hardly better than one: the errors of a coarse grid at
    several jumps may cancel in the frames that are held out."""
    if best.refinement > 1 or best.kinks or best.scheme in FIRST_ORDER:
        return ()
    size = min(best.size, SIZE_OF_FINER)
    return (dataclasses.replace(best, scheme="roe-entropy-fix", refinement=4, size=size),)


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


def _finer_diffusive(refinement: int) -> Callable[[Candidate], tuple[Candidate, ...]]:
    finer = _finer(refinement)
    return lambda best: finer(best) if best.diffusion != "none" else ()


def _finer_kink(refinement: int) -> Callable[[Candidate], tuple[Candidate, ...]]:
    finer = _finer(refinement)
    return lambda best: finer(best) if best.kinks else ()


def _if_dry(
    propose: Callable[[Candidate], tuple[Candidate, ...]],
) -> Callable[[Candidate], tuple[Candidate, ...]]:
    return lambda best: propose(best) if best.dry else ()


def _denoised(best: Candidate) -> tuple[Candidate, ...]:
    return (dataclasses.replace(best, denoised=True),)


def stages(fields: int) -> tuple[Stage, ...]:
    """The stages of the search.

    The first ones test whether one of the common schemes made the data, in which case a fit
    reproduces them almost exactly. The last are for other data, such as measurements.
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
        if fields > 2:  # fitting all functions would take minutes
            return quick
        full, sparse = Candidate("dictionary", 0), Candidate("dictionary", 0, sparse="fit")
        mid_run = dataclasses.replace(sparse, fresh_start=False)
        fixed = dataclasses.replace(sparse, scheme="roe-entropy-fix")
        rusanov = dataclasses.replace(
            full, diffusion="constant", scheme="rusanov", cfl=PRESENT_STATE
        )
        viscous = dataclasses.replace(weak, diffusion="constant", scheme="roe-entropy-fix")
        return (
            *quick,
            Stage(_always(viscous), 1e-4, if_diffusive=True),
            Stage(_finer_diffusive(2), 1e-4),
            Stage(_finer_diffusive(4), 1e-3),
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
        Stage(_equal_steps, _REPRODUCED, 0.0, 1.2, _OF_STEPS),
        *(Stage(_nearer_steps(2**k), _REPRODUCED, 0.0, 1.2, _OF_STEPS) for k in (3, 4, 5, 6)),
        Stage(_upwind, _REPRODUCED, 0.0, 1.2, _OF_STEPS),
        *(Stage(_nearer_upwind(2**k), _REPRODUCED, 0.0, 1.2, _OF_STEPS) for k in (3, 4, 5, 6)),
        Stage(_richer_flux, _REPRODUCED, 5e-5),
        Stage(
            _always(_FIXED, dataclasses.replace(_FIXED, diffusion="constant")), _REPRODUCED, 1e-4
        ),
        Stage(_always(_CONSTANT_SPEED), _REPRODUCED, 1e-4),
        Stage(_richer_diffusion, _REPRODUCED, 1e-4),
        # Grids that agree before a shock forms differ after it.
        Stage(_finer(2), _REPRODUCED),
        Stage(_finer(4), _REPRODUCED),
        Stage(_finest, _REPRODUCED, _SMOOTH, 1.2),
        Stage(_richer_flux, _SMOOTH, 1e-4),
        Stage(_kinked, 1e-4),
        Stage(_two_kinks, 1e-4, 5e-3, 2.0),
        Stage(_finer_kink(2), 1e-4),
        Stage(_finer_kink(4), _SMOOTH),
        Stage(_richer_kink, 1e-4),
        Stage(_denoised, 0.0, 1e-4),
    )


def stages_over_dry_ground() -> tuple[Stage, ...]:
    """The stages of the search for a flow over ground that may be dry: unless a usual law predicts
    it, one whose velocity is bounded, with a scheme that keeps its density positive."""
    usual = Candidate("dictionary", 0, sparse="weak-form")
    bounded = dataclasses.replace(usual, scheme="muscl", cfl=PRESENT_STATE, dry=True, refinement=2)
    return (
        Stage(_always(usual), 0.0),
        Stage(_always(bounded), 1e-4, _PREDICTED, 2.0),
        Stage(_if_dry(_finer(4)), 1e-4),
        Stage(_if_dry(_rivals), 1e-3),
        Stage(_if_dry(_denoised), 0.0),
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
