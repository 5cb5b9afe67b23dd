"""Growth of the total variation, which a conservation law of one field cannot cause.

    TV(u(t)) ≤ TV(u(0)),   TV(u) = ∫ |∂x u| dx,

for the entropy solution of ∂t u + ∂x f(u) = ∂x(ν(u) ∂x u), ν ≥ 0, whatever f and ν are (Kružkov,
Math. USSR Sb. 10, 1970, 217-243; Harten, J. Comput. Phys. 49, 1983, 357-393), unless new values
enter at an end. So growth means that something else acts: dispersion, a hidden field, a source, a
flux that depends on place or time.
"""

import numpy as np
from jaxtyping import Float

# What noise of deviation 1 adds to the difference of equal neighbours, and a fifth for chance.
_NOISE_ADDS = 1.2 * 2.0 / np.sqrt(np.pi)
# The mean of a parabola over a cell is below its peak by at most a sixth of the second difference,
# and this counts twice, once on each side of the peak.
_HIDDEN = 2.0 / 6.0


def growth_of_variation(
    values: Float[np.ndarray, "time cells"], periodic: bool, noise: float
) -> float:
    """The growth of the total variation relative to the first frame, in two successive frames,
    beyond what independent `noise` adds and what cell means hide of the peaks of the first frame;
    zero if it does not grow."""
    around = np.concatenate([values, values[:, :1]], axis=1) if periodic else values
    change = np.diff(around, axis=1)
    variation = np.abs(change).sum(axis=1)
    allowed = variation[0] + _hidden(change[0], periodic) + _NOISE_ADDS * noise * change.shape[1]
    most = np.max(np.minimum(variation[1:], variation[:-1]))
    return max(float(most / allowed) - 1.0, 0.0) if allowed > 0.0 else 0.0


def _hidden(step: Float[np.ndarray, " steps"], periodic: bool) -> float:
    """The variation that cell means hide at peaks, from the steps between neighbours."""
    padded = np.pad(step, 1, mode="wrap" if periodic else "constant")
    before, after = padded[:-2], padded[2:]
    single = np.where(before * step < 0.0, np.abs(step - before), 0.0)
    # Two cells share the peak.
    double = np.where((step == 0.0) & (before * after < 0.0), 0.5 * np.abs(after - before), 0.0)
    return float(_HIDDEN * np.sum(single + double))
