"""A gas on a plane that is not solved by the library: smooth, by a spectral method."""

import functools

import numpy as np

from tests.identify import runge_kutta

SHAPE, SIDES, GAMMA, INTERVAL, FRAMES = (32, 24), (1.0, 1.5), 1.3, 0.012, 10


def pressure(u):
    return (GAMMA - 1.0) * (u[3] - 0.5 * (u[1] ** 2 + u[2] ** 2) / u[0])


def slope(u):
    """-∂x F - ∂y G of Euler's equations."""
    found, p = np.zeros_like(u), pressure(u)
    for axis, (count, side) in enumerate(zip(SHAPE, SIDES, strict=True)):
        flux = u * u[1 + axis] / u[0]
        flux[1 + axis] += p
        flux[3] += p * u[1 + axis] / u[0]
        wave = 2j * np.pi * np.fft.fftfreq(count, side / count).reshape(-1, *(1 - axis) * [1])
        found -= np.fft.ifft(wave * np.fft.fft(flux, axis=1 + axis), axis=1 + axis).real
    return found


@functools.cache
def spectral_gas():
    """(ρ, m_x, m_y, E) of every frame."""
    x, y = np.meshgrid(*[2.0 * np.pi * (np.arange(n) + 0.5) / n for n in SHAPE], indexing="ij")
    rho = 1.0 + 0.2 * np.sin(x + 0.3) + 0.15 * np.cos(y - x)
    v = 0.5 * np.sin(y + 0.5) + 0.2 * np.cos(x + y), 0.4 * np.cos(x) - 0.2 * np.sin(x - y)
    p = 1.0 + 0.2 * np.cos(x + y) + 0.1 * np.sin(y)
    energy = p / (GAMMA - 1.0) + 0.5 * rho * (v[0] ** 2 + v[1] ** 2)
    frames, steps = [np.stack([rho, rho * v[0], rho * v[1], energy])], 4
    for _ in range(FRAMES - 1):
        u = frames[-1]
        for _ in range(steps):
            u = runge_kutta.step(slope, u, INTERVAL / steps)
        frames.append(u)
    return np.stack(frames)
