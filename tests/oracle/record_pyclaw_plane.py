"""Record PyClaw's answers on a plane in pyclaw_plane.npz and pyclaw_plane.json.

The scheme is the unsplit one without transverse waves, with the Fortran Riemann solvers of the
package and steps of equal length. Run ``python tests/oracle/record_pyclaw_plane.py`` where clawpack
is installed (see README.md). No wave speed but that of contacts and shear passes zero in these
problems, so the entropy fixes of the Riemann solvers never act.
"""

from __future__ import annotations

import json
import logging
import logging.config
import platform
from importlib.metadata import version
from pathlib import Path
from unittest import mock

import numpy as np

# On import PyClaw reconfigures the root logger and opens pyclaw.log in the current directory.
with mock.patch.object(logging.config, "fileConfig"):
    from clawpack import pyclaw
    from clawpack.riemann import euler_4wave_2D, shallow_roe_with_efix_2D

HERE = Path(__file__).resolve().parent
LIMITERS = {"none": 0, "minmod": 1, "superbee": 2, "vanleer": 3, "MC": 4}
BOUNDARIES = {
    "periodic": pyclaw.BC.periodic,
    "extrap": pyclaw.BC.extrap,
    "wall": pyclaw.BC.wall,
}
SOLVERS = {
    "euler": (euler_4wave_2D, 4, 4, "gamma"),
    "shallow_water": (shallow_roe_with_efix_2D, 3, 3, "grav"),
}


def run(problem, q0, dt, steps, *, limiter, upper, bc, parameter):
    """The cell averages (field, x, y) after ``steps`` steps of length ``dt`` from ``q0``.

    ``bc`` names the boundaries of x (lower, upper) and y (lower, upper); ``parameter`` is γ or g.
    """
    riemann, fields, waves, name = SOLVERS[problem]
    solver = pyclaw.ClawSolver2D(riemann)
    solver.num_eqn, solver.num_waves = fields, waves
    solver.dimensional_split = False
    solver.transverse_waves = 0
    solver.limiters = LIMITERS[limiter]
    solver.order = 2
    solver.dt_variable = False
    solver.dt_initial = solver.dt = dt
    solver.cfl_desired, solver.cfl_max = 0.4, 0.5
    solver.max_steps = steps + 1
    for axis in range(2):
        solver.bc_lower[axis] = BOUNDARIES[bc[axis][0]]
        solver.bc_upper[axis] = BOUNDARIES[bc[axis][1]]
    x, y = (
        pyclaw.Dimension(0.0, length, cells, name=label)
        for length, cells, label in zip(upper, q0.shape[1:], "xy", strict=True)
    )
    domain = pyclaw.Domain([x, y])
    state = pyclaw.State(domain, fields)
    state.problem_data[name] = parameter
    if problem == "euler":
        state.problem_data["gamma1"] = parameter - 1.0
    state.q[...] = q0
    solution = pyclaw.Solution(state, domain)
    solver.setup(solution)
    solver.evolve_to_time(solution, dt * steps)
    assert solver.status["numsteps"] == steps, "the steps have another length"
    return solution.state.q.copy()


def smooth(rng: np.random.Generator, shape, size: float) -> np.ndarray:
    """A random function of three waves, periodic on both axes."""
    x, y = np.meshgrid(*[(np.arange(n) + 0.5) / n for n in shape], indexing="ij")
    waves = rng.integers(-2, 3, size=(3, 2))
    phases = rng.uniform(0.0, 2.0 * np.pi, 3)
    field = sum(
        np.sin(2.0 * np.pi * (k * x + m * y) + p) for (k, m), p in zip(waves, phases, strict=True)
    )
    return size * field / 3.0


def quadrants(rng: np.random.Generator, shape, low: float, high: float) -> np.ndarray:
    x, y = (np.arange(n) // (n // 2) % 2 for n in shape)
    return rng.uniform(low, high, size=(2, 2))[x[:, None], y[None, :]]


def gas(density, velocity, pressure, gamma):
    energy = pressure / (gamma - 1.0) + 0.5 * density * (velocity[0] ** 2 + velocity[1] ** 2)
    return np.stack([density, density * velocity[0], density * velocity[1], energy])


def cases():
    shape = (24, 20)
    around = (("periodic", "periodic"), ("periodic", "periodic"))
    tank = (("wall", "extrap"), ("wall", "wall"))
    rng = np.random.default_rng(2)
    flow = [0.3 + smooth(rng, shape, 0.15), -0.2 + smooth(rng, shape, 0.1)]
    wavy = gas(1.0 + smooth(rng, shape, 0.3), flow, 1.0 + smooth(rng, shape, 0.2), 1.4)
    flow = [quadrants(rng, shape, 0.1, 0.4), quadrants(rng, shape, -0.4, -0.1)]
    jumps = gas(quadrants(rng, shape, 0.7, 1.5), flow, quadrants(rng, shape, 0.8, 1.3), 1.3)
    height = quadrants(rng, shape, 0.7, 1.3)
    water = np.stack([height, 0.2 * height, height * quadrants(rng, shape, -0.2, 0.2)])
    yield "euler_smooth_mc", "euler", wavy, 0.004, "MC", around, 1.4
    yield "euler_smooth_none", "euler", wavy, 0.004, "none", around, 1.4
    yield "euler_quadrants_van_leer", "euler", jumps, 0.004, "vanleer", around, 1.3
    yield "euler_quadrants_walls", "euler", jumps, 0.004, "minmod", tank, 1.3
    yield "water_quadrants_mc", "shallow_water", water, 0.006, "MC", around, 1.0
    yield "water_quadrants_walls", "shallow_water", water, 0.006, "superbee", tank, 1.0


STEPS = 40
UPPER = (1.2, 0.5)


def main() -> None:
    arrays, described = {}, {}
    for name, problem, q0, dt, limiter, bc, parameter in cases():
        options = {"limiter": limiter, "upper": UPPER, "bc": bc, "parameter": parameter}
        arrays[f"{name}/q0"] = q0
        arrays[f"{name}/values"] = run(problem, q0, dt, STEPS, **options)
        assert np.all(np.isfinite(arrays[f"{name}/values"])), name
        described[name] = {"problem": problem, "dt": dt, "steps": STEPS, **options}
    np.savez_compressed(HERE / "pyclaw_plane.npz", **arrays)
    sidecar = {
        "format": 1,
        "made_by": {
            "clawpack": version("clawpack"),
            "numpy": version("numpy"),
            "python": platform.python_version(),
        },
        "scheme": "PyClaw ClawSolver2D, unsplit, transverse_waves = 0, order 2",
        "cases": described,
    }
    text = json.dumps(sidecar, indent=1) + "\n"
    (HERE / "pyclaw_plane.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
