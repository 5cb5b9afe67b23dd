"""The names of laws of one field on a plane, from exact smooth solutions."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import hfluxno
from hfluxno.fv import MUSCL, solve
from hfluxno.grid import Grid
from hfluxno.identify import FitStatus
from hfluxno.identify.plane import run
from hfluxno.identify.plane.known_of_one import OneField, in_powers
from hfluxno.identify.plane.saturation import recognise
from hfluxno.identify.plane.select import choose, functions_of, make_basis
from hfluxno.identify.recognition.recognised import Coefficient, Recognised
from hfluxno.laws.space import SpaceLaw
from hfluxno.parametric.basis import Chebyshev, Dictionary
from hfluxno.parametric.plane.terms import Roles
from hfluxno.parametric.plane.weak_form import total, weak_systems
from hfluxno.strict_json import from_dict, to_dict
from hfluxno.trajectory import Trajectory
from tests.compiled import compiled

CELL, INTERVAL = (1.0 / 32.0, 1.0 / 20.0), 0.02


def solved(along_x, along_y, noise=0.0, middle=0.5):
    """Frames of u = f(x - F'(u) t, y - G'(u) t), with these speeds."""
    x = (np.arange(32) + 0.5)[:, None] * CELL[0]
    y = (np.arange(20) + 0.5) * CELL[1]

    def first(x, y):
        a, b = 2.0 * np.pi * x, 2.0 * np.pi * y
        return middle + 0.2 * np.sin(a + 0.3) + 0.15 * np.cos(b - a) + 0.1 * np.sin(b + 1.0)

    frames = []
    for t in INTERVAL * np.arange(10):
        u = first(x, y)
        for _ in range(60):
            u = first(x - along_x(u) * t, y - along_y(u) * t)
        frames.append(u)
    values = np.stack(frames)[:, None]
    return values + noise * np.std(values) * np.random.default_rng(0).normal(size=values.shape)


def named(values, noise=0.0):
    basis, sizes = make_basis(values, Roles(1), ("u",)), np.std(values, axis=(0, 2, 3))
    systems = weak_systems(values, functions_of(basis, (True, True)), (True, True))
    found, _ = choose(total(systems), basis, Roles(1), sizes, CELL[0] / CELL[1])
    about = systems, basis, sizes, CELL, INTERVAL, found, None, ("u",), values, noise
    return recognise(OneField(*about))


def displaced(q, mobility):
    """q g'(u) of Buckley and Leverett's g."""

    def speed(u):
        return 2.0 * q * mobility * u * (1.0 - u) / (u**2 + mobility * (1.0 - u) ** 2) ** 2

    return speed


def still(u):
    return 0.0 * u


LAWS = {
    "linear advection": (
        (lambda u: 0.7 + 0.0 * u, lambda u: -0.4 + 0.0 * u),
        {"a": 0.7, "b": -0.4},
    ),
    "Burgers": ((lambda u: u, lambda u: 0.6 * u), {"a": 1.0, "b": 0.6}),
    "Burgers along y": ((still, lambda u: -0.8 * u), {"b": -0.8}),
    "Greenshields": (
        (lambda u: 1.0 - 2.0 * u / 1.5, lambda u: -0.5 * (1.0 - 2.0 * u / 1.5)),
        {"v_x": 1.0, "K_x": 1.5, "v_y": -0.5, "K_y": 1.5},
    ),
    "Buckley–Leverett": (
        (displaced(0.2, 0.5), displaced(-0.15, 0.5)),
        {"q_x": 0.2, "q_y": -0.15, "M": 0.5},
    ),
    "Buckley–Leverett along y": ((still, displaced(0.5, 1.4)), {"q_y": 0.5, "M": 1.4}),
    "Greenshields along x": ((lambda u: 0.9 * (1.0 - 2.0 * u), still), {"v_x": 0.9, "K_x": 1.0}),
}


@pytest.mark.parametrize("noise", [0.0, 0.01])
@pytest.mark.parametrize("name", list(LAWS))
def test_each_law_is_recognised_with_its_coefficients(name, noise):
    speeds, exact = LAWS[name]
    said, _ = named(solved(*speeds, noise), noise)
    assert said.name == name.partition(" along")[0]
    first = Coefficient(said.symbol, said.value, said.deviation)
    found = {each.symbol: each for each in (first, *said.more)}
    assert list(found) == list(exact)
    for symbol, value in exact.items():
        assert found[symbol].value == pytest.approx(value, rel=0.03)
        assert abs(found[symbol].value - value) < 3.0 * found[symbol].deviation
        assert found[symbol].deviation < 0.05 * abs(value)
        assert str(found[symbol]) in said.short


OTHERS = {
    "cubic": (lambda u: u**2, lambda u: u**2),
    "sine": (lambda u: np.cos(2.0 * u), lambda u: -np.sin(2.0 * u)),
    "a parabola of no road": (lambda u: 0.3 + u, still),
    "another ratio of mobilities along each axis": (displaced(0.3, 0.5), displaced(0.3, 1.5)),
    "a jam of another density along each axis": (
        lambda u: 1.0 - 2.0 * u / 1.5,
        lambda u: -0.5 * (1.0 - 2.0 * u),
    ),
    "one law along each axis": (lambda u: 0.7 + 0.0 * u, lambda u: u),
}


@pytest.mark.parametrize("name", list(OTHERS))
def test_other_laws_have_no_name(name):
    assert named(solved(*OTHERS[name])) is None


def test_noise_does_not_make_other_fluxes_those_of_a_saturation():
    """2 u³/5 comes near to one, and noise hides a part of the difference."""

    def speed(u):
        return 0.8 * u**3

    assert named(solved(speed, speed, 0.01), 0.01) is None


def test_a_saturation_is_between_nothing_and_all():
    values = solved(displaced(0.2, 0.5), displaced(-0.15, 0.5))
    said, structure = named(values)
    assert said.name == "Buckley–Leverett" and structure.names == ("q_x", "q_y")
    assert named(values + 0.3) is None


@pytest.mark.validation
def test_a_saturation_is_forecast_by_its_law(monkeypatch):
    """Oil and water between jumps, averages of a finer run."""
    monkeypatch.setattr(run, "REFINEMENTS", (1,))
    fine, cells, frames, known = 96, 32, 16, 12
    at = (np.arange(fine) + 0.5) / fine
    inside = (np.abs(at - 0.4) < 0.2)[:, None] & (np.abs(at - 0.5) < 0.25)
    times = 0.02 * np.arange(frames)
    first, grid = jnp.asarray(np.where(inside, 0.9, 0.1)[None]), Grid.rectangle((fine, fine))
    with jax.enable_x64(True):
        solved_by = MUSCL(Displacement(), "mc", "rusanov")
        found = compiled(solve, solved_by, first.astype(float), times, grid)
    values = np.asarray(found.values).reshape(frames, 1, cells, 3, cells, 3).mean(axis=(3, 5))
    grid = Grid.rectangle((cells, cells))
    ahead = hfluxno.forecast(Trajectory(values[:known], times[:known], grid, ("s",)), 4)
    (law,) = ahead.identifications
    assert law.status == FitStatus.OK and law.recognised.name == "Buckley–Leverett"
    first, second, third = (law.recognised.value, *(c.value for c in law.recognised.more))
    assert first == pytest.approx(0.8, rel=0.03) and second == pytest.approx(-0.4, rel=0.03)
    assert third == pytest.approx(0.3, rel=0.2)
    still = np.linalg.norm(values[known:] - values[known - 1])
    assert np.linalg.norm(np.asarray(ahead.trajectory.values) - values[known:]) < 0.15 * still


class Displacement(SpaceLaw):
    """q = .8 along x and -.4 along y, and M = .3."""

    fields: tuple[str, ...] = eqx.field(static=True, default=("s",))
    axes: int = eqx.field(static=True, default=2)

    def flux(self, u, axis=0):
        return (0.8, -0.4)[axis] * u * u / (u * u + 0.3 * (1.0 - u) ** 2)


def test_a_known_law_in_powers_is_the_same_flux():
    basis = Chebyshev(np.array([0.3]), np.array([0.7]), 5)
    coefficients = np.zeros((2, 1, 5))
    coefficients[0, 0, :2], coefficients[1, 0, 0] = (0.4, -0.2), 0.7
    found, powers = in_powers(basis, coefficients, ("u",))
    assert isinstance(found, Dictionary) and found.exponents == ((1,), (2,))
    u = np.linspace(-0.4, 1.0, 7)
    for axis in (0, 1):
        series = np.polynomial.Chebyshev([0.0, *coefficients[axis, 0]])((u - 0.3) / 0.7)
        difference = powers[axis, 0] @ np.stack([u, u**2]) - series
        np.testing.assert_allclose(difference, difference[0], atol=1e-12)
    assert powers[1, 0, 1] == 0.0


def test_an_earlier_file_has_one_coefficient():
    said = Recognised("shallow water", "g", 4.0, 0.01, 0.02, 0.01)
    data = to_dict(said)
    assert data.pop("more") == [] and from_dict(Recognised, data) == said
    more = Recognised("Burgers", "a", 1.0, 0.01, 0.02, 0.01, (Coefficient("b", 0.5, 0.002),))
    assert from_dict(Recognised, to_dict(more)) == more
    assert more.short == "Burgers, a = 1 ± 0.01, b = 0.5 ± 0.002"
