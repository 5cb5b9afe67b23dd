"""The bias of a joint estimate by errors of the scheme.

A fit of all values with equal weights fits the errors of the scheme too, which are largest at
jumps: there it is good, and elsewhere off by more than the covariance claims. If the values are
weighted by the errors that must be expected, σ² = s² σ₀² + c² d², with the difference d of a run
on another grid and the most probable s and c, the estimate changes in first order by

    δz = -(1 + JᵀJ)⁻¹ (Jᵀr + z),

with the misfit r and the derivatives J in units of this σ. A step that changes a run by more than
the misfit of equal weights is too long, and shortened. The estimate itself stays: errors of a
forecast are largest at jumps too.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float
from scipy.optimize import minimize

# The least noise, relative to the misfit: what a run reproduces does not weigh more.
_LEAST = 1e-3
# The most values from which s and c are found.
_MOST_VALUES = 20_000
_MOST_TRIALS = 6
# Starts of the noise, relative to the misfit, and of the factor of the difference.
_STARTS = tuple((np.log(noise), np.log(factor)) for noise in (0.3, 1.0) for factor in (0.1, 1.0))


def change_by_weights(
    away: Float[np.ndarray, "time quantity cells"],
    rows: Float[np.ndarray, "time unknown quantity cells"],
    differs: Float[np.ndarray, "time quantity cells"],
    noise: Float[np.ndarray, "#time quantity #cells"],
    z: Float[np.ndarray, " unknown"],
) -> Float[np.ndarray, " unknown"]:
    """δz of an estimate z of this misfit `away`, NaN where nothing was measured, and derivatives
    `rows`, if runs on different grids differ by `differs`. The absolute size of the noise does not
    matter."""
    seen = np.isfinite(away)
    rest = np.where(seen, away / noise, 0.0)
    scheme = np.where(seen, differs / noise, 0.0)
    size = np.sqrt(np.mean(rest**2, where=seen))
    if not (size > 0.0 and np.any(scheme > 0.0) and np.all(np.isfinite(scheme))):
        return np.zeros(len(z))
    rest, scheme = rest / size, scheme / size
    sigma = _sigma(rest[seen] ** 2, scheme[seen] ** 2, scheme)
    jacobian = np.where(seen[:, None], rows / (noise * size * sigma)[:, None], 0.0)
    jacobian = jacobian.swapaxes(0, 1).reshape(len(z), -1)
    normal = np.eye(len(z)) + jacobian @ jacobian.T
    return -np.linalg.solve(normal, jacobian @ (rest / sigma).ravel() + z)


def shortened(
    change: Float[np.ndarray, " unknown"], moved: Callable[[np.ndarray], float], misfit: float
) -> Float[np.ndarray, " unknown"]:
    """The `change` so short that a run is `moved` by no more than the misfit; zero if a few trials
    do not lead there."""
    for _ in range(_MOST_TRIALS):
        far = moved(change)
        if far <= misfit:
            return change
        change = change * np.clip(0.9 * misfit / far, 0.1, 0.9)
    return np.zeros_like(change)


def _sigma(square, scheme_square, scheme):
    """The deviations that are most probable for misfits with these squares, of mean one."""

    def unlikely(logs):
        variance = _LEAST**2 + np.exp(2.0 * logs[0]) + np.exp(2.0 * logs[1]) * scheme_square
        return float(np.sum(np.log(variance) + square / variance))

    every = max(1, len(square) // _MOST_VALUES)
    square, scheme_square = square[::every], scheme_square[::every]
    found = [minimize(unlikely, start, method="Nelder-Mead") for start in _STARTS]
    noise, factor = np.exp(min(found, key=lambda each: each.fun).x)
    return np.sqrt(_LEAST**2 + noise**2 + (factor * scheme) ** 2)
