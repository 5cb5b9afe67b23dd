"""Rusanov, HLL and HLLC: exact solutions, contacts, bounds of the speeds, positivity."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import brentq

from hfluxno.fv import MUSCL, RIEMANN_SOLVERS, Status, StepControl, eigen, solve
from hfluxno.fv.riemann import riemann_solver
from hfluxno.grid import Grid
from hfluxno.laws import Cubic, Euler, ShallowWater
from tests.compiled import compiled
from tests.slow import slow

pytestmark = pytest.mark.usefixtures("x64")

compiled_solve = eqx.filter_jit(solve)

with jax.enable_x64(True):
    GAS = Euler()


def gas(density, velocity, pressure):
    return GAS.conserved(jnp.asarray(density), jnp.asarray(velocity)[None], jnp.asarray(pressure))


def exact_tube(xi, left, right, gamma=1.4):
    """(ρ, v, p) at ξ = x/t of the Riemann problem of (ρ, v, p) (Toro, 2009, chapter 4)."""

    def side(p, state):
        """How much v changes across the wave at a side, in terms of the pressure behind it."""
        rho, _, p0 = state
        if p > p0:
            return (p - p0) * np.sqrt(2.0 / rho / ((gamma + 1.0) * p + (gamma - 1.0) * p0))
        c = np.sqrt(gamma * p0 / rho)
        return 2.0 * c / (gamma - 1.0) * ((p / p0) ** ((gamma - 1.0) / (2.0 * gamma)) - 1.0)

    p = brentq(lambda p: side(p, left) + side(p, right) + right[1] - left[1], 1e-8, 1e3)
    v = 0.5 * (left[1] + right[1] + side(p, right) - side(p, left))
    answer = np.empty((3, len(xi)))
    for sign, state in ((1.0, left), (-1.0, right)):
        rho, v0, p0 = state[0], sign * state[1], state[2]
        here = sign * (xi - v) < 0.0  # this side of the contact
        z, v_star, c = sign * xi, sign * v, np.sqrt(gamma * p0 / rho)
        ratio = (gamma - 1.0) / (gamma + 1.0)
        if p > p0:
            shock = v0 - c * np.sqrt((gamma + 1.0) / (2.0 * gamma) * p / p0 + 0.5 - 0.5 / gamma)
            behind = rho * (p / p0 + ratio) / (ratio * p / p0 + 1.0)
            parts = np.where(
                z < shock,
                np.array([[rho], [v0], [p0]]),
                np.array([[behind], [v_star], [p]]),
            )
        else:
            inner = rho * (p / p0) ** (1.0 / gamma)
            tail = v_star - np.sqrt(gamma * p / inner)
            cf = np.maximum(2.0 / (gamma + 1.0) * c + ratio * (v0 - z), 1e-12)
            fan = np.array(
                [
                    rho * (cf / c) ** (2.0 / (gamma - 1.0)),
                    2.0 / (gamma + 1.0) * (c + 0.5 * (gamma - 1.0) * v0 + z),
                    p0 * (cf / c) ** (2.0 * gamma / (gamma - 1.0)),
                ]
            )
            parts = np.where(z < v0 - c, np.array([[rho], [v0], [p0]]), fan)
            parts = np.where(z < tail, parts, np.array([[inner], [v_star], [p]]))
        parts[1] *= sign
        answer = np.where(here, parts, answer)
    return answer


SOD = (1.0, 0.0, 1.0), (0.125, 0.0, 0.1)


def test_the_exact_tube_is_that_of_the_textbook():
    """Toro, 2009, table 4.3: p* = .30313, v* = .92745, ρ* = .42632 and .26557."""
    rho, v, p = exact_tube(np.array([0.5, 1.2]), *SOD)
    np.testing.assert_allclose(p, 0.30313, atol=1e-5)
    np.testing.assert_allclose(v, 0.92745, atol=1e-5)
    np.testing.assert_allclose(rho, [0.42632, 0.26557], atol=1e-5)


@pytest.mark.parametrize("riemann", RIEMANN_SOLVERS)
def test_sods_tube_converges_to_its_exact_solution(riemann):
    grid, errors = Grid.interval(200, -0.5, 0.5, "outflow"), []
    x = grid.centers()
    first = gas(*(np.where(x < 0.0, *pair) for pair in zip(*SOD, strict=True)))
    # A function of x/t: after half the time all is that of half the cells, and half as wide.
    for part in (2.0, 1.0):
        times = np.array([0.0, 0.2 / part])
        run = compiled_solve(MUSCL(GAS, "van-leer", riemann), first, times, grid)
        assert int(run.status) == Status.OK
        exact = np.asarray(gas(*exact_tube(x / times[-1], *SOD)))
        errors.append(part * np.mean(np.abs(np.asarray(run.values)[-1] - exact)))
    assert errors[1] < 0.01
    assert np.log2(errors[0] / errors[1]) > 0.7  # shock and contact: first order in L1


@pytest.mark.validation
def test_only_the_solver_with_a_contact_keeps_one():
    """A jump of the density in gas at rest is a steady contact."""
    grid = Grid.interval(20, boundary="outflow")
    density = np.where(grid.centers() < 0.5, 1.0, 0.2)
    initial = gas(density, 0.0 * density, 1.0 + 0.0 * density)
    for riemann in RIEMANN_SOLVERS:
        scheme = MUSCL(GAS, riemann=riemann)
        values = compiled_solve(scheme, initial, np.array([0.0, 0.5]), grid).values[-1]
        change = float(jnp.max(jnp.abs(values - initial)))
        assert change < 1e-13 if riemann == "hllc" else change > 0.05


@pytest.mark.parametrize("riemann", RIEMANN_SOLVERS)
def test_between_equal_states_is_the_flux_and_fast_flow_is_upwind(riemann):
    u = gas(np.array([1.0, 0.5]), np.array([4.0, -4.0]), np.array([1.0, 0.3]))
    flux = riemann_solver(riemann)
    of_law = np.asarray(compiled(GAS.flux, u))
    np.testing.assert_allclose(compiled(flux, GAS, u, u), of_law, rtol=1e-14)
    if riemann != "rusanov":  # to the right, and to the left
        other = gas(np.array([0.7, 0.4]), np.array([3.5, -3.8]), np.array([0.8, 0.2]))
        of_other = np.asarray(compiled(GAS.flux, other))
        found = np.asarray(compiled(flux, GAS, u, other))
        np.testing.assert_allclose(found[:, 0], of_law[:, 0], rtol=1e-13)
        np.testing.assert_allclose(found[:, 1], of_other[:, 1], rtol=1e-13)
        found = np.asarray(compiled(flux, GAS, other, u))
        np.testing.assert_allclose(found[:, 0], of_other[:, 0], rtol=1e-13)
        np.testing.assert_allclose(found[:, 1], of_law[:, 1], rtol=1e-13)


def test_hll_of_a_scalar_law_is_monotone_between_extrema_of_the_flux():
    """f = u³ - u is fastest inside of [-0.9, 0.8]; without waves the flux is that of the state."""
    law = Cubic(a=1.0, b=0.0, c=-1.0)
    u = jnp.linspace(-0.9, 0.8, 41)[None]
    flux = riemann_solver("hll")
    left_slopes = np.diff(compiled(flux, law, u, jnp.full_like(u, 0.1))[0])
    right_slopes = np.diff(compiled(flux, law, jnp.full_like(u, 0.1), u)[0])
    assert left_slopes.min() > -1e-12
    assert right_slopes.max() < 1e-12
    at_rest = jnp.zeros((1, 1))
    still = Cubic(a=1.0)
    of_rest = jax.jit(jax.value_and_grad(lambda v: flux(still, v, v)[0, 0]))
    value, slope = of_rest(at_rest)
    assert float(value) == 0.0 and np.isfinite(slope).all()


@pytest.mark.parametrize("fields", [3, slow(4), slow(6)])
def test_speeds_of_many_fields_are_bounded_closely(fields):
    """ρ ≤ (tr A³²)^{1/32} ≤ d^{1/32} ρ, for speeds of any size and with derivatives."""
    random = np.random.default_rng(fields)
    vectors = np.eye(fields) + 0.2 * random.normal(size=(50, fields, fields))
    values = random.normal(size=(50, fields)) * 10.0 ** random.uniform(-6, 6, (50, 1))
    matrix = vectors @ (values[:, :, None] * np.linalg.inv(vectors))
    matrix = jnp.asarray(np.moveaxis(matrix, 0, -1))
    radius = np.abs(values).max(axis=1)
    low, high = compiled(eigen.speed_range, matrix)
    np.testing.assert_array_equal(low, -high)
    assert np.all(high >= radius * (1.0 - 1e-9))
    assert np.all(high <= radius * fields ** (1.0 / 32.0) * (1.0 + 1e-9))
    single = compiled(eigen.speed_range, matrix.astype(jnp.float32))[1]
    np.testing.assert_allclose(single, high, rtol=2e-2)
    # ρ is homogeneous of degree one.
    slope = compiled(lambda m: jax.jvp(eigen.speed_range, (m,), (m,))[1][1], matrix)
    np.testing.assert_allclose(slope, high, rtol=1e-6)
    same = jnp.eye(fields)[:, :, None] * 3.0  # all eigenvalues are equal
    largest = jax.jit(jax.value_and_grad(lambda m: eigen.speed_range(m)[1][0]))
    assert bool(jnp.all(jnp.isfinite(largest(same)[1])))
    assert float(largest(0.0 * same)[0]) == 0.0


class Unguarded(Euler):
    def admissible(self, u):
        return None


CELLS = 80


def superbee(law, initial, riemann):
    """A run until the time 0.1, by the limiter that is most likely to need a fallback."""
    times, now = np.linspace(0.0, 0.1, 3), StepControl(0.4, lagged=False)
    scheme = MUSCL(law, "superbee", riemann)
    return compiled_solve(scheme, initial, times, Grid.interval(CELLS), now)


@pytest.mark.parametrize("riemann", [slow("rusanov"), "hllc"])
def test_density_and_pressure_stay_positive(riemann):
    """Random jumps over three decades, which a scheme without a fallback does not survive."""
    random, cells = np.random.default_rng(4), CELLS
    density, pressure = np.repeat(10.0 ** random.uniform(-3, 0, size=(2, 20)), 4, axis=1)
    initial = gas(density, random.uniform(-1.0, 1.0, cells), pressure)
    run = superbee(GAS, initial, riemann)
    assert int(run.status) == Status.OK
    assert bool(jnp.all(GAS.admissible(run.values.swapaxes(0, 1))))
    assert int(run.fallbacks) > 100
    if riemann == "rusanov":
        bare = superbee(Unguarded(), initial, riemann)
        assert int(bare.status) == Status.NON_FINITE
        assert int(bare.fallbacks) == 0


def test_no_fallback_acts_on_smooth_data():
    x = Grid.interval(CELLS).centers()
    initial = gas(1.0 + 0.3 * np.sin(2.0 * np.pi * x), 0.5 + 0.0 * x, 1.0 + 0.0 * x)
    run = superbee(GAS, initial, "hllc")
    assert int(run.status) == Status.OK and int(run.fallbacks) == 0


@pytest.mark.validation
def test_derivatives_of_hllc_are_finite_at_rest():
    grid = Grid.interval(6)
    rest = gas(np.ones(6), np.zeros(6), np.ones(6))

    def energy(initial):
        scheme = MUSCL(GAS, riemann="hllc")
        values = solve(scheme, initial, np.array([0.0, 0.1]), grid, substeps=2).values
        return jnp.sum(values[-1] * values[-1])

    assert bool(jnp.all(jnp.isfinite(compiled(jax.grad(energy), rest))))


def test_unknown_names_list_the_known_ones():
    with pytest.raises(ValueError, match="'exact'; choose one of rusanov, hll, hllc"):
        MUSCL(GAS, riemann="exact")
    u = jnp.ones((2, 3))
    with pytest.raises(ValueError, match="ShallowWater has no contact wave"):
        riemann_solver("hllc")(ShallowWater(), u, u)
