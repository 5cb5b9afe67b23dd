"""A law of two fields, with sources if fluxes alone do not do."""

import dataclasses
from collections.abc import Callable

import numpy as np

from hfluxno.grid import Grid
from hfluxno.identify.frames.select import needs_sources
from hfluxno.identify.frames.stages import Stage, stages_with_sources
from hfluxno.identify.joint_report import with_further_terms
from hfluxno.identify.result import Identification
from hfluxno.identify.status import UNEXPLAINED, FitStatus
from hfluxno.identify.under_noise import is_noise
from hfluxno.trajectory import Trajectory

# Below this residual the frames were made by the scheme of the law, so they have no source.
_REPRODUCED = 1e-5


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
    the law with them is taken if it predicts the last frames better.
    """
    found, values = fitted(None), np.asarray(single.values, np.float64)
    explained, complete = found.status == FitStatus.OK, bool(np.all(np.isfinite(values)))
    if explained:
        if not complete or found.residual < _REPRODUCED:
            return found
    elif found.status not in UNEXPLAINED or found.misfit.disperses:
        return found
    names = tuple(f"u{i}" for i in range(len(single.fields)))
    if is_noise(single) or (complete and not needs_sources(values, grid, names, negated)):
        return found
    richer = fitted(stages_with_sources())
    richer = dataclasses.replace(richer, tried=(*found.tried, *richer.tried))
    if richer.law.terms is None or not np.any(richer.law.terms.by_state):
        return found
    if not explained:
        return with_further_terms(found, richer)
    better = richer.status == FitStatus.OK and richer.backtest_error < found.backtest_error
    return richer if better else found
