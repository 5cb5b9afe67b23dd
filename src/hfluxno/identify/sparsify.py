"""Which parameters a fit needs.

Parameters are removed one at a time, each time the one that costs least in the quadratic model of
the sum of squares, c_k²/(JᵀJ)⁻¹_kk, while the others adapt ("optimal brain surgeon": Hassibi and
Stork, Advances in Neural Information Processing Systems 5, 1993).
"""

import numpy as np

from hfluxno.identify.refine import Fit

# The sum of squares may grow to this multiple of what it is, or to that of this relative misfit.
_GROWTH = 2.0
_INSIGNIFICANT = 2e-5


def needed(fit: Fit, free: np.ndarray) -> np.ndarray:
    """The mask of the parameters that stay, among those that are `free` in the fit."""
    normal = np.asarray(fit.normal)
    mask = free.copy()
    allowed = fit.frames.size * max(_GROWTH * float(fit.residual) ** 2, _INSIGNIFICANT**2)
    spent = 0.0
    current = np.where(mask, np.asarray(fit.parameters), 0.0)
    while mask.sum() > 1:
        left = np.flatnonzero(mask)
        inverse = np.linalg.pinv(normal[np.ix_(left, left)], rcond=1e-13, hermitian=True)
        variance = np.maximum(np.diag(inverse), np.finfo(float).tiny)
        costs = current[left] ** 2 / variance
        least = int(np.argmin(costs))
        if spent + costs[least] > allowed:
            break
        spent += costs[least]
        current[left] -= inverse[:, least] * current[left[least]] / variance[least]
        mask[left[least]] = False
        current[~mask] = 0.0
    return mask.astype(float)
