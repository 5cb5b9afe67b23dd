"""PyClaw with the exported Riemann solver forecasts what we do."""

import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

from hfluxno.export import export_law
from hfluxno.fv import Roe, StepControl, solve
from hfluxno.grid import Grid
from hfluxno.identify.plane.saved import to_save as to_save_plane
from hfluxno.identify.saved.law import to_save
from hfluxno.laws.place import PlaceModes
from hfluxno.parametric.fitted_law import Terms
from tests.identify.laws import identification, polynomial, shallow_water
from tests.identify.plane import laws as plane

CELLS = 80
# Another Python that has PyClaw may be named.
PYTHON = os.environ.get("PYTHON_WITH_PYCLAW", sys.executable)
pytestmark = [pytest.mark.usefixtures("x64")]
if "PYTHON_WITH_PYCLAW" not in os.environ:
    pytestmark.append(pytest.mark.clawpack)


def first_states():
    x = (np.arange(CELLS) + 0.5) / CELLS
    hump = np.exp(-(((x - 0.4) / 0.1) ** 2))
    step = np.where((x > 0.2) & (x < 0.5), 0.55, 0.2)
    return {
        # The speeds pass zero: both schemes have the entropy fix, and other time steps.
        "cubic": (polynomial(-1.0, 1.0, 0.0, 0.1, 0.5, -0.4), np.sin(2 * np.pi * x)[None], 1e-6),
        "traffic": (polynomial(0.1, 0.6, 0.0, 1.0, -0.7), step[None], 1e-11),
        "shallow water": (shallow_water(), np.stack([1.0 + 0.4 * hump, 0.0 * x]), 1e-11),
        # Sources split off after a step, which is of first order; it grows by a fifth.
        "growth": (growing(), 0.2 + 0.1 * hump[None], 2e-3),
    }


def growing():
    """∂t u = u + 0.2 sin(2πx) on average."""
    none, modes = np.zeros(0), PlaceModes(0.0, 1.0, 2, True)
    terms = Terms(np.array([[0.35, 0.25]]), np.array([[0.0, 0.2]]), none, np.zeros(1), modes)
    return dataclasses.replace(polynomial(0.1, 0.6, 0.0, 1.0, -0.7), terms=terms)


@pytest.mark.parametrize("name", ["cubic", "traffic", "shallow water", "growth"])
def test_the_forecasts_agree(tmp_path, name):
    law, q0, tolerance = first_states()[name]
    times = np.linspace(0.0, 0.2, 21)
    theirs = of_pyclaw(tmp_path, to_save(identification(law)), q0, times, "run_pyclaw.py")
    grid, control = Grid.interval(CELLS), StepControl(0.5, 0.9, True)
    ours = solve(Roe(law, "mc", entropy_fix=True), jnp.asarray(q0), times, grid, control)
    assert np.linalg.norm(theirs - ours.values) < tolerance * np.linalg.norm(ours.values)


def on_a_plane():
    """First states, and the largest relative difference of the states that follow."""
    x, y = (np.arange(24) + 0.5) / 24, (np.arange(20) + 0.5) / 20
    hump = np.exp(-(((x[:, None] - 0.4) / 0.15) ** 2) - ((y - 0.5) / 0.15) ** 2)
    still = 0.0 * hump
    return {
        "one field": (plane.one_field(), 0.3 + 0.8 * hump[None], 1e-6),
        "shallow water": (
            plane.shallow_water(),
            np.stack([1.0 + 0.4 * hump, still + 0.1, still - 0.2]),
            1e-11,
        ),
        # Another scheme: only the two outermost waves.
        "no fluid": (
            dataclasses.replace(plane.shallow_water(), is_fluid=False),
            np.stack([1.0 + 0.4 * hump, still + 0.1, still - 0.2]),
            0.02,
        ),
    }


@pytest.mark.parametrize("name", ["one field", "shallow water", "no fluid"])
def test_the_forecasts_agree_on_a_plane(tmp_path, name):
    law, q0, tolerance = on_a_plane()[name]
    times = 0.004 * np.arange(21)
    saved = to_save_plane(plane.identification(law))
    theirs = of_pyclaw(tmp_path, saved, q0, times, "run_pyclaw_plane.py")
    grid, scheme = Grid.rectangle(q0.shape[1:]), Roe(law, "mc", entropy_fix=True)
    ours = solve(scheme, jnp.asarray(q0), times, grid, substeps=1).values
    assert np.linalg.norm(ours[-1] - q0) > 0.01 * np.linalg.norm(q0)
    assert np.linalg.norm(theirs - ours) < tolerance * np.linalg.norm(ours)


def of_pyclaw(folder, saved, q0, times, script):
    for file, content in export_law(saved, "pyclaw", "exported").items():
        (folder / file).write_text(content)
    np.savez(folder / "in.npz", q0=q0, times=times)
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    run = [PYTHON, Path(__file__).with_name(script), folder]
    subprocess.run(run, check=True, cwd=folder, env=environment)
    with np.load(folder / "out.npz") as theirs:
        return theirs["values"]
