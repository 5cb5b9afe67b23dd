"""Derivatives that a run carries along are those of the run."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hfluxno.boundary import Given
from hfluxno.fv import MUSCL, Roe, Rusanov, StepControl, solve
from hfluxno.fv.problem import Problem
from hfluxno.fv.sensitivity import solve_with_derivatives
from hfluxno.grid import Grid
from hfluxno.laws import Cubic, ShallowWater, ViscousBurgers
from tests.compiled import compiled
from tests.slow import slow

pytestmark = pytest.mark.usefixtures("x64")

GRID = Grid.interval(24, 0.0, 24.0)
INITIAL = 0.3 + np.sin(2 * np.pi * (np.arange(24.0) + 0.5) / 24)[None]
DIRECTIONS = np.array([[1.0, 0.0], [0.0, 1.0], [0.5, -2.0]])
CASES = {
    "roe": (lambda p: Roe(Cubic(a=p[0], b=p[1], c=0.4)), 0.0, True),
    "roe, mid-run": (lambda p: Roe(Cubic(a=p[0], b=p[1], c=0.4)), -1.0, True),
    "rusanov": (lambda p: Rusanov(ViscousBurgers(a=p[0], nu=p[1])), -1.0, False),
}


@pytest.mark.parametrize("name", [slow(name) if name == "roe" else name for name in CASES])
def test_they_are_those_of_forward_mode(name):
    make, rate, lagged = CASES[name]
    control = StepControl(0.5, 0.9, lagged)
    point = jnp.asarray([1.1, 0.7])

    # An argument, so that the runs with one scheme share their programs.
    def plain(point, rate):
        return solve(make(point), jnp.asarray(INITIAL), np.arange(4.0), GRID, control, rate=rate)

    def pushed(directions, rate):
        return jax.vmap(lambda d: jax.jvp(lambda p: plain(p, rate).values[1:], (point,), (d,))[1])(
            directions
        )

    def carried(start):
        flux, changes = jax.vmap(
            lambda d: eqx.filter_jvp(make, (point,), (d,)), out_axes=(None, 0)
        )(jnp.asarray(DIRECTIONS))
        # An interval of no length repeats the state.
        intervals = jnp.asarray([1.0, 1.0, 0.0, 1.0])
        still = jnp.zeros((len(DIRECTIONS), *INITIAL.shape))
        unchanged = Problem(changes, jax.tree.map(lambda _: None, GRID))
        return solve_with_derivatives(
            Problem(flux, GRID),
            unchanged,
            jnp.asarray(INITIAL),
            still,
            intervals,
            control,
            start,
            10_000,
        )

    states, derivatives, steps = compiled(carried, np.asarray(rate))
    run = compiled(plain, point, np.asarray(rate))
    expected = np.swapaxes(compiled(pushed, DIRECTIONS, np.asarray(rate)), 0, 1)
    for found, truth in ((states, np.asarray(run.values)[1:]), (derivatives, expected)):
        found = np.asarray(found)
        np.testing.assert_array_equal(found[2], found[1])
        np.testing.assert_allclose(found[[0, 1, 3]], truth, rtol=1e-10, atol=1e-12)
    assert 1 < int(steps) <= int(run.steps) and np.max(np.abs(expected)) > 0.1


@pytest.mark.validation
def test_they_also_follow_the_first_state_and_what_a_boundary_holds():
    times = jnp.asarray([0.0, 1.0, 3.0])
    control = StepControl(0.5, 0.9, True)

    def problem(point):
        ends = (Given(times, point[None, :3]), "outflow")
        grid = Grid.interval(24, 0.0, 24.0, ends)
        return Problem(Roe(Cubic(a=1.1, b=point[3], c=0.4)), grid)

    def begin(point):
        return jnp.asarray(INITIAL) * point[4]

    def plain(point):
        made = problem(point)
        run = solve(
            made.numerical_flux, begin(point), times, made.grid, control, rate=jnp.asarray(-1.0)
        )
        return run.values[1:]

    def carried(point):
        made, changes = jax.vmap(
            lambda d: eqx.filter_jvp(problem, (point,), (d,)), out_axes=(None, 0)
        )(jnp.eye(5))
        first = jax.vmap(lambda d: jax.jvp(begin, (point,), (d,))[1])(jnp.eye(5))
        rate = jnp.asarray(-1.0)
        return solve_with_derivatives(
            made, changes, begin(point), first, jnp.diff(times), control, rate, 10_000
        )

    point = jnp.asarray([0.3, 0.8, -0.2, 0.7, 0.9])
    states, derivatives, _ = compiled(carried, point)
    expected = jnp.moveaxis(compiled(jax.jacfwd(plain), point), -1, 1)
    np.testing.assert_allclose(states, compiled(plain, point), rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(derivatives, expected, rtol=1e-8, atol=1e-10)
    assert np.all(np.max(np.abs(np.asarray(expected)), axis=(0, 2, 3)) > 1e-2)


# What depends on the time step in different ways, and each rule for ghost cells.
BANDED = {
    "given and outflow": (
        lambda p: MUSCL(Cubic(a=p[0], b=0.4, c=0.2)),
        lambda times, p: (Given(times, p[None, 1:4]), "outflow"),
        lambda p: jnp.asarray(INITIAL) * p[4],
        False,
    ),
    "a system between walls": (
        lambda p: MUSCL(ShallowWater(beta=9.0 * p[0])),
        lambda times, p: "reflecting",
        lambda p: jnp.stack([2.0 + p[4] * INITIAL[0], p[1] + p[2] * INITIAL[0] ** 2]),
        False,
    ),
    "diffusion in many stages": (
        lambda p: MUSCL(ViscousBurgers(a=p[0], nu=3.0 * p[0]), least_rate=1.0),
        lambda times, p: (Given(times, p[None, 1:4]), "outflow"),
        lambda p: jnp.asarray(INITIAL) * p[4],
        False,
    ),
    "a circle, by the speed of the step before": (
        lambda p: Roe(ViscousBurgers(a=p[0], nu=0.1)),
        lambda times, p: "periodic",
        lambda p: p[1] * jnp.asarray(INITIAL) + p[3],
        True,
    ),
}


@pytest.mark.parametrize(
    "name", [slow(name) if "system" in name or "circle" in name else name for name in BANDED]
)
def test_directions_that_do_not_change_the_scheme_share_the_bands_of_a_step(name):
    """Their derivatives are those of the whole step, which all directions have that may change the
    scheme."""
    scheme, ends, begin, lagged = BANDED[name]
    times = jnp.asarray([0.0, 1.0, 1.7])
    control = StepControl(0.4, 0.45, lagged)
    point = jnp.asarray([1.1, 0.8, -0.2, 0.3, 0.9])

    def problem(point):
        grid = Grid.interval(24, 0.0, 24.0, ends(times, point))
        return Problem(scheme(point), grid)

    def carried(banded):
        made, changes = jax.vmap(
            lambda d: eqx.filter_jvp(problem, (point,), (d,)), out_axes=(None, 0)
        )(jnp.eye(5))
        first = jax.vmap(lambda d: jax.jvp(begin, (point,), (d,))[1])(jnp.eye(5))
        if banded:
            of_scheme = jax.tree.map(lambda change: change[:1], changes.numerical_flux)
            changes = Problem(of_scheme, changes.grid)
        return solve_with_derivatives(
            made, changes, begin(point), first, jnp.diff(times), control, jnp.asarray(-1.0), 10_000
        )

    states, derivatives, steps = compiled(lambda: carried(True))
    expected = compiled(lambda: carried(False))
    np.testing.assert_allclose(states, expected[0], rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(derivatives, expected[1], rtol=1e-10, atol=1e-11)
    assert int(steps) == int(expected[2]) > 1
    assert float(jnp.max(jnp.abs(derivatives[:, 0]))) > 1e-3


def test_a_run_whose_last_speed_is_not_known_begins_with_that_of_its_state():
    """The first step is short, as in the middle of a run, not the whole interval."""
    flux, control = Roe(Cubic(a=0.0, b=0.0, c=3.0)), StepControl(0.5, 0.9, True)
    initial, times = jnp.asarray(INITIAL), np.array([0.0, 1.0])
    present = compiled(lambda: solve(flux, initial, times, GRID, control, rate=jnp.asarray(3.0)))
    unknown = compiled(lambda: solve(flux, initial, times, GRID, control, rate=jnp.asarray(-1.0)))
    fresh = compiled(lambda: solve(flux, initial, times, GRID, control))
    np.testing.assert_allclose(unknown.values, present.values, rtol=1e-12)
    assert int(unknown.rejected) == 0 and int(unknown.steps) == 6 and int(fresh.rejected) == 1
