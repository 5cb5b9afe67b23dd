"""The Levenberg–Marquardt method for a residual that is expensive to evaluate.

    (JᵀJ + λ diag JᵀJ) δ = -Jᵀr,   λ → λ/10 after a step that helps, 10 λ after one that does not

(Marquardt, J. Soc. Indust. Appl. Math. 11, 1963, 431-441). Residual and Jacobian of a trial point
come from one call. The iteration itself is NumPy, so that only the solver is compiled; inside a
compiled program, the iteration doubled the time to compile. A test compares it with a library's.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import Float

_FIRST_DAMPING = 1e-3
# A step that reduces the sum of squares by less than this fraction ends the iteration, one that
# increases it by less than a tenth of that too, and one that promises less than the hundredth part
# is not taken.
SMALL_DECREASE, _TENTH, _NOTHING = 1e-2, 0.1, 1e-2
_LARGEST, _MOST_DAMPING = 1e100, 1e6

Residual = Callable[
    [Float[np.ndarray, " parameter"]],
    tuple[Float[np.ndarray, " equation"], Float[np.ndarray, "parameter equation"], Any],
]


@dataclasses.dataclass(frozen=True)
class Minimum:
    """The best point, its sum of squares, JᵀJ there, the third value of the residual there, and the
    number of evaluations. The sum is infinite, and `aux` is `None`, if the residual or its square
    is not finite even at the start."""

    point: Float[np.ndarray, " parameter"]
    cost: float
    normal: Float[np.ndarray, "parameter parameter"]
    aux: Any
    evaluations: int


def levenberg_marquardt(
    residual: Residual,
    start: Float[np.ndarray, " parameter"],
    tolerance: float,
    evaluations: int,
    small_decrease: float = SMALL_DECREASE,
    roughly: Residual | None = None,
    alone: Callable[[Float[np.ndarray, " parameter"]], Float[np.ndarray, " equation"]]
    | None = None,
) -> Minimum:
    """Minimises ‖r(x)‖² from `start`; `residual(x)` returns r, its derivative by each parameter,
    and anything else that is to be returned for the best point.

    Ends when the sum of squares is below tolerance², when a step reduces it by less than the
    fraction `small_decrease`, increases it by less than a tenth of that or promises a hundredth, or
    after `evaluations` evaluations. A non-finite residual is no improvement. `roughly` returns the
    same with rough derivatives, by which it goes until it would end; then it goes on from the best
    point with the right ones. `alone` returns r alone: after a step that did not help, the next
    are first looked at without derivatives.
    """
    size = len(start)
    best = Minimum(start, np.inf, np.zeros((size, size)), None, 0)
    gradient = np.zeros(size)
    trial, damping, count, helped = start, _FIRST_DAMPING, 0, True
    while count < evaluations:
        cost = best.cost
        if alone is not None and not helped:
            cost = _sum_of_squares(alone(trial))
        if helped or alone is None or cost < best.cost:
            value, rows, aux = (roughly or residual)(trial)
            cost = _sum_of_squares(value, rows)
        better = helped = cost < best.cost
        least = small_decrease if better else _TENTH * small_decrease
        settled = count > 0 and abs(cost - best.cost) < least * best.cost
        if count > 0:
            damping *= 0.1 if better else 10.0
        count += 1
        if better:
            best = Minimum(trial, cost, rows @ rows.T, aux, count)
            gradient = rows @ value
        if best.cost <= tolerance**2 or not np.isfinite(best.cost):
            break
        step, promised = _step(best, gradient, damping)
        over = settled or damping > _MOST_DAMPING or count == evaluations
        if over or (better and promised < _NOTHING * small_decrease * best.cost):
            if roughly is None:
                break
            roughly, damping = None, min(damping, _FIRST_DAMPING)
            value, rows, aux = residual(best.point)
            if not np.isfinite(_sum_of_squares(value, rows)):
                break
            best = dataclasses.replace(best, normal=rows @ rows.T, aux=aux)
            step, promised = _step(best, gradient := rows @ value, damping)
            if promised < _NOTHING * small_decrease * best.cost:
                break
        trial = best.point - step
    return dataclasses.replace(best, evaluations=count)


def _step(best: Minimum, gradient, damping: float) -> tuple[np.ndarray, float]:
    """The step back to a smaller sum of squares, and by how much that would be smaller if the
    residual were linear; nothing if no direction changes anything."""
    diagonal = np.diag(best.normal)
    diagonal = diagonal + 1e-12 * np.max(diagonal, initial=0.0) + np.finfo(float).tiny
    try:
        step = np.linalg.solve(best.normal + damping * np.diag(diagonal), gradient)
    except np.linalg.LinAlgError:
        return np.zeros_like(gradient), 0.0
    return step, float(2.0 * gradient @ step - step @ best.normal @ step)


def _sum_of_squares(*value_and_rows) -> float:
    """Infinite if the residual, its derivatives, or products of them are not finite."""
    value = value_and_rows[0]
    if not all(np.all(np.abs(each) < _LARGEST) for each in value_and_rows):
        return np.inf
    return float(value @ value)
