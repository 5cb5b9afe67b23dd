"""What noise in the first frame does to a law that is fitted through the solver.

The run of a fit starts from the first frame, so its noise n₀ is carried through all frames. There
it is correlated, and the usual covariance of least squares does not see it: a shock that takes up
the noise of the values that run into it is at a wrong place in all later frames, and so seems
slower or faster. With the derivatives J of the run by the coefficients, and n₀ alone,

    δc = -(JᵀJ)⁻¹ Jᵀ (u[c, û₀ + n₀] - u[c, û₀])

to first order, whose covariance is estimated from a few draws of n₀.
"""

import numpy as np
from jaxtyping import Float

from hfluxno.identify.misfit import Misfit
from hfluxno.identify.refine import misfit_scale
from hfluxno.identify.select import FittedCandidate
from hfluxno.identify.track import gains, track

_DRAWS = 8
_LITTLE = 1e-3  # of the standard deviation; less noise is not worth the runs


def covariance_by_first_frame(
    trial: FittedCandidate,
    values: Float[np.ndarray, "time field cells"],
    misfit: Misfit,
    seen: np.ndarray | None,
) -> Float[np.ndarray, "parameter parameter"]:
    """The covariance of the parameters of a fit because of the noise of the first frame; zero if
    the noise is small, or the first state was estimated from several frames."""
    directions = np.asarray(trial.family.directions)
    nothing = np.zeros((directions.shape[1],) * 2)
    # What a fit leaves bounds the noise, which shocks seem to have in their differences.
    level = min(misfit.noise, misfit.size)
    if trial.candidate.denoised or not level > _LITTLE:
        return nothing
    law = trial.family.law(trial.fit.parameters)
    alone = gains("continue", len(values), 0)
    size = level * np.std(values, axis=(0, 2))[:, None]
    scale, _ = misfit_scale(values, np.ones(len(values)), seen)

    def run(first: np.ndarray) -> np.ndarray:
        followed, _, _ = track(law, trial.settings, np.concatenate([first, values[1:]]), alone)
        return (followed * scale).ravel()

    undisturbed, draw = run(values[:1]), np.random.default_rng(0)
    noise = size * draw.normal(size=(_DRAWS, *values[:1].shape))
    away = np.stack([run(values[:1] + each) - undisturbed for each in noise], axis=1)
    if not np.all(np.isfinite(away)):
        return nothing
    rows = trial.fit.rows
    steps = np.linalg.pinv(rows @ rows.T, rcond=1e-13, hermitian=True) @ (rows @ away)
    changes = directions.T @ steps
    return changes @ changes.T / _DRAWS
