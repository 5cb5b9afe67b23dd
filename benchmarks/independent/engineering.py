"""Engineering data: frames (time, field, cells) with walls, inflow, fronts or vehicles.

Each function takes a random generator and solves on fine cells, without the library's schemes.
"""

import numpy as np

from .schemes import INTERVAL, averaged, outflow, weno
from .states import CELLS, FINE, FINER, waves


def settling(rng, frames=60, cells=CELLS):
    """Batch settling in a closed column, f(u) = v u (1 - u)³, not concave, by Godunov's scheme."""
    v, fine = rng.uniform(0.8, 1.2), FINER
    top = 0.25

    def flux(u):
        return v * u * (1.0 - u) ** 3

    x = (np.arange(fine) + 0.5) / fine
    u = rng.uniform(0.1, 0.25) + 0.05 * np.sin(2 * np.pi * (rng.integers(1, 3) * x + rng.random()))
    found, t, dx = [averaged(u, cells)], 0.0, 1.0 / fine
    for j in range(1, frames):
        while t < (j - 1e-9) * 2 * INTERVAL:
            dt = min(0.5 * dx / v, j * 2 * INTERVAL - t)
            left, right = u[:-1], u[1:]
            rising = np.minimum(flux(left), flux(right))
            peak = (right <= top) & (top <= left)
            falling = np.where(peak, flux(top), np.maximum(flux(left), flux(right)))
            through = np.where(left <= right, rising, falling)
            u = u - dt / dx * np.diff(np.concatenate([[0.0], through, [0.0]]))
            t += dt
        found.append(averaged(u, cells))
    return np.array(found)[:, None]


def flood(rng, frames=46, fine=960):
    """A flood wave, f(h) = a h^(5/3), whose inflow rises and falls: (time, fine cells), and the
    depths at both ends."""
    a, base = rng.uniform(0.4, 0.6), rng.uniform(0.3, 0.5)
    peak, at, width = rng.uniform(0.6, 1.0), rng.uniform(0.2, 0.35), rng.uniform(0.06, 0.1)

    def inflow(t):
        return base + peak * np.exp(-(((t - at) / width) ** 2)) + 0.1 * np.sin(9.0 * t)

    dx, u, t = 1.0 / fine, np.full(fine, base), 0.0
    x = (np.arange(fine) + 0.5) / fine
    u = base + 0.15 * np.exp(-(((x - 0.5) / 0.12) ** 2))
    found, ends = [u.copy()], [[inflow(0.0), u[-1]]]
    for j in range(1, frames):
        while t < (j - 1e-9) * INTERVAL:
            dt = min(0.5 * dx / (a * 5 / 3 * u.max() ** (2 / 3) + 1.0), j * INTERVAL - t)
            through = a * np.concatenate([[inflow(t + dt / 2)], u]) ** (5 / 3)
            u, t = u - dt / dx * np.diff(through), t + dt
        found.append(u.copy())
        ends.append([inflow(t), u[-1]])
    return np.array(found), np.array(ends)


def advection(rng, cells_a_frame, frames=60, cells=CELLS):
    """Waves that move by a given number of cells per frame, as cell averages."""
    speed, fine = cells_a_frame / cells, 8 * CELLS
    k = np.fft.rfftfreq(fine, 1.0 / fine)
    first = np.fft.rfft(waves([rng], fine)[0, 0])
    shifts = np.exp(-2j * np.pi * k * speed * np.arange(frames)[:, None])
    return averaged(np.fft.irfft(first * shifts, fine), cells)[:, None]


def dam_break(rng, frames=60, cells=CELLS):
    """Shallow water between two walls, from a step in the depth."""
    g, at = rng.uniform(0.8, 1.2), rng.uniform(0.35, 0.65)
    low, high = rng.uniform(0.4, 0.6), rng.uniform(0.9, 1.2)
    x = (np.arange(FINE) + 0.5) / FINE
    h = np.where(x < at, high, low)
    state = np.stack([h, 0.0 * h])[None]

    def walls(u, t, ghost):
        sign = np.array([1.0, -1.0])[:, None]
        return np.concatenate(
            [sign * u[..., :ghost][..., ::-1], u, sign * u[..., -ghost:][..., ::-1]], axis=-1
        )

    def flux(u):
        h, m = u[:, :1], u[:, 1:2]
        return np.concatenate([m, m**2 / h + g * h**2 / 2], axis=1)

    def speed(u):
        return np.abs(u[:, 1:2] / u[:, :1]) + np.sqrt(g * u[:, :1])

    return weno(flux, speed, state, frames, cells, pad=walls)[0]


def riemann_problem(rng, isothermal, frames=60, cells=CELLS):
    """Shallow water or an isothermal gas, from one step between free ends: the states lie on a
    curve, where fluxes with other terms fit as well.

    It is solved on three times the length, of which the middle is returned: free ends that repeat
    the outermost cell reflect the rarefaction that leaves, by .02 in the last frame.
    """
    at, left, right = rng.uniform(0.4, 0.6), rng.uniform(0.9, 1.3), rng.uniform(0.4, 0.7)
    g = rng.uniform(0.7, 1.1)
    x = (np.arange(3 * FINE) + 0.5) / FINE - 1.0
    h = np.where(x < at, left, right)
    v = np.where(x < at, rng.uniform(-0.1, 0.1), rng.uniform(-0.1, 0.1))

    def flux(u):
        h, m = u[:, :1], u[:, 1:2]
        pressure = g * h if isothermal else g * h**2 / 2
        return np.concatenate([m, m**2 / h + pressure], axis=1) / 3

    def speed(u):
        h = u[:, :1]
        return (np.abs(u[:, 1:2] / h) + np.sqrt(g if isothermal else g * h)) / 3

    first = np.stack([h, h * v])[None]
    return weno(flux, speed, first, frames, 3 * cells, pad=outflow)[0, ..., cells : 2 * cells]


def aw_rascle(rng, frames=60, cells=CELLS):
    """Aw and Rascle's traffic without relaxation: ∂t ρ + ∂x(ρ v) = 0, ∂t y + ∂x(y v) = 0 with y = ρ
    (v + ρ)."""
    rho = waves([rng], low=0.2, high=0.7)
    v = waves([rng], low=0.3, high=0.7)
    state = np.concatenate([rho, rho * (v + rho)], axis=1)

    def velocity(u):
        return u[:, 1:2] / u[:, :1] - u[:, :1]

    def flux(u):
        return u * velocity(u)

    def speed(u):
        v = velocity(u)
        return np.maximum(np.abs(v), np.abs(v - u[:, :1]))

    return weno(flux, speed, state, frames, cells)[0]


def measured_flow(rng, relaxing=False, frames=60, cells=CELLS):
    """Density and flow ρ v of Aw and Rascle's traffic with y = ρ (v + ρ²); the speed may relax to
    1 - ρ within 20 frames."""
    rho = waves([rng], low=0.25, high=0.7)
    v = waves([rng], low=0.3, high=0.7)
    state = np.concatenate([rho, rho * (v + rho**2)], axis=1)

    def velocity(u):
        return u[:, 1:2] / u[:, :1] - u[:, :1] ** 2

    def flux(u):
        return u * velocity(u)

    def speed(u):
        v = velocity(u)
        return np.maximum(np.abs(v), np.abs(v - 2 * u[:, :1] ** 2))

    def source(u):
        rho = u[:, :1]
        relaxed = rho * (1 - rho - velocity(u)) / (20 * INTERVAL)
        return np.concatenate([0 * rho, relaxed], axis=1)

    fine = weno(flux, speed, state, frames, FINE, source if relaxing else None)[0]
    return averaged(np.concatenate([fine[:, :1], flux(fine)[:, :1]], axis=1), cells)


def porous_medium(rng, frames=60, cells=CELLS):
    """∂t u = ∂xx(a u²) from bumps with fronts, by explicit steps on 512 cells."""
    fine = 4 * CELLS
    a = rng.uniform(0.02, 0.05)
    x = (np.arange(fine) + 0.5) / fine
    u = np.zeros(fine)
    for at in (rng.uniform(0.2, 0.4), rng.uniform(0.6, 0.8)):
        u += rng.uniform(0.4, 1.0) * np.maximum(0.0, 1 - ((x - at) / rng.uniform(0.06, 0.15)) ** 2)
    found, dx = [averaged(u, cells)], 1.0 / fine
    steps = int(np.ceil(INTERVAL * 4 * a * u.max() / dx**2)) + 1
    dt = INTERVAL / steps
    for _ in range(frames - 1):
        for _ in range(steps):
            w = a * u**2
            u = u + dt / dx**2 * (np.roll(w, -1) - 2 * w + np.roll(w, 1))
        found.append(averaged(u, cells))
    return np.array(found)[:, None]


def equal_substeps(rng, frames=60, cells=CELLS, substeps=7):
    """Viscous Burgers by Rusanov's first-order flux on the cells of the data, with equal steps."""
    nu = rng.uniform(0.002, 0.004)
    u = averaged(waves([rng], low=-0.5)[0, 0], cells)
    dx, dt, found = 1.0 / cells, INTERVAL / substeps, [u.copy()]
    for _ in range(frames - 1):
        for _ in range(substeps):
            r = np.roll(u, -1)
            size = np.maximum(np.abs(u), np.abs(r))
            through = 0.25 * (u**2 + r**2) - 0.5 * size * (r - u) - nu * (r - u) / dx
            u = u - dt / dx * (through - np.roll(through, 1))
        found.append(u.copy())
    return np.array(found)[:, None]


def vehicles(rng, frames=60, cells=50, length=10_000.0, count=600):
    """Cars on a ring that follow each other by the intelligent driver model (Treiber, Hennecke and
    Helbing, Phys. Rev. E 62, 2000, 1805-1824): densities by Edie's definition, in vehicles per
    metre over cells and intervals of 20 s, and counts halfway through them."""
    v0, headway, gap0, a, b, size = 30.0, 1.2, 2.0, 1.5, 1.5, 5.0
    every, dt = 20.0, 0.25
    density = 1.0 + 0.6 * waves([rng], 2000, -1.0, 1.0)[0, 0]
    cumulative = np.concatenate([[0.0], np.cumsum(density)]) / np.sum(density)
    x = np.interp(
        (np.arange(count) + 0.5) / count, cumulative, np.linspace(0.0, length, len(cumulative))
    )
    gap = np.roll(x, -1) - x
    gap[-1] += length
    v = np.minimum(v0, np.maximum((gap - size - gap0) / headway, 0.0)) * 0.9
    edges = np.linspace(0.0, length, cells + 1)
    spent, counts = [], []
    steps = int(every / dt)
    for frame in range(-2, frames):  # two intervals until the speeds fit the gaps
        time_spent = np.zeros(cells)
        for step in range(steps):
            gap = np.roll(x, -1) - x
            gap[-1] += length
            closing = v - np.roll(v, -1)
            wanted = gap0 + np.maximum(0.0, v * headway + v * closing / (2 * np.sqrt(a * b)))
            v = np.maximum(0.0, v + dt * a * (1 - (v / v0) ** 4 - (wanted / (gap - size)) ** 2))
            x = x + dt * v
            place = np.histogram(x % length, edges)[0]
            time_spent += dt * place
            if step == steps // 2:
                middle = place
        if frame >= 0:
            spent.append(time_spent / (every * length / cells))
            counts.append(middle / (length / cells))
    return np.array(spent)[:, None], np.array(counts)[:, None]
