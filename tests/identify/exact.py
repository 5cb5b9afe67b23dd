"""Exact solutions as cell averages: data that no scheme made."""

import numpy as np


def burgers(times, cells, lower=0.0, upper=1.0, points=8):
    """∂t u + ∂x u²/2 = 0 from u₀ = 0.6 + 0.3 sin(2πx), before it breaks (t < 0.53)."""

    def at(x, t):
        u = 0.6 + 0.3 * np.sin(2 * np.pi * (x - 0.6 * t))
        for _ in range(60):  # Newton's method along characteristics
            phase = 2 * np.pi * (x - u * t)
            rest = u - 0.6 - 0.3 * np.sin(phase)
            u = u - rest / (1.0 + 0.6 * np.pi * t * np.cos(phase))
        return u

    return _averages(at, times, cells, lower, upper, points)


def logistic(times, cells, rate=2.0, speed=0.7, points=8):
    """∂t u + c ∂x u = r u (1 - u) from 0.3 + 0.2 sin(2πx), on the circle of length 1."""

    def at(x, t):
        first = 0.3 + 0.2 * np.sin(2 * np.pi * (x - speed * t))
        grown = first * np.exp(rate * t)
        return grown / (1.0 - first + grown)

    return _averages(at, times, cells, 0.0, 1.0, points)


def fronts(times, cells, rate=1.0, diffusivity=0.25, points=8):
    """∂t u = ν ∂xx u + r u (1 - u) on a circle with cells of length 1, with two fronts that move
    apart at 5 (r ν/6)^½ (Ablowitz and Zeppetella, Bull. Math. Biol. 41, 1979, 835-840)."""
    steep = np.sqrt(rate / (6.0 * diffusivity))

    def at(x, t):
        z = np.abs(x - 0.5 * cells) - 0.25 * cells - 5.0 * np.sqrt(rate * diffusivity / 6.0) * t
        return (1.0 + np.exp(steep * z)) ** -2

    return _averages(at, times, cells, 0.0, float(cells), points)


def dam_break_on_dry_ground(times, cells, length, dam=7.0, gravity=9.81, points=8):
    """Ritter's solution for shallow water, one deep on the left: h = (2 c - ξ)²/(9 g) and
    v = 2 (c + ξ)/3 for -c < ξ = (x - x₀)/t < 2 c, c = √g; fields h and h v."""
    c = np.sqrt(gravity)

    def along(x, t):
        xi = np.clip((x - dam) / max(t, 1e-9), -c, 2.0 * c)
        return (2.0 * c - xi) ** 2 / (9.0 * gravity), 2.0 * (c + xi) / 3.0

    def momentum(x, t):
        height, velocity = along(x, t)
        return height * velocity

    fields = (lambda x, t: along(x, t)[0], momentum)
    means = [_averages(at, times, cells, 0.0, length, points) for at in fields]
    return np.concatenate(means, axis=1)


def _averages(at, times, cells, lower, upper, points):
    nodes, weights = np.polynomial.legendre.leggauss(points)
    dx = (upper - lower) / cells
    centers = lower + dx * (np.arange(cells) + 0.5)
    x = centers[:, None] + 0.5 * dx * nodes
    return np.stack([(at(x, t) @ weights) / 2.0 for t in times])[:, None]


def through_a_factor(times, cells, change=0.4, points=8):
    """∂t u + ∂x k(x) u = 0 with k = 1/(1 + b cos 2πx) on the circle of length 1: along dx/dt = k
    the flow q = k u does not change, so q = q₀(T(x) - t) with T = x + b sin(2πx)/2π."""

    def at(x, t):
        slowness = 1.0 + change * np.cos(2 * np.pi * x)
        label = x + change * np.sin(2 * np.pi * x) / (2 * np.pi) - t
        return slowness * (1.0 + 0.4 * np.sin(4 * np.pi * label) + 0.2 * np.cos(2 * np.pi * label))

    return _averages(at, times, cells, 0.0, 1.0, points)
