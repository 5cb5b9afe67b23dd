"""A law of two fields, with sources if fluxes alone do not do."""

import dataclasses
from collections.abc import Callable

import numpy as np

from hfluxno.grid import Grid
from hfluxno.identify.frames.select import has_force, needs_sources
from hfluxno.identify.frames.stages import REPRODUCED, Stage, stages_with_force, stages_with_sources
from hfluxno.identify.joint_report import SHARED_OF_FURTHER, with_further_terms
from hfluxno.identify.result import Identification
from hfluxno.identify.status import UNEXPLAINED, FitStatus
from hfluxno.identify.under_noise import is_noise
from hfluxno.trajectory import Trajectory

# The part of the error of repeating a frame up to which a back-test error counts as none.
_EXACT = 0.03


def with_sources(
    single: Trajectory,
    grid: Grid,
    negated: tuple[int, ...],
    fitted: Callable[[tuple[Stage, ...] | None], Identification],
) -> Identification:
    """The law that is `fitted` on a grid by the usual stages, or by those with sources if nothing
    else explains the frames.

    A weak friction leaves so little that fluxes of other coefficients may hide it from the misfit,
    but not from the weak form of complete frames: where it chooses sources (of twelve contexts of
    two fields only for the two that have one, of which they leave a quarter of the sum of squares),
    the law with them is taken if it predicts the last frames better. Where the weak form shows
    sources, laws with them come first, and those without are tried only if the former do not
    predict the last frames exactly; the same holds for a force that depends on place, such as that
    of the bed of a river.
    """
    values = np.asarray(single.values, np.float64)
    complete = bool(np.all(np.isfinite(values)))
    names = tuple(f"u{i}" for i in range(len(single.fields)))
    noisy, forced = is_noise(single), None
    if complete and not noisy and has_force(values, grid, names, negated):
        forced = fitted(stages_with_force())
        if forced.status == FitStatus.OK:
            return forced
    arises = complete and not noisy and needs_sources(values, grid, names, negated)
    arising = fitted(stages_with_sources()) if arises else None
    if arising is not None and _needs_no_other(arising):
        return arising
    found = fitted(None)
    explained = found.status == FitStatus.OK
    if explained:
        if not complete or found.residual < REPRODUCED:
            return found
    elif found.status not in UNEXPLAINED or found.misfit.disperses:
        return found
    if arising is None and not noisy and not complete:
        arising = fitted(stages_with_sources())
    options = [each for each in (forced, arising) if each is not None]
    if not options:
        return found
    richer = min(options, key=lambda each: each.backtest_error)
    tried = [label for each in (found, *options) for label in each.tried]
    richer = dataclasses.replace(richer, tried=tuple(tried))
    if not _has_source(richer):
        return found
    if not explained:
        return with_further_terms(found, richer)
    better = richer.status == FitStatus.OK and richer.backtest_error < found.backtest_error
    return richer if better else found


def predicts_exactly(found: Identification) -> bool:
    """Whether a law explains the frames, and predicts those held out so well that it needs no
    comparison with others."""
    exact = found.backtest_error <= _EXACT * found.persistence_error
    return found.status == FitStatus.OK and exact


def _needs_no_other(found: Identification) -> bool:
    """Whether a law with sources predicts exactly, and leaves nothing that is systematic."""
    systematic = found.misfit.disperses or found.misfit.shared >= SHARED_OF_FURTHER
    return predicts_exactly(found) and not systematic and _has_source(found)


def _has_source(found: Identification) -> bool:
    terms = found.law.terms
    return terms is not None and bool(np.any(terms.by_state) or np.any(terms.source_by_place))
