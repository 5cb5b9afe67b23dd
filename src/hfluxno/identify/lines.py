"""Whether a law explains what sensors measure better than lines between neighbouring sensors."""

import numpy as np
from jaxtyping import Float

from hfluxno.identify.joint_windows import is_dense
from hfluxno.trajectory import Trajectory
from hfluxno.wild_values import noise as noise_shown

# A misfit up to this multiple of the noise says nothing against a law.
_NOISE = 2.0
# Independent noise of three values in the value in the middle less the mean of the others.
_OF_THREE = 1.5


def misfit_of_lines(context: Trajectory, shown: Float[np.ndarray, "time field cells"]) -> float:
    """The misfit of `shown` at sensors between others, relative to that of lines from their
    neighbours to each, both beyond noise; of the field of which it is larger.

    A line does not know the value that it is compared with, but the law was fitted to it. So a law
    that leaves as much explains nothing. Zero unless values are those of a few sensors, and for a
    misfit of at most twice the noise.
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
        missed, by_lines, variance = [], [], []
        for frame, at in enumerate(map(np.flatnonzero, seen)):
            a, b, c = at[:-2], at[1:-1], at[2:]
            line = u[frame, a] + (u[frame, c] - u[frame, a]) * (b - a) / np.maximum(c - a, 1)
            missed.append(shown[frame, i, b] - u[frame, b])
            by_lines.append(line - u[frame, b])
            variance.append(noise[frame, b] ** 2)
        misfit, line_misfit, noisy = map(np.concatenate, (missed, by_lines, variance))
        if len(misfit) == 0 or np.mean(misfit**2) <= _NOISE**2 * np.mean(noisy):
            continue
        left, of_lines = np.mean(misfit**2 - noisy), np.mean(line_misfit**2 - _OF_THREE * noisy)
        ratios.append(float(np.sqrt(left / of_lines)) if of_lines > 0.0 else np.inf)
    return max(ratios)
