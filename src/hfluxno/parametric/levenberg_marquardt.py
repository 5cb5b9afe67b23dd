"""The Levenberg–Marquardt method for a residual that is expensive to evaluate.

    (JᵀJ + λ diag JᵀJ) δ = -Jᵀr,   λ → λ/10 after a step that helps, 10 λ after one that does not

(Marquardt, J. Soc. Indust. Appl. Math. 11, 1963, 431-441). Residual and Jacobian of a trial point
come from one call. If the residual can be had alone, at a small part of the price, λ is searched
for with each J, and more steps follow with the same J (Fan, Comput. Optim. Appl. 56, 2013, 63-80).
The iteration itself is NumPy, so that only the solver is compiled; inside a compiled program, the
iteration doubled the time to compile. A test compares it with a library's.
"""

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

_FIRST_DAMPING = 1e-3
# A step that reduces the sum of squares by less than this fraction ends the iteration, one that
# increases it by less than a tenth of that too, and one that promises less than the hundredth part
# is not taken.
SMALL_DECREASE, _TENTH, _NOTHING = 1e-2, 0.1, 1e-2
_LARGEST, _MOST_DAMPING, _LEAST_DAMPING = 1e100, 1e6, 1e-12
# At most this many steps follow with the same derivatives.
_SAME_DERIVATIVES = 5

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
    alone: Callable[[Float[np.ndarray, " parameter"]], Float[np.ndarray, " equation"]]
    | None = None,
) -> Minimum:
    """Minimises ‖r(x)‖² from `start`; `residual(x)` returns r, its derivative by each parameter,
    and anything else that is to be returned for the best point.

    Ends when the sum of squares is below tolerance², when a step reduces it by less than the
    fraction `small_decrease`, increases it by less than a tenth of that or promises a hundredth, or
    after `evaluations` evaluations. A non-finite residual is no improvement. The derivatives may be
    those of a similar residual. `alone` returns r alone, by which steps are looked for: then each
    evaluation has derivatives, and it ends also where no step helps.
    """
    best = Minimum(start, np.inf, np.zeros((len(start), len(start))), None, 0)
    at = _Derivatives(np.zeros((len(start), 0)), best.normal, np.zeros(len(start)))
    trial: np.ndarray | None
    trial, damping, count = start, _FIRST_DAMPING, 0

    def following() -> tuple[np.ndarray | None, float]:
        """The next trial point, if one is worth it, and its damping."""
        step, promised = at.step(damping)
        if better and promised < _NOTHING * small_decrease * best.cost:
            return None, damping
        if alone is None:
            return best.point - step, damping
        return _looked_for(alone, best, at, damping, _TENTH * small_decrease * best.cost)

    while count < evaluations:
        value, rows, aux = residual(trial)
        cost = _sum_of_squares(value, rows)
        better = cost < best.cost
        least = small_decrease if better else _TENTH * small_decrease
        settled = count > 0 and abs(cost - best.cost) < least * best.cost
        if count > 0 and not (better and alone):
            damping *= 0.1 if better else 10.0
        count += 1
        if better:
            at = _Derivatives.of(value, rows)
            best = Minimum(trial, cost, at.normal, aux, count)
        if best.cost <= tolerance**2 or not np.isfinite(best.cost):
            break
        if settled or damping > _MOST_DAMPING or count == evaluations:
            break
        trial, damping = following()
        if trial is None:
            break
    return dataclasses.replace(best, evaluations=count)


@dataclasses.dataclass(frozen=True)
class _Derivatives:
    """The derivatives of the residual at a point, a row for each parameter; JᵀJ and Jᵀr there."""

    rows: np.ndarray
    normal: np.ndarray
    gradient: np.ndarray

    @classmethod
    def of(cls, value, rows) -> "_Derivatives":
        return cls(rows, rows @ rows.T, rows @ value)

    def step(self, damping: float, gradient=None) -> tuple[np.ndarray, float]:
        """The step back to a smaller sum of squares, and by how much that would be smaller if the
        residual were linear; nothing if no direction changes anything."""
        gradient = self.gradient if gradient is None else gradient
        diagonal = np.diag(self.normal)
        diagonal = diagonal + 1e-12 * np.max(diagonal, initial=0.0) + np.finfo(float).tiny
        try:
            step = np.linalg.solve(self.normal + damping * np.diag(diagonal), gradient)
        except np.linalg.LinAlgError:
            return np.zeros_like(gradient), 0.0
        return step, float(2.0 * gradient @ step - step @ self.normal @ step)


class _Trial(NamedTuple):
    """A point, the damping of the step to it, the residual there, and its sum of squares."""

    cost: float
    damping: float
    point: np.ndarray
    value: np.ndarray


def _looked_for(
    alone, best: Minimum, at: _Derivatives, damping: float, least: float
) -> tuple[np.ndarray | None, float]:
    """The point that the first step reaches that helps, with more and more damping, followed by
    steps with the same derivatives while each of them is worth it, and the damping of the next one;
    `None` if the sum of squares would not be reduced by at least `least`.

    The damping that reduces it most is not looked for: steps that long end in other minima.
    """

    def reached(damping, point, gradient=None):
        point = point - at.step(damping, gradient)[0]
        value = alone(point)
        return _Trial(_sum_of_squares(value), damping, point, value)

    found = reached(damping, best.point)
    while not found.cost < best.cost and found.damping < _MOST_DAMPING:
        found = reached(10.0 * found.damping, best.point)
    if not found.cost < best.cost - least:
        return None, found.damping
    for _ in range(_SAME_DERIVATIVES):
        further = reached(found.damping, found.point, at.rows @ found.value)
        if not further.cost < found.cost - least:
            break
        found = further
    return found.point, max(0.1 * found.damping, _LEAST_DAMPING)


def _sum_of_squares(*value_and_rows) -> float:
    """Infinite if the residual, its derivatives, or products of them are not finite."""
    value = value_and_rows[0]
    if not all(np.all(np.abs(each) < _LARGEST) for each in value_and_rows):
        return np.inf
    return float(value @ value)
