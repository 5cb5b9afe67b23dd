"""Identification and forecast of a gas in a tube that another solver computed.

    python benchmarks/gas.py make FOLDER     (needs only Clawpack and NumPy; a minute)
    python benchmarks/gas.py measure FOLDER

`make` solves Euler's equations on 1600 cells with PyClaw (Roe's solver with an entropy fix, MC
limiter): Sod's states between two diaphragms of a periodic tube for five γ; smooth random states
and random steps for three γ; Sod's tube between outflows and between walls; and the problem of Shu
and Osher (J. Comput. Phys. 83, 1989, 32-78). It stores 60 frames of averages over 8 cells.
`measure` forecasts 40 frames from the first 20, and reports the CPU seconds.
"""

import logging
import logging.config
import sys
import time
from pathlib import Path
from unittest import mock

import numpy as np

FINE, COARSE, SEEN, AHEAD = 1600, 200, 20, 40
FRAMES = SEEN + AHEAD
STEPS = (1, 20, 40)
X = (np.arange(FINE) + 0.5) / FINE


def problems():
    """(name, γ, ends, length, interval, density, velocity and pressure)."""
    inside = (X > 0.25) & (X < 0.75)
    for gamma in (1.13, 1.3, 1.4, 1.667, 1.76):
        sod = np.where(inside, 1.0, 0.125), 0.0 * X, np.where(inside, 1.0, 0.1)
        yield f"diaphragms_{gamma}", gamma, "periodic", 1.0, 0.005, *sod
    for k, gamma in enumerate((1.2, 1.4, 1.6)):
        random = np.random.default_rng(k)
        parts = [0.3 * smooth(random) for _ in range(3)]
        yield f"smooth_{gamma}", gamma, "periodic", 1.0, 0.01, 1 + parts[0], parts[1], 1 + parts[2]
        random = np.random.default_rng(20 + k)
        piece = np.digitize(X, np.sort(random.uniform(size=5))) % 5
        ranges = ((0.2, 1.2), (-0.5, 0.5), (0.2, 1.5))
        steps = [random.uniform(*ends, 5)[piece] for ends in ranges]
        yield f"steps_{gamma}", gamma, "periodic", 1.0, 0.005, *steps
    left = X < 0.5
    sod = np.where(left, 1.0, 0.125), 0.0 * X, np.where(left, 1.0, 0.1)
    yield "sod_1.4", 1.4, "outflow", 1.0, 0.003, *sod
    yield "closed_1.4", 1.4, "wall", 1.0, 0.006, *sod
    left, wavy = X < 0.1, 1.0 + 0.2 * np.sin(5.0 * (10.0 * X - 5.0))
    behind = np.where(left, 2.629369, 0.0), np.where(left, 10.33333, 1.0)
    yield "shu-osher_1.4", 1.4, "outflow", 10.0, 0.025, np.where(left, 3.857143, wavy), *behind


def smooth(random: np.random.Generator) -> np.ndarray:
    """Four random waves, with a maximum of 1."""
    field = np.zeros_like(X)
    for k in range(1, 5):
        a, b = random.normal(size=2) / k
        field += a * np.cos(2 * np.pi * k * X) + b * np.sin(2 * np.pi * k * X)
    return field / np.max(np.abs(field))


def make(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, *problem in problems():
        _, ends, length, interval, *_ = problem
        values = solved(*problem)
        np.savez(folder / f"{name}.npz", values=values, dt=interval, length=length, ends=ends)


def solved(gamma, ends, length, interval, density, velocity, pressure) -> np.ndarray:
    """All frames of a problem, shape (time, field, cell)."""
    # On import PyClaw reconfigures the root logger and opens pyclaw.log in the current directory.
    with mock.patch.object(logging.config, "fileConfig"):
        from clawpack import pyclaw
        from clawpack.riemann import euler_with_efix_1D
    logging.disable(logging.CRITICAL)
    sides = {
        "periodic": pyclaw.BC.periodic,
        "outflow": pyclaw.BC.extrap,
        "wall": pyclaw.BC.wall,
    }
    solver = pyclaw.ClawSolver1D(euler_with_efix_1D)
    solver.limiters = [4, 4, 4]
    solver.bc_lower[0] = solver.bc_upper[0] = sides[ends]
    solver.cfl_desired, solver.cfl_max, solver.max_steps = 0.8, 0.9, 100_000
    solver.dt_initial = 1e-5
    domain = pyclaw.Domain(pyclaw.Dimension(0.0, length, FINE, name="x"))
    state = pyclaw.State(domain, 3)
    state.problem_data.update(gamma=gamma, gamma1=gamma - 1.0, efix=True)
    energy = pressure / (gamma - 1.0) + 0.5 * density * velocity**2
    state.q[...] = np.stack([density, density * velocity, energy])
    solution, frames = pyclaw.Solution(state, domain), [state.q.copy()]
    for k in range(1, FRAMES):
        solver.evolve_to_time(solution, k * interval)
        frames.append(solution.state.q.copy())
    return np.stack(frames).reshape(FRAMES, 3, COARSE, -1).mean(axis=-1)


def measure(folder: Path) -> None:
    import hfluxno
    from hfluxno.compilation_cache import use_cache
    from hfluxno.grid import Grid
    from hfluxno.trajectory import Trajectory

    use_cache()
    print("| data | law | 1 step | 20 steps | 40 steps | bound at 20 | at 40 | seconds |")
    print("|---|---|---|---|---|---|---|---|")
    for file in sorted(folder.glob("*.npz")):
        stored = np.load(file)
        values, times = stored["values"], np.arange(SEEN) * float(stored["dt"])
        grid = Grid.interval(COARSE, 0.0, float(stored["length"]), str(stored["ends"]))
        context = Trajectory(values[:SEEN], times, grid, ("rho", "m", "E"))
        begin = time.process_time()
        ahead = hfluxno.forecast(context, AHEAD)
        seconds = time.process_time() - begin
        frames, truth = np.asarray(ahead.trajectory.values), values[SEEN:]
        errors = np.linalg.norm(frames - truth, axis=(1, 2)) / np.linalg.norm(truth, axis=(1, 2))
        found, bounds = ahead.identifications[0], np.asarray(ahead.predicted_error_90)
        name = "none" if found.recognised is None else found.recognised.short
        shown = [f"{errors[n - 1]:.4f}" for n in STEPS] + [f"{bounds[n - 1]:.4f}" for n in (20, 40)]
        row = " | ".join([file.stem, f"{name} ({found.status.name})", *shown, f"{seconds:.0f}"])
        print(f"| {row} |", flush=True)


if __name__ == "__main__":
    {"make": make, "measure": measure}[sys.argv[1]](Path(sys.argv[2]))
