"""Identification and forecast of one field on a plane, also with fluxes that are not convex.

    python benchmarks/one_field.py

The rotating wave of Kurganov, Petrova and Popov (sin u along x, cos u along y) from its disc and
from smooth data, laws that are cubic along both axes, and a rotation, whose flux depends on place.
The truth comes from a scheme in NumPy (Lax–Friedrichs with minmod reconstruction, Heun's method) on
256² cells, averaged over 4 × 4 cells; that of the rotation is exact. Ten frames are the context,
the next ten are forecast.
"""

import time

import numpy as np

FINE, COARSE, SEEN, AHEAD = 256, 64, 10, 10
FRAMES = SEEN + AHEAD
# Fluxes along x and y, and bounds of their derivatives over the values of the problem.
KPP = (np.sin, np.cos), (1.0, 1.0)
CUBIC = (lambda u: u**3 / 3.0 - 0.4 * u, lambda u: 0.5 * u**3 + 0.3 * u**2), (1.3, 2.9)


def frames(first: np.ndarray, law, cell: float, interval: float, edge: str) -> np.ndarray:
    """All frames on coarse cells; `edge` is the mode of `numpy.pad` at the sides."""
    fluxes, speeds = law
    steps = int(np.ceil(interval * max(speeds) / (0.2 * cell)))
    dt, u = interval / steps, first
    seen = [averaged(u)]
    for _ in range(FRAMES - 1):
        for _ in range(steps):
            stage = u + dt * change(u, fluxes, speeds, cell, edge)
            u = 0.5 * (u + stage + dt * change(stage, fluxes, speeds, cell, edge))
        seen.append(averaged(u))
    return np.stack(seen)


def change(u, fluxes, speeds, cell: float, edge: str) -> np.ndarray:
    """∂t u."""
    rate = np.zeros_like(u)
    for axis, (flux, speed) in enumerate(zip(fluxes, speeds, strict=True)):
        line = u.T if axis else u
        padded = np.pad(line, ((2, 2), (0, 0)), mode=edge)
        jump = np.diff(padded, axis=0)
        before, after = jump[:-1], jump[1:]
        least = np.where(np.abs(before) < np.abs(after), before, after)
        half = 0.5 * np.where(before * after > 0.0, least, 0.0)
        cells = padded[1:-1]
        left, right = (cells + half)[:-1], (cells - half)[1:]
        through = 0.5 * (flux(left) + flux(right)) - 0.5 * speed * (right - left)
        part = -np.diff(through, axis=0) / cell
        rate += part.T if axis else part
    return rate


def averaged(u: np.ndarray) -> np.ndarray:
    part = FINE // COARSE
    return u.reshape(COARSE, part, COARSE, part).mean(axis=(1, 3))


def smooth(seed: int, low: float, high: float) -> np.ndarray:
    """A random periodic field between two values."""
    random = np.random.default_rng(seed)
    x = 2.0 * np.pi * (np.arange(FINE) + 0.5) / FINE
    u = np.zeros((FINE, FINE))
    for i in range(-3, 4):
        for j in range(-3, 4):
            phase = i * x[:, None] + j * x + random.uniform(0.0, 2.0 * np.pi)
            u += random.normal() / (1 + i * i + j * j) * np.cos(phase)
    return low + (high - low) * (u - u.min()) / np.ptp(u)


def turning(rate: float, interval: float) -> np.ndarray:
    """A density that rotates about the centre, as averages of the exact solution."""
    x = (np.arange(FINE) + 0.5) / FINE - 0.5
    seen = []
    for angle in rate * interval * np.arange(FRAMES):
        a = np.cos(angle) * x[:, None] + np.sin(angle) * x
        b = np.cos(angle) * x - np.sin(angle) * x[:, None]
        seen.append(averaged(np.exp(-80.0 * ((a - 0.15) ** 2 + 2.0 * b**2))))
    return np.stack(seen)


def problems():
    """The name, the interval, the sides and the frames of each problem."""
    x, y = (low + 4.0 * (np.arange(FINE) + 0.5) / FINE for low in (-2.0, -2.5))
    disc = np.where(np.add.outer(x**2, y**2) < 1.0, 3.5 * np.pi, 0.25 * np.pi)
    yield "KPP, disc", 0.05, "outflow", frames(disc, KPP, 4.0 / FINE, 0.05, "edge")
    laws = (("KPP, smooth", KPP, 0.0, 9.0), ("cubic", CUBIC, -1.3, 1.2))
    for name, law, low, high in laws:
        for seed in (0, 1):
            first = smooth(seed, low, high)
            yield f"{name} {seed}", 0.015, "periodic", frames(first, law, 1.0 / FINE, 0.015, "wrap")
    yield "rotation", 0.05, "outflow", turning(1.0, 0.05)


def main() -> None:
    import hfluxno
    from hfluxno.grid import Grid
    from hfluxno.trajectory import Trajectory

    def relative(frame, truth):
        return float(np.linalg.norm(frame - truth) / np.linalg.norm(truth))

    print(
        "| data | status | back-test | 1 step | 5 steps | 10 steps | repeating a frame | seconds |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for name, interval, side, values in problems():
        upper = (4.0, 4.0) if "disc" in name else (1.0, 1.0)
        grid = Grid.rectangle((COARSE, COARSE), upper=upper, boundary=(side, side))
        context = Trajectory(values[:SEEN, None], interval * np.arange(SEEN), grid, ("u",))
        begin = time.perf_counter()
        ahead = hfluxno.forecast(context, AHEAD)
        seconds = time.perf_counter() - begin
        found, truth = np.asarray(ahead.trajectory.values)[:, 0], values[SEEN:]
        errors = [relative(found[k], truth[k]) for k in (0, 4, 9)]
        numbers = [float(ahead.backtest_error), *errors, relative(values[SEEN - 1], truth[9])]
        shown = " | ".join(f"{number:.4f}" for number in numbers)
        status = ahead.identifications[0].status.name
        print(f"| {name} | {status} | {shown} | {seconds:.0f} |", flush=True)


if __name__ == "__main__":
    main()
