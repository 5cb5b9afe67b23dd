"""Misfits at a few sensors, and whether interpolation between them would leave as much."""

import numpy as np
from jaxtyping import Float

from hfluxno.identify.joint.dense import is_dense
from hfluxno.identify.residuals.misfit import Misfit
from hfluxno.identify.residuals.noise import ratio, rms
from hfluxno.trajectory import Trajectory
from hfluxno.wild_values import noise as noise_shown

# A misfit up to this multiple of the noise says nothing against a law.
_NOISE = 2.0
# Independent noise of three values in the value in the middle less the mean of the others.
_OF_THREE = 1.5


def measure_apart(
    simulated: Float[np.ndarray, "time field cells"],
    observed: Float[np.ndarray, "time field cells"],
) -> Misfit:
    """The measures at places too few to be compared with each other; `observed` is NaN where
    nothing was measured. `shared` is what neighbouring frames of the whole context have in common,
    less two standard deviations of that of independent frames."""
    deviation = np.nanstd(observed, axis=(0, 2))
    scale = np.where(deviation > 0.0, deviation, 1.0)[:, None]
    e, moves = (simulated - observed) / scale, (observed - observed[:1]) / scale
    pairs = e[1:] * e[:-1]
    pairs = pairs[np.isfinite(pairs)]
    common = float(np.mean(pairs)) if len(pairs) else 0.0
    size, third = _known_rms(e), max(1, len(e) // 3)
    chance = 2.0 * size**2 / np.sqrt(max(len(pairs), 1))
    return Misfit(
        size=size,
        of_motion=ratio(size, _known_rms(moves)),
        in_time=ratio(common, size**2),
        in_space=float("nan"),
        growth=ratio(_known_rms(e[-third:]), _known_rms(e[:third])),
        noise=float(np.sqrt(max(size**2 - max(common, 0.0), 0.0))),
        shared=float(np.sqrt(max(common - chance, 0.0))),
        changing=0.0,
    )


def _known_rms(e: np.ndarray) -> float:
    known = e[np.isfinite(e)]
    return rms(known) if len(known) else 0.0


def misfit_of_interpolation(
    context: Trajectory, shown: Float[np.ndarray, "time field cells"]
) -> float:
    """The misfit of `shown` at sensors between others, relative to that of linear interpolation
    between their neighbours, both beyond noise; of the field of which it is larger.

    Interpolation does not know the value that it is compared with, but the law was fitted to it. So
    a law that leaves as much explains nothing. Zero unless values are those of a few sensors, and
    for a misfit of at most twice the noise.
    """
    if is_dense(context):
        return 0.0
    values = np.asarray(context.values, float)
    known = None if context.deviation is None else np.asarray(context.deviation, float)
    ratios = [0.0]
    for i in range(values.shape[1]):
        u, seen = values[:, i], np.isfinite(values[:, i])
        deviation = noise_shown(u[:, seen.any(axis=0)]) if known is None else known[:, i]
        noise = np.broadcast_to(np.nan_to_num(deviation), u.shape)
        missed, interpolated, variance = [], [], []
        for frame, at in enumerate(map(np.flatnonzero, seen)):
            a, b, c = at[:-2], at[1:-1], at[2:]
            between = u[frame, a] + (u[frame, c] - u[frame, a]) * (b - a) / np.maximum(c - a, 1)
            missed.append(shown[frame, i, b] - u[frame, b])
            interpolated.append(between - u[frame, b])
            variance.append(noise[frame, b] ** 2)
        misfit, other_misfit, noisy = map(np.concatenate, (missed, interpolated, variance))
        if len(misfit) == 0 or np.mean(misfit**2) <= _NOISE**2 * np.mean(noisy):
            continue
        left, of_others = np.mean(misfit**2 - noisy), np.mean(other_misfit**2 - _OF_THREE * noisy)
        ratios.append(float(np.sqrt(left / of_others)) if of_others > 0.0 else np.inf)
    return max(ratios)
