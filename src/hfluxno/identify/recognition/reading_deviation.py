"""How well the numbers in the formula of a flux are known.

The parameters θ of a form g minimise Σ_j w_j (c + g(u_j; θ) - f(u_j))². With J the derivatives of
c + g by c and θ, and R those of f by its coefficients, whose covariance is Σ, that of θ is

    B² G Σ Gᵀ,   G = (Jᵀ w J)⁻¹ Jᵀ w R   (without the row of c).

Σ treats the misfit as independent noise. The q combinations of coefficients that the form fixes
show how wrong that is (the Birge ratio, as in `hfluxno.identify.recognition.known`): if they differ
from what they should be by ΔS in squared standard deviations, B² = (ΔS + 3²)/(q + 1).
"""

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float

_DEVIATIONS = 3.0
_STEP, _DEPENDENT = 1e-5, 1e-10

Values = Float[np.ndarray, " parameter"]


def parameter_covariance(
    slopes: Float[np.ndarray, "point parameter"],
    residual: Float[np.ndarray, " point"],
    known: Float[np.ndarray, " point"],
    changes: Float[np.ndarray, "point coefficient"],
    covariance: Float[np.ndarray, "coefficient coefficient"],
) -> Float[np.ndarray, "parameter parameter"]:
    """The covariance of the parameters of a form; NaN if that of the coefficients is unknown.

    - `slopes`: the derivatives of the form by its parameters.
    - `residual`: what the form leaves of the flux.
    - `known`: w^(-1/2), the standard deviations in its fit.
    - `changes`, `covariance`: R and Σ.
    """
    count = slopes.shape[1]
    sizes = np.sqrt(np.maximum(np.diag(covariance), 0.0))
    free = sizes > 0.0
    if not free.any() or not np.all(np.isfinite(covariance)):
        return np.full((count, count), np.nan)
    rows = changes[:, free] * sizes[free]  # coefficients in their standard deviations
    correlation = covariance[np.ix_(free, free)] / np.outer(sizes[free], sizes[free])
    columns = np.column_stack([np.ones(len(residual)), slopes])
    gain = (np.linalg.pinv(columns / known[:, None]) @ (rows / known[:, None]))[1:]
    # The form as coefficients, and as independent combinations of them with the variance 1.
    centred = rows - rows.mean(axis=0)
    of_form = np.linalg.lstsq(centred, np.column_stack([residual, slopes]), rcond=None)[0]
    variances, directions = np.linalg.eigh(correlation)
    sound = variances > _DEPENDENT * variances[-1]
    independent = directions[:, sound].T @ of_form / np.sqrt(variances[sound])[:, None]
    left, moved = independent[:, 0], independent[:, 1:]
    left = left - moved @ np.linalg.lstsq(moved, left, rcond=None)[0]
    fixed = max(int(sound.sum()) - count, 0)
    ratio = (float(left @ left) + _DEVIATIONS**2) / (fixed + 1)
    return ratio * gain @ correlation @ gain.T


def deviations_of(
    shown: Callable[[Values], Sequence[float]],
    parameters: Values,
    covariance: Float[np.ndarray, "parameter parameter"],
) -> list[float]:
    """The standard deviations of the numbers that are shown, functions of the parameters."""
    slopes = []
    for i, value in enumerate(parameters):
        step = np.zeros_like(parameters)
        step[i] = _STEP * (abs(value) or 1.0)
        above, below = (np.array(shown(parameters + way * step)) for way in (1.0, -1.0))
        slopes.append((above - below) / (2.0 * step[i]))
    by = np.array(slopes)
    variance = np.einsum("in,ij,jn->n", by, covariance, by)
    return [float(each) for each in np.sqrt(np.maximum(variance, 0.0))]
