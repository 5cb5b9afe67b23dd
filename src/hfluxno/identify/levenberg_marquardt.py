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
# A step that changes the sum of squares by less than this fraction ends the iteration.
SMALL_DECREASE = 1e-2
_LARGEST = 1e100


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
    residual: Callable[
        [Float[np.ndarray, " parameter"]],
        tuple[Float[np.ndarray, " equation"], Float[np.ndarray, "parameter equation"], Any],
    ],
    start: Float[np.ndarray, " parameter"],
    tolerance: float,
    evaluations: int,
    small_decrease: float = SMALL_DECREASE,
) -> Minimum:
    """Minimises ‖r(x)‖² from `start`; `residual(x)` returns r, its derivative by each parameter,
    and anything else that is to be returned for the best point.

    Ends when the sum of squares is below tolerance², when a step changes it by less than the
    fraction `small_decrease` (it then stays at the better end), or after `evaluations` evaluations.
    A non-finite residual is no improvement.
    """
    size = len(start)
    best = Minimum(start, np.inf, np.zeros((size, size)), None, 0)
    gradient = np.zeros(size)
    trial, damping, count = start, _FIRST_DAMPING, 0
    while count < evaluations:
        value, rows, aux = residual(trial)
        cost = _sum_of_squares(value, rows)
        better = cost < best.cost
        settled = count > 0 and abs(cost - best.cost) < small_decrease * best.cost
        if count > 0:
            damping *= 0.1 if better else 10.0
        count += 1
        if better:
            best = Minimum(trial, cost, rows @ rows.T, aux, count)
            gradient = rows @ value
        if settled or best.cost <= tolerance**2 or damping > 1e6 or not np.isfinite(best.cost):
            break
        diagonal = np.diag(best.normal)
        diagonal = diagonal + 1e-12 * np.max(diagonal) + np.finfo(float).tiny
        try:
            step = np.linalg.solve(best.normal + damping * np.diag(diagonal), gradient)
        except np.linalg.LinAlgError:  # no direction changes anything
            break
        trial = best.point - step
    return dataclasses.replace(best, evaluations=count)


def _sum_of_squares(value, rows) -> float:
    """Infinite if the residual, its derivatives, or products of them are not finite."""
    if not all(np.all(np.abs(each) < _LARGEST) for each in (value, rows)):
        return np.inf
    return float(value @ value)
