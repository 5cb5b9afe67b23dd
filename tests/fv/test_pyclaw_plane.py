"""On a plane the Roe scheme is PyClaw's unsplit one without transverse waves, to 1e-10."""

import importlib.util
import json
from pathlib import Path

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest

from hfluxno.fv import Roe, Status, solve
from hfluxno.grid import Grid
from hfluxno.laws import Euler, ShallowWater2D
from tests.slow import slow

pytestmark = pytest.mark.usefixtures("x64")

ORACLE = Path(__file__).parents[1] / "oracle"
CASES = json.loads((ORACLE / "pyclaw_plane.json").read_text(encoding="utf-8"))["cases"]
QUICK = ("euler_quadrants_walls",)
LAWS = {
    "euler": lambda gamma: Euler(axes=2, gamma=gamma),
    "shallow_water": lambda g: ShallowWater2D(g=g),
}
LIMITER_NAMES = {
    "MC": "mc",
    "minmod": "minmod",
    "superbee": "superbee",
    "vanleer": "van-leer",
    "none": "none",
}
BOUNDARIES = {"periodic": "periodic", "extrap": "outflow", "wall": "wall"}

compiled_solve = eqx.filter_jit(solve)


def our_solution(problem, q0, dt, steps, *, limiter, upper, bc, parameter):
    ends = tuple(tuple(BOUNDARIES[side] for side in axis) for axis in bc)
    grid = Grid.rectangle(q0.shape[1:], upper=tuple(upper), boundary=ends)
    scheme = Roe(LAWS[problem](parameter), LIMITER_NAMES[limiter], entropy_fix=False)
    times = np.array([0.0, dt * steps])
    solution = compiled_solve(scheme, jnp.asarray(q0), times, grid, substeps=steps)
    assert int(solution.status) == Status.OK
    return np.asarray(solution.values)[-1]


@pytest.mark.parametrize("name", [n if n in QUICK else slow(n) for n in CASES])
def test_equals_recorded_pyclaw(name):
    with np.load(ORACLE / "pyclaw_plane.npz") as arrays:
        q0, values = arrays[f"{name}/q0"], arrays[f"{name}/values"]
    ours = our_solution(q0=q0, **CASES[name])
    assert np.max(np.abs(values - q0)) > 0.05
    np.testing.assert_allclose(ours, values, rtol=0.0, atol=1e-10)


@pytest.mark.clawpack
@pytest.mark.parametrize("name", CASES)
def test_recorded_answers_are_those_of_pyclaw(name):
    file = ORACLE / "record_pyclaw_plane.py"
    specification = importlib.util.spec_from_file_location("record_pyclaw_plane", file)
    recorder = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(recorder)
    with np.load(ORACLE / "pyclaw_plane.npz") as arrays:
        q0, values = arrays[f"{name}/q0"], arrays[f"{name}/values"]
    np.testing.assert_allclose(recorder.run(q0=q0, **CASES[name]), values, rtol=0.0, atol=1e-12)
