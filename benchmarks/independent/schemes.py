"""Solvers in NumPy, batched: WENO5 with SSP Runge-Kutta, Godunov, ETDRK4; and the exact solution
for a triangular flux.

All return cell means (member, frame, field, cells) on [0, 1], at frames `INTERVAL` apart.
"""

from collections.abc import Callable

import numpy as np

INTERVAL = 0.02
_CFL = 0.5

Pad = Callable[[np.ndarray, float, int], np.ndarray]


def periodic(u: np.ndarray, t: float, ghost: int) -> np.ndarray:
    return np.concatenate([u[..., -ghost:], u, u[..., :ghost]], axis=-1)


def outflow(u: np.ndarray, t: float, ghost: int) -> np.ndarray:
    return np.pad(u, [(0, 0)] * (u.ndim - 1) + [(ghost, ghost)], mode="edge")


def averaged(u: np.ndarray, cells: int) -> np.ndarray:
    return u.reshape(*u.shape[:-1], cells, -1).mean(axis=-1)


def weno(flux, speed, initial, frames, cells, source=None, pad: Pad = periodic) -> np.ndarray:
    """∂t u + ∂x f(u) = s(u), of fifth order where smooth.

    Reconstruction of Jiang and Shu (J. Comput. Phys. 126, 1996) in each field, Rusanov's flux, SSP
    Runge-Kutta of third order. `flux` and `speed` take states (member, field, interface), so they
    may depend on place.
    """
    dx = 1.0 / initial.shape[-1]

    def rate(u, t):
        p = pad(u, t, 3)
        n = u.shape[-1] + 1
        part = [p[..., k : k + n] for k in range(6)]
        left, right = _weno5(*part[:5]), _weno5(*part[:0:-1])
        size = np.maximum(speed(left), speed(right))
        through = 0.5 * (flux(left) + flux(right)) - 0.5 * size * (right - left)
        change = -np.diff(through, axis=-1) / dx
        return change if source is None else change + source(u)

    def step(u, t, dt):
        one = u + dt * rate(u, t)
        two = 0.75 * u + 0.25 * (one + dt * rate(one, t + dt))
        return u / 3 + 2 / 3 * (two + dt * rate(two, t + 0.5 * dt))

    return _frames(step, speed, initial, frames, cells)


def godunov(flux, speed, top, initial, frames, cells, pad: Pad = periodic) -> np.ndarray:
    """The first-order scheme with the exact Riemann solution for a concave flux with its maximum at
    `top`: the smaller of what the left cell sends and the right one receives (Daganzo 1995)."""
    dx = 1.0 / initial.shape[-1]

    def step(u, t, dt):
        p = pad(u, t, 1)
        sent = flux(np.minimum(p[..., :-1], top))
        taken = flux(np.maximum(p[..., 1:], top))
        return u - dt / dx * np.diff(np.minimum(sent, taken), axis=-1)

    return _frames(step, speed, initial, frames, cells)


def triangular_exactly(free: float, back: float, initial, frames, cells) -> np.ndarray:
    """∂t u + ∂x min(v u, w (1 - u)) = 0 with v = `free` and w = `back`, periodic, from means (fine
    cell,), by the Lax–Hopf formula for the cumulative count N, u = -∂x N,

        N(x, t) = min_{x - v t ≤ y ≤ x + w t} N(y, 0) + t f(c) - (x - y) c,   c = w/(v + w),

    as used by Newell (Transpn. Res. B 27, 1993); N(y, 0) is linear in a fine cell.
    """
    fine, top = len(initial), back / (free + back)
    count = -np.concatenate([[0.0], np.cumsum(initial)]) / fine
    y = np.arange(-2 * fine, 3 * fine + 1)
    around, within = np.divmod(y, fine)
    lifted = count[within] + around * count[-1] + top * y / fine
    edges = np.arange(cells + 1) / cells
    found = []
    for t in INTERVAL * np.arange(frames):
        ends = np.stack([edges - free * t, edges + back * t], axis=1)
        least = np.interp(ends, y / fine, lifted).min(axis=1)
        inner = zip(np.ceil(ends[:, 0] * fine), np.floor(ends[:, 1] * fine), strict=True)
        for k, (first, last) in enumerate(inner):
            part = lifted[int(first) + 2 * fine : int(last) + 2 * fine + 1]
            least[k] = min(least[k], part.min(initial=np.inf))
        found.append(-np.diff(least + t * free * top - edges * top) * cells)
    return np.stack(found)[:, None]


def spectral(symbol, convected, initial, frames, cells, steps_a_frame=40) -> np.ndarray:
    """∂t û = L(k) û - ik F[g(u)], by ETDRK4 with coefficients as contour integrals (Kassam and
    Trefethen, SIAM J. Sci. Comput. 26, 2005), g de-aliased by the 2/3 rule.

    `symbol` takes wave numbers k; `convected` is g, or `None` if the equation is linear.
    """
    n = initial.shape[-1]
    k = 2 * np.pi * np.arange(n // 2 + 1)
    h = INTERVAL / steps_a_frame
    linear = np.broadcast_to(symbol(k), (len(initial), 1, len(k))).astype(complex)
    roots = np.exp(2j * np.pi * (np.arange(32) + 0.5) / 32)
    z = h * linear[..., None] + roots
    whole, half = np.exp(h * linear), np.exp(h * linear / 2)
    q = h * np.mean((np.exp(z / 2) - 1) / z, axis=-1)
    f1 = h * np.mean((-4 - z + np.exp(z) * (4 - 3 * z + z**2)) / z**3, axis=-1)
    f2 = h * np.mean((2 + z + np.exp(z) * (z - 2)) / z**3, axis=-1)
    f3 = h * np.mean((-4 - 3 * z - z**2 + np.exp(z) * (4 - z)) / z**3, axis=-1)
    kept = k <= 2 / 3 * k[-1]

    def nonlinear(v):
        if convected is None:
            return 0.0 * v
        return -1j * k * kept * np.fft.rfft(convected(np.fft.irfft(v * kept, n)))

    v = np.fft.rfft(initial)
    found = [averaged(initial, cells)]
    for _ in range(frames - 1):
        for _ in range(steps_a_frame):
            nv = nonlinear(v)
            a = half * v + q * nv
            na = nonlinear(a)
            b = half * v + q * na
            nb = nonlinear(b)
            nc = nonlinear(half * a + q * (2 * nb - nv))
            v = whole * v + nv * f1 + 2 * (na + nb) * f2 + nc * f3
        found.append(averaged(np.fft.irfft(v, n), cells))
    return np.stack(found, axis=1)


def _frames(step, speed, initial, frames, cells) -> np.ndarray:
    dx, u, t = 1.0 / initial.shape[-1], initial, 0.0
    found = [averaged(u, cells)]
    for j in range(1, frames):
        while t < (j - 1e-9) * INTERVAL:
            dt = min(_CFL * dx / float(np.max(speed(u))), j * INTERVAL - t)
            u, t = step(u, t, dt), t + dt
        found.append(averaged(u, cells))
    return np.stack(found, axis=1)


def _weno5(a, b, c, d, e):
    """The state at the right end of the middle cell c."""
    s0 = 13 / 12 * (a - 2 * b + c) ** 2 + 0.25 * (a - 4 * b + 3 * c) ** 2
    s1 = 13 / 12 * (b - 2 * c + d) ** 2 + 0.25 * (b - d) ** 2
    s2 = 13 / 12 * (c - 2 * d + e) ** 2 + 0.25 * (3 * c - 4 * d + e) ** 2
    w0, w1, w2 = 0.1 / (s0 + 1e-6) ** 2, 0.6 / (s1 + 1e-6) ** 2, 0.3 / (s2 + 1e-6) ** 2
    q0, q1, q2 = 2 * a - 7 * b + 11 * c, -b + 5 * c + 2 * d, 2 * c + 5 * d - e
    return (w0 * q0 + w1 * q1 + w2 * q2) / (6 * (w0 + w1 + w2))
