"""Records Shu and Osher's problem, a shock that runs into waves of density, in `shu_osher.npz`.

From `python tests/oracle/record_shu_osher.py`, in NumPy alone and without anything of ours: WENO of
fifth order on cell averages (Jiang and Shu, J. Comput. Phys. 1996), HLLC fluxes and Shu and Osher's
Runge-Kutta scheme of third order (J. Comput. Phys. 1989, whose example 8 this is), on 6400
cells, averaged to 200. `uncertainty` is how much the averages of ρ, m and E differ in the mean from
those of half as many cells.
"""

from pathlib import Path

import numpy as np

GAMMA, LOWER, UPPER, JUMP, END = 1.4, -5.0, 5.0, -4.0, 1.8
SHOCKED = 3.857143, 2.629369, 31.0 / 3.0  # density, velocity and pressure behind a shock of Mach 3
CELLS, WINDOWS = 6400, 200


def first_averages(cells):
    """(ρ, m, E) of cells whose edges meet the jump."""
    edges = np.linspace(LOWER, UPPER, cells + 1)
    density = 1.0 - 0.2 * np.diff(np.cos(5.0 * edges)) / (5.0 * np.diff(edges))
    shocked = edges[1:] < JUMP + 1e-9
    rho, v, p = (
        np.where(shocked, left, right)
        for left, right in zip(SHOCKED, (density, 0.0, 1.0), strict=True)
    )
    return np.stack([rho, rho * v, p / (GAMMA - 1.0) + 0.5 * rho * v**2])


def weno(a, b, c, d, e):
    """The value at the right face of c, of five averages in a row."""
    ways = (2 * a - 7 * b + 11 * c) / 6, (2 * c + 5 * d - e) / 6, (-b + 5 * c + 2 * d) / 6
    rough = (
        13 / 12 * (a - 2 * b + c) ** 2 + (a - 4 * b + 3 * c) ** 2 / 4,
        13 / 12 * (c - 2 * d + e) ** 2 + (3 * c - 4 * d + e) ** 2 / 4,
        13 / 12 * (b - 2 * c + d) ** 2 + (b - d) ** 2 / 4,
    )
    weights = [w / (1e-6 + r) ** 2 for w, r in zip((0.1, 0.3, 0.6), rough, strict=True)]
    return sum(w * way for w, way in zip(weights, ways, strict=True)) / sum(weights)


def hllc(left, right):
    states = []
    for rho, m, energy in (left, right):
        v = m / rho
        p = (GAMMA - 1.0) * (energy - 0.5 * m * v)
        states.append((rho, v, p, energy, np.sqrt(GAMMA * p / rho)))
    (rl, vl, pl, el, cl), (rr, vr, pr, er, cr) = states
    sl, sr = np.minimum(vl - cl, vr - cr), np.maximum(vl + cl, vr + cr)
    middle = (pr - pl + rl * vl * (sl - vl) - rr * vr * (sr - vr)) / (
        rl * (sl - vl) - rr * (sr - vr)
    )

    def side(state, rho, v, p, energy, s):
        flux = np.stack([rho * v, rho * v**2 + p, v * (energy + p)])
        inside = rho * (s - v) / (s - middle)
        total = energy / rho + (middle - v) * (middle + p / (rho * (s - v)))
        return flux, flux + s * (np.stack([inside, inside * middle, inside * total]) - state)

    outer_l, inner_l = side(left, rl, vl, pl, el, sl)
    outer_r, inner_r = side(right, rr, vr, pr, er, sr)
    inner = np.where(middle > 0.0, inner_l, inner_r)
    return np.where(sl > 0.0, outer_l, np.where(sr < 0.0, outer_r, inner))


def slope(u, spacing):
    padded = np.pad(u, ((0, 0), (3, 3)), mode="edge")
    count = u.shape[1] + 1
    cells = [padded[:, k : k + count] for k in range(6)]  # three on either side of a face
    flux = hllc(weno(*cells[:5]), weno(*cells[:0:-1]))
    return -np.diff(flux) / spacing


def solved(cells):
    u, time, spacing = first_averages(cells), 0.0, (UPPER - LOWER) / cells
    while time < END:
        rho, m, energy = u
        sound = np.sqrt(GAMMA * (GAMMA - 1.0) * (energy - 0.5 * m**2 / rho) / rho)
        step = min(0.5 * spacing / np.max(np.abs(m / rho) + sound), END - time)
        one = u + step * slope(u, spacing)
        two = 0.75 * u + 0.25 * (one + step * slope(one, spacing))
        u, time = u / 3.0 + 2.0 / 3.0 * (two + step * slope(two, spacing)), time + step
    return u.reshape(3, WINDOWS, -1).mean(axis=-1)


if __name__ == "__main__":
    fine, half = solved(CELLS), solved(CELLS // 2)
    np.savez(
        Path(__file__).with_name("shu_osher.npz"),
        averages=fine,
        uncertainty=np.abs(fine - half).mean(axis=1),
    )
