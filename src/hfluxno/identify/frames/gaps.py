"""Contexts with gaps: values, sensors or frames that were not measured.

Misfits, back-tests and errors only count measured values. But the weak form needs all values around
a place, and a run needs a complete first frame. So the gaps are filled:

1. by interpolation in space and time,
2. by the trajectory of a law that is fitted to the measurements, repeatedly until it converges:
   then gaps have no residual (expectation and maximisation: Dempster, Laird and Rubin, J. R. Stat.
   Soc. B 39, 1977, 1-38),
3. and, in the first frame, by the values from which the law comes closest to later measurements.

Then the search among candidates continues as for a complete context.
"""

import dataclasses

import numpy as np
from jaxtyping import Float

from hfluxno.coordinates import MOST_MISSING
from hfluxno.grid import Grid
from hfluxno.identify.frames.candidate import Candidate
from hfluxno.identify.frames.first_gaps import Gaps, estimated, gaps_of, simulated
from hfluxno.identify.frames.interpolation import corrected, interpolated
from hfluxno.identify.frames.refine import measured_deviation
from hfluxno.identify.frames.select import (
    FittedCandidate,
    attempt,
    choose,
    last_fitted_frame,
    refit,
)
from hfluxno.identify.frames.stages import REPRODUCED, Stage
from hfluxno.parametric.solver_settings import FIRST_ORDER
from hfluxno.plural import percent, plural
from hfluxno.trajectory import Trajectory

MINIMUM_FRAMES, MINIMUM_CELLS = 4, 8
MINIMUM_PLACES = 4  # of a joint estimate, whose runs connect the measurements

# More missing values of the first frame than this stay interpolated, because each needs runs.
_MOST_UNKNOWN = 256
_MOST_ROUNDS = 5
# Filled values have converged if they change by less than this many standard deviations.
_SETTLED = 0.01
# A run that errs by more than this, relative to the fields, says nothing about the gaps.
_LOST = 1.0
_SMALL_DECREASE = 0.99
# No other law is tried to fill the gaps if the back-test error is below this.
_GOOD_ENOUGH = 1e-3
# A law and a first frame on finer cells must leave less of the misfit than this fraction.
_CLEARLY_LESS, _FINEST = 0.8, 8


def check_measured(
    values: Float[np.ndarray, "time field cells"],
    fields: tuple[str, ...],
    number: str = "",
    most_missing: float = MOST_MISSING,
    least_cells: int = MINIMUM_CELLS,
) -> None:
    """Rejects a context of which too little was measured; `number` is its number in a batch. Raises
    `ValueError` if all values of a field are missing, fewer than 4 frames or `least_cells` cells of
    it have measurements, or the fraction of missing values between the first and the last frame
    with measurements exceeds `most_missing`.
    """
    seen = np.isfinite(values)
    if seen.all():
        return
    which = f"the context{f', trajectory{number}' if number else ''}"
    for i, field in enumerate(fields):
        if not seen[:, i].any():
            raise ValueError(
                f"All values of the field {field!r} of {which} are missing; leave it out, or "
                "choose another variable."
            )
        for axis, least, what in ((1, MINIMUM_FRAMES, "frame"), (0, least_cells, "cell")):
            count = int(seen[:, i].any(axis=axis).sum())
            other = ""
            if what == "cell" and count >= MINIMUM_PLACES:
                other = f", and reconstructed with the field from {MINIMUM_PLACES}"
            if count < least:
                raise ValueError(
                    f"The field {field!r} of {which} has measurements in only "
                    f"{plural(count, what)}; a law can be inferred from {least} or more{other}."
                )
    frames = np.flatnonzero(seen.any(axis=(1, 2)))
    missing = 1.0 - float(np.mean(seen[frames[0] : frames[-1] + 1]))
    if missing > most_missing:
        raise ValueError(
            f"{percent(missing)} of the values of {which} are missing, more than "
            f"{percent(most_missing)}; average over fewer cells or frames, or measure more."
        )


def without_gaps(context: Trajectory) -> Trajectory:
    """The context with its gaps interpolated."""
    if np.all(context.observed):
        return context
    periodic = context.grid.is_periodic()
    filled = np.stack([interpolated(each, periodic) for each in context.batch])
    return dataclasses.replace(context, values=filled if context.is_batched else filled[0])


def choose_with_gaps(
    values: Float[np.ndarray, "time field cells"],
    grid: Grid,
    fields: tuple[str, ...],
    negated: tuple[int, ...],
    plan: tuple[Stage, ...] | None = None,
) -> tuple[FittedCandidate, tuple[tuple[str, float], ...], Float[np.ndarray, "time field cells"]]:
    """`choose` for a context with NaN in its gaps whose first and last frames have measurements;
    also returns its values with the gaps filled by the trajectory of the fit (corrected, in a last
    frame from which a forecast restarts, by its misfit in the cells around)."""
    seen = np.isfinite(values)
    size = measured_deviation(values, seen)[:, None]
    periodic = grid.is_periodic()
    filled = interpolated(values, periodic)
    gaps = gaps_of(values, filled, periodic)
    in_first = 0 < int(np.sum(~seen[0])) <= _MOST_UNKNOWN
    quick = []
    first = _quick(len(fields), in_first) if plan is None else plan[0].propose(Candidate())
    for candidate in first:
        state = filled
        for _ in range(_MOST_ROUNDS):
            trial = attempt(candidate, state, grid, fields, negated, None, seen)
            if not trial.error < _LOST:
                break
            before, state = state, _completed(trial, state, gaps, in_first, held_out=True)
            change = np.sqrt(np.mean(((state - before) / size) ** 2))
            if change < _SETTLED:
                break
        quick.append((trial.error, state))
        if trial.error < _GOOD_ENOUGH:
            break
    filled = min(quick, key=lambda pair: pair[0])[1]
    trial, tried = choose(filled, grid, fields, negated, seen, plan)
    while in_first:
        filled = _completed(trial, filled, gaps, True)
        residual = trial.fit.residual
        trial = refit(dataclasses.replace(trial, initial=filled[0]), filled, seen)
        if trial.fit.residual > _SMALL_DECREASE * residual:
            break
    if in_first:
        trial, filled = _on_finer_cells(trial, filled, gaps)
    filled = _completed(trial, filled, gaps, False)
    if trial.mode == "restart":
        law = trial.family.law(trial.fit.parameters)
        end = simulated(law, trial, trial.initial, len(values))[-1]
        filled[-1] = corrected(filled[-1], end, seen[-1], periodic)
    return trial, tried, filled


def _on_finer_cells(
    trial: FittedCandidate, values: np.ndarray, gaps: Gaps
) -> tuple[FittedCandidate, Float[np.ndarray, "time field cells"]]:
    """The fit and the values, with law and first frame estimated together on cells of half the
    width, and again, while that leaves clearly less of the misfit.

    A first frame that is free in its gaps, and the law with it, take up errors of the scheme where
    a shock passes a cell that was measured, as no other measurement tells where the shock is. Such
    a law is no better on finer cells before both are estimated anew there.
    """
    scheme, residual = trial.candidate.scheme, trial.fit.residual
    several = values.shape[1] > 1  # whose runs, one for each gap, would take minutes
    if several or scheme in FIRST_ORDER or trial.candidate.refinement == 1:
        return trial, values
    while trial.settings.refinement < _FINEST and residual > REPRODUCED:
        cells = 2 * trial.settings.refinement
        finer = dataclasses.replace(
            trial,
            candidate=dataclasses.replace(trial.candidate, refinement=cells),
            settings=dataclasses.replace(trial.settings, refinement=cells),
        )
        parameters, first = estimated(finer, values, gaps, np.ones(len(values)), with_law=True)
        run = simulated(trial.family.law(parameters), finer, first, len(values))
        if not np.all(np.isfinite(run)):
            break
        state = np.where(gaps.seen, values, run)
        fit = dataclasses.replace(trial.fit, parameters=parameters)
        finer = refit(dataclasses.replace(finer, fit=fit, initial=state[0]), state, gaps.seen)
        residual = finer.fit.residual
        if not residual < _CLEARLY_LESS * trial.fit.residual:
            break
        trial, values = finer, state
    return trial, values


def _quick(fields: int, estimated: bool) -> tuple[Candidate, ...]:
    """The candidates that fill the gaps before the search, until one is good enough. If a part of
    the first frame is estimated, the errors of a coarse grid would spoil it."""
    if fields > 1:
        return (Candidate("dictionary", 0, sparse="weak-form"), Candidate("dictionary", 0))
    fine = Candidate(scheme="roe-entropy-fix", refinement=2)
    return (Candidate(), fine) if estimated else (Candidate(),)


def _completed(
    trial: FittedCandidate, values: np.ndarray, gaps: Gaps, in_first: bool, held_out: bool = False
) -> Float[np.ndarray, "time field cells"]:
    """The values with their gaps filled by the trajectory of a fit; those `in_first`, the first
    frame, are estimated from all frames, or from those not `held_out`."""
    if not np.all(np.isfinite(trial.fit.parameters)):
        return values
    start = trial.initial
    if in_first:
        weights = np.ones(len(values))
        if held_out:
            weights[last_fitted_frame(len(values), gaps.seen) + 1 :] = 0.0
        _, start = estimated(trial, values, gaps, weights)
    run = simulated(trial.family.law(trial.fit.parameters), trial, start, len(values))
    return np.where(gaps.seen, values, run) if np.all(np.isfinite(run)) else values
