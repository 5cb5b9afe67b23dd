"""Laws that the package does not have: three fields, and more than one dimension."""

from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array, Float

from hfluxno import laws
from hfluxno.fv import MUSCL, Roe, Rusanov, Status, eigen, solve
from hfluxno.grid import Grid
from hfluxno.laws import ConservationLaw, Cubic, SpaceLaw
from tests.compiled import compiled
from tests.slow import slow

pytestmark = pytest.mark.usefixtures("x64")

compiled_solve = eqx.filter_jit(solve)


class Linear(ConservationLaw):
    """∂t u + A ∂x u = 0 with any number of fields."""

    fields: tuple[str, ...] = eqx.field(static=True)
    matrix: Float[Array, "field field"]

    def flux(self, u):
        return jnp.tensordot(self.matrix, u, axes=1)


class Euler(ConservationLaw):
    """Gas dynamics with density, momentum and energy, and the ratio 1.4 of specific heats."""

    gas: ClassVar[float] = 1.4
    fields: tuple[str, ...] = eqx.field(static=True, default=("rho", "m", "E"))

    @property
    def negated_fields(self):
        return (1,)

    def flux(self, u):
        rho, m, energy = u
        pressure = (self.gas - 1.0) * (energy - 0.5 * m * m / rho)
        return jnp.stack([m, m * m / rho + pressure, (energy + pressure) * m / rho])


# Neither symmetric nor triangular, with speeds of both signs. It is close to a normal matrix,
# because MUSCL limits fields, not waves: where eigenvectors are nearly parallel that costs order.
VECTORS = np.array([[1.0, 0.2, -0.1], [0.1, 1.0, 0.3], [-0.2, 0.1, 1.0]])
SPEEDS = np.array([-0.8, 0.5, 1.1])
MATRIX = VECTORS @ np.diag(SPEEDS) @ np.linalg.inv(VECTORS)


def characteristic_averages(edges, time):
    """w_p = sin(2πp(x - λ_p t)) for p = 1, 2, 3, and u = R w."""
    rows = []
    for p, speed in enumerate(SPEEDS, start=1):
        k = 2.0 * np.pi * p
        rows.append(-np.diff(np.cos(k * (edges - speed * time))) / k / np.diff(edges))
    return VECTORS @ np.stack(rows)


@pytest.mark.parametrize(
    ("scheme", "least"),
    [
        slow(lambda law: Roe(law, "none"), 1.9),
        (lambda law: Roe(law, "mc"), 1.75),
        slow(lambda law: MUSCL(law, "mc"), 1.75),
        slow(Rusanov, 0.8),
    ],
    ids=["roe-none", "roe-mc", "muscl", "rusanov"],
)
def test_three_linear_fields_move_along_their_characteristics(scheme, least):
    grid, errors = Grid.interval(200), []
    law = Linear(("a", "b", "c"), MATRIX)
    # Two periods on these cells are one on half of them, in half the time.
    for periods in (2, 1):
        edges = np.linspace(0.0, 1.0, 200 // periods + 1)
        first, last = (
            np.tile(characteristic_averages(edges, time), periods) for time in (0.0, 0.3)
        )
        solution = compiled_solve(scheme(law), first, np.array([0.0, 0.3 / periods]), grid)
        assert int(solution.status) == Status.OK
        errors.append(np.mean(np.abs(np.asarray(solution.values)[-1] - last)))
    assert np.log2(errors[0] / errors[1]) > least


@pytest.mark.validation
def test_three_decoupled_fields_are_three_scalar_runs():
    cells = 60
    grid, times = Grid.interval(cells), jnp.linspace(0.0, 0.2, 3)
    initial = np.random.default_rng(0).uniform(size=(3, cells))
    law = Linear(("a", "b", "c"), jnp.asarray(np.diag(SPEEDS)))
    together = compiled_solve(Roe(law), jnp.asarray(initial), times, grid, substeps=20)
    for p, speed in enumerate(SPEEDS):
        scalar = Roe(Cubic(a=0.0, b=0.0, c=speed))
        alone = compiled_solve(scalar, jnp.asarray(initial[p : p + 1]), times, grid, substeps=20)
        np.testing.assert_allclose(together.values[:, p], alone.values[:, 0], atol=1e-12)


def test_one_wave_of_a_system_runs_alone():
    """A jump along one eigenvector stays along it."""
    cells = 100
    profile = np.where(np.abs(np.arange(cells) - 50) < 15, 1.0, 0.0)
    initial = jnp.asarray(VECTORS[:, 2:] * profile)
    law = Linear(("a", "b", "c"), jnp.asarray(MATRIX))
    solution = compiled_solve(Roe(law), initial, jnp.asarray([0.0, 0.1]), Grid.interval(cells))
    others = np.linalg.inv(VECTORS)[:2] @ np.asarray(solution.values)[-1]
    np.testing.assert_allclose(others, 0.0, atol=1e-12)


# Sod's shock tube, (density, velocity, pressure) 1, 0, 1 and 0.125, 0, 0.1. The states between its
# waves as tabulated by Toro, Riemann Solvers and Numerical Methods, 2009, table 4.3.
MIDDLE_PRESSURE, MIDDLE_VELOCITY = 0.30313, 0.92745
MIDDLE_DENSITIES = 0.42632, 0.26557


# With a law that knows its waves test_gas.py tests it.
@pytest.mark.validation
@pytest.mark.parametrize("scheme", [Roe, MUSCL, Rusanov])
def test_sods_shock_tube(scheme):
    cells, time = 200, 0.2
    grid = Grid.interval(cells, boundary="outflow")
    x = grid.centers()
    rho, pressure = np.where(x < 0.5, 1.0, 0.125), np.where(x < 0.5, 1.0, 0.1)
    initial = jnp.asarray(np.stack([rho, 0.0 * x, pressure / 0.4]))
    solution = compiled_solve(scheme(Euler()), initial, jnp.asarray([0.0, time]), grid)
    assert int(solution.status) == Status.OK
    rho, m, energy = np.asarray(solution.values)[-1]
    velocity, pressure = m / rho, 0.4 * (energy - 0.5 * m**2 / rho)

    def near(position):
        return np.argmin(np.abs(x - position))

    # Contact at 0.6855, shock at 0.8504, tail of the rarefaction at 0.4859.
    tolerance = 0.02 if scheme is Rusanov else 0.004
    for position, density in ((0.6, MIDDLE_DENSITIES[0]), (0.77, MIDDLE_DENSITIES[1])):
        assert rho[near(position)] == pytest.approx(density, abs=tolerance)
        assert pressure[near(position)] == pytest.approx(MIDDLE_PRESSURE, abs=tolerance)
        assert velocity[near(position)] == pytest.approx(MIDDLE_VELOCITY, abs=2.0 * tolerance)
    shock = x[np.argmax(rho < 0.5 * (0.125 + MIDDLE_DENSITIES[1]))]
    assert shock == pytest.approx(0.8504, abs=0.01)
    # Mass and energy stay; the pressures at the ends are 1 and 0.1.
    gained = (np.asarray(solution.values)[-1] - np.asarray(initial)).mean(axis=1)
    np.testing.assert_allclose(gained, [0.0, 0.9 * time, 0.0], atol=1e-12)


@pytest.mark.parametrize("scheme", [slow(Roe), slow(MUSCL), Rusanov])
def test_rank_one_data_on_a_plane_equal_the_line(scheme):
    """One axis of a two-dimensional grid at a time, in either order."""
    cells, across = 40, 5
    law = Cubic(a=0.7, b=0.4, c=-0.3)
    u = np.random.default_rng(1).uniform(size=cells)
    times = jnp.linspace(0.0, 0.1, 3)
    line = compiled_solve(
        scheme(law), jnp.asarray(u[None]), times, Grid.interval(cells), substeps=10
    )
    for axis in (0, 1):
        shape = (cells, across) if axis == 0 else (across, cells)
        spread = np.broadcast_to(u[:, None] if axis == 0 else u[None], shape)
        plane = Grid((0.0, 0.0), (1.0, 1.0), shape, (("periodic", "periodic"),) * 2)
        schemes = (scheme(law), scheme(law))
        solution = compiled_solve(schemes, jnp.asarray(spread[None]), times, plane, substeps=10)
        values = np.moveaxis(np.asarray(solution.values)[:, 0], axis + 1, -1)
        expected = np.broadcast_to(np.asarray(line.values)[:, 0][:, None], values.shape)
        np.testing.assert_allclose(values, expected, atol=1e-12)


def test_plane_sums_the_rates_of_its_axes():
    """Diagonal advection: the CFL number is Δt (|a|/Δx + |b|/Δy), and totals are constant."""
    plane = Grid((0.0, 0.0), (1.0, 2.0), (20, 10), (("periodic", "periodic"), ("outflow",) * 2))
    u = jnp.asarray(np.random.default_rng(2).uniform(size=(1, 20, 10)))
    schemes = (Rusanov(Cubic(a=0.0, c=1.0)), Rusanov(Cubic(a=0.0, c=-0.5)))
    solution = compiled_solve(schemes, u, jnp.asarray([0.0, 0.1]), plane)
    assert float(solution.rate) == pytest.approx(1.0 / 0.05 + 0.5 / 0.2, rel=1e-12)
    assert int(solution.steps) == int(np.ceil(0.1 * 22.5 / 0.5))
    assert jax.tree.leaves(solution.values)[0].shape == (2, 1, 20, 10)


class FluxOnly(SpaceLaw):
    """The gas on a plane, of which a scheme knows nothing but the flux."""

    fields: tuple[str, ...] = eqx.field(static=True, default=("rho", "m_x", "m_y", "E"))
    axes: int = eqx.field(static=True, default=2)

    def flux(self, u, axis=0):
        return laws.Euler(axes=2).flux(u, axis)


@pytest.mark.validation
def test_equal_speeds_of_a_gas_are_one_wave(x64):
    """Its double eigenvalue is for LAPACK a complex pair with parts of the size of rounding."""
    x, y = np.meshgrid(*[2.0 * np.pi * (np.arange(32) + 0.5) / 32] * 2, indexing="ij")
    rho, p, v = 1.0 + 0.3 * np.sin(x + y), 1.0 + 0.2 * np.cos(x), (0.3 * np.sin(y), 0.2 * np.cos(x))
    energy = p / 0.4 + 0.5 * rho * (v[0] ** 2 + v[1] ** 2)
    gas, grid = np.stack([rho, rho * v[0], rho * v[1], energy]), Grid.rectangle((32, 32))

    def after(law):
        solution = solve(Roe(law), gas, np.array([0.0, 0.1]), grid)
        assert int(solution.status) == Status.OK
        return np.asarray(solution.values)[-1]

    # The gas's own waves, which have one limiter more, differ by less than the scheme's error.
    assert np.max(np.abs(after(FluxOnly()) - after(laws.Euler(axes=2)))) < 5.6e-3


def test_waves_of_equal_speeds_sum_to_the_vector(x64):
    """A = V diag(-1, 2, 2, 2 + δ) V⁻¹ with δ of the size of rounding."""
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(50, 4, 4))
    speeds = np.array([-1.0, 2.0, 2.0, 2.0]) + 1e-15 * rng.normal(size=(50, 4))
    matrix = np.einsum("nij,nj,njk->ikn", vectors, speeds, np.linalg.inv(vectors))
    vector = rng.normal(size=(4, 50))

    def waves(matrix, vector):
        found, split = eigen.waves(matrix)
        return found, split(vector)

    found, parts = map(np.asarray, compiled(waves, matrix, vector))
    np.testing.assert_allclose(parts.sum(axis=0), vector, atol=1e-9)
    np.testing.assert_allclose(parts[2:], 0.0, atol=1e-9)
    moved = np.einsum("ikn,pkn->pin", matrix, parts)
    np.testing.assert_allclose(moved, found[:, None] * parts, atol=1e-7)


def test_derivatives_of_more_waves_are_refused():
    matrix = np.diag(np.arange(4.0, dtype=np.float32))[..., None]
    with pytest.raises(NotImplementedError, match="of 4 fields have no derivatives; use Rusanov"):
        jax.jvp(lambda a: eigen.waves(a)[0], (matrix,), (matrix,))
