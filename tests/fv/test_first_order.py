"""Engquist and Osher's flux against its integral, and against Godunov's."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import quad

from hfluxno.fv import EngquistOsher, StepControl, solve
from hfluxno.grid import Grid
from hfluxno.laws import LWR, Cubic
from hfluxno.laws.place import turn
from tests.compiled import compiled

pytestmark = pytest.mark.usefixtures("x64")

with jax.enable_x64(True):
    BURGERS, CUBIC, TRAFFIC = Cubic(a=0.0, b=0.5), Cubic(a=1.0, b=0.0), LWR()
# A law, the range in which its flux turns (or not), and a time that its waves need to interact.
CASES = {
    "minimum": (BURGERS, -0.7, 0.8),
    "maximum": (TRAFFIC, 0.05, 0.95),
    "rising": (BURGERS, 0.1, 0.9),
    "falling": (BURGERS, -0.9, -0.1),
}


def scheme_of(law, low, high):
    at = turn(law, jnp.asarray(low), jnp.asarray(high))
    return EngquistOsher(law, at.state, at.sign)


@pytest.mark.parametrize("case", CASES)
def test_the_flux_is_its_integral(case):
    law, low, high = CASES[case]
    scheme = scheme_of(law, low, high)
    states = np.random.default_rng(0).uniform(low, high, 8)
    flux = np.asarray(compiled(scheme, states[None], np.asarray(0.1), 1.0))[0]
    of_law = np.asarray(compiled(law.flux, states[None]))[0]
    jacobian = jax.jit(lambda u: law.jacobian(u[None, None])[0, 0, 0])

    def speed(u):
        return float(jacobian(np.asarray(u)))

    for i, (left, right) in enumerate(itertools.pairwise(states)):
        sonic = [0.0, 0.5]  # of these laws
        against, _ = quad(lambda u: min(speed(u), 0.0), left, right, points=sonic, epsabs=1e-12)
        assert flux[i] == pytest.approx(of_law[i] + against, abs=1e-9)


def test_a_rarefaction_through_rest_and_a_shock_converge():
    """The entropy solution of Burgers' equation: u = x/t, and a shock with the speed 0.2."""
    cells, control = 800, StepControl(0.5, 0.5, False)
    grid = Grid.interval(cells, -1.0, 1.0, "outflow")
    x = grid.centers()
    first = np.where(x < -0.4, -0.6, np.where(x < 0.3, 0.9, -0.5))
    scheme = scheme_of(BURGERS, -0.6, 0.9)
    times = jnp.asarray([0.0, 0.4])
    run = compiled(solve, scheme, jnp.asarray(first)[None], times, grid, control)
    found = np.asarray(run.values)[1, 0]
    exact = np.where(x < 0.3 + 0.2 * 0.4, np.clip((x + 0.4) / 0.4, -0.6, 0.9), -0.5)
    assert np.mean(np.abs(found - exact)) < 0.01


def test_a_flux_that_turns_twice_has_rusanovs():
    scheme = EngquistOsher(CUBIC, jnp.asarray(0.0), jnp.asarray(0.0))
    equal = jnp.full((1, 4), 0.3)
    flux = np.asarray(compiled(scheme, equal, np.asarray(0.1), 1.0))
    np.testing.assert_allclose(flux, np.full((1, 3), 0.3**3), rtol=1e-14)
