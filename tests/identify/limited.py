"""Means over cells by MUSCL with minmod, Rusanov's flux and Heun's method, in NumPy."""

import numpy as np

from tests.identify import runge_kutta

MIRROR = np.array([[1.0], [-1.0], [1.0]])  # (density, momentum, energy) in a wall


def run(u, flux, speed, frames, interval, steps, *, walls=False, source=lambda u: 0.0):
    """The frames (frame, field, cell) on [0, 1], a circle or between walls, of ∂t u + ∂x f(u) =
    s(u), from the first one `u`; `speed` bounds the waves."""
    mirror = MIRROR[: len(u)]

    def change(u):
        ends = (u[:, -2:], u[:, :2])
        if walls:
            ends = (u[:, 1::-1] * mirror, u[:, :-3:-1] * mirror)
        wide = np.concatenate([ends[0], u, ends[1]], axis=1)
        d = np.diff(wide, axis=1)
        limited = np.where(d[:, 1:] * d[:, :-1] > 0.0, np.sign(d[:, 1:]), 0.0)
        limited = limited * np.minimum(np.abs(d[:, 1:]), np.abs(d[:, :-1]))
        left, right = (wide[:, 1:-1] + sign * 0.5 * limited for sign in (1.0, -1.0))
        left, right = left[:, :-1], right[:, 1:]
        faces = 0.5 * (flux(left) + flux(right)) - 0.5 * np.max(speed(u)) * (right - left)
        return source(u) - u.shape[1] * np.diff(faces, axis=1)

    seen = [u]
    for _ in range(frames - 1):
        for _ in range(steps):
            u = runge_kutta.heun(change, u, interval / steps)
        seen.append(u)
    return np.stack(seen)
