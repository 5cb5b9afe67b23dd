"""What noise in the first frame does to a law that is fitted through the solver.

The run of a fit starts from the first frame, so its noise n₀ is carried through all frames. There
it is correlated, and the usual covariance of least squares does not see it: a shock that takes up
the noise of the values that run into it is at a wrong place in all later frames, and so seems
slower or faster. With the derivatives J of the run by the coefficients, and n₀ alone,

    δc = -(JᵀJ)⁻¹ Jᵀ (u[c, û₀ + n₀] - u[c, û₀])

to first order, whose covariance is estimated from a few draws of n₀.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from hfluxno.batching import on_all_cores
from hfluxno.identify.frames.refine import misfit_scale
from hfluxno.identify.frames.select import FittedCandidate
from hfluxno.identify.frames.track import gains, track
from hfluxno.identify.residuals.misfit import Misfit

_DRAWS = 8
_LITTLE = 1e-3  # of the standard deviation; less noise is not worth the runs
_WAVES, _STEP = 8, 0.02  # wave numbers, and a small amplitude in standard deviations


def covariance_by_first_frame(
    trial: FittedCandidate,
    values: Float[np.ndarray, "time field cells"],
    carried: Float[np.ndarray, "draw time-1 field cells"] | None,
    seen: np.ndarray | None,
) -> Float[np.ndarray, "parameter parameter"]:
    """The covariance of the parameters of a fit because of the noise of the first frame, of which
    draws are `carried` along; zero if none is."""
    directions = np.asarray(trial.family.directions)
    nothing = np.zeros((directions.shape[1],) * 2)
    if carried is None:
        return nothing
    scale, _ = misfit_scale(values, np.ones(len(values)), seen)
    away = (carried * scale).reshape(_DRAWS, -1).T
    if not np.all(np.isfinite(away)):
        return nothing
    rows = trial.fit.rows
    steps = np.linalg.pinv(rows @ rows.T, rcond=1e-13, hermitian=True) @ (rows @ away)
    changes = directions.T @ steps
    return changes @ changes.T / _DRAWS


def noise_carried(
    trial: FittedCandidate, values: Float[np.ndarray, "time field cells"], misfit: Misfit
) -> Float[np.ndarray, "draw time-1 field cells"] | None:
    """What draws of the noise of the first frame change in the frames after it; `None` if the noise
    is small, or the first state was estimated from several frames."""
    if trial.candidate.denoised or not is_noisy(misfit):
        return None
    level = min(misfit.noise, misfit.size)
    size = level * np.std(values, axis=(0, 2))[:, None]
    noise = size * np.random.default_rng(0).normal(size=(_DRAWS, *values[:1].shape))
    starts = [values[:1], *(values[:1] + noise)]
    undisturbed, *disturbed = on_all_cores(_runs(trial, values), starts)
    return np.stack(disturbed) - undisturbed


def unknown_beside(
    trial: FittedCandidate, values: Float[np.ndarray, "time field cells"]
) -> Float[np.ndarray, "unknown time-1 field cells"]:
    """The derivatives of the frames after the first with respect to the coefficients and the long
    waves of the first state of each field."""
    run, shape = _runs(trial, values), values[1:].shape
    scale, _ = misfit_scale(values, np.ones(len(values)), None)
    by_law = trial.fit.rows.reshape(-1, *shape) / scale
    first = trial.initial[None]
    phase = 2.0 * np.pi * np.arange(values.shape[2]) / values.shape[2]
    waves = [wave(k * phase) for k in range(1, _WAVES + 1) for wave in (np.cos, np.sin)]
    starts, sizes = [first], []
    for field, amplitude in enumerate(_STEP * np.std(values, axis=(0, 2))):
        for wave in (np.ones_like(phase), *waves):
            changed = first.copy()
            changed[0, field] += amplitude * wave
            starts.append(changed)
            sizes.append(amplitude)
    base, *changed_runs = on_all_cores(run, starts)
    by_state = [(each - base) / size for each, size in zip(changed_runs, sizes, strict=True)]
    return np.concatenate([by_law, np.stack(by_state)])


def _runs(
    trial: FittedCandidate, values: Float[np.ndarray, "time field cells"]
) -> Callable[[np.ndarray], np.ndarray]:
    """The frames after a first one, by the fitted law."""
    law = trial.family.law(trial.fit.parameters)
    alone = gains("continue", len(values), 0)

    def run(first: np.ndarray) -> np.ndarray:
        return track(law, trial.settings, np.concatenate([first, values[1:]]), alone)[0]

    return run


def is_noisy(misfit: Misfit) -> bool:
    """Whether the noise is worth the runs. What a fit leaves bounds it, as shocks seem to have
    noise in their differences."""
    return min(misfit.noise, misfit.size) > _LITTLE
