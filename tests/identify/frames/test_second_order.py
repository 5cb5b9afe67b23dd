"""A road whose flow is measured beside its density: what is conserved is found, not assumed."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import hfluxno
from hfluxno import Grid, Trajectory
from hfluxno.boundary import Periodic
from hfluxno.identify.frames.candidate import Candidate
from hfluxno.identify.frames.candidate_functions import make_basis
from hfluxno.identify.frames.change import MomentumOfVelocity
from hfluxno.identify.frames.second_order import NAME, SecondOrder
from hfluxno.identify.frames.second_order_fit import EVIDENT, _weak_start, second_order
from hfluxno.laws import AwRascleZhang
from tests.compiled import compiled
from tests.errors import relative
from tests.identify import runge_kutta
from tests.identify.law_files import assert_refused
from tests.identify.laws import identification, shallow_water

CELLS, FRAMES, INTERVAL = 60, 16, 0.02
CHANGE = SecondOrder("density", "flow", 1, 0.5, 2.0, 4.0)


def road(pressure, relaxation=0.0, frames=FRAMES):
    """Frames of density, flow and y on a ring of length 1, by limited slopes and Rusanov's flux on
    16 times the cells, in NumPy."""
    fine = 16 * CELLS
    x = (np.arange(fine) + 0.5) / fine
    rho = 0.5 + 0.2 * np.sin(2 * np.pi * x)
    v = 0.6 + 0.2 * np.cos(2 * np.pi * x)
    u = np.stack([rho, rho * (v + pressure(rho))])
    seen = []

    def speed(u):
        return u[1] / u[0] - pressure(u[0])

    def tendency(u):
        a, b = u - np.roll(u, 1, axis=1), np.roll(u, -1, axis=1) - u
        slope = np.where(a * b > 0.0, 2.0 * a * b / np.where(a * b > 0.0, a + b, 1.0), 0.0)
        left, right = u + 0.5 * slope, np.roll(u - 0.5 * slope, -1, axis=1)
        flux = 0.5 * (left * speed(left) + right * speed(right)) - 0.75 * (right - left)
        change = -(flux - np.roll(flux, 1, axis=1)) * fine
        change[1] += relaxation * (u[0] * (1.0 - u[0]) - u[0] * speed(u))
        return change

    steps = int(np.ceil(INTERVAL * fine * 2.5))
    for _ in range(frames):
        cells = u.reshape(2, CELLS, -1).mean(axis=-1)
        flow = (u[0] * speed(u)).reshape(CELLS, -1).mean(axis=-1)
        seen.append([cells[0], flow, cells[1]])
        for _ in range(steps):
            u = runge_kutta.heun(tendency, u, INTERVAL / steps)
    return np.array(seen)


def flowing_water():
    """Depth and flow of waves on a ring, by Lax and Friedrichs on 16 times the cells, in NumPy."""
    fine = 16 * CELLS
    x = (np.arange(fine) + 0.5) / fine
    u = np.stack([1.0 + 0.2 * np.sin(2 * np.pi * x), 1.0 + 0.1 * np.cos(4 * np.pi * x)])
    seen = []
    for _ in range(FRAMES):
        seen.append(u.reshape(2, CELLS, -1).mean(axis=-1))
        for _ in range(steps := 96):
            flux = np.stack([u[1], u[1] ** 2 / u[0] + 0.5 * u[0] ** 2])
            left, right = np.roll(u, 1, axis=1), np.roll(u, -1, axis=1)
            change = np.roll(flux, -1, axis=1) - np.roll(flux, 1, axis=1)
            u = 0.5 * (left + right) - 0.5 * INTERVAL / steps * fine * change
    return np.array(seen)


def measured(values, **units):
    grid = Grid((0.0,), (1.0,), (CELLS,), ((Periodic(), Periodic()),))
    times = INTERVAL * np.arange(len(values))
    return Trajectory(
        values[:, :2], times, grid, ("density", "flow"), units=tuple(sorted(units.items()))
    )


@pytest.mark.validation
@pytest.mark.parametrize(("exponent", "relaxation"), [(1.5, 4.0), (0.0, 0.0)])
def test_the_pressure_is_found_up_to_a_constant(exponent, relaxation):
    def pressure(rho):
        return rho**exponent if exponent else 0.5 * np.log(rho)

    frames = road(pressure, relaxation)
    found = second_order(measured(frames), 1)
    assert found.exponent == pytest.approx(exponent, abs=0.1)
    density = np.linspace(frames[:, 0].min(), frames[:, 0].max(), 20)
    pair = np.stack([density, np.zeros(20)])
    away = found.conserved(pair)[1] / density - pressure(density)
    assert np.std(away) < 0.01 * np.std(pressure(density))


@pytest.mark.validation
def test_the_flow_may_be_first_and_in_other_units():
    frames = road(lambda rho: rho**2)
    frames[:, 1] *= 3600.0
    other = dataclasses.replace(
        measured(frames), values=frames[:, 1::-1], fields=("flow", "density")
    )
    found = second_order(other, 0, 1.0 / 3600.0)
    assert found.fields == ("flow", "density")
    assert found.exponent == 2.0  # a whole number, which explains as much
    density = np.linspace(0.35, 0.65, 20)
    pressure = found.conserved(np.stack([np.zeros(20), density]))[0] / density
    np.testing.assert_allclose(pressure / 3600.0, density**2, rtol=0.01)


def test_a_density_without_a_second_order_is_none():
    """The flow is a function of the density: there is nothing to explain by a pressure."""
    x = (np.arange(CELLS) + 0.5) / CELLS
    phase = x - 0.3 * INTERVAL * np.arange(FRAMES)[:, None]
    rho = 0.5 + 0.2 * np.sin(2 * np.pi * phase)
    assert second_order(measured(np.stack([rho, 0.3 * rho], axis=1)), 1) is None
    assert second_order(measured(np.stack([rho, -0.3 * rho], axis=1)), 1) is None


def test_the_weak_form_of_traffic_is_evident_and_that_of_water_is_none():
    traffic = road(lambda rho: rho**2, relaxation=4.0)
    per_frame = INTERVAL * CELLS

    def start(frames, most_left):
        scale = np.mean(frames[:, 0])
        pair = frames[:, 0] / scale, per_frame * frames[:, 1] / scale
        return _weak_start(*pair, periodic=True, most_left=most_left)

    assert start(traffic, EVIDENT / 10.0)[1] == 2.0
    assert start(flowing_water(), 10.0 * EVIDENT) is None


def test_fields_change_there_and_back():
    values = np.random.default_rng(0).uniform(1.0, 3.0, (4, 2, 5))
    states = CHANGE.conserved(values)
    expected = values[:, 1] + values[:, 0] * 0.25 * (values[:, 0] / 4.0) ** 2
    np.testing.assert_allclose(states[:, 1], expected, rtol=1e-14)
    np.testing.assert_allclose(CHANGE.measured(states), values, rtol=1e-14)


@pytest.mark.parametrize("place", [0, 1])
def test_a_velocity_may_be_measured_instead_of_the_flow(place):
    change = dataclasses.replace(CHANGE, place=place)
    of_velocity = dataclasses.replace(change, flow="speed", of_velocity=True)
    values = np.random.default_rng(0).uniform(1.0, 3.0, (4, 2, 5))
    flows = np.array(values)
    flows[:, place] = values[:, 0] * values[:, 1]
    states = of_velocity.conserved(values)
    np.testing.assert_allclose(states, change.conserved(flows), rtol=1e-14)
    np.testing.assert_allclose(of_velocity.measured(states), values, rtol=1e-14)
    # A cell that is divided between two densities is off by what either product is.
    of_momentum = np.abs(MomentumOfVelocity("density", "speed", place).divided(values))
    both = change.divided(flows) + of_momentum
    np.testing.assert_allclose(of_velocity.divided(values), both, rtol=1e-14)
    assert str(of_velocity) == "y = density·speed + 0.01562 density³"
    known = {"density": "1/km", "speed": "km/h"}
    assert of_velocity.unit(known) == MomentumOfVelocity("density", "speed", place).unit(known)
    assert of_velocity.unit(known) != "" and of_velocity.unit({"density": "1/km"}) == ""


@pytest.mark.parametrize(
    ("exponent", "text"),
    [
        (2.0, "y = flow + 0.01562 density³"),
        (1.5, "y = flow + 0.04167 density^2.5"),
        (0.0, "y = flow + 0.5 density ln(density/4)"),
        (0.25, "y = flow + 2 density ((density/4)^0.25 - 1)"),
    ],
)
def test_what_is_conserved_is_written_as_it_is_computed(exponent, text):
    change = dataclasses.replace(CHANGE, exponent=exponent)
    assert str(change) == text
    formula = text.removeprefix("y = ").replace("³", "**3").replace("^", "**")
    formula = formula.replace("ln", "np.log").replace(" density", "*density").replace("+*", "+ ")
    formula = formula.replace(" ((", "*((").replace(" np", "*np")
    names = {"np": np, "flow": 3.0, "density": 1.7}
    expected = eval(formula, names)
    assert change.conserved(np.array([[1.7], [3.0]]))[1, 0] == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("exponent", [0.0, 1.7])
def test_the_law_of_the_road_has_its_speeds(exponent):
    with jax.enable_x64(True):
        law = AwRascleZhang(
            strength=0.5, exponent=exponent, scale=2.0, equilibrium=[1.0, -1.0], rate=3.0
        )
        u = jnp.asarray(np.random.default_rng(1).uniform(1.0, 2.0, (2, 30)))
        found = compiled(
            lambda law, u: (
                law.jacobian(u),
                law.speed_range(u),
                law.velocity(u),
                law.source(u, u[None, 0], 0.0),
            ),
            law,
            u,
        )
        jacobian, (low, high), v, arising = found
        speeds = np.linalg.eigvals(np.moveaxis(np.asarray(jacobian), -1, 0))
        np.testing.assert_allclose(np.sort(speeds.real, axis=1), np.stack([low, high], 1))
        rho, v = np.asarray(u[0]), np.asarray(v)
        np.testing.assert_allclose(arising[1], rho / 2 - (rho / 2) ** 2 - 3.0 * rho * v)
        np.testing.assert_array_equal(arising[0], 0.0)


@pytest.mark.parametrize("density", [0, 1])
def test_the_law_of_the_road_has_terms_for_steep_pressures(density):
    """ρ p and y p of p ~ ρ³ and ρ⁴, whichever field is first; other pairs have no such terms."""
    values = np.random.default_rng(1).uniform(0.5, 1.0, (4, 2, 8))
    names = ("u0", NAME) if density == 0 else (NAME, "u1")
    candidate = Candidate("dictionary", 0)
    basis, plain = (make_basis(candidate, values, fields) for fields in (names, ("u0", "u1")))
    further = set(basis.exponents) - set(plain.exponents)
    assert further == {e[:: 1 - 2 * density] for e in ((4, 0), (3, 1), (5, 0), (4, 1))}


def test_a_law_file_holds_the_change(tmp_path):
    law = dataclasses.replace(shallow_water(), fields=("density", "y"))
    found = dataclasses.replace(identification(law), change=CHANGE)
    file = tmp_path / "law.json"
    of_velocity = dataclasses.replace(CHANGE, of_velocity=True)
    dataclasses.replace(found, change=of_velocity).save(file)
    assert hfluxno.load_law(file).change == of_velocity
    found.save(file, {"density": "1/km", "flow": "1/h"})
    loaded = hfluxno.load_law(file)
    assert loaded.change == CHANGE and loaded.units.fields == ("1/km", "1/h")
    for key, value, fault in (
        ("strength", -1.0, "a positive strength"),
        ("exponent", 40.0, "an exponent"),
        ("scale", 0.0, "a positive scale"),
        ("place", 0, "not in the place of the field y"),
        ("flow", "density", "a flow needs its density"),
    ):
        assert_refused(file, {f"change/{key}": value}, fault)


@pytest.mark.validation
def test_the_forecast_is_of_density_and_speed():
    frames = road(lambda rho: rho**2, 4.0, 32)[:, :2]
    frames[:, 1] /= frames[:, 0]
    context = dataclasses.replace(measured(frames[:FRAMES]), fields=("density", "speed"))
    made = hfluxno.forecast(context, FRAMES)
    away = made.trajectory.values - frames[FRAMES:]
    errors = np.linalg.norm(away, axis=(1, 2)) / np.linalg.norm(frames[FRAMES:], axis=(1, 2))
    found = made.identifications[0]
    assert found.formulas[-1].startswith("y = density·speed + ")
    still = relative(frames[FRAMES - 1], frames[-1])
    assert np.max(errors) < 0.03 and errors[-1] < 0.3 * still
    assert np.mean(errors <= made.predicted_error_90) > 0.7


@pytest.mark.validation
def test_the_forecast_is_of_density_and_flow():
    frames = road(lambda rho: rho**2, 4.0, 32)
    context = measured(frames[:FRAMES], density="1/km", flow="1/s", x="km", time="s")
    made = hfluxno.forecast(context, FRAMES)
    assert made.trajectory.fields == ("density", "flow")
    away = made.trajectory.values - frames[FRAMES:, :2]
    errors = np.linalg.norm(away, axis=(1, 2)) / np.linalg.norm(frames[FRAMES:, :2], axis=(1, 2))
    found = made.identifications[0]
    assert found.law.fields == ("density", "y") and found.change is not None
    assert found.formulas[-1].startswith("y = flow + ") and found.units["y"] == "1/s"
    assert np.max(errors) < 0.02 and np.mean(errors <= made.predicted_error_90) > 0.7
    again = hfluxno.forecast(context, FRAMES, law=found)
    apart = np.linalg.norm(again.trajectory.values - made.trajectory.values)
    assert apart < 0.01 * np.linalg.norm(made.trajectory.values)
