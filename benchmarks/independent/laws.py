"""Conservation laws with random states and coefficients: frames (member, frame, field, cells)."""

import numpy as np

from .schemes import godunov, outflow, spectral, triangular_exactly, weno
from .states import CELLS, FINE, FINER, FRAMES, draw, steps, waves


def scalar(state, flux, speed, **options):
    return weno(flux, speed, state, FRAMES, CELLS, **options)


def burgers(rngs):
    a = draw(rngs, 0.6, 1.2)
    return scalar(waves(rngs, low=-0.5), lambda u: a * u**2 / 2, lambda u: np.abs(a * u) + 1e-3)


def traffic_flow(rngs, state, **options):
    v = draw(rngs, 0.7, 1.1)
    return scalar(
        state, lambda u: v * u * (1 - u), lambda u: np.abs(v * (1 - 2 * u)) + 1e-3, **options
    )


def traffic(rngs):
    return traffic_flow(rngs, waves(rngs, low=0.1, high=0.9))


def traffic_steps(rngs):
    """Greenshields' flux from plateaus, by Godunov's scheme."""
    v = draw(rngs, 0.7, 1.1)
    state = steps(rngs, FINER, 0.1, 0.9)
    return godunov(
        lambda u: v * u * (1 - u), lambda u: np.abs(v * (1 - 2 * u)), 0.5, state, FRAMES, CELLS
    )


def buckley_leverett(rngs):
    m = draw(rngs, 0.4, 1.0)

    def flux(u):
        return 0.5 * u**2 / (u**2 + m * (1 - u) ** 2)

    def speed(u):
        return m * u * np.abs(1 - u) / (u**2 + m * (1 - u) ** 2) ** 2 + 1e-2

    return scalar(waves(rngs, low=0.05, high=0.95), flux, speed)


def cubic(rngs):
    a, b, c = (draw(rngs, -0.6, 0.6) for _ in range(3))
    return scalar(
        waves(rngs, low=-0.7, high=0.7),
        lambda u: a * u**3 + b * u**2 + c * u,
        lambda u: np.abs(3 * a * u**2 + 2 * b * u + c) + 1e-2,
    )


def sine(rngs):
    a = draw(rngs, 0.15, 0.3)
    return scalar(
        waves(rngs, low=-1.0, high=1.0),
        lambda u: a * np.sin(3 * u),
        lambda u: np.abs(3 * a * np.cos(3 * u)) + 1e-2,
    )


def viscous_burgers(rngs):
    a, nu = draw(rngs, 0.5, 1.0), draw(rngs, 0.002, 0.006)
    state = waves(rngs, low=-0.5)
    return spectral(lambda k: -nu * k**2, lambda u: a * u**2 / 2, state, FRAMES, CELLS)


def heat(rngs):
    nu, c = draw(rngs, 0.004, 0.01), draw(rngs, -0.3, 0.3)
    state = waves(rngs)
    return spectral(lambda k: -nu * k**2 - 1j * c * k, None, state, FRAMES, CELLS, 1)


def open_traffic(rngs):
    """A bump that leaves a road whose ends are given."""
    bump = waves(rngs, low=0.1, high=0.9) - 0.25
    x = (np.arange(FINE) + 0.5) / FINE
    return traffic_flow(rngs, 0.25 + bump * np.sin(np.pi * x) ** 2, pad=outflow)


def _pair(first, flux, speed, second=0.0, **options):
    state = np.concatenate([first, np.zeros_like(first) + second], axis=1)
    return weno(flux, speed, state, FRAMES, CELLS, **options)


def shallow_flow(rngs, first, g, **options):
    def flux(u):
        h, m = u[:, :1], u[:, 1:2]
        return np.concatenate([m, m**2 / h + g * h**2 / 2], axis=1)

    def speed(u):
        return np.abs(u[:, 1:2] / u[:, :1]) + np.sqrt(g * u[:, :1])

    return _pair(first, flux, speed, **options)


def shallow_water(rngs):
    m = waves(rngs, low=-0.15, high=0.15)
    return shallow_flow(rngs, waves(rngs, low=0.7, high=1.3), draw(rngs, 0.7, 1.1), second=m)


def dam_breaks(rngs):
    return shallow_flow(rngs, steps(rngs, low=0.6, high=1.4), draw(rngs, 0.7, 1.0))


def _gas(rngs, gamma):
    c = draw(rngs, 0.6, 0.9)

    def flux(u):
        rho, m = u[:, :1], u[:, 1:2]
        return np.concatenate([m, m**2 / rho + c**2 * rho**gamma / gamma], axis=1)

    def speed(u):
        return np.abs(u[:, 1:2] / u[:, :1]) + c * u[:, :1] ** ((gamma - 1) / 2)

    m = waves(rngs, low=-0.15, high=0.15)
    return _pair(waves(rngs, low=0.7, high=1.3), flux, speed, second=m)


def isothermal_euler(rngs):
    return _gas(rngs, 1.0)


def p_system(rngs):
    """Gas in Lagrangian coordinates: ∂t v = ∂x u, ∂t u = -∂x p, p = c² v^-1.4 / 1.4."""
    c = draw(rngs, 0.6, 0.8)

    def flux(u):
        return np.concatenate([-u[:, 1:2], c**2 * u[:, :1] ** -1.4 / 1.4], axis=1)

    velocity = waves(rngs, low=-0.15, high=0.15)
    first = waves(rngs, low=0.8, high=1.3)
    return _pair(first, flux, lambda u: c * u[:, :1] ** -1.2, second=velocity)


def triangular(rngs):
    """Daganzo's flux, exactly: a first-order scheme on 1536 cells still has errors of percents."""
    v, w = draw(rngs, 0.8, 1.0), draw(rngs, 0.2, 0.4)
    state = waves(rngs, FINER, 0.05, 0.8)
    members = zip(v.ravel(), w.ravel(), state[:, 0], strict=True)
    return np.stack([triangular_exactly(*member, FRAMES, CELLS) for member in members])
