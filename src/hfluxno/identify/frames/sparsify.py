"""The selection of the parameters that a law needs.

Parameters are removed one at a time, always the one whose removal costs least in the quadratic
model of the sum of squares, c_k²/(AᵀA)⁻¹_kk, while the others adapt ("optimal brain surgeon":
Hassibi and Stork, Advances in Neural Information Processing Systems 5, 1993).

The sum of squares is that of a fit through the solver, or that of the weak form. The latter
determines values poorly but the structure well: its errors are those of a quadrature, which no
parameter reduces, so removing a parameter increases the sum by percents if it is not needed, and by
orders of magnitude if it is.
"""

import itertools

import numpy as np

from hfluxno.identify.frames.refine import Fit

# The sum of squares may grow by this multiple of itself, or by that of this relative misfit.
_GROWTH = 2.0
_INSIGNIFICANT = 2e-5
# The weak-form sum of squares of a field may double; with sources, whose functions imitate each
# other, it may grow by half.
_WEAK_GROWTH, _GROWTH_WITH_SOURCES = 1.0, 0.5
# Up to this many terms of a field, all subsets are tried; with sources, which come together with
# fluxes, also the best of these with more.
_MOST_TRIED, _MOST_WITH_SOURCES, _NOISY = 4, 7, 10.0
_BEST_GROW = 300
# The maximum number of rivals of a field.
_MOST_RIVALS = 4
_RIDGE = 1e-12
_EPSILON = float(np.finfo(float).eps)
# Directions with eigenvalues below this fraction of the largest are ignored.
_DEPENDENT = 1e-13


def needed(fit: Fit, free: np.ndarray) -> np.ndarray:
    """The mask of the parameters that are kept, among those that are `free` in the fit."""
    allowed = fit.equations * max(_GROWTH * float(fit.residual) ** 2, _INSIGNIFICANT**2)
    return _pruned(fit.normal, fit.parameters, free, allowed)


def sets_by_weak_form(
    normals: np.ndarray, free: np.ndarray, with_sources: bool = False
) -> list[np.ndarray]:
    """The mask of the parameters that are kept, from `LawFamily.weak_normal` of a context, and
    those of its rivals, which may also be right: each field has at most as many terms, and a
    residual at most ten times that of all functions. Those with the smallest residual come first;
    with a term less it may be twice as large.

    - `normals`: shape (field, unknown + 1, unknown + 1).
    - `free`: which parameters may be kept, shape (field, unknown), none of them of diffusion.
    """
    most = _MOST_WITH_SOURCES if with_sources else _MOST_TRIED
    every = [_of_field(*each, most) for each in zip(normals, free, strict=True)]
    chosen, *others = itertools.product(*every)
    others = sorted(others, key=lambda choice: float(np.prod([score for _, score in choice])))
    return [np.stack([mask for mask, _ in choice]) for choice in (chosen, *others)]


def weak_form_residual(normal: np.ndarray, mask: np.ndarray) -> float:
    """The weak-form residual of a field, as a sum of squares, with the functions of a mask."""
    kept = np.flatnonzero(mask)
    return float(normal[-1, -1]) - _explained(normal[np.ix_(kept, kept)], normal[kept, -1])


def _explained(normal: np.ndarray, right: np.ndarray) -> float:
    """The sum of squares that least squares explain, rᵀ N⁺ r. It is never formed from N⁺, whose
    large entries would round away what little nearly dependent columns leave."""
    sizes, vectors = np.linalg.eigh(normal)
    known = sizes > _DEPENDENT * sizes[-1]
    return float(np.sum((right @ vectors[:, known]) ** 2 / sizes[known]))


def _of_field(
    normal: np.ndarray, may_stay: np.ndarray, most: int
) -> list[tuple[np.ndarray, float]]:
    """The masks of one field, that of the needed terms first, and their relative residuals."""
    left = np.flatnonzero(may_stay * (np.diag(normal)[:-1] > 0.0))
    if len(left) == 0:  # no test function fits into so few frames, so nothing is known
        return [(may_stay.astype(float), 1.0)]
    scale = np.sqrt(np.diag(normal)[left])
    scaled = normal[np.ix_(left, left)] / np.outer(scale, scale)
    right, total = normal[left, -1] / scale, float(normal[-1, -1])
    residual = max(total - _explained(scaled, right), _EPSILON * total)
    few = _fewest(scaled, right, total, residual, most)
    mask = np.zeros(len(may_stay))
    if few is None:
        solution = np.linalg.pinv(scaled, rcond=_DEPENDENT, hermitian=True) @ right
        mask[left] = _pruned(scaled, solution, np.ones(len(left), bool), _WEAK_GROWTH * residual)
        return [(mask, 1.0)]
    found = []
    for columns, score in few:
        mask = np.zeros(len(may_stay))
        mask[left[columns]] = 1.0
        found.append((mask, score))
    return found


def _fewest(
    normal, right, total: float, full: float, most: int
) -> list[tuple[np.ndarray, float]] | None:
    """The smallest sufficient set of columns, then its rivals with their relative residuals. If it
    has more than `most` columns, `None`, or with sources, where many would be left, the best set.

    A set suffices if its residual is at most twice that of all columns (`full`, out of a sum of
    squares `total`), or at most ten times that and twice that of the best set with one more. With
    sources twice is one and a half times, and as two may do together what one does not, the best
    sets with two more are compared as well.

    If columns are nearly dependent, removing one after the other may leave many whose coefficients
    cancel where two others would do. And noise in the columns favours fluxes that are flat where
    most of the data are, which takes many terms.
    """
    with_sources = most > _MOST_TRIED
    allowed = 1.0 + (_GROWTH_WITH_SOURCES if with_sources else _WEAK_GROWTH)
    sets: list[tuple[np.ndarray, np.ndarray]] = []
    for count in range(1, min(most, len(right)) + 1):
        if count <= _MOST_TRIED:
            every = np.array(list(itertools.combinations(range(len(right)), count)))
        else:
            every = _grown(*sets[-1], len(right))
        sets.append((every, _left_by(every, normal, right, total)))
        least = [float(np.min(rests)) / full for _, rests in sets]
        fewest = _sufficient(least, allowed, 2 if with_sources else 1)
        if fewest is not None:
            return _with_rivals(sets[: fewest + 1], _NOISY * full)
    return _with_rivals(sets, _NOISY * full) if with_sources else None


def _sufficient(least: list[float], allowed: float, ahead: int) -> int | None:
    """The place of the first set that suffices, from the `least` residuals of sets of 1, 2, …
    columns relative to that of all: at most `allowed`, or this times that of a set with one more,
    for as many more as one looks `ahead`."""
    for k, here in enumerate(least):
        later = least[k + 1 : k + 1 + ahead]
        known = len(later) == ahead or least[-1] <= allowed
        halved = any(here > allowed**more * rest for more, rest in enumerate(later, 1))
        if here <= allowed or (known and not halved and here <= _NOISY):
            return k
    return None


def _grown(every: np.ndarray, rests: np.ndarray, columns: int) -> np.ndarray:
    """The best sets with one more column each."""
    best = every[np.argsort(rests)[:_BEST_GROW]]
    larger = {tuple(sorted((*each, k))) for each in best for k in range(columns) if k not in each}
    return np.array(sorted(larger))


def _left_by(every: np.ndarray, normal, right, total: float) -> np.ndarray:
    """The residual sums of squares of sets of columns, the rows of `every`."""
    matrices = normal[every[:, :, None], every[:, None, :]] + _RIDGE * np.eye(every.shape[1])
    solutions = np.linalg.solve(matrices, right[every][..., None])[..., 0]
    return np.maximum(total - np.sum(solutions * right[every], axis=1), _EPSILON * total)


def _with_rivals(sets, most: float) -> list[tuple[np.ndarray, float]]:
    """The best of the largest sets, and all others with a residual of at most `most`, with their
    relative residuals, halved for each column less."""
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
    """The mask that remains if removals may add `allowed` to the sum of squares."""
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
