"""Euler's equations on a line: Sod's shock tube, a wave of density, and totals."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hfluxno.fv import MUSCL, Roe, Status, StepControl, solve
from hfluxno.grid import Grid
from hfluxno.laws import Euler
from tests.fv.test_accuracy import edges
from tests.slow import slow
from tests.validation import EulerRiemann

pytestmark = pytest.mark.usefixtures("x64")

with jax.enable_x64(True):
    GAS = Euler()
SOD = EulerRiemann((1.0, 0.0, 1.0), (0.125, 0.0, 0.1), jump=0.5)
CONTROL = StepControl(0.4, 0.5)
SCHEMES = [
    pytest.param(Roe(GAS), id="roe"),
    *(
        pytest.param(MUSCL(GAS, riemann=name), id=name, marks=marks)
        for name, marks in (("hllc", ()), ("hll", slow(0).marks), ("rusanov", slow(0).marks))
    ),
]

compiled_solve = eqx.filter_jit(solve)


def run(scheme, initial, time, grid):
    times = np.array([0.0, time])
    found = compiled_solve(scheme, jnp.asarray(initial), times, grid, CONTROL)
    assert int(found.status) == Status.OK
    return np.asarray(found.values)[-1]


@pytest.mark.parametrize("scheme", SCHEMES)
def test_order_on_sods_shock_tube(scheme):
    """Of first order at the shock; at the contact second-order schemes smear by h^{2/3}."""
    grid, errors = Grid.interval(400, boundary="outflow"), []
    x = grid.centers()
    rho, pressure = np.where(x < 0.5, 1.0, 0.125), np.where(x < 0.5, 1.0, 0.1)
    # A function of x/t: after a quarter of the time all is that of 100 cells, a quarter as wide.
    for part in (4.0, 1.0):
        found = run(scheme, np.stack([rho, 0.0 * x, pressure / 0.4]), 0.2 / part, grid)
        errors.append(part * np.mean(np.abs(found - SOD.averages(edges(grid), 0.2 / part))))
    assert errors[0] < 0.014
    assert np.log2(errors[0] / errors[1]) / 2.0 > 0.75


def wave_of_density(grid, time, periods):
    """ρ = 1 + 0.3 sin 2πnx, which moves with the gas: v = 0.7 and p = 1 everywhere."""
    at = 2 * np.pi * periods * (edges(grid) - 0.7 * time)
    rho = 1.0 - 0.3 * np.diff(np.cos(at)) / np.diff(at)
    return np.stack([rho, 0.7 * rho, 1.0 / 0.4 + 0.5 * 0.7**2 * rho])


@pytest.mark.parametrize("scheme", SCHEMES)
def test_order_on_a_wave_of_density(scheme):
    grid, errors = Grid.interval(160), []
    # Two periods on these cells are one on half of them, in half the time.
    for periods in (2, 1):
        found = run(scheme, wave_of_density(grid, 0.0, periods), 1.0 / periods, grid)
        errors.append(np.mean(np.abs(found - wave_of_density(grid, 1.0 / periods, periods))))
    assert np.log2(errors[0] / errors[1]) > 1.75


def test_totals_of_a_periodic_tube_are_kept():
    grid = Grid.interval(160)  # with the programs of the wave
    inside = np.abs(grid.centers() - 0.5) < 0.25
    first = np.stack(
        [np.where(inside, 1.0, 0.125), np.zeros(160), np.where(inside, 1.0, 0.1) / 0.4]
    )
    for scheme in (Roe(GAS), MUSCL(GAS, riemann="hllc")):
        last = run(scheme, first, 0.4, grid)
        assert np.abs(last - first).max() > 0.1
        np.testing.assert_allclose(last.mean(axis=1), first.mean(axis=1), rtol=0.0, atol=1e-13)
