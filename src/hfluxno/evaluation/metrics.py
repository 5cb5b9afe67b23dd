"""Relative errors of a forecast at each time, and summaries of many.

    e_j = ‖u_j - û_j‖ / ‖û_j‖

with the norm l2 or l∞ over fields and cells, the forecast u and the truth û at time j (HFluxNO,
eq. 19).
"""

import dataclasses
import math

import numpy as np
from jaxtyping import Array, Bool, Float, Int

# Forecasts and data are NumPy arrays, solutions are JAX arrays.
Frames = Array | np.ndarray
_FIELD_AND_CELLS = (-2, -1)


def relative_l2(
    forecast: Float[Frames, "*batch time field x"], truth: Float[Frames, "*batch time field x"]
) -> Float[np.ndarray, "*batch time"]:
    """The relative l2 error at each time; infinite if the forecast is not finite."""
    misfit, truth = misfit_and_truth(forecast, truth)
    with np.errstate(over="ignore"):  # a forecast that explodes has an infinite error
        return quotient(
            np.sqrt(np.sum(misfit**2, axis=_FIELD_AND_CELLS)),
            np.sqrt(np.sum(truth**2, axis=_FIELD_AND_CELLS)),
        )


def errors_where_measured(
    forecast: Float[Frames, "*batch time field x"], truth: Float[Frames, "*batch time field x"]
) -> Float[np.ndarray, "*batch time"]:
    """The relative l2 error of each frame over its measured values, the finite ones of `truth`; NaN
    if there are none."""
    forecast, truth = np.asarray(forecast), np.asarray(truth)
    missing = np.isnan(truth)
    if not missing.any():
        return np.asarray(relative_l2(forecast, truth))
    gone = missing.all(axis=_FIELD_AND_CELLS)
    errors = relative_l2(np.where(missing, 0.0, forecast), np.nan_to_num(truth))
    return np.where(gone, np.nan, errors)


def cells_in_a_row(states: np.ndarray, axes: int) -> np.ndarray:
    """States (…, *space) with this number of space axes, as (…, cell)."""
    lead = states.ndim - axes
    return states.reshape(*states.shape[:lead], math.prod(states.shape[lead:]))


def reported_steps(steps: int, known: int) -> tuple[int, ...]:
    """The steps at which errors of a forecast of `steps` are reported: the first, half of them,
    all, and the last of the `known` ones that can be compared."""
    return tuple(sorted({1, max(1, steps // 2), steps, known} - {0}))


def relative_linf(
    forecast: Float[Frames, "*batch time field x"], truth: Float[Frames, "*batch time field x"]
) -> Float[np.ndarray, "*batch time"]:
    """The relative l∞ error at each time; infinite if the forecast is not finite."""
    misfit, truth = misfit_and_truth(forecast, truth)
    return quotient(
        np.max(np.abs(misfit), axis=_FIELD_AND_CELLS), np.max(np.abs(truth), axis=_FIELD_AND_CELLS)
    )


def vrmse(
    forecast: Float[Frames, "*batch time field cell"],
    truth: Float[Frames, "*batch time field cell"],
) -> Float[np.ndarray, "*batch time field"]:
    """√(⟨(u - û)²⟩/(⟨(û - ⟨û⟩)²⟩ + 1e-7)) of each field and frame, ⟨⟩ being the mean over cells:
    what The Well reports (Ohana et al., NeurIPS 2024). The mean of a field has the error 1."""
    misfit, truth = misfit_and_truth(forecast, truth)
    with np.errstate(over="ignore"):
        return np.sqrt(np.mean(misfit**2, axis=-1) / (np.var(truth, axis=-1) + 1e-7))


@dataclasses.dataclass(frozen=True)
class Summary:
    """A summary of the errors of many trajectories.

    - `count`: the number of trajectories.
    - `failures`: how many of them failed. Their errors are included: an infinite one makes the mean
      infinite.
    - `mean`, `median`: of all errors; a median can hide a tail that the mean shows.
    - `p95`: the least error that 95 % of the trajectories do not exceed.
    - `standard_error`: of the mean, if the errors are a sample in groups; infinite if the mean is,
      `None` if unknown.
    """

    count: int
    failures: int
    mean: float
    median: float
    p95: float
    standard_error: float | None = None


def summarize(
    errors: Float[np.ndarray, " trajectory"],
    failed: Bool[np.ndarray, " trajectory"] | None = None,
    groups: Int[np.ndarray, " trajectory"] | None = None,
) -> Summary:
    """The summary of one error per trajectory.

    - `errors`: not NaN.
    - `failed`: trajectories that count as failed although their error is finite (a forecast that
      repeats the last frame); an infinite error counts as failed in any case.
    - `groups`: which errors belong together, those of one law: within a group they are correlated,
      so the number of groups determines the uncertainty of the mean.

    Raises `ValueError` if there is no error, or one is NaN.
    """
    if len(errors) == 0 or np.any(np.isnan(errors)):
        raise ValueError("A summary needs at least one error, and none of them may be NaN.")
    failures = np.isinf(errors) if failed is None else np.isinf(errors) | failed
    ordered = np.sort(errors)
    return Summary(
        count=len(errors),
        failures=int(np.sum(failures)),
        mean=float(np.mean(errors)),
        median=float(np.median(errors)),
        p95=float(ordered[-(-95 * len(ordered) // 100) - 1]),
        standard_error=None if groups is None else _standard_error(errors, groups),
    )


def _standard_error(errors, groups) -> float | None:
    """√(G/(G - 1) Σ_g (Σ_{i in g} (e_i - ē))²)/n over G groups."""
    if not np.all(np.isfinite(errors)):
        return float("inf")
    _, index = np.unique(groups, return_inverse=True)
    sums = np.bincount(index, errors - np.mean(errors))
    count = len(sums)
    if count < 2:
        return None
    return float(np.sqrt(count / (count - 1) * np.sum(sums**2)) / len(errors))


def misfit_and_truth(forecast, truth):
    """The difference, infinite where the forecast is not a number, and the truth, in float64.
    Raises `ValueError` if their shapes differ."""
    if forecast.shape != truth.shape:
        raise ValueError(
            f"Forecast and truth must have the same shape; got {forecast.shape} and {truth.shape}."
        )
    # Float32 would lose the error of a good forecast to rounding.
    truth = np.asarray(truth, np.float64)
    misfit = np.asarray(forecast, np.float64) - truth
    return np.where(np.isnan(misfit), np.inf, misfit), truth


def quotient(misfit, size):
    """misfit/size; if the truth vanishes, 0 for an exact forecast and ∞ for any other."""
    vanishes = size == 0.0
    quotient = misfit / np.where(vanishes, 1.0, size)
    return np.where(vanishes & (misfit > 0.0), np.inf, quotient)
