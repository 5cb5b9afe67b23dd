"""Identification on a plane: weak form, isotropy, known laws, and a forecast end to end."""

import dataclasses

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest

import hfluxno
from hfluxno.fv import MUSCL, StepControl, solve
from hfluxno.grid import Grid
from hfluxno.identify import FitStatus
from hfluxno.identify.plane import identification, identify_plane, run
from hfluxno.identify.plane.frames import frames_of
from hfluxno.identify.plane.known import _known_laws, recognise
from hfluxno.identify.plane.roles import infer_roles
from hfluxno.identify.plane.select import choose, estimate, functions_of, in_cells, make_basis
from hfluxno.laws import Euler, ShallowWater2D
from hfluxno.parametric.basis import fluid_exponents
from hfluxno.parametric.plane.law import FittedPlaneLaw
from hfluxno.parametric.plane.terms import Roles, Structure, isotropic_structures
from hfluxno.parametric.plane.weak_form import CELLS, bumps, time_rows, total, weak_systems
from hfluxno.trajectory import Trajectory
from tests.errors import relative
from tests.identify.plane.laws import one_field

pytestmark = pytest.mark.usefixtures("x64")
AROUND = (True, True)
INTERVAL = 0.012


class Stretched(ShallowWater2D):
    """Shallow water in a medium whose pressure along y is another one."""

    stretch: float = eqx.field(static=True, default=1.1)

    def flux(self, u, axis=0):
        flux = super().flux(u, axis)
        more = 0.5 * self.g * (self.stretch - 1.0) * u[0] * u[0]
        return flux.at[2].add(more) if axis == 1 else flux

    def speed_range(self, u, axis=0):
        velocity, celerity = u[1 + axis] / u[0], jnp.sqrt(self.stretch * self.g * u[0])
        return velocity - celerity, velocity + celerity


compiled_solve = eqx.filter_jit(solve)


def water(law, shape=(32, 40), upper=(1.0, 1.0), frames=14):
    grid = Grid.rectangle(shape, upper=upper)
    x, y = np.meshgrid(*[2.0 * np.pi * (np.arange(n) + 0.5) / n for n in shape], indexing="ij")
    h = 1.0 + 0.15 * np.sin(x + 0.3) + 0.1 * np.cos(y) + 0.1 * np.sin(x - y + 1.0)
    v = (0.4 * np.sin(y + 0.5) + 0.2 * np.cos(x + y), 0.3 * np.cos(x) - 0.3 * np.sin(2.0 * x - y))
    initial = jnp.asarray(np.stack([h, h * v[0], h * v[1]]))
    times = INTERVAL * np.arange(frames)
    solution = compiled_solve(MUSCL(law, "mc", "rusanov"), initial, times, grid)
    assert int(solution.status) == 0
    return Trajectory(np.asarray(solution.values), times, grid, law.fields)


@pytest.fixture(scope="module")
def flat():
    import jax

    with jax.enable_x64(True):
        # Cells that are not square.
        return water(ShallowWater2D(g=4.0), upper=(1.0, 1.5))


def whole(values):
    grid = Grid.rectangle(values.shape[2:])
    names = ("h", "m_x", "m_y")
    return frames_of(Trajectory(values, np.arange(float(len(values))), grid, names))


def prepared(values, aspect=1.0, momentum=None):
    roles = infer_roles(whole(values), aspect, momentum)
    basis = make_basis(values, roles, ("h", "m_x", "m_y"))
    systems = weak_systems(values, functions_of(basis, AROUND), AROUND)
    return roles, basis, systems, np.std(values, axis=(0, 2, 3))


def test_weights_in_time_integrate_by_parts_exactly():
    frames = np.arange(8.0)
    for width in (4, 7):
        still, moving, during = time_rows(frames, width)
        assert np.all(during.sum(axis=1) == width + 1)
        assert len(still) == 8 - width
        for power in (1, 2, 3):
            slope = power * frames ** (power - 1)
            np.testing.assert_allclose(moving @ frames**power, -still @ slope, atol=1e-12)


@pytest.mark.parametrize("shape", [(40, 40), (48, 32)])
def test_an_advected_wave_shows_its_velocity(shape):
    velocity = np.array([1.3, -0.7])  # in cells a frame
    x, y = np.meshgrid(*[np.arange(n) for n in shape], indexing="ij")
    k = [2.0 * np.pi / n for n in shape]

    def wave(t):
        a, b = k[0] * (x - velocity[0] * t), k[1] * (y - velocity[1] * t)
        return np.sin(a + b) + 0.5 * np.cos(a - 2.0 * b)

    values = np.stack([wave(t) for t in range(10)])[:, None]
    system = total(weak_systems(values, [lambda u: u[0]], AROUND))
    directions = np.eye(2).reshape(2, 1, 2, 1)
    found = estimate(system, Structure((0,), directions, ("x", "y")), np.ones(1))
    np.testing.assert_allclose(found.unknowns, velocity, rtol=2e-3)
    assert found.misfit < 2e-3


def test_a_rotation_depends_on_place_and_is_no_law_of_the_state():
    x = np.arange(40) - 19.5
    angles = 0.06 * np.arange(10)[:, None, None]
    a = x[:, None] * np.cos(angles) + x * np.sin(angles)
    b = x * np.cos(angles) - x[:, None] * np.sin(angles)
    values = np.exp(-0.02 * ((a - 6.0) ** 2 + 2.0 * b**2))[:, None]
    basis = make_basis(values, Roles(1), ("u",))
    system = total(weak_systems(values, functions_of(basis, (False, False)), (False, False)))
    found, isotropic = choose(system, basis, Roles(1), np.std(values, axis=(0, 2, 3)), 1.0)
    assert not isotropic
    assert found[0].misfit > 1.5 * identification.POOR_MISFIT


@pytest.mark.parametrize("width", CELLS)
def test_bumps_that_sides_cut_see_derivatives_up_to_them(width):
    x = np.arange(40.0)
    u, slopes = (x / 40.0) ** 3, [3.0 * x**2 / 40.0**3, 6.0 * x / 40.0**3]
    rows, whole = bumps(40, width, False, 3, cut=True), bumps(40, width, False)
    cut = [k for k, chi in enumerate(rows[0]) if not any(np.array_equal(chi, w) for w in whole[0])]
    assert len(cut) == rows.shape[1] - whole.shape[1] == 4
    assert np.all(rows[0][cut][:, [0, -1]].max(axis=1) > 0.2)
    for order, exact in ((1, -slopes[0]), (2, slopes[1])):
        np.testing.assert_allclose(rows[order][cut] @ u, rows[0][cut] @ exact, rtol=1e-10)
    np.testing.assert_array_equal(bumps(40, width, True, 3, cut=True), bumps(40, width, True))


def test_isotropic_fluxes_turn_with_the_plane():
    """f(Q u)·Q e = Q f(u)·e for a rotation Q by any angle, of every function."""
    roles = Roles(4, (1, 2), 0)
    terms = fluid_exponents(roles.fields, roles.carrier)
    basis = make_basis(np.ones((1, 4, 1, 1)), roles, ("rho", "m", "n", "E"))
    u = np.array([1.3, 0.4, -0.7, 2.1])
    c, s = np.cos(0.7), np.sin(0.7)
    turn = np.array([[c, -s], [s, c]])
    turned = np.concatenate([u[:1], turn @ u[1:3], u[3:]])
    at, at_turned = (np.asarray(basis(jnp.asarray(state))) for state in (u, turned))
    for structure in isotropic_structures(roles, terms, ("rho", "m", "n", "E")):
        for direction in structure.directions:
            flux, flux_turned = direction @ at, direction @ at_turned
            expected = flux @ turn.T
            if len(structure.fields) == 2:
                expected = turn @ expected
            np.testing.assert_allclose(flux_turned, expected, atol=1e-12)


@pytest.mark.parametrize(("thin", "divides"), [(1e-3, True), (1e-30, False), (0.0, False)])
def test_nothing_is_divided_by_a_vacuum(thin, divides):
    values = np.ones((2, 4, 3, 3))
    values[1, 0, 2, 1] = thin
    basis = make_basis(values, Roles(4, (1, 2), 0), ("rho", "m", "n", "E"))
    assert (np.min(basis.exponents) < 0) == divides


def test_tied_and_free_coefficients_agree_on_isotropic_data(flat):
    aspect = 1.0 / 1.5 * 40 / 32
    values = np.asarray(flat.values)[:10]
    roles, basis, systems, sizes = prepared(values, aspect)
    assert roles == Roles(3, (1, 2), 0)
    found, isotropic = choose(total(systems), basis, roles, sizes, aspect)
    assert isotropic
    names = [name for each in found for name in each.structure.names]
    assert set(names) == {"m", "m⊗m/h", "δ·h²"}
    momentum = found[-1]
    direction = momentum.structure.directions
    for component in (0, 1):
        # The same terms, each of its own size along each axis.
        parts = [
            (axis, term)
            for axis in (0, 1)
            for term in np.flatnonzero(np.any(direction[:, component, axis] != 0.0, axis=0))
        ]
        single = np.zeros((len(parts), 1, 2, len(basis.names)))
        for row, (axis, term) in zip(single, parts, strict=True):
            row[0, axis, term] = 1.0
        labels = tuple(map(str, parts))
        free = estimate(total(systems), Structure((1 + component,), single, labels), sizes)
        tied = np.tensordot(momentum.unknowns, direction[:, component], axes=1)
        expected = [tied[axis, term] for axis, term in parts]
        np.testing.assert_allclose(free.unknowns, expected, rtol=0.02)
    said, _, _ = recognise(systems, basis, roles, sizes, (1.0 / 32, 1.5 / 40), INTERVAL, found)
    assert said.name == "shallow water"
    assert said.value == pytest.approx(4.0, rel=0.01)
    assert abs(said.value - 4.0) < 4.0 * said.deviation + 0.01
    # With x and y in thousands of what the momentum counts all fluxes have a factor in common.
    thousands = (1e-3 / 32, 1.5e-3 / 40)
    units = {"x": "km", "time": "s", "h": "m"}
    of_thousands = systems, basis, roles, sizes, thousands, INTERVAL, found, None
    same, _, _ = recognise(*of_thousands, units)
    assert same.value == pytest.approx(said.value) and same.misfit == pytest.approx(said.misfit)
    assert (said.unit, same.unit) == ("", "m/s²")
    assert recognise(*of_thousands)[0].unit == "in the fields' unit m_x²/h³"
    # If they count lengths in millimetres, x is in metres.
    small, _, _ = recognise(*of_thousands, units | {"x": "m", "h": "mm"})
    assert small.value == pytest.approx(1e-3 * said.value) and small.unit == "m/s²"


def test_a_medium_that_is_not_isotropic_is_no_known_law():
    law = Stretched(g=4.0)
    values = np.asarray(water(law, shape=(32, 32), frames=10).values)
    roles, basis, systems, sizes = prepared(values)
    found, isotropic = choose(total(systems), basis, roles, sizes, 1.0)
    assert not isotropic
    assert max(each.misfit for each in found) < 0.05


def test_the_momentum_may_be_declared_and_fields_may_come_in_any_order(flat):
    values = np.asarray(flat.values)[:10][:, [1, 0, 2]]
    aspect = 1.0 / 1.5 * 40 / 32
    assert infer_roles(whole(values), aspect, None) == Roles(3, (0, 2), 1)
    assert infer_roles(whole(values), aspect, (0, 2)) == Roles(3, (0, 2), 1)
    # Nothing is the transport of what was declared.
    assert infer_roles(whole(values), aspect, (2, 0)).carrier is None


def test_the_known_euler_equations_are_eulers():
    law = Euler(2, 1.3)
    roles = Roles(4, (1, 2), 0)
    random = np.random.default_rng(0)
    density, pressure = random.uniform(0.5, 2.0, (2, 50))
    u = law.conserved(
        jnp.asarray(density), jnp.asarray(random.normal(size=(2, 50))), jnp.asarray(pressure)
    )
    basis = make_basis(np.asarray(u)[None, ..., None], roles, law.fields)
    (known,) = _known_laws(basis, roles, 1.0)
    assert (known.name, known.symbol) == ("Euler", "γ")
    coefficients = (known.offset + 1.3 * known.slope).swapaxes(0, 1)
    ends = np.zeros(4), np.ones(4)
    found = FittedPlaneLaw(law.fields, basis, coefficients, *ends, ((1, 2),), (0,), is_fluid=True)
    for axis in (0, 1):
        np.testing.assert_allclose(found.flux(u, axis), law.flux(u, axis), rtol=1e-10, atol=1e-10)
        for speed, exact in zip(found.speed_range(u, axis), law.speed_range(u, axis), strict=True):
            np.testing.assert_allclose(speed, exact, rtol=1e-9, atol=1e-9)
        wider = dataclasses.replace(found, is_fluid=False).speed_range(u, axis)
        assert bool(jnp.all(wider[0] <= law.speed_range(u, axis)[0] + 1e-9))
        assert bool(jnp.all(wider[1] >= law.speed_range(u, axis)[1] - 1e-9))
    assert not bool(found.admissible(-u[:, 0]))
    assert found.along(1).negated_fields == (2,)


def test_fluxes_in_cells_are_longer_where_cells_are_shorter():
    structure = Structure((0,), np.ones((1, 1, 2, 1)), ("m",))
    np.testing.assert_array_equal(in_cells(structure, 2.0).directions.ravel(), [1.0, 2.0])


@pytest.mark.validation
def test_a_context_on_a_plane_is_forecast_by_the_public_names(flat, monkeypatch):
    monkeypatch.setattr(run, "REFINEMENTS", (1,))
    context, truth = flat.window(0, 10), np.asarray(flat.values)[10:]
    ahead = hfluxno.forecast(context, 4)
    (found,) = ahead.identifications
    assert found.status == FitStatus.OK
    assert found.momentum == ("m_x", "m_y")
    assert "shallow water, g = 4" in found.sentence
    assert "∂x(1 m_x)" in found.formulas[0]
    assert found.backtest_error < 0.1 * found.persistence_error
    values = np.asarray(ahead.trajectory.values)
    still = np.linalg.norm(np.asarray(context.values)[-1:] - truth)
    assert np.linalg.norm(values - truth) < 0.05 * still
    assert float(ahead.conservation_drift) < 1e-12
    error = np.sqrt(np.sum((values - truth) ** 2, axis=(1, 2, 3)) / np.sum(truth**2, (1, 2, 3)))
    assert ahead.predicted_error_90 is not None and ahead.deviation is not None
    # In nine of ten forecasts it is a bound; here waves steepen, and errors grow faster and faster.
    ratio = error / ahead.predicted_error_90
    assert np.all((ratio > 0.3) & (ratio < 1.3))
    assert np.mean(np.abs(values - truth) < 1.645 * ahead.deviation) > 0.7
    np.testing.assert_allclose(ahead.trajectory.times, flat.times[10:])
    # In units of the data.
    for axis in (0, 1):
        flux = np.asarray(ShallowWater2D(g=4.0).flux(jnp.asarray(truth[0]), axis))
        np.testing.assert_allclose(found.law.flux(truth[0], axis), flux, atol=0.02)


def test_what_cannot_be_used_is_said(flat):
    with pytest.raises(ValueError, match="at least 6 frames of 16 × 16 cells; this one has 5 of"):
        hfluxno.identify(flat.window(0, 5))
    with pytest.raises(ValueError, match=r'a pair of fields, such as \("m_x", "m_y"\); got \'h\''):
        hfluxno.identify(flat, momentum="h")
    with pytest.raises(ValueError, match="is a pair of the fields h, m_x, m_y, such as"):
        hfluxno.identify(flat, momentum=("h", "n"))
    with pytest.raises(ValueError, match="noise of frames on a plane is estimated"):
        hfluxno.identify(flat, noise=0.1)
    still = np.array(flat.values)
    still[:, 0] = 1.0
    with pytest.raises(
        ValueError,
        match=r"The field 'h' is constant.* out \(on the command line --variable=m_x,m_y\)",
    ):
        hfluxno.identify(dataclasses.replace(flat, values=still))
    moving = Grid.rectangle(flat.grid.shape, boundary=("open", "periodic"))
    with pytest.raises(
        ValueError, match="periodic, walls or outflows to identify a law; got 'open'"
    ):
        hfluxno.identify(dataclasses.replace(flat, grid=moving))
    line = Trajectory.from_numpy(np.random.default_rng(0).normal(size=(8, 2, 16)))
    with pytest.raises(ValueError, match="momentum on a line is the name of one field"):
        hfluxno.identify(line, momentum=("u0", "u1"))


@pytest.mark.validation
def test_a_medium_that_is_not_isotropic_gets_no_name_by_its_forecast_either():
    found = identify_plane(water(Stretched(g=4.0), shape=(32, 32), frames=10))
    assert found.recognised is None and not found.isotropic


@pytest.mark.validation
def test_a_gas_on_few_cells_is_known_by_its_forecast():
    """With jumps in the first frame many terms fit the quadratures of the weak form better than
    Euler's, and run away in a forecast."""
    fine, part, times = 96, 3, 0.015 * np.arange(16)
    gases = np.random.default_rng(7).uniform(
        (0.3, -0.8, -0.8, 0.3), (1.8, 0.8, 0.8, 1.8), (2, 2, 4)
    )
    x = (np.arange(fine) + 0.5) / fine
    side = ((x > 0.25) & (x < 0.75)).astype(int)
    density, u, v, pressure = jnp.moveaxis(jnp.asarray(gases[side[:, None], side[None]]), -1, 0)
    law = Euler(2, 1.45)
    initial = law.conserved(density, jnp.stack([u, v]), pressure)
    flux, control = MUSCL(law, "van-leer", "hllc"), StepControl(0.45, 0.45, lagged=False)
    values = compiled_solve(flux, initial, times, Grid.rectangle((fine, fine)), control).values
    seen = np.asarray(values).reshape(16, 4, 32, part, 32, part).mean((3, 5))
    grid = Grid.rectangle((32, 32))
    context = Trajectory(seen[:10], times[:10], grid, law.fields)
    found = identify_plane(context)
    assert found.recognised is not None and found.status == FitStatus.OK
    assert found.recognised.value == pytest.approx(1.45, abs=0.02)
    ahead = np.asarray(hfluxno.forecast(context, 6).trajectory.values)
    error = relative(ahead, seen[10:])
    still = relative(seen[9], seen[10:])
    assert error < 0.25 * still


def test_a_run_that_explodes_is_given_up():
    """Laws of 1e5 cells a frame need more steps than any that can be used; later frames are not
    tried."""
    law = dataclasses.replace(one_field(), coefficients=1e5 * np.asarray(one_field().coefficients))
    low, high = float(law.lower[0]), float(law.upper[0])
    state = np.random.default_rng(0).uniform(low, high, (1, 16, 16))
    frames, solved = run.advance(law, state, np.ones(3), Grid.rectangle((16, 16)), 1)
    assert not solved
    np.testing.assert_array_equal(frames[1], frames[0])
    np.testing.assert_array_equal(frames[2], frames[0])
