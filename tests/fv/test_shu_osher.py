"""Shu and Osher's problem: a shock of Mach 3 runs into waves of density and leaves short ones."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hfluxno.fv import MUSCL, Roe, Status, StepControl, solve
from hfluxno.grid import Grid
from hfluxno.laws import Euler
from tests.compiled import compiled
from tests.oracle import record_shu_osher as problem

pytestmark = pytest.mark.usefixtures("x64")

with jax.enable_x64(True):
    GAS = Euler()
# Behind the shock, where the short waves are.
WAVES = slice(100, 148)
SCHEMES = [
    pytest.param(Roe(GAS), id="roe"),
    pytest.param(MUSCL(GAS, riemann="hllc"), id="hllc"),
]
RECORD = Path(problem.__file__).with_name("shu_osher.npz")


def windows(scheme, cells):
    """The averages at the end over the recorded windows."""
    grid = Grid.interval(cells, problem.LOWER, problem.UPPER, "outflow")
    first, times = jnp.asarray(problem.first_averages(cells)), np.array([0.0, problem.END])
    found = compiled(solve, scheme, first, times, grid, StepControl(0.4, 0.5))
    assert int(found.status) == Status.OK
    return np.asarray(found.values)[-1].reshape(3, problem.WINDOWS, -1).mean(axis=-1)


@pytest.mark.validation
@pytest.mark.parametrize("scheme", SCHEMES)
def test_waves_behind_a_shock(scheme):
    """The averages become those of another solver as the cells become finer, and so do the waves,
    half of whose amplitude a few cells per wave lose."""
    with np.load(RECORD) as arrays:
        exact, uncertainty = arrays["averages"], arrays["uncertainty"]
    coarse, fine = windows(scheme, 200), windows(scheme, 800)
    errors = [np.mean(np.abs(found - exact), axis=1) for found in (coarse, fine)]
    assert (errors[1] < [0.021, 0.052, 0.09]).all()  # of ρ, m and E, which reach 4.6, 11.8 and 42.4
    assert (errors[1] > 10.0 * uncertainty).all()  # so nearly all of it is ours
    assert (np.log2(errors[0] / errors[1]) / 2.0 > 0.9).all()
    kept = [np.std(found[0, WAVES]) / np.std(exact[0, WAVES]) for found in (coarse, fine)]
    assert 0.45 < kept[0] < 0.6 and 0.9 < kept[1] < 1.0
