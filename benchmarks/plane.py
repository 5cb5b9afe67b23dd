"""Identification and forecast of two-dimensional frames from another solver.

    python benchmarks/plane.py make FOLDER     (needs only Clawpack and NumPy; 20 minutes)
    python benchmarks/plane.py measure FOLDER
    python benchmarks/plane.py large FOLDER    (needs only Clawpack and NumPy; a minute)
    python benchmarks/plane.py windows FOLDER  (needs only Clawpack and NumPy; 5 minutes)

`make` solves two problems of gas dynamics with random quadrants for each of the ten γ of The Well,
four pairs of dam breaks, and the rotating wave of Kurganov, Petrova and Popov from a disc and from
smooth data, with PyClaw (wave propagation, MC limiter; transverse waves but for the last) on 256²
periodic cells, and stores 40 frames of averages over 4 × 4 cells. `measure` forecasts thirty frames
from the first ten, on the cells that the back-test chooses and on those of the data. `large` makes
20 frames of a gas on 512² cells, and of averages over 2 × 2 of them, for `measure`. `windows` makes
sixteen gases with random γ on 128² cells, averaged to 32², for `hfluxno benchmark euler2d --data
euler2d=FOLDER`.
"""

import logging
import logging.config
import sys
import time
from pathlib import Path
from unittest import mock

import numpy as np

FINE, COARSE, SEEN, AHEAD = 256, 64, 10, 30
FRAMES = SEEN + AHEAD
GAMMAS = (1.13, 1.22, 1.3, 1.33, 1.365, 1.4, 1.404, 1.453, 1.597, 1.76)
GRAVITY = 9.81
OF_EACH_GAMMA, OF_WATER, OF_KPP = 2, 4, 3
FIELDS = {4: ("rho", "m_x", "m_y", "E"), 3: ("h", "m_x", "m_y"), 1: ("u",)}
STEPS = (1, 5, 10, 30)
# The windows of steps of The Well.
VRMSE = (slice(5, 12), slice(12, 30))


def pyclaw(fine: int, coarse: int, count: int):
    """A function that solves a Riemann problem from a state on `fine`² cells, and returns `count`
    frames of averages on `coarse`² of them."""
    # On import PyClaw reconfigures the root logger and opens pyclaw.log in the current directory.
    with mock.patch.object(logging.config, "fileConfig"):
        from clawpack import pyclaw
    logging.disable(logging.CRITICAL)

    def run(riemann, initial, interval, split=False, **constants):
        fields = len(initial)
        solver = pyclaw.ClawSolver2D(riemann)
        solver.num_eqn = solver.num_waves = fields
        solver.dimensional_split, solver.transverse_waves = split, 0 if split else 2
        solver.limiters, solver.order = 1 if split else 4, 2
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
    from clawpack.riemann import euler_4wave_2D, kpp_2D, shallow_roe_with_efix_2D

    folder.mkdir(parents=True, exist_ok=True)
    for k in range(OF_KPP):
        values = run(kpp_2D, rotating(k), 0.0125, split=True, efix=True)
        np.savez(folder / f"kpp_{k}.npz", values=values, dt=0.0125)
    for k in range(OF_WATER):
        values = run(shallow_roe_with_efix_2D, dams(k), 0.01, grav=GRAVITY)
        np.savez(folder / f"water_{GRAVITY}_{k}.npz", values=values, dt=0.01)
    for k in range(OF_EACH_GAMMA):
        for gamma in GAMMAS:
            initial = quadrants(gamma, k)
            values = run(euler_4wave_2D, initial, 0.015, gamma=gamma, gamma1=gamma - 1.0)
            np.savez(folder / f"euler_{gamma}_{k}.npz", values=values, dt=0.015)


def large(folder: Path) -> None:
    fine, gamma, interval = 512, 1.4, 0.015 / 4
    run = pyclaw(fine, fine, 2 * SEEN)
    from clawpack.riemann import euler_4wave_2D

    folder.mkdir(parents=True, exist_ok=True)
    initial = quadrants(gamma, 0, fine)
    values = run(euler_4wave_2D, initial, interval, gamma=gamma, gamma1=gamma - 1.0)
    half = values.reshape(*values.shape[:2], fine // 2, 2, fine // 2, 2).mean(axis=(3, 5))
    for each in (values, half):
        np.savez(folder / f"euler_{gamma}_{each.shape[-1]}.npz", values=each, dt=interval)


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


def rotating(k: int) -> np.ndarray:
    """The disc of Kurganov, Petrova and Popov, or smooth states between the same values."""
    x = (np.arange(FINE) + 0.5) / FINE
    if k == 0:
        part = 1.0 * (np.hypot(x[:, None] - 0.5, x - 0.5) < 0.25)
    else:
        random = np.random.default_rng(k)
        field = np.zeros((FINE, FINE))
        for i in range(3):
            for j in range(-2, 3):
                wave = 2 * np.pi * (i * x[:, None] + j * x + random.uniform())
                field += random.normal() / (1 + i * i + j * j) * np.cos(wave)
        part = (field - field.min()) / np.ptp(field)
    return (np.pi * (0.25 + 3.25 * part))[None]


def measure(folder: Path) -> None:
    import hfluxno

    heads = [*(f"step {k}" for k in STEPS), "bound, 10", "on cells of the data, 10"]
    heads += ["VRMSE 6:12", "13:30", "repeating a frame, 10", "seconds"]
    print("| data | law | " + " | ".join(heads) + " |\n|" + "---|" * (len(heads) + 2))
    every: dict[str, list] = {}
    for file in sorted(folder.glob("*.npz")):
        stored = np.load(file)
        values, interval = stored["values"], float(stored["dt"])
        context, truth = context_of(values, interval), values[SEEN:]
        begin = time.perf_counter()
        ahead = hfluxno.forecast(context, len(truth))
        seconds = time.perf_counter() - begin
        frames, found = np.asarray(ahead.trajectory.values), ahead.identifications[0]
        errors = relative(frames, truth)
        coarse = relative(on_cells_of_data(context, found), truth[:10])
        away = vrmse(frames, truth)
        row = [errors[k - 1] if k <= len(errors) else np.nan for k in STEPS]
        bounds = ahead.predicted_error_90
        row += [np.nan if bounds is None else float(bounds[9]), coarse[-1]]
        row += [away[steps].mean() if len(away) >= steps.stop else np.nan for steps in VRMSE]
        row.append(relative(values[SEEN - 1], truth)[9])
        said = found.recognised
        name = "none" if said is None else f"{said.name}, {said.symbol} = {said.value:.4f} ± "
        name += "" if said is None else f"{said.deviation:.4f}"
        every.setdefault(file.stem.partition("_")[0], []).append(row)
        shown = f"{numbers(row)} | {seconds:.0f} |"
        print(f"| {file.stem} | {name} ({found.status.name}) | {shown}", flush=True)
    for name, rows in every.items():
        table = np.array(rows)
        print(f"| mean of {len(table)} {name} | | {numbers(table.mean(axis=0))} | |")
        if len(table) > 1:
            error = table.std(axis=0, ddof=1) / np.sqrt(len(table))
            print(f"| its standard error | | {numbers(error)} | |")


def context_of(values: np.ndarray, interval: float):
    from hfluxno import Grid, Trajectory

    grid, times = Grid.rectangle(values.shape[2:]), np.arange(SEEN) * interval
    return Trajectory(values[:SEEN], times, grid, FIELDS[values.shape[1]])


def on_cells_of_data(context, found) -> np.ndarray:
    """Ten frames from the last one, on the cells of the data."""
    import jax

    from hfluxno.identify.plane.frames import frames_of
    from hfluxno.identify.plane.run import Start, onward, state_of

    seen, start = frames_of(context), Start("restart", 1)
    with jax.enable_x64(True):
        state, _ = state_of(found.grid_law, seen, start)
        return onward(found.grid_law, seen, start, state, np.ones(10)).frames


def relative(frames: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """The relative l2 error of each frame."""
    away, size = (np.sum(each**2, axis=(1, 2, 3)) for each in (frames - truth, truth))
    return np.sqrt(away / size)


def vrmse(frames: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """The error of each frame over the deviation of the truth, mean over fields."""
    from hfluxno.evaluation.metrics import vrmse as of_cells

    lines = [each.reshape(*each.shape[:2], -1) for each in (frames, truth)]
    return of_cells(*lines).mean(axis=1)


def numbers(row) -> str:
    return " | ".join("–" if np.isnan(number) else f"{number:.4f}" for number in row)


if __name__ == "__main__":
    known = {"make": make, "large": large, "measure": measure, "windows": windows}
    known[sys.argv[1]](Path(sys.argv[2]))
