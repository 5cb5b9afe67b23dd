"""Record PyClaw's answers to a fixed list of problems in pyclaw.npz and pyclaw.json.

Run ``python tests/oracle/record_pyclaw.py`` where clawpack is installed (see README.md). Each
case NAME has four arrays in pyclaw.npz: ``NAME/q0`` (d, N), ``NAME/times`` (all output times
that PyClaw landed on), ``NAME/frames`` (indices into times) and ``NAME/values``
(frames, d, N). pyclaw.json says how each case was made.
"""

from __future__ import annotations

import json
import platform
from importlib.metadata import version
from pathlib import Path

import numpy as np
from pyclaw_problems import PROBLEMS, run

HERE = Path(__file__).resolve().parent
CELLS = 100

#: Output times. The dense ones are recorded every tenth frame, and once after a single interval.
SPARSE = (np.linspace(0.0, 0.5, 11), np.arange(11))
DENSE = (np.linspace(0.0, 0.5, 101), np.concatenate([[0, 1], np.arange(10, 101, 10)]))


# --- initial states ---------------------------------------------------------------------------


def random_field(rng: np.random.Generator, covariance: np.ndarray) -> np.ndarray:
    """A periodic Gaussian field on the cells, from the covariance of cell 0 with each cell."""
    power = np.maximum(np.fft.fft(covariance).real, 0.0)
    noise = rng.standard_normal(covariance.size)
    return np.fft.ifft(np.sqrt(power) * np.fft.fft(noise)).real


def distances() -> np.ndarray:
    return np.arange(CELLS) / CELLS


def periodic_field(rng: np.random.Generator) -> np.ndarray:
    """Covariance exp(-(1 - cos 2 pi r))."""
    return random_field(rng, np.exp(np.cos(2.0 * np.pi * distances()) - 1.0))


def gaussian_field(rng: np.random.Generator, variance=0.5, length=0.3) -> np.ndarray:
    """Gaussian covariance of integral scale ``length``, summed over its periodic images."""
    r = distances()[:, None] + np.arange(-4, 5)
    return random_field(rng, variance * np.exp(-0.25 * np.pi * (r / length) ** 2).sum(axis=1))


def steps(rng: np.random.Generator, low: float, high: float, jumps: int) -> np.ndarray:
    """Periodic and piecewise constant, with ``jumps`` jumps at random cell edges."""
    edges = np.sort(rng.choice(CELLS, size=jumps, replace=False))
    heights = rng.uniform(low, high, size=jumps)
    return heights[np.searchsorted(edges, np.arange(CELLS), side="right") % jumps]


def shallow_water_smooth(rng: np.random.Generator) -> np.ndarray:
    return np.stack([np.exp(gaussian_field(rng)), gaussian_field(rng)])


def shallow_water_steps(rng: np.random.Generator, jumps: int) -> np.ndarray:
    return np.stack([steps(rng, 0.5, 4.5, jumps), gaussian_field(rng)])


def dam_break() -> np.ndarray:
    h = np.where(np.arange(CELLS) < 2 * CELLS // 5, 2.0, 1.0)
    return np.stack([h, np.zeros(CELLS)])


# --- cases ------------------------------------------------------------------------------------


def cases():
    """Yield (name, problem, q0, (times, frames), options); every case has its own seed."""

    def rng(seed):
        return np.random.default_rng([2024, seed])

    def cubic(a, b, c):
        return {"parameters": {"a": a, "b": b, "c": c}}

    def water(alpha, beta, gamma):
        return {"parameters": {"alpha": alpha, "beta": beta, "gamma": gamma}}

    # Coefficients of either sign; the second has inflections of the flux within the data.
    yield "cubic_smooth_1", "cubic", periodic_field(rng(1))[None], DENSE, cubic(0.7, -0.4, 0.2)
    yield "cubic_smooth_2", "cubic", periodic_field(rng(2))[None], SPARSE, cubic(-0.9, 0.3, 0.8)
    yield "cubic_smooth_3", "cubic", periodic_field(rng(3))[None], DENSE, cubic(-0.2, 0.9, -0.6)
    q0 = steps(rng(4), -1.0, 1.0, 5)[None]
    yield "cubic_steps", "cubic", q0, DENSE, cubic(0.9, 0.8, -0.5)
    q0 = periodic_field(rng(5))[None]
    yield "cubic_first_order", "cubic", q0, SPARSE, {**cubic(0.6, 0.5, -0.4), "order": 1}
    for limiter in ("minmod", "superbee", "vanleer", "MC"):
        options = {**cubic(0.8, -0.6, 0.4), "limiter": limiter}
        yield f"cubic_{limiter.lower()}", "cubic", periodic_field(rng(6))[None], SPARSE, options
    options = {**cubic(0.5, 0.8, -0.7), "cfl_desired": 0.9, "cfl_max": 1.0}
    yield "cubic_cfl_09", "cubic", periodic_field(rng(7))[None], DENSE, options
    options = {**cubic(0.6, 0.7, 0.3), "bc": "extrap"}
    yield "cubic_outflow", "cubic", periodic_field(rng(8))[None], SPARSE, options

    sine = {"parameters": {"a": 0.9, "b": -0.8}}
    yield "sine_smooth", "sine", periodic_field(rng(11))[None], DENSE, sine
    yield "sine_steps", "sine", steps(rng(12), -1.0, 1.0, 5)[None], SPARSE, sine

    burgers = {"parameters": {"a": 0.8}}
    yield "burgers_smooth", "burgers", gaussian_field(rng(13))[None], SPARSE, burgers
    # The same law on another interval, to show that lengths are treated as such.
    options = {**burgers, "lower": -1.0, "upper": 1.5}
    yield "burgers_interval", "burgers", gaussian_field(rng(13))[None], SPARSE, options

    q0 = shallow_water_smooth(rng(21))
    yield "shallow_water_smooth_1", "shallow_water", q0, DENSE, water(0.8, 9.0, 1.3)
    q0 = shallow_water_smooth(rng(22))
    yield "shallow_water_smooth_2", "shallow_water", q0, SPARSE, water(1.3, 11.0, 0.7)
    q0 = shallow_water_steps(rng(23), 3)
    yield "shallow_water_steps", "shallow_water", q0, DENSE, water(1.1, 10.0, 0.9)
    for limiter in ("minmod", "superbee", "vanleer", "MC"):
        options = {**water(1.0, 9.81, 1.0), "limiter": limiter}
        q0 = shallow_water_smooth(rng(24))
        yield f"shallow_water_{limiter.lower()}", "shallow_water", q0, SPARSE, options
    options = {**water(0.9, 8.5, 1.2), "cfl_desired": 0.9, "cfl_max": 1.0}
    q0 = shallow_water_smooth(rng(25))
    yield "shallow_water_cfl_09", "shallow_water", q0, DENSE, options
    for name, bc in (("outflow", "extrap"), ("wall", "wall")):
        options = {**water(1.0, 9.81, 1.0), "bc": bc}
        yield f"shallow_water_dam_{name}", "shallow_water", dam_break(), SPARSE, options


def check_conservative() -> None:
    """The fluctuations of every Riemann solver must sum to the jump of the flux."""
    rng = np.random.default_rng(0)
    for name, problem in PROBLEMS.items():
        parameters = {key: rng.uniform(0.5, 1.5) for key in problem.parameters}
        if name == "shallow_water":
            # A small beta leaves fast flows without real wave speeds, where the floor takes over.
            parameters["beta"] = rng.uniform(8.0, 12.0)
        q_l, q_r = rng.uniform(0.5, 2.0, size=(2, problem.fields, 1000))
        _, _, amdq, apdq = problem.riemann(q_l, q_r, None, None, parameters)
        jump = problem.flux(q_r, parameters) - problem.flux(q_l, parameters)
        np.testing.assert_allclose(amdq + apdq, jump, rtol=0.0, atol=1e-12, err_msg=name)


def main() -> None:
    check_conservative()
    arrays, described = {}, {}
    for name, problem, q0, (times, frames), options in cases():
        options = {
            "limiter": "MC",
            "cfl_desired": 0.5,
            "cfl_max": 0.9,
            "order": 2,
            "lower": 0.0,
            "upper": 1.0,
            "bc": "periodic",
            **options,
        }
        values, status = run(problem, q0, times, **options)
        if options["bc"] == "periodic":
            drift = np.abs(values.mean(axis=2) - q0.mean(axis=1)).max()
            assert drift < 1e-11, f"{name}: the mean drifts by {drift:.1e}"
        arrays[f"{name}/q0"] = q0
        arrays[f"{name}/times"] = times
        arrays[f"{name}/frames"] = frames.astype(np.int64)
        arrays[f"{name}/values"] = values[frames]
        described[name] = {
            "problem": problem,
            "cells": q0.shape[1],
            "fields": q0.shape[0],
            **options,
            "times": f"linspace({times[0]}, {times[-1]}, {times.size})",
            "steps": int(status["numsteps"]),
            "largest_cfl": float(status["cflmax"]),
        }
        print(f"{name:26s} {status['numsteps']:5d} steps")

    np.savez_compressed(HERE / "pyclaw.npz", **arrays)
    sidecar = {
        "format": 1,
        "made_by": {
            "clawpack": version("clawpack"),
            "numpy": version("numpy"),
            "python": platform.python_version(),
        },
        "scheme": "PyClaw ClawSolver1D, Python kernels, Roe solvers of pyclaw_problems.py",
        "cases": described,
    }
    (HERE / "pyclaw.json").write_text(json.dumps(sidecar, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
