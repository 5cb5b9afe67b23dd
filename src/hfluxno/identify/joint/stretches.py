"""Where the flux may be multiplied by another number: the start of a fit with a stretch.

In the weak form (`hfluxno.parametric.weak_form`) a flux k(x) (f(u) + c) with k = κ on a stretch and
k = 1 elsewhere is

    ∫∫ u ψ_t + (f(u) + c) ψ_x dx dt + (κ - 1) ∫∫_stretch (f(u) + c) ψ_x dx dt = 0,

linear in f and c for a given stretch and κ. The normal matrices of all stretches are differences of
one that is summed up over place, so all pairs of ends can be compared. With any other flux on the
stretch the residual is no larger than with any κ, and pairs that leave more even so than the best
one with sixteen κ need none.

If one stretch does not explain enough, two may. The second one is sought beside the first, then
each beside the other. Of two that are apart, one alone is best from the beginning of the first to
the end of the second, with the gap as the other: what is beyond the gap is tried as well.
"""

import dataclasses

import numpy as np
from jaxtyping import Float

from hfluxno.parametric.weak_form import bump_families

# Ends are sought between this many parts of the domain at most, of at least one cell.
_MOST_PARTS = 128
_LOG_FACTORS = np.concatenate([-np.geomspace(1.6, 0.05, 8), np.geomspace(0.05, 1.6, 8)])
_AT_ONCE = 64  # pairs of ends
_FINE = np.linspace(-1.6, 1.6, 161)
_RIDGE = 1e-9
# Stretches are worth a fit if they leave less than this part of the residual of the weak form.
_WORTH = 0.3
# Two where one is not worth it must leave less than this: two are as near as .27 to a smooth wave.
_WORTH_OF_TWO = 0.1
# They are sought if one leaves between these parts.
_ENOUGH, _FAR_OFF = 0.05, 0.7
# A smaller residual without any may be the error of the quadrature.
_LITTLE = 0.04**2


@dataclasses.dataclass(frozen=True)
class Stretch:
    """The stretch that explains the most.

    **Attributes:**

    - `begin`, `end`: in cells from the lower end.
    - `log_factor`: ln κ.
    - `coefficients`: those of the functions, the last one that of the constant.
    - `left`: the residual sum of squares relative to that without a stretch.
    - `without`: the latter relative to the sum of squares of ∫∫ u ψ_t.
    """

    begin: float
    end: float
    log_factor: float
    coefficients: Float[np.ndarray, " function"]
    left: float
    without: float

    def factor(self, cells: int) -> Float[np.ndarray, " cells"]:
        """κ in the cells of the stretch, 1 in the others."""
        x = np.arange(cells) + 0.5
        return np.where((self.begin <= x) & (x < self.end), np.exp(self.log_factor), 1.0)


def likely_stretches(
    values: Float[np.ndarray, "time cells"],
    functions: Float[np.ndarray, "function time cells"],
    factor: Float[np.ndarray, " cells"],
    periodic: bool,
    most: int,
) -> tuple[Stretch, ...]:
    """The stretches, one or two, at most `most`, that explain complete frames, the last one with
    the coefficients beside all; none if so many do not explain most. The arguments are those of
    `likely_stretch`."""

    def beside(*others: Stretch) -> Stretch:
        k = factor * np.prod([each.factor(values.shape[1]) for each in others], axis=0)
        return likely_stretch(values, functions, k, periodic)

    one = beside()
    if one.without < _LITTLE or one.left > _FAR_OFF:
        return ()
    alone = (one,) if one.left <= _WORTH else ()
    if most == 1 or one.left <= _ENOUGH:
        return alone
    two = beside(one)
    seconds = [two]
    if max(one.begin, two.begin) < min(one.end, two.end):
        seconds.append(_beyond_gap(one, two, values.shape[1]))
    settled = []
    for second in seconds:
        first = beside(second)
        settled.append((first, beside(first)))
    best = min(settled, key=lambda pair: pair[1].left * pair[1].without)
    left = best[1].left * best[1].without / one.without
    return best if left <= (_WORTH * one.left if alone else _WORTH_OF_TWO) else alone


def _beyond_gap(one: Stretch, two: Stretch, cells: int) -> Stretch:
    """The stretch beyond the gap that two overlapping ones leave as their common part."""
    *_, begin, end = np.sort([one.begin, one.end, two.begin, two.end])
    first = min(int(begin), cells - 1)  # both may end where the domain does
    inside = (one.factor(cells) * two.factor(cells))[first : max(int(end), first + 1)]
    return dataclasses.replace(one, begin=begin, end=end, log_factor=float(np.log(inside.mean())))


def likely_stretch(
    values: Float[np.ndarray, "time cells"],
    functions: Float[np.ndarray, "function time cells"],
    factor: Float[np.ndarray, " cells"],
    periodic: bool,
) -> Stretch:
    """The stretch that explains complete frames best.

    **Arguments:**

    - `functions`: those of the flux at the values, the last one a constant.
    - `factor`: k(x) without this stretch.
    """
    cells = values.shape[1]
    part = -(-cells // _MOST_PARTS)
    edges = np.append(np.arange(0, cells, part), cells)
    columns, rhs = _system(values, functions * factor, edges, periodic)
    parts, count = len(edges) - 1, len(functions)
    flat = columns.reshape(len(rhs), -1)
    normal = np.zeros((parts + 1, count, parts + 1, count))
    each = (flat.T @ flat).reshape(parts, count, parts, count)
    normal[1:, :, 1:] = each.cumsum(axis=0).cumsum(axis=2)
    moments = np.zeros((parts + 1, count))
    moments[1:] = (flat.T @ rhs).reshape(parts, count).cumsum(axis=0)
    total = float(rhs @ rhs)
    plain = _left(normal[None, -1, :, -1], moments[None, -1], total)[0][0]

    whole, within = normal[-1, :, -1], normal[-1].swapaxes(0, 1)

    def products(i: np.ndarray, j: np.ndarray):
        """Those of the stretches from edges i to edges j with all of the domain, and alone."""
        beside = normal[j, :, i]
        alone = normal[j, :, j] + normal[i, :, i] - beside - beside.swapaxes(1, 2)
        return within[j] - within[i], alone, moments[j] - moments[i]

    def apart(i: np.ndarray, j: np.ndarray):
        """The residuals with any other flux on the stretches."""
        cross, alone, moment = products(i, j)
        above = np.concatenate([np.broadcast_to(whole, cross.shape), cross], axis=2)
        below = np.concatenate([cross.swapaxes(1, 2), alone], axis=2)
        both = np.concatenate([np.broadcast_to(moments[-1], moment.shape), moment], axis=1)
        return _left(np.concatenate([above, below], axis=1), both, total)[0]

    def fitted(i: np.ndarray, j: np.ndarray, log_factors: np.ndarray):
        """The residuals with these factors on the stretches, and the solutions."""
        cross, alone, moment = products(i, j)
        more = np.expm1(log_factors)[:, None, None, None]
        matrices = whole + more * (cross + cross.swapaxes(1, 2)) + more**2 * alone
        return _left(matrices, moments[-1] + more[..., 0] * moment, total)

    i, j = np.triu_indices(parts + 1, 1)
    inside = j - i < parts  # A stretch from end to end is none.
    i, j = i[inside], j[inside]
    least = apart(i, j)
    order = np.argsort(least)
    best = (np.inf, 0, 1)
    for start in range(0, len(order), _AT_ONCE):
        some = order[start : start + _AT_ONCE]
        if least[some[0]] >= min(best[0], _FAR_OFF * plain if start else np.inf):
            break
        left = np.min(fitted(i[some], j[some], _LOG_FACTORS)[0], axis=0)
        k = int(np.argmin(left))
        best = min(best, (float(left[k]), int(i[some[k]]), int(j[some[k]])))
    _, first, last = best
    found = fitted(np.array([first]), np.array([last]), _FINE)
    left, solutions = (each[:, 0] for each in found)
    k = int(np.argmin(left))
    return Stretch(
        float(edges[first]),
        float(edges[last]),
        float(_FINE[k]),
        solutions[k],
        float(left[k] / plain),
        float(plain / total),
    )


def _left(matrices, vectors, total) -> tuple[np.ndarray, np.ndarray]:
    """The residual sums of squares of normal equations, and their solutions."""
    squares = np.einsum("...kk->...k", matrices)
    # Of a function that vanishes on a part only rounding is left, which has no size of its own.
    least = np.finfo(float).eps * np.max(squares, axis=-1, keepdims=True)
    size = np.sqrt(np.maximum(squares, np.maximum(least, 1e-300)))
    scaled = matrices / (size[..., None] * size[..., None, :])
    scaled = scaled + _RIDGE * np.eye(matrices.shape[-1])
    solutions = np.linalg.solve(scaled, (vectors / size)[..., None])[..., 0] / size
    return total - np.sum(vectors * solutions, axis=-1), solutions


def _system(values, functions, edges, periodic):
    """The columns of the functions on each part between two edges, (equation, part, function), and
    the right-hand sides."""
    columns, rhs = [], []
    for t0, t1, x0, x1, _ in bump_families(values.shape[0], values.shape[1], periodic):
        norm = 1.0 / np.sqrt(np.sum(t0[0] ** 2) * np.sum(x1[0] ** 2))
        # (position in time, 1, cells, function) times (1, position in space, cells, 1)
        in_time = norm * np.einsum("at,ktx->axk", t0, functions)
        every = in_time[:, None] * x1[None, :, :, None]
        sums = np.add.reduceat(every, edges[:-1], axis=2)
        columns.append(sums.reshape(-1, len(edges) - 1, len(functions)))
        rhs.append(-norm * (t1 @ values @ x0.T).ravel())
    return np.concatenate(columns), np.concatenate(rhs)
