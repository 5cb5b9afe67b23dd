"""Fluxes are read as what they are, and as nothing where they are something else."""

import dataclasses
import importlib

import jax
import numpy as np
import pytest

from hfluxno.identify import FittedLaw
from hfluxno.identify.recognition.forms import forms
from hfluxno.identify.recognition.reading import _deviation, _uncertain, read_flux
from hfluxno.parametric.basis import Chebyshev, Kinked
from tests.identify.laws import pair, polynomial


def approximated(flux, low, high, size=9, name="u"):
    """The flux as a fit would have it: a polynomial."""
    series = np.polynomial.Chebyshev.interpolate(flux, size, domain=[low, high])
    middle, half = np.array([0.5 * (low + high)]), np.array([0.5 * (high - low)])
    basis = Chebyshev(middle, half, size)
    coefficients, nothing = series.coef[None, 1:], np.zeros((1, 0))
    return FittedLaw((name,), basis, coefficients, nothing, np.array([low]), np.array([high]))


def read(law, deviation=1e-6):
    """With coefficients that are known to this part of the largest."""
    names = [f"f_{law.fields[0]}[{name}]" for name in law.basis.names]
    values = np.asarray(law.flux_coefficients)[0]
    covariance = np.eye(len(names)) * (deviation * np.max(np.abs(values))) ** 2
    return read_flux(law, dict(zip(names, map(float, values), strict=True)), covariance)


EXAMPLES = {
    "quadratic": (lambda u: 3.52 * u + 1.6 * u**2, 0.5, 2.0, "3.52 u + 1.6 u²"),  # of no road
    "Greenshields": (lambda u: 98.2 * u * (1 - u / 141), 10.0, 120.0, "98.2 u (1 − u/141)"),
    "Burgers": (lambda u: 0.5 * u**2 + 3.0, -0.4, 1.3, "0.5 u²"),
    "cubic": (lambda u: -0.3 * u**3, -1.0, 1.2, "−0.3 u³"),
    "linear advection": (lambda u: 2.5 * u - 1.0, 0.0, 1.0, "2.5 u"),
    "Buckley–Leverett": (
        lambda u: u**2 / (u**2 + 0.8 * (1 - u) ** 2),
        0.1,
        0.9,
        "u²/(u² + 0.8 (1 − u)²)",
    ),
    "sine": (lambda u: 0.7 * np.sin(2.2 * u), -0.8, 1.1, "0.7 sin(2.2 u)"),
    "exponential": (lambda u: 0.4 * np.exp(1.5 * u), -1.0, 1.0, "0.4 exp(1.5 u)"),
    "Underwood": (lambda u: 60.0 * u * np.exp(-u / 45), 5.0, 120.0, "60 u exp(−u/45)"),
}

# Their names, values, and powers of a speed and of u.
CONSTANTS = {
    "quadratic": [("a1", 3.52, 1, 0), ("a2", 1.6, 1, -1)],
    "Greenshields": [("v", 98.2, 1, 0), ("K", 141.0, 0, 1)],
    "Burgers": [("a2", 0.5, 1, -1)],
    "cubic": [("a3", -0.3, 1, -2)],
    "linear advection": [("a1", 2.5, 1, 0)],
    "Buckley–Leverett": [("q", 1.0, 1, 1), ("M", 0.8, 0, 0)],
    "sine": [("a", 0.7, 1, 1), ("k", 2.2, 0, -1)],
    "exponential": [("a", 0.4, 1, 1), ("k", 1.5, 0, -1)],
    "Underwood": [("v", 60.0, 1, 0), ("K", 45.0, 0, 1)],
}


@pytest.mark.parametrize("form", list(EXAMPLES))
def test_each_form_is_recognised_with_its_parameters(form):
    flux, low, high, formula = EXAMPLES[form]
    found = read(approximated(flux, low, high))
    assert found.best.is_accepted and found.best.form == form
    assert found.best.formula == formula and found.best.loss < 1e-3
    for constant, (name, value, *powers) in zip(found.best.constants, CONSTANTS[form], strict=True):
        assert constant.name == name and [constant.speed, constant.field] == powers
        assert constant.value == pytest.approx(value, rel=1e-3)
    assert len(found.others) == 3
    sizes = [each.deviations for each in found.others]
    assert sizes == sorted(sizes)


def test_a_kink_is_the_nearest_form_but_no_polynomial_has_one():
    def flux(u):
        return np.minimum(90.0 * u, 22.5 * (150.0 - u))

    found = read(approximated(flux, 5.0, 120.0))
    assert not found.best.is_accepted
    ranked = {each.form: each for each in (found.best, *found.others)}
    assert ranked["triangular"].deviations == min(r.deviations for r in ranked.values())
    # With the errors that such a fit has, it is read as what it is.
    loose = read(approximated(flux, 5.0, 120.0), deviation=0.02)
    assert loose.best.form == "triangular" and loose.best.formula.startswith("min(")
    numbers = [float(n) for n in loose.best.formula.replace("min(", "").split() if n[0].isdigit()]
    np.testing.assert_allclose(numbers, [90.0, 22.5], rtol=0.12)
    assert [(c.name, c.speed, c.field) for c in loose.best.constants] == [
        ("v", 1, 0),
        ("w", 1, 0),
        ("K", 0, 1),
    ]
    assert loose.best.constants[2].value == pytest.approx(150.0, rel=0.05)


def triangle(bend=0.0, width=0.02):
    """min(90 u, 22.5 (150 - u)), which has its kink at 30, as a joint estimate has it: a parabola
    that may bend, and a rounded kink."""
    line = approximated(lambda u: 33.75 * u + bend * u**2, 5.0, 125.0, size=2)
    basis = Kinked(line.basis, np.array([-35.0 / 60.0]), width)
    weights = np.concatenate([line.flux_coefficients, [[-56.25 * 60.0]]], axis=1)
    return dataclasses.replace(line, basis=basis, flux_coefficients=weights)


def test_a_kinked_flux_is_read_as_the_triangle_that_it_is():
    best = read(triangle()).best
    assert best.is_accepted and best.form == "triangular" and best.loss < 1e-4
    assert best.formula == "min(90 u, 22.5 (150 − u))"
    assert read(triangle(width=0.001)).best.formula == best.formula
    # Branches that bend are none of a triangle.
    bent = read(triangle(bend=0.03))
    ranked = {each.form: each for each in (bent.best, *bent.others)}
    assert bent.best.form != "triangular" or not bent.best.is_accepted
    assert not ranked["triangular"].is_accepted


def test_the_place_of_a_kink_is_known_as_well_as_its_deviation_says():
    """The flux moves by the weight times that of the place, to both sides of it."""
    law, deviation = triangle(), 0.01
    u = np.linspace(5.0, 125.0, 121)
    place = {"v[kink 1]": -35.0 / 60.0}
    found = _deviation(*_uncertain(law, place, np.array([[deviation**2]]), u))
    moved = 56.25 * 60.0 * np.sign(u - 30.0)
    ordinary = np.abs(u - 30.0) > 1e-9
    expected = deviation * np.abs(moved - moved.mean())
    np.testing.assert_allclose(found[ordinary], expected[ordinary], rtol=1e-2)
    names = [f"f_u[{name}]" for name in law.basis.names]
    every = _uncertain(law, dict.fromkeys(names, 1.0), np.eye(3), u)
    assert np.all(_deviation(*every) > 0.0)


def test_a_law_as_a_fit_returns_it_is_read_in_double_precision():
    law = polynomial(20.0, 110.0, 0.0, 90.0, -0.6, fields=("u",))
    with jax.enable_x64(True):
        fitted = jax.device_put(law)
    assert read(fitted) == read(law)


def test_other_fluxes_are_read_as_nothing():
    found = read(approximated(lambda u: np.sin(3 * u) + 0.4 * np.cos(5 * u), -1.0, 1.0))
    assert not found.best.is_accepted and found.best.loss > 0.02


def test_what_is_known_decides():
    """A small cubic part is told from a parabola where the fit knows it, and not where it does
    not."""
    law = polynomial(0.0, 1.0, 0.0, 1.0, -1.0, 0.06, fields=("u",))
    sure, unsure = read(law), read(law, deviation=0.05)
    assert sure.best.form == "polynomial" and sure.best.formula == "1 u − 1 u² + 0.06 u³"
    assert unsure.best.form == "Greenshields" and unsure.best.loss < 0.02
    # A loss that is large is none to be printed, however little is known.
    wild = read(approximated(lambda u: np.abs(u - 0.3), -1.0, 1.0, size=4), deviation=0.5)
    assert wild.best.loss <= 0.02 or not wild.best.is_accepted


def test_the_constant_and_several_fields():
    shifted = polynomial(0.0, 1.0, 7.0, 1.0, -1.0, fields=("u",))
    assert read(shifted).best.formula == "1 u (1 − u/1)"
    assert read_flux(pair(), {}, np.zeros((0, 0))) is None
    assert read(approximated(lambda u: 0.0 * u, 0.0, 1.0)) is None
    names = [form.name for form in forms()]
    assert names.count("polynomial") == 3 and len(names) == 13


def test_the_numbers_of_a_formula_are_known_as_well_as_the_coefficients(monkeypatch):
    """Coefficients drawn from their covariance scatter the numbers as their deviations say."""
    law = approximated(lambda u: 98.2 * u * (1 - u / 141), 10.0, 120.0, size=4)
    names = [f"f_u[{name}]" for name in law.basis.names]
    values, rng = np.asarray(law.flux_coefficients)[0], np.random.default_rng(0)
    factor = rng.standard_normal((4, 4)) * np.array([[3.0], [2.0], [1.0], [1.0]])
    only = [form for form in forms() if form.name == "Greenshields"]
    module = importlib.import_module("hfluxno.identify.recognition.reading")
    monkeypatch.setattr(module, "forms", lambda: only)

    def constants(coefficients):
        of = dict(zip(names, map(float, coefficients), strict=True))
        own = dataclasses.replace(law, flux_coefficients=coefficients[None])
        return read_flux(own, of, factor @ factor.T).best.constants

    drawn = [constants(values + factor @ rng.standard_normal(4)) for _ in range(150)]
    scatter = np.std([[each.value for each in one] for one in drawn], axis=0)
    told = np.array([each.deviation for each in constants(values)])
    # Two combinations of the coefficients are fixed by the form, and are as they should be.
    np.testing.assert_allclose(told, scatter * np.sqrt(9.0 / 3.0), rtol=0.15)
    # If they are not, the covariance is too small.
    wrong = constants(values + 50.0 * np.array([0.0, 0.0, 1.0, -1.0]))
    assert all(each.deviation > 3.0 * was for each, was in zip(wrong, told, strict=True))


@pytest.mark.parametrize("form", list(EXAMPLES))
def test_every_number_has_a_deviation(form):
    flux, low, high, _ = EXAMPLES[form]
    sure, unsure = (read(approximated(flux, low, high), each) for each in (1e-9, 1e-5))
    for one, other in zip(sure.best.constants, unsure.best.constants, strict=True):
        assert one.deviation > 0.0
        assert other.deviation < 0.05 * abs(other.value)
    # By a covariance of another shape nothing is known.
    law = approximated(flux, low, high)
    (first, *_) = read_flux(law, {}, np.zeros((0, 0))).best.constants
    assert np.isnan(first.deviation)
