"""Smaller and other violations of a conservation law than in `others`: memory, dependence on time,
hidden fields, dispersion, and drifting instruments. Frames (member, frame, field, cells).

Memory and time are additional fields of the solver without flux; only the first field is observed.
"""

import numpy as np

from .laws import burgers, traffic
from .schemes import INTERVAL, averaged, spectral, weno
from .states import CELLS, FINE, FRAMES, draw, waves

_STEPS = 40  # per frame


def _with_hidden(rngs, begin, flux, source, rate):
    """The field u of ∂t u + ∂x f(u, h) = s(u, h), ∂t h = r(u, h)."""
    first = waves(rngs, low=0.1, high=0.9)

    def both(one, other):
        def function(u):
            seen, hidden = u[:, :1], u[:, 1:]
            return np.concatenate([one(seen, hidden), other(seen, hidden) + 0 * hidden], axis=1)

        return function

    whole = np.concatenate([first, 0 * first + begin(first)], axis=1)
    through, arises = both(flux, lambda u, h: 0.0), both(source, rate)
    found = weno(through, lambda u: 1.5 + 0 * u[:, :1], whole, FRAMES, CELLS, source=arises)
    return found[:, :, :1]


def _late(rngs, rate):
    """f = v u (1 - u + c (u - w)) with w = u at the start, following u with a delay."""
    v, share = draw(rngs, 0.7, 1.0), draw(rngs, 0.2, 0.4)

    def flux(u, w):
        return v * u * (1 - u + share * (u - w))

    return _with_hidden(rngs, lambda u: u, flux, lambda u, w: 0 * u, rate)


def _in_time(rngs, factor, source=lambda u, t: 0 * u):
    """Greenshields' flux times a factor that depends on time, the hidden field."""
    return _with_hidden(
        rngs,
        lambda u: 0.0,
        lambda u, t: factor(u, t) * u * (1 - u),
        source,
        lambda u, t: 1.0,
    )


def memory(rngs):
    """Some drivers react to an earlier density: ∂t w = (u - w)/T."""
    late = draw(rngs, 0.05, 0.2)
    return _late(rngs, lambda u, w: (u - w) / late)


def hysteresis(rngs):
    """Here w follows u only outside a dead band."""
    band = draw(rngs, 0.03, 0.1)

    def rate(u, w):
        away = u - w
        return 50.0 * np.sign(away) * np.maximum(np.abs(away) - band, 0.0)

    return _late(rngs, rate)


def speed_limit_in_time(rngs):
    v, size, period, phase = (
        draw(rngs, *ends) for ends in ((0.7, 1.0), (0.15, 0.35), (1.0, 3.0), (0.0, 1.0))
    )
    return _in_time(rngs, lambda u, t: v * (1 + size * np.sin(2 * np.pi * (t / period + phase))))


def capacity_drops(rngs):
    """The speed drops by a quarter for random periods of 0.05 to 0.2."""
    v = draw(rngs, 0.7, 1.0)
    switches = np.array([np.cumsum(rng.uniform(0.05, 0.2, 24)) for rng in rngs])

    def factor(u, t):
        count = np.sum(switches[:, :, None] < t[:, :, :1], axis=1, keepdims=True)
        return v * np.where(count % 2 == 1, 0.75, 1.0)

    return _in_time(rngs, factor)


def loss_for_a_while(rngs):
    """A tenth of the road loses cars during part of the context."""
    rate, at, begin = draw(rngs, 0.3, 1.0), draw(rngs, 0.0, 1.0), draw(rngs, 0.05, 0.15)
    x = (np.arange(FINE) + 0.5) / FINE

    def source(u, t):
        there = np.abs((x - at + 0.5) % 1.0 - 0.5) < 0.05
        return -rate * u * (there & (t > begin) & (t < begin + 0.12))

    return _in_time(rngs, lambda u, t: 0.9, source=source)


def moving_bottleneck(rngs):
    """A slow vehicle that blocks part of the capacity."""
    size, at, speed = draw(rngs, 0.1, 0.3), draw(rngs, 0.0, 1.0), draw(rngs, 0.1, 0.4)

    def factor(u, t):
        n = u.shape[-1]
        x = np.arange(n) / (n - 1) if n == FINE + 1 else (np.arange(n) + 0.5) / n
        away = (x - at - speed * t + 0.5) % 1.0 - 0.5
        return 0.9 * (1 - size * np.exp(-((away / 0.06) ** 2)))

    return _in_time(rngs, factor)


def slow_loss(rngs):
    """Everything decays, by 1 to 5 percent per unit of time."""
    rate = draw(rngs, 0.01, 0.05)
    return _in_time(rngs, lambda u, t: 0.9, source=lambda u, t: -rate * u)


def two_lanes(rngs):
    """Two lanes of different speeds that exchange cars; one is observed."""
    k, fast, slow = draw(rngs, 0.5, 2.0), draw(rngs, 0.8, 1.0), draw(rngs, 0.4, 0.7)
    return _pair(rngs, fast, slow, lambda u, w: k * (w - u))[:, :, :1]


def two_species(rngs):
    """Cars and lorries share a road; only their sum is observed."""
    fast, slow = draw(rngs, 0.8, 1.0), draw(rngs, 0.5, 0.7)
    whole = _pair(rngs, fast, slow, None, shared=True)
    return whole.sum(axis=2, keepdims=True)


def _pair(rngs, fast, slow, exchange, shared=False):
    part = 0.5 if shared else 1.0
    first, second = waves(rngs, low=0.1, high=0.8), waves(rngs, low=0.1, high=0.8)

    def flux(u):
        one, other = u[:, :1], u[:, 1:]
        room = (1 - one - other, 1 - one - other) if shared else (1 - one, 1 - other)
        return np.concatenate([fast * one * room[0], slow * other * room[1]], axis=1)

    def source(u):
        moves = exchange(u[:, :1], u[:, 1:])
        return np.concatenate([moves, -moves], axis=1)

    return weno(
        flux,
        lambda u: 1.2 + 0 * u[:, :1],
        part * np.concatenate([first, second], axis=1),
        FRAMES,
        CELLS,
        source=None if exchange is None else source,
    )


def nonlocal_speed(rngs):
    """f = v u (1 - u/2 - K ∗ u/2) with a symmetric Gaussian kernel K."""
    v, width = draw(rngs, 0.7, 1.0), draw(rngs, 0.02, 0.06)
    k = np.arange(FINE // 2 + 1)
    kernel = np.exp(-0.5 * (2 * np.pi * k * width) ** 2)

    def flux(u):
        closed = u[..., :FINE]
        mean = np.fft.irfft(np.fft.rfft(closed) * kernel, FINE)
        mean = np.concatenate([mean, mean[..., :1]], axis=-1)[..., : u.shape[-1]]
        return v * u * (1 - 0.5 * u - 0.5 * mean)

    return weno(flux, lambda u: v + 0 * u, waves(rngs, low=0.1, high=0.9), FRAMES, CELLS)


def weak_dispersion(rngs):
    """Burgers' equation with δ ∂xxx u and just enough diffusion to stay smooth."""
    d = np.exp(draw(rngs, np.log(3e-6), np.log(1e-5)))
    state = waves(rngs, low=-0.5, most=2)
    return spectral(
        lambda k: 1j * d * k**3 - 1e-3 * k**2, lambda u: 0.5 * u**2, state, FRAMES, CELLS
    )


def fourth_order(rngs):
    """Burgers' equation with -κ ∂xxxx u instead of diffusion."""
    d = np.exp(draw(rngs, np.log(3e-8), np.log(1e-6)))
    return spectral(
        lambda k: -d * k**4, lambda u: 0.35 * u**2, waves(rngs, low=-0.5), FRAMES, CELLS
    )


def capillarity(rngs):
    """Buckley-Leverett with dynamic capillarity (Hassanizadeh and Gray 1993): ∂t u + ∂x f(u) = ε
    ∂xx u + ε² T ∂xxt u."""
    size, late = draw(rngs, 0.008, 0.02), draw(rngs, 2.0, 5.0)

    def flux(u):
        return 0.5 * u**2 / (u**2 + 0.7 * (1 - u) ** 2)

    return _with_mixed_term(waves(rngs, low=0.1, high=0.9), flux, size, size**2 * late)


def regularised_waves(rngs):
    """Benjamin, Bona and Mahony: ∂t u + ∂x (u²/2) = δ ∂xxt u."""
    d = np.exp(draw(rngs, np.log(3e-6), np.log(3e-5)))
    return _with_mixed_term(waves(rngs, low=-0.5, most=2), lambda u: 0.5 * u**2, 0.0, d)


def _with_mixed_term(first, flux, diffusivity, mixed):
    """∂t u + ∂x f(u) = ν ∂xx u + δ ∂xxt u, spectral in space, Runge–Kutta in time."""
    k = 2 * np.pi * np.arange(FINE // 2 + 1)
    inverse = (k <= 2 / 3 * k[-1]) / (1 + mixed * k**2)

    def rate(v):
        through = np.fft.rfft(flux(np.fft.irfft(v, FINE)))
        return -inverse * (1j * k * through + diffusivity * k**2 * v)

    v, found, h = np.fft.rfft(first), [], INTERVAL / _STEPS
    for frame in range(FRAMES):
        for _ in range(_STEPS if frame else 0):
            a = rate(v)
            b = rate(v + 0.5 * h * a)
            c = rate(v + 0.5 * h * b)
            v = v + h / 6 * (a + 2 * b + 2 * c + rate(v + h * c))
        found.append(averaged(np.fft.irfft(v, FINE), CELLS))
    return np.stack(found, axis=1)


def drifting_gain(rngs):
    """Traffic, seen by an instrument whose gain grows by 2 to 10 percent per unit of time."""
    t = INTERVAL * np.arange(FRAMES)
    return traffic(rngs) * (1 + draw(rngs, 0.02, 0.1)[..., None] * t[:, None, None])


def drifting_zero(rngs):
    """Instruments with independently drifting zeros, whose sum is zero."""
    t = INTERVAL * np.arange(FRAMES)
    drift = np.stack([rng.normal(size=(1, 1, CELLS)) for rng in rngs])
    drift = drift - drift.mean(axis=-1, keepdims=True)
    return burgers(rngs) + 0.03 * drift * t[:, None, None]
