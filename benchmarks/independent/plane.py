"""Data on a plane by a scheme in NumPy that the library does not have, and their equations.

    ∂t u + ∂x F(u) + ∂y G(u) = s(u, x, y, t) + ν Δu

Local Lax–Friedrichs fluxes with minmod reconstruction of conserved fields, or that of fifth order
of Jiang and Shu (WENO; J. Comput. Phys. 126, 1996, 202-228), and Heun's method, on cells a third as
long as the observed ones. Beside walls there is no reconstruction.
"""

import dataclasses
from collections.abc import Callable

import numpy as np

from benchmarks.weno import fifth_order

CELLS, PART = 32, 3
FINE = CELLS * PART
_CFL = 0.45


@dataclasses.dataclass(frozen=True)
class Problem:
    """A problem on the unit square.

    **Attributes:**

    - `fields`: their names.
    - `initial`: the averages over fine cells, (field, x, y).
    - `flux`, `speed`: the flux of states along an axis, and a bound of the speeds.
    - `interval`: the time between two frames.
    - `source`: a function of states, x, y and t, or `None`.
    - `diffusivity`: ν.
    - `edge`: the mode of `numpy.pad` at the sides.
    - `solid`: the fine cells that are walls, for fields of which the second and the third are the
      momentum; whole observed cells, which become NaN.
    - `sharp`: whether the reconstruction is that of fifth order, without walls inside.
    """

    fields: tuple[str, ...]
    initial: np.ndarray
    flux: Callable[[np.ndarray, int], np.ndarray]
    speed: Callable[[np.ndarray, int], np.ndarray]
    interval: float
    source: Callable | None = None
    diffusivity: float = 0.0
    edge: str = "wrap"
    solid: np.ndarray | None = None
    sharp: bool = False


def solved(problem: Problem, frames: int) -> np.ndarray:
    """The averages over the observed cells, (time, field, x, y)."""
    u, time = problem.initial, 0.0
    seen = [averaged(u)]
    for k in range(1, frames):
        while time < k * problem.interval - 1e-12:
            rate = sum(float(np.max(problem.speed(u, axis))) for axis in (0, 1)) * FINE
            rate = max(rate, 4.0 * problem.diffusivity * FINE**2)
            dt = min(_CFL / rate, k * problem.interval - time)
            first = u + dt * _change(problem, u, time)
            u = 0.5 * (u + first + dt * _change(problem, first, time + dt))
            time += dt
        seen.append(averaged(u))
    if problem.solid is None:
        return np.stack(seen)
    return np.where(averaged(problem.solid[None]) > 0.0, np.nan, np.stack(seen))


def _change(problem: Problem, u: np.ndarray, time: float) -> np.ndarray:
    rate = np.zeros_like(u)
    for axis in (0, 1):
        line = np.moveaxis(u, 1 + axis, 1)
        padded = np.pad(line, ((0, 0), (2, 2), (0, 0)), mode=problem.edge)
        jump = np.diff(padded, axis=1)
        before, after = jump[:, :-1], jump[:, 1:]
        least = np.where(np.abs(before) < np.abs(after), before, after)
        half = 0.5 * np.where(before * after > 0.0, least, 0.0)
        cells = padded[:, 1:-1]
        low, high = _walls(problem, axis)
        half = np.where(_beside(low) | _beside(high), 0.0, half)
        left, right = (cells + half)[:, :-1], (cells - half)[:, 1:]
        if problem.sharp:
            wide = np.pad(line, ((0, 0), (3, 3), (0, 0)), mode=problem.edge)
            left, right = _fifth_order(wide[:, :-1]), _fifth_order(wide[:, :0:-1])[:, ::-1]
        sign = np.where(np.arange(len(u)) == 1 + axis, -1.0, 1.0)[:, None, None]
        left, right = np.where(low, sign * right, left), np.where(high, sign * left, right)
        bound = np.maximum(problem.speed(left, axis), problem.speed(right, axis))
        through = 0.5 * (problem.flux(left, axis) + problem.flux(right, axis))
        through = through - 0.5 * bound * (right - left)
        if problem.diffusivity:
            through = through - problem.diffusivity * FINE * jump[:, 1:-1]
        through = np.where((low | high) & (sign > 0.0), 0.0, through)
        rate += np.moveaxis(-np.diff(through, axis=1) * FINE, 1, 1 + axis)
    if problem.source is not None:
        x, y = np.meshgrid(centres(), centres(), indexing="ij")
        rate = rate + problem.source(u, x, y, time)
    return rate if problem.solid is None else np.where(problem.solid, 0.0, rate)


def _fifth_order(padded: np.ndarray) -> np.ndarray:
    """The values at the upper ends of the cells but two at each end, from below."""
    return fifth_order(*(padded[:, k : padded.shape[1] - 4 + k] for k in range(5)))


def _walls(problem: Problem, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """The interfaces along an axis with a wall below, and above."""
    if problem.solid is None:
        return (np.zeros((FINE + 1, FINE), bool),) * 2
    solid = np.pad(np.moveaxis(problem.solid, axis, 0), ((1, 1), (0, 0)), mode="wrap")
    return solid[:-1] & ~solid[1:], solid[1:] & ~solid[:-1]


def _beside(faces: np.ndarray) -> np.ndarray:
    """The cells beside these faces, and one more at each end."""
    padded = np.pad(faces, ((1, 1), (0, 0)), mode="wrap")
    return padded[:-1] | padded[1:]


def averaged(u: np.ndarray) -> np.ndarray:
    return u.reshape(len(u), CELLS, PART, CELLS, PART).mean(axis=(2, 4))


def centres() -> np.ndarray:
    return (np.arange(FINE) + 0.5) / FINE


def smooth(random: np.random.Generator, low: float, high: float, modes: int = 2) -> np.ndarray:
    """A random periodic field between two values."""
    x = 2.0 * np.pi * centres()
    u = np.zeros((FINE, FINE))
    for i in range(-modes, modes + 1):
        for j in range(-modes, modes + 1):
            phase = i * x[:, None] + j * x + random.uniform(0.0, 2.0 * np.pi)
            u += random.normal() / (1 + i * i + j * j) * np.cos(phase)
    return low + (high - low) * (u - u.min()) / np.ptp(u)


def patches(random: np.random.Generator, low: float, high: float) -> np.ndarray:
    """Constant states in rectangles with random sides."""
    cuts = [np.sort(random.uniform(0.0, 1.0, 3)) for _ in range(2)]
    row, column = (np.searchsorted(cut, centres()) % 3 for cut in cuts)
    return random.uniform(low, high, (3, 3))[row[:, None], column[None]]


def scalar(initial: np.ndarray, fluxes, slopes, interval: float, **more) -> Problem:
    """One field, with its fluxes along x and y and their derivatives."""
    return Problem(
        ("u",),
        initial[None],
        lambda u, axis: fluxes[axis](u),
        lambda u, axis: np.abs(slopes[axis](u)),
        interval,
        **more,
    )


def polynomials(random: np.random.Generator, degree: int, initial, **more) -> Problem:
    """One field with a random polynomial along each axis."""
    fluxes = [np.polynomial.Polynomial([0.0, *random.normal(size=degree)]) for _ in range(2)]
    at = np.linspace(initial.min(), initial.max(), 101)
    fastest = max(float(np.max(np.abs(flux.deriv()(at)))) for flux in fluxes)
    fluxes = [flux / fastest for flux in fluxes]
    return scalar(initial, fluxes, [flux.deriv() for flux in fluxes], 0.04, **more)


def water(random: np.random.Generator, h: np.ndarray, velocity: np.ndarray, **more) -> Problem:
    """Shallow water with a random g, and optionally friction as a source."""
    g = random.uniform(1.0, 10.0)

    def flux(u, axis):
        along = u[1 + axis] / u[0]
        found = u * along
        found[1 + axis] += 0.5 * g * u[0] ** 2
        return found

    def speed(u, axis):
        return np.abs(u[1 + axis] / u[0]) + np.sqrt(g * u[0])

    initial = np.stack([h, h * velocity[0], h * velocity[1]])
    return Problem(("h", "m_x", "m_y"), initial, flux, speed, 0.03 / np.sqrt(g), **more)


def gas(random: np.random.Generator, density, velocity, pressure, **more) -> Problem:
    """Euler's equations with a random γ."""
    gamma = random.uniform(1.13, 1.76)

    def pressure_of(u):
        return (gamma - 1.0) * (u[3] - 0.5 * (u[1] ** 2 + u[2] ** 2) / u[0])

    def flux(u, axis):
        along, p = u[1 + axis] / u[0], pressure_of(u)
        found = u * along
        found[1 + axis] += p
        found[3] += p * along
        return found

    def speed(u, axis):
        return np.abs(u[1 + axis] / u[0]) + np.sqrt(gamma * pressure_of(u) / u[0])

    kinetic = 0.5 * density * (velocity[0] ** 2 + velocity[1] ** 2)
    energy = pressure / (gamma - 1.0) + kinetic
    initial = np.stack([density, density * velocity[0], density * velocity[1], energy])
    return Problem(("rho", "m_x", "m_y", "E"), initial, flux, speed, 0.015, **more)
