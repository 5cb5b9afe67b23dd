"""Runge-Kutta schemes, for solvers of truths."""

from collections.abc import Callable

import numpy as np

Change = Callable[[np.ndarray], np.ndarray]


def step(change: Change, u: np.ndarray, dt: float) -> np.ndarray:
    """The state after dt of du/dt = `change`(u), by the classical scheme of fourth order."""
    a = change(u)
    b = change(u + 0.5 * dt * a)
    c = change(u + 0.5 * dt * b)
    d = change(u + dt * c)
    return u + dt / 6.0 * (a + 2.0 * b + 2.0 * c + d)


def heun(change: Change, u: np.ndarray, dt: float) -> np.ndarray:
    """The same to second order, by Heun's scheme."""
    first = u + dt * change(u)
    return 0.5 * (u + first + dt * change(first))
