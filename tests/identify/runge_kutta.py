"""The classical Runge-Kutta scheme, for solvers of truths."""

from collections.abc import Callable

import numpy as np


def step(change: Callable[[np.ndarray], np.ndarray], u: np.ndarray, dt: float) -> np.ndarray:
    """The state after dt of du/dt = `change`(u), to fourth order."""
    a = change(u)
    b = change(u + 0.5 * dt * a)
    c = change(u + 0.5 * dt * b)
    d = change(u + dt * c)
    return u + dt / 6.0 * (a + 2.0 * b + 2.0 * c + d)
