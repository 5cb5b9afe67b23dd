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
# More rivals of a field are never looked at.
_MOST_RIVALS = 4
_RIDGE = 1e-12
_EPSILON = float(np.finfo(float).eps)
# Directions below this part of the largest eigenvalue say nothing.
_DEPENDENT = 1e-13


def needed(fit: Fit, free: np.ndarray) -> np.ndarray:
    """The mask of the parameters that stay, among those that are `free` in the fit."""
    allowed = fit.equations * max(_GROWTH * float(fit.residual) ** 2, _INSIGNIFICANT**2)
    return _pruned(fit.normal, fit.parameters, free, allowed)


def needed_by_weak_form(normals: np.ndarray, free: np.ndarray) -> np.ndarray:
    """The mask of the parameters that stay, from `LawFamily.weak_normal` of a context.

    **Arguments:**

    - `normals`: shape (field, unknown + 1, unknown + 1).
    - `free`: which parameters may stay, shape (field, unknown); the law has no diffusion.
    """
    return explained_by_weak_form(normals, free)[0]


def explained_by_weak_form(normals: np.ndarray, free: np.ndarray) -> list[np.ndarray]:
    """The mask of `needed_by_weak_form`, and those of its rivals, which may be right as well: each
    field has at most as many terms, and leaves at most ten times what all functions do. Those that
    leave least come first; a term less may leave twice as much."""
    every = [_of_field(*each) for each in zip(normals, free, strict=True)]
    chosen, *others = itertools.product(*every)
    others = sorted(others, key=lambda choice: float(np.prod([score for _, score in choice])))
    return [np.stack([mask for mask, _ in choice]) for choice in (chosen, *others)]


def left_by_weak_form(normal: np.ndarray, mask: np.ndarray) -> float:
    """What the functions of a mask leave of the weak equations of a field."""
    kept = np.flatnonzero(mask)
    matrix, right = normal[np.ix_(kept, kept)], normal[kept, -1]
    solution = np.linalg.pinv(matrix, rcond=_DEPENDENT, hermitian=True) @ right
    return float(normal[-1, -1] - solution @ right)


def _of_field(normal: np.ndarray, may_stay: np.ndarray) -> list[tuple[np.ndarray, float]]:
    """The masks of one field, that of the needed terms first, and by how much more they leave."""
    left = np.flatnonzero(may_stay * (np.diag(normal)[:-1] > 0.0))
    if len(left) == 0:  # no test function fits into so few frames, so nothing is known
        return [(may_stay.astype(float), 1.0)]
    scale = np.sqrt(np.diag(normal)[left])
    scaled = normal[np.ix_(left, left)] / np.outer(scale, scale)
    right, total = normal[left, -1] / scale, float(normal[-1, -1])
    solution = np.linalg.pinv(scaled, rcond=_DEPENDENT, hermitian=True) @ right
    rest = max(total - solution @ right, _EPSILON * total)
    few = _fewest(scaled, right, total, rest)
    mask = np.zeros(len(may_stay))
    if few is None:
        mask[left] = _pruned(scaled, solution, np.ones(len(left), bool), _WEAK_GROWTH * rest)
        return [(mask, 1.0)]
    found = []
    for columns, score in few:
        mask = np.zeros(len(may_stay))
        mask[left[columns]] = 1.0
        found.append((mask, score))
    return found


def _fewest(normal, right, total: float, full: float) -> list[tuple[np.ndarray, float]] | None:
    """The fewest columns, the best ones of so many, that leave at most twice what all columns leave
    (`full`, of a sum of squares `total`), or ten times that and at most twice what one more would
    leave, before their rivals with how much more these leave; `None` if they are more than a few.

    Of columns that are nearly dependent, removing one after the other may leave many whose
    coefficients cancel where two others would do. And noise in the columns rewards fluxes that are
    flat where most of the data are, which takes many terms.
    """
    allowed = 1.0 + _WEAK_GROWTH
    sets: list[tuple[np.ndarray, np.ndarray]] = []
    best = np.inf
    for count in range(1, min(_MOST_TRIED, len(right)) + 1):
        every = np.array(list(itertools.combinations(range(len(right)), count)))
        rests = _left_by(every, normal, right, total)
        least = float(np.min(rests))
        if best <= min(allowed * least, _NOISY * full):
            return _with_rivals(sets, _NOISY * full)
        sets.append((every, rests))
        best = least
        if best <= allowed * full:
            return _with_rivals(sets, _NOISY * full)
    return None


def _left_by(every: np.ndarray, normal, right, total: float) -> np.ndarray:
    """What sets of columns, the rows of `every`, leave of a sum of squares."""
    matrices = normal[every[:, :, None], every[:, None, :]] + _RIDGE * np.eye(every.shape[1])
    solutions = np.linalg.solve(matrices, right[every][..., None])[..., 0]
    return np.maximum(total - np.sum(solutions * right[every], axis=1), _EPSILON * total)


def _with_rivals(sets, most: float) -> list[tuple[np.ndarray, float]]:
    """The best one of the largest sets, and all others that leave at most so much, with what they
    leave in relation to it: half of that for each column less."""
    (every, rests), *smaller = reversed(sets)
    here = int(np.argmin(rests))
    best, others = float(rests[here]), np.delete(rests, here)
    rivals = [(np.delete(every, here, axis=0), others), *smaller]
    found = [
        (e[i], float(left[i]) / best / (1.0 + _WEAK_GROWTH) ** fewer)
        for fewer, (e, left) in enumerate(rivals)
        for i in np.flatnonzero(left <= most)
    ]
    return [(every[here], 1.0), *sorted(found, key=lambda each: each[1])[:_MOST_RIVALS]]


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
