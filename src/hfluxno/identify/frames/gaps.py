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
from jaxtyping import Bool, Float

from hfluxno.grid import Grid
from hfluxno.identify.frames.candidate import Candidate
from hfluxno.identify.frames.interpolation import along, corrected, interpolated
from hfluxno.identify.frames.refine import measured_deviation, misfit_scale
from hfluxno.identify.frames.select import (
    FittedCandidate,
    attempt,
    choose,
    last_fitted_frame,
    refit,
)
from hfluxno.identify.frames.stages import Stage
from hfluxno.identify.frames.track import gains, track
from hfluxno.parametric.levenberg_marquardt import levenberg_marquardt
from hfluxno.plural import percent, plural
from hfluxno.trajectory import Trajectory

MINIMUM_FRAMES, MINIMUM_CELLS = 4, 8
MINIMUM_PLACES = 4  # of a joint estimate, whose runs connect the measurements

MOST_MISSING = 0.8
# More missing values of the first frame than this stay interpolated, because each needs runs.
_MOST_UNKNOWN = 256
_MOST_ROUNDS = 5
# Filled values have converged if they change by less than this many standard deviations.
_SETTLED = 0.01
_SMALL_DECREASE = 0.99
# No other law is tried to fill the gaps if the back-test error is below this.
_GOOD_ENOUGH = 1e-3
# The step of difference quotients in missing values, in standard deviations.
_DIFFERENCE = 1e-4
_EVALUATIONS = 4


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


@dataclasses.dataclass(frozen=True)
class _Gaps:
    """The gaps of a context.

    - `seen`: which were measured.
    - `first`: the first frame with its gaps interpolated.
    - `expected_error`: that of the interpolation, in standard deviations of the fields.
    """

    seen: Bool[np.ndarray, "time field cells"]
    first: Float[np.ndarray, "field cells"]
    expected_error: float


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
    gaps = _Gaps(seen, filled[0], _expected_error(values[0] / size, periodic))
    estimated = 0 < int(np.sum(~seen[0])) <= _MOST_UNKNOWN
    quick = []
    first = _quick(len(fields), estimated) if plan is None else plan[0].propose(Candidate())
    for candidate in first:
        state = filled
        for _ in range(_MOST_ROUNDS):
            trial = attempt(candidate, state, grid, fields, negated, None, seen)
            before, state = state, _completed(trial, state, gaps, estimated, held_out=True)
            change = np.sqrt(np.mean(((state - before) / size) ** 2))
            if change < _SETTLED:
                break
        quick.append((trial.error, state))
        if trial.error < _GOOD_ENOUGH:
            break
    filled = min(quick, key=lambda pair: pair[0])[1]
    trial, tried = choose(filled, grid, fields, negated, seen, plan)
    while estimated:
        filled = _completed(trial, filled, gaps, True)
        residual = trial.fit.residual
        trial = refit(dataclasses.replace(trial, initial=filled[0]), filled, seen)
        if trial.fit.residual > _SMALL_DECREASE * residual:
            break
    filled = _completed(trial, filled, gaps, False)
    if trial.mode == "restart":
        end = _simulated(trial, trial.initial, len(values))[-1]
        filled[-1] = corrected(filled[-1], end, seen[-1], periodic)
    return trial, tried, filled


def _quick(fields: int, estimated: bool) -> tuple[Candidate, ...]:
    """The candidates that fill the gaps before the search, until one is good enough. If a part of
    the first frame is estimated, the errors of a coarse grid would spoil it."""
    if fields > 1:
        return (Candidate("dictionary", 0, sparse="weak-form"), Candidate("dictionary", 0))
    fine = Candidate(scheme="roe-entropy-fix", refinement=2)
    return (Candidate(), fine) if estimated else (Candidate(),)


def _completed(
    trial: FittedCandidate, values: np.ndarray, gaps: _Gaps, estimated: bool, held_out: bool = False
) -> Float[np.ndarray, "time field cells"]:
    """The values with their gaps filled by the trajectory of a fit; the gaps of the first frame are
    `estimated` from all frames, or from those not `held_out`."""
    if not np.all(np.isfinite(trial.fit.parameters)):
        return values
    start = trial.initial
    if estimated:
        weights = np.ones(len(values))
        if held_out:
            weights[last_fitted_frame(len(values), gaps.seen) + 1 :] = 0.0
        start = _first_frame(trial, values, gaps, weights)
    simulated = _simulated(trial, start, len(values))
    return np.where(gaps.seen, values, simulated) if np.all(np.isfinite(simulated)) else values


def _simulated(trial: FittedCandidate, start: np.ndarray, frames: int) -> np.ndarray:
    """The trajectory of a fit from a first frame."""
    law = trial.family.law(trial.fit.parameters)
    unseen = np.broadcast_to(start, (frames, *start.shape))
    alone = gains("continue", frames, frames - 1)
    return np.concatenate([start[None], track(law, trial.settings, unseen, alone)[0]])


def _first_frame(
    trial: FittedCandidate, values: np.ndarray, gaps: _Gaps, weights: np.ndarray
) -> Float[np.ndarray, "field cells"]:
    """The first frame whose missing values v bring the trajectory closest to later measurements:

        min_v  Σ (u_j(v) - û_j)² / σ²  +  Σ (v - v̂)² / δ²

    with v̂ the interpolated values, δ their expected error and σ the misfit of the fit. Derivatives
    are difference quotients.
    """
    missing = ~gaps.seen[0]
    scale, measured = misfit_scale(values, weights, gaps.seen)
    size = np.broadcast_to(measured_deviation(values, gaps.seen)[:, None], missing.shape)[missing]
    hold = trial.fit.residual / gaps.expected_error / np.sqrt(measured)
    guess = gaps.first[missing] / size

    def frame(point):
        start = trial.initial.copy()
        start[missing] = point * size
        return start

    def relative(point):
        run = _simulated(trial, frame(point), len(values))
        return ((run[1:] - values[1:]) * scale).reshape(-1)

    def misfit(point):
        here = relative(point)
        rows = [
            (relative(point + _DIFFERENCE * unit) - here) / _DIFFERENCE
            for unit in np.eye(len(point))
        ]
        value = np.concatenate([here, hold * (point - guess)])
        return value, np.concatenate([np.stack(rows), hold * np.eye(len(point))], axis=1), None

    begin = trial.initial[missing] / size
    return frame(levenberg_marquardt(misfit, begin, 1e-8, _EVALUATIONS).point)


def _expected_error(frame: np.ndarray, periodic: bool) -> float:
    """The expected error of interpolation: that of known values, scaled by the gap squared."""
    missing = np.isnan(frame)
    if not missing.any():
        return 1.0
    gap = float(np.mean(along(frame, periodic)[1][missing]))
    errors, gaps = [], []
    for index in np.argwhere(~missing):
        without = frame.copy()
        without[tuple(index)] = np.nan
        found, gap_without = along(without, periodic)
        errors.append(found[tuple(index)] - frame[tuple(index)])
        gaps.append(gap_without[tuple(index)])
    ratio = gap / float(np.mean(gaps)) if np.isfinite(gap + np.mean(gaps)) else 1.0
    return max(float(np.sqrt(np.mean(np.square(errors)))) * min(ratio, 1.0) ** 2, 1e-6)
