"""Identification and forecast of two-dimensional frames from another solver.

    python benchmarks/plane.py make FOLDER     (needs only Clawpack and NumPy; 20 minutes)
    python benchmarks/plane.py measure FOLDER
    python benchmarks/plane.py windows FOLDER  (needs only Clawpack and NumPy; 5 minutes)

`make` solves three problems of gas dynamics with random quadrants for each of six γ, and two dam
breaks, with PyClaw (wave propagation with transverse waves, MC limiter) on 256² periodic cells, and
stores 20 frames of averages over 4 × 4 cells. `measure` forecasts ten frames from the first ten.
`windows` makes sixteen gases with random γ on 128² cells, averaged to 32², for `hfluxno benchmark
euler2d --data euler2d=FOLDER`.
"""

import logging
import logging.config
import sys
import time
from pathlib import Path
from unittest import mock

import numpy as np

FINE, COARSE, SEEN, AHEAD = 256, 64, 10, 10
FRAMES = SEEN + AHEAD
GAMMAS, GRAVITY = (1.13, 1.22, 1.3, 1.4, 1.55, 1.76), 9.81
OF_EACH_GAMMA, OF_WATER = 3, 2
FIELDS = {4: ("rho", "m_x", "m_y", "E"), 3: ("h", "m_x", "m_y")}


def pyclaw(fine: int, coarse: int, count: int):
    """A function that solves a Riemann problem from a state on `fine`² cells, and returns `count`
    frames of averages on `coarse`² of them."""
    # On import PyClaw reconfigures the root logger and opens pyclaw.log in the current directory.
    with mock.patch.object(logging.config, "fileConfig"):
        from clawpack import pyclaw
    logging.disable(logging.CRITICAL)

    def run(riemann, initial, interval, **constants):
        fields = len(initial)
        solver = pyclaw.ClawSolver2D(riemann)
        solver.num_eqn = solver.num_waves = fields
        solver.dimensional_split, solver.transverse_waves = False, 2
        solver.limiters, solver.order = 4, 2
        solver.cfl_desired, solver.cfl_max, solver.max_steps = 0.45, 0.5, 100_000
        solver.dt_initial = 1e-4
        for axis in range(2):
            solver.bc_lower[axis] = solver.bc_upper[axis] = pyclaw.BC.periodic
        domain = pyclaw.Domain([pyclaw.Dimension(0.0, 1.0, fine, name=name) for name in "xy"])
        state = pyclaw.State(domain, fields)
        state.problem_data.update(constants)
        state.q[...] = initial
        solution = pyclaw.Solution(state, domain)
        solver.setup(solution)
        frames = [initial.copy()]
        for k in range(1, count):
            solver.evolve_to_time(solution, k * interval)
            frames.append(solution.state.q.copy())
        part = fine // coarse
        return np.stack(frames).reshape(count, fields, coarse, part, coarse, part).mean((3, 5))

    return run


def make(folder: Path) -> None:
    run = pyclaw(FINE, COARSE, FRAMES)
    from clawpack.riemann import euler_4wave_2D, shallow_roe_with_efix_2D

    folder.mkdir(parents=True, exist_ok=True)
    for gamma in GAMMAS:
        for k in range(OF_EACH_GAMMA):
            initial = quadrants(gamma, k)
            values = run(euler_4wave_2D, initial, 0.015, gamma=gamma, gamma1=gamma - 1.0)
            np.savez(folder / f"euler_{gamma}_{k}.npz", values=values, dt=0.015)
    for k in range(OF_WATER):
        values = run(shallow_roe_with_efix_2D, dams(k), 0.01, grav=GRAVITY)
        np.savez(folder / f"water_{GRAVITY}_{k}.npz", values=values, dt=0.01)


def windows(folder: Path) -> None:
    fine, coarse, count, interval = 128, 32, 22, 0.015
    run = pyclaw(fine, coarse, count)
    from clawpack.riemann import euler_4wave_2D

    folder.mkdir(parents=True, exist_ok=True)
    x = (np.arange(coarse) + 0.5) / coarse
    for k, gamma in enumerate(np.random.default_rng(0).uniform(1.13, 1.76, 16)):
        initial = quadrants(gamma, k, fine)
        values = run(euler_4wave_2D, initial, interval, gamma=gamma, gamma1=gamma - 1.0)
        fields = ["density", "momentum_x", "momentum_y", "energy"]
        np.savez(folder / f"{k:02d}.npz", values=values, fields=fields, x=x, y=x,
                 time=interval * np.arange(count))  # fmt: skip


def quadrants(gamma: float, k: int, fine: int = FINE) -> np.ndarray:
    """Random constant states in two or three columns and rows."""
    random = np.random.default_rng([round(gamma * 100), k])
    if k % 2 == 0:
        cuts = [np.array([0.25, 0.75]) + random.uniform(-0.05, 0.05, 2) for _ in range(2)]
    else:
        cuts = [np.array([0.1, 0.45, 0.8])] * 2
    x = (np.arange(fine) + 0.5) / fine
    row, column = (np.searchsorted(cut, x) % len(cut) for cut in cuts)

    def states(low, high):
        table = random.uniform(low, high, (len(cuts[0]), len(cuts[1])))
        return table[row[:, None], column[None]]

    density, pressure = states(0.3, 1.8), states(0.3, 1.8)
    u, v = states(-0.8, 0.8), states(-0.8, 0.8)
    energy = pressure / (gamma - 1.0) + 0.5 * density * (u * u + v * v)
    return np.stack([density, density * u, density * v, energy])


def dams(k: int) -> np.ndarray:
    """Two round columns of water in a stream."""
    random = np.random.default_rng(k)
    x = (np.arange(FINE) + 0.5) / FINE
    h = np.ones((FINE, FINE))
    for _ in range(2):
        at, to = random.uniform(0.25, 0.75), random.uniform(0.25, 0.75)
        radius = random.uniform(0.12, 0.25)
        h = h + random.uniform(0.3, 1.0) * (np.hypot(x[:, None] - at, x - to) < radius)
    return np.stack([h, 0.3 * h, -0.2 * h])


def measure(folder: Path) -> None:
    import hfluxno
    from hfluxno.grid import Grid
    from hfluxno.trajectory import Trajectory

    print("| data | law | 1 step | 5 steps | 10 steps | repeating a frame | seconds |")
    print("|---|---|---|---|---|---|---|")
    every: dict[str, list] = {}
    for file in sorted(folder.glob("*.npz")):
        stored = np.load(file)
        values = stored["values"]
        fields = FIELDS[values.shape[1]]
        grid, times = Grid.rectangle(values.shape[2:]), np.arange(SEEN) * float(stored["dt"])
        begin = time.perf_counter()
        ahead = hfluxno.forecast(Trajectory(values[:SEEN], times, grid, fields), AHEAD)
        seconds = time.perf_counter() - begin
        frames, truth = np.asarray(ahead.trajectory.values), values[SEEN : SEEN + AHEAD]
        errors = [_relative(frames[k], truth[k]) for k in (0, 4, 9)]
        still = _relative(values[SEEN - 1], truth[9])
        found = ahead.identifications[0]
        law = found.recognised
        name = "none" if law is None else f"{law.name}, {law.symbol} = {law.value:.4f} ± "
        name += "" if law is None else f"{law.deviation:.4f}"
        every.setdefault(file.stem.partition("_")[0], []).append((*errors, still))
        shown = f"{_numbers((*errors, still))} | {seconds:.0f} |"
        print(f"| {file.stem} | {name} ({found.status.name}) | {shown}", flush=True)
    for name, rows in every.items():
        table = np.array(rows)
        print(f"| mean of {len(table)} {name} | | {_numbers(table.mean(axis=0))} | |")
        error = table.std(axis=0, ddof=1) / np.sqrt(len(table))
        print(f"| its standard error | | {_numbers(error)} | |")


def _numbers(row) -> str:
    return " | ".join(f"{number:.4f}" for number in row)


def _relative(frame: np.ndarray, truth: np.ndarray) -> float:
    return float(np.linalg.norm(frame - truth) / np.linalg.norm(truth))


if __name__ == "__main__":
    {"make": make, "measure": measure, "windows": windows}[sys.argv[1]](Path(sys.argv[2]))
