"""Which parameters a law needs.

Parameters are removed one at a time, each time the one that costs least in the quadratic model of
the sum of squares, c_k²/(AᵀA)⁻¹_kk, while the others adapt ("optimal brain surgeon": Hassibi and
Stork, Advances in Neural Information Processing Systems 5, 1993).

The sum of squares is that of a fit through the solver, or that of the weak form. The latter knows
little of the numbers but much of the structure: its errors are those of a quadrature, which no
parameter reduces, so the sum grows by percents where a parameter is not needed, and by orders of
magnitude where it is.
"""

import itertools

import numpy as np

from hfluxno.identify.refine import Fit

# The sum of squares may grow by this multiple of what it is, or by that of this relative misfit.
_GROWTH = 2.0
_INSIGNIFICANT = 2e-5
# The sum of the weak form of a field may double.
_WEAK_GROWTH = 1.0
# Up to so many terms of a field all choices are tried.
_MOST_TRIED, _NOISY = 4, 10.0
_RIDGE = 1e-12
# Directions below this part of the largest eigenvalue say nothing.
_DEPENDENT = 1e-13


def needed(fit: Fit, free: np.ndarray) -> np.ndarray:
    """The mask of the parameters that stay, among those that are `free` in the fit."""
    allowed = fit.equations * max(_GROWTH * float(fit.residual) ** 2, _INSIGNIFICANT**2)
    return _pruned(fit.normal, fit.parameters, free, allowed)


def needed_by_weak_form(normals: np.ndarray, free: np.ndarray) -> np.ndarray:
    """The mask of the parameters that stay, from `Unknowns.weak_normal` of a context.

    **Arguments:**

    - `normals`: shape (field, unknown + 1, unknown + 1).
    - `free`: which parameters may stay, shape (field, unknown); the law has no diffusion.
    """
    masks = []
    for normal, may_stay in zip(normals, free, strict=True):
        seen = np.diag(normal)[:-1] > 0.0
        left = np.flatnonzero(may_stay * seen)
        if len(left) == 0:  # no test function fits into so few frames, so nothing is known
            masks.append(may_stay.astype(float))
            continue
        scale = np.sqrt(np.diag(normal)[left])
        scaled = normal[np.ix_(left, left)] / np.outer(scale, scale)
        right = normal[left, -1] / scale
        solution = np.linalg.pinv(scaled, rcond=_DEPENDENT, hermitian=True) @ right
        rest = max(normal[-1, -1] - solution @ right, np.finfo(float).eps * normal[-1, -1])
        mask = np.zeros(len(may_stay))
        few = _fewest(scaled, right, float(normal[-1, -1]), rest)
        if few is None:
            mask[left] = _pruned(scaled, solution, np.ones(len(left), bool), _WEAK_GROWTH * rest)
        else:
            mask[left[few]] = 1.0
        masks.append(mask)
    return np.stack(masks)


def _fewest(normal, right, total: float, full: float) -> np.ndarray | None:
    """The fewest columns, the best ones of so many, that leave at most twice what all columns leave
    (`full`, of a sum of squares `total`), or ten times that and at most twice what one more would
    leave; `None` if they are more than a few.

    Of columns that are nearly dependent, removing one after the other may leave many whose
    coefficients cancel where two others would do. And noise in the columns rewards fluxes that are
    flat where most of the data are, which takes many terms.
    """
    best, rest = None, np.inf
    for count in range(1, min(_MOST_TRIED, len(right)) + 1):
        every = np.array(list(itertools.combinations(range(len(right)), count)))
        matrices = normal[every[:, :, None], every[:, None, :]] + _RIDGE * np.eye(count)
        solutions = np.linalg.solve(matrices, right[every][..., None])[..., 0]
        rests = total - np.sum(solutions * right[every], axis=1)
        here = int(np.argmin(rests))
        flat = rest <= (1.0 + _WEAK_GROWTH) * rests[here] and rest <= _NOISY * full
        if best is not None and flat:
            return best
        best, rest = every[here], rests[here]
        if rest <= (1.0 + _WEAK_GROWTH) * full:
            return best
    return None


def _pruned(normal: np.ndarray, parameters: np.ndarray, free: np.ndarray, allowed: float):
    """The mask that is left where removals may add `allowed` to the sum of squares."""
    mask = free.copy()
    spent = 0.0
    current = np.where(mask, parameters, 0.0)
    while mask.sum() > 1:
        left = np.flatnonzero(mask)
        inverse = np.linalg.pinv(normal[np.ix_(left, left)], rcond=_DEPENDENT, hermitian=True)
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
