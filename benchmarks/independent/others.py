"""Systems that are not conservation laws of the observed fields: frames (member, frame, field,
cells)."""

import numpy as np

from .laws import scalar, shallow_flow, shallow_water, traffic_flow
from .schemes import godunov, spectral, weno
from .states import CELLS, FINE, FINER, FRAMES, draw, waves


def _kdv(rngs, low, high, size=1.0):
    d = np.exp(draw(rngs, np.log(low), np.log(high)))
    state = waves(rngs, low=-0.5 * size, high=size, most=2)
    return spectral(lambda k: 1j * d * k**3, lambda u: u**2 / 2, state, FRAMES, CELLS)


def kdv_weak(rngs):
    return _kdv(rngs, 2e-5, 5e-5)


def kdv_strong(rngs):
    return _kdv(rngs, 1e-4, 3e-4)


def linear_dispersion(rngs):
    c, d = draw(rngs, -0.5, 0.5), draw(rngs, 1e-4, 4e-4)
    state = waves(rngs)
    return spectral(lambda k: 1j * d * k**3 - 1j * c * k, None, state, FRAMES, CELLS, 1)


def _by_place(rngs, shape):
    """Greenshields' flux times a factor that depends on place."""
    v, size, at = draw(rngs, 0.7, 1.0), draw(rngs, 0.1, 0.4), draw(rngs, 0.0, 1.0)

    def factor(u):
        n = u.shape[-1]
        x = np.arange(n) / (n - 1) if n == FINE + 1 else (np.arange(n) + 0.5) / n
        return v * (1 + size * shape(2 * np.pi * (x + at)))

    return scalar(
        waves(rngs, low=0.1, high=0.9),
        lambda u: factor(u) * u * (1 - u),
        lambda u: np.abs(factor(u) * (1 - 2 * u)) + 0.1,
    )


def flux_by_place(rngs):
    return _by_place(rngs, np.sin)


def bottleneck(rngs):
    return _by_place(rngs, lambda x: -(np.cos(x) > 0.7).astype(float))


def two_bottlenecks(rngs):
    return _by_place(rngs, lambda x: -1.0 * (np.cos(x) > 0.7) - 0.6 * (np.cos(x - 2.5) > 0.8))


def source_by_place(rngs):
    """Cars enter at some places, and the same number leaves at others."""
    size, at = draw(rngs, 0.2, 0.6), draw(rngs, 0.0, 1.0)
    x = (np.arange(FINE) + 0.5) / FINE
    source = size * np.sin(2 * np.pi * (x + at))
    return traffic_flow(rngs, waves(rngs, low=0.2, high=0.7), source=lambda u: source)


def relaxation(rngs):
    rate = draw(rngs, 0.4, 1.5)

    def source(u):
        return -rate * (u - u.mean(axis=-1, keepdims=True))

    return traffic_flow(rngs, waves(rngs, low=0.1, high=0.9), source=source)


def growth(rngs):
    rate = draw(rngs, 0.3, 1.0)
    state = waves(rngs, low=0.1, high=0.8)
    return traffic_flow(rngs, state, source=lambda u: rate * u * (1 - u))


def look_ahead(rngs):
    """Drivers look at the mean density of a tenth of the road ahead: f = v u (1 - w∗u)."""
    v = draw(rngs, 0.7, 1.1)
    ahead = FINE // 10

    def flux(u):
        n = u.shape[-1]
        closed = u[..., :FINE]
        mean = np.cumsum(np.concatenate([closed, closed[..., :ahead]], axis=-1), axis=-1)
        mean = (mean[..., ahead:] - mean[..., :-ahead]) / ahead
        mean = np.concatenate([mean, mean[..., :1]], axis=-1)[..., :n]
        return v * u * (1 - mean)

    return scalar(waves(rngs, low=0.1, high=0.9), flux, lambda u: v + 0 * u)


def hidden_momentum(rngs):
    """The depth of shallow water without its momentum."""
    return shallow_water(rngs)[:, :, :1]


def hidden_energy(rngs):
    """Density and momentum of a gas, without its energy."""
    gamma = 1.4

    def pressure(u):
        return (gamma - 1) * (u[:, 2:] - u[:, 1:2] ** 2 / (2 * u[:, :1]))

    def flux(u):
        rho, m, e = u[:, :1], u[:, 1:2], u[:, 2:]
        p = pressure(u)
        return np.concatenate([m, m**2 / rho + p, m / rho * (e + p)], axis=1)

    def speed(u):
        rho = u[:, :1]
        return np.abs(u[:, 1:2] / rho) + np.sqrt(gamma * pressure(u) / rho)

    rho, p = waves(rngs, low=0.7, high=1.3), waves(rngs, low=0.4, high=0.6)
    m = waves(rngs, low=-0.15, high=0.15)
    state = np.concatenate([rho, m, p / (gamma - 1) + m**2 / (2 * rho)], axis=1)
    return weno(flux, speed, state, FRAMES, CELLS)[:, :, :2]


def _with_momentum_source(rngs, source):
    first, second = waves(rngs, low=0.7, high=1.3), waves(rngs, low=-0.15, high=0.15)
    return shallow_flow(rngs, first, draw(rngs, 0.7, 1.0), second=second, source=source)


def uneven_bottom(rngs):
    size, at = draw(rngs, 0.05, 0.2), draw(rngs, 0.0, 1.0)
    x = (np.arange(FINE) + 0.5) / FINE
    slope = size * 2 * np.pi * np.cos(2 * np.pi * (x + at))
    return _with_momentum_source(
        rngs, lambda u: np.concatenate([0 * u[:, :1], -u[:, :1] * slope], axis=1)
    )


def friction(rngs):
    k = draw(rngs, 0.5, 2.0)
    return _with_momentum_source(
        rngs, lambda u: np.concatenate([0 * u[:, :1], -k * u[:, 1:2]], axis=1)
    )


def river(rngs):
    """Shallow water down a slope, with Chézy's friction."""
    g, slope, drag = draw(rngs, 0.7, 1.0), draw(rngs, 0.4, 1.0), draw(rngs, 0.8, 1.6)

    def source(u):
        h, m = u[:, :1], u[:, 1:2]
        return np.concatenate([0 * h, slope * h - drag * m * np.abs(m) / h**2], axis=1)

    first, second = waves(rngs, low=0.6, high=1.4), waves(rngs, low=0.3, high=0.8)
    return shallow_flow(rngs, first, g, second=second, source=source)


def relaxing_drivers(rngs):
    """Traffic of Aw, Rascle and Zhang, y = ρ (v + ρ²), whose speed relaxes to 1 - ρ."""
    time = draw(rngs, 0.15, 0.6)

    def pressure(u):
        return u[:, :1] ** 2

    def flux(u):
        v = u[:, 1:2] / u[:, :1] - pressure(u)
        return u * v

    def speed(u):
        return np.abs(u[:, 1:2] / u[:, :1] - pressure(u)) + 2 * pressure(u)

    def source(u):
        rho, y = u[:, :1], u[:, 1:2]
        return np.concatenate([0 * rho, (rho * (1 - rho + rho**2) - y) / time], axis=1)

    rho, v = waves(rngs, low=0.25, high=0.7), waves(rngs, low=0.3, high=0.7)
    state = np.concatenate([rho, rho * (v + rho**2)], axis=1)
    return weno(flux, speed, state, FRAMES, CELLS, source=source)


def coupled_waves(rngs):
    """Linear waves whose fields turn into each other, as in a rotating channel."""
    c, rate = draw(rngs, 0.6, 1.0), draw(rngs, 1.0, 3.0)

    def flux(u):
        return c * u[:, ::-1]

    def source(u):
        return rate * np.concatenate([u[:, 1:], -u[:, :1]], axis=1)

    state = np.concatenate([waves(rngs, low=-0.5, high=0.5) for _ in range(2)], axis=1)
    return weno(flux, lambda u: c + 0 * u[:, :1], state, FRAMES, CELLS, source=source)


def open_as_periodic(rngs):
    """A road with a changing inflow and a free right end, treated as a closed ring."""
    v, mean, size = (draw(rngs, *ends) for ends in ((0.7, 1.1), (0.2, 0.35), (0.05, 0.15)))
    period, phase = draw(rngs, 0.3, 1.0), draw(rngs, 0.0, 1.0)

    def pad(u, t, ghost):
        left = mean + size * np.sin(2 * np.pi * (t / period + phase))
        return np.concatenate([left, u, u[..., -1:]], axis=-1)

    state = waves(rngs, FINER, 0.1, 0.45)
    return godunov(
        lambda u: v * u * (1 - u),
        lambda u: np.abs(v * (1 - 2 * u)) + 0.1,
        0.5,
        state,
        FRAMES,
        CELLS,
        pad=pad,
    )
