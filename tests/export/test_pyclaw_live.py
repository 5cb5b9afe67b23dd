"""PyClaw with the exported Riemann solver forecasts what we do."""

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
from hfluxno.identify.saved_law import to_save
from tests.identify.laws import identification, polynomial, shallow_water

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
    }


@pytest.mark.parametrize("name", ["cubic", "traffic", "shallow water"])
def test_the_forecasts_agree(tmp_path, name):
    law, q0, tolerance = first_states()[name]
    for file, content in export_law(to_save(identification(law)), "pyclaw", "exported").items():
        (tmp_path / file).write_text(content)
    times = np.linspace(0.0, 0.2, 21)
    np.savez(tmp_path / "in.npz", q0=q0, times=times)
    script = Path(__file__).with_name("run_pyclaw.py")
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    subprocess.run([PYTHON, script, tmp_path], check=True, cwd=tmp_path, env=environment)
    grid, control = Grid.interval(CELLS), StepControl(0.5, 0.9, True)
    ours = solve(Roe(law, "mc", entropy_fix=True), jnp.asarray(q0), times, grid, control)
    with np.load(tmp_path / "out.npz") as theirs:
        difference = np.linalg.norm(theirs["values"] - ours.values) / np.linalg.norm(ours.values)
    assert difference < tolerance
