"""The values that are missing in the first frame of a context, estimated through the solver.

A run needs them all. Those are estimated from which the law comes closest to later measurements,
with the law held or together with it.
"""

import dataclasses

import numpy as np
from jaxtyping import Bool, Float

from hfluxno.identify.frames.interpolation import along
from hfluxno.identify.frames.refine import measured_deviation, misfit_scale
from hfluxno.identify.frames.select import FittedCandidate
from hfluxno.identify.frames.track import gains, track
from hfluxno.parametric.fitted_law import FittedLaw
from hfluxno.parametric.levenberg_marquardt import levenberg_marquardt

# The step of difference quotients in missing values, in standard deviations, and in parameters.
_DIFFERENCE = 1e-4
_EVALUATIONS = 4


@dataclasses.dataclass(frozen=True)
class Gaps:
    """The gaps of a context.

    - `seen`: which were measured.
    - `first`: the first frame with its gaps interpolated.
    - `expected_error`: that of the interpolation, in standard deviations of the fields.
    - `periodic`: whether the domain is a circle.
    """

    seen: Bool[np.ndarray, "time field cells"]
    first: Float[np.ndarray, "field cells"]
    expected_error: float
    periodic: bool


def gaps_of(
    values: Float[np.ndarray, "time field cells"],
    filled: Float[np.ndarray, "time field cells"],
    periodic: bool,
) -> Gaps:
    """The gaps of values that were `filled` by interpolation."""
    seen = np.isfinite(values)
    size = measured_deviation(values, seen)[:, None]
    return Gaps(seen, filled[0], _expected_error(values[0] / size, periodic), periodic)


def simulated(
    law: FittedLaw, trial: FittedCandidate, start: np.ndarray, frames: int
) -> Float[np.ndarray, "time field cells"]:
    """The trajectory of a law from a first frame, as the fit is solved."""
    unseen = np.broadcast_to(start, (frames, *start.shape))
    alone = gains("continue", frames, frames - 1)
    return np.concatenate([start[None], track(law, trial.settings, unseen, alone)[0]])


def estimated(
    trial: FittedCandidate,
    values: Float[np.ndarray, "time field cells"],
    gaps: Gaps,
    weights: Float[np.ndarray, " time"],
    with_law: bool = False,
) -> tuple[Float[np.ndarray, " parameter"], Float[np.ndarray, "field cells"]]:
    """The parameters of the law and the first frame whose missing values v bring the trajectory
    closest to later measurements:

        min_v  Σ (u_j(v) - û_j)² / σ²  +  Σ (v - v̂)² / δ²

    with v̂ the interpolated values, δ their expected error and σ the misfit of the fit. `with_law`
    the minimum is over the free parameters, too. Derivatives are difference quotients.
    """
    missing = ~gaps.seen[0]
    scale, measured = misfit_scale(values, weights, gaps.seen)
    size = np.broadcast_to(measured_deviation(values, gaps.seen)[:, None], missing.shape)[missing]
    family = trial.family
    directions = np.asarray(family.directions)[: None if with_law else 0]
    free = len(directions)
    hold = np.full(free + len(size), trial.fit.residual / gaps.expected_error / np.sqrt(measured))
    hold[:free] = 0.0
    guess = np.concatenate([np.zeros(free), gaps.first[missing] / size])

    def at(point):
        start = trial.initial.copy()
        start[missing] = point[free:] * size
        mask = np.asarray(family.mask)
        return (trial.fit.parameters + point[:free] @ directions) * mask, start

    def relative(point):
        parameters, start = at(point)
        run = simulated(family.law(parameters), trial, start, len(values))
        return ((run[1:] - values[1:]) * scale).reshape(-1)

    def misfit(point):
        here = relative(point)
        rows = [
            (relative(point + _DIFFERENCE * unit) - here) / _DIFFERENCE
            for unit in np.eye(len(point))
        ]
        value = np.concatenate([here, hold * (point - guess)])
        return value, np.concatenate([np.stack(rows), np.diag(hold)], axis=1), None

    begin = np.concatenate([np.zeros(free), trial.initial[missing] / size])
    return at(levenberg_marquardt(misfit, begin, 1e-8, _EVALUATIONS).point)


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
        found, gap_without, _ = along(without, periodic)
        errors.append(found[tuple(index)] - frame[tuple(index)])
        gaps.append(gap_without[tuple(index)])
    ratio = gap / float(np.mean(gaps)) if np.isfinite(gap + np.mean(gaps)) else 1.0
    return max(float(np.sqrt(np.mean(np.square(errors)))) * min(ratio, 1.0) ** 2, 1e-6)
