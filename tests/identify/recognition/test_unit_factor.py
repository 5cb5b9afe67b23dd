"""Factors of units of length and time are told from other numbers, and constants have units."""

import pytest

from hfluxno.identify.recognition.unit_factor import unit_factor, with_unit

# Of x, time, h and m, and what the fluxes have in common and g is by them, if it is 9.81 m/s².
WATERS = [
    ("m", "s", "m", "m2/s", 1.0, 9.81),
    ("m", "s", "m", "L/s/m", 1e-3, 9.81e6),
    ("m", "s", "mm", "m2/s", 1e3, 9.81e-9),
    ("km", "s", "m", "m2/s", 1e-3, 9.81),
    ("km", "hours since 2024-01-01", "m", "m2 s-1", 3.6, 9.81),
    ("", "", "m", "L/s/m", 1e-3, 9.81e6),
    ("km", "h", "m", "", 1.0, 9.81 * 3.6**2),
]


@pytest.mark.parametrize("factor", [1e-3, 3.6, 1.0 / 3.6, 1.0 / 3600.0, 60.0, 1.0])
def test_a_fitted_factor_of_units_is_that(factor):
    assert unit_factor(1.008 * factor) == pytest.approx(factor)


@pytest.mark.parametrize("number", [1.05, 2.0, -1.0, 0.0, -1e-3, 0.7])
def test_another_number_is_no_factor(number):
    assert unit_factor(number) == 1.0


@pytest.mark.parametrize(("x", "time", "h", "m", "factor", "g"), WATERS)
def test_gravity_is_that_of_metres_and_seconds_whatever_the_units(x, time, h, m, factor, g):
    units = {"x": x, "time": time, "h": h, "m": m}
    found = with_unit("g", (g, 0.01 * g), factor, ("h", "m"), units)
    assert found.unit == "m/s²"
    assert found[:2] == pytest.approx((9.81, 0.0981))


@pytest.mark.parametrize(
    ("units", "factor"),
    [
        ({}, 1e-3),
        ({"x": "m", "time": "s", "m": "m2/s"}, 1.0),  # of the depth nothing is known
        ({"x": "m", "time": "s", "h": "m", "m": "m2/s"}, 1e-3),  # contradicts them
        ({"x": "m", "time": "s", "h": "m", "m": "m3/s"}, 1.0),  # of another kind
        ({"x": "m", "time": "s", "h": "kg/m2", "m": "kg/m/s"}, 1.0),
    ],
)
def test_a_constant_of_units_that_are_no_system_is_in_those_of_the_fields(units, factor):
    found = with_unit("g", (9.81, 0.01), factor, ("h", "m"), units)
    assert found == (9.81, 0.01, "in the fields' unit m²/h³")


def test_other_constants_have_units_and_numbers_without_units_none():
    road = {"x": "km", "time": "h", "rho": "veh/km", "y": "veh/h"}
    fields = ("rho", "y")
    assert with_unit("β", (0.5, 0.1), 1.0, fields, road) == (0.5, 0.1, "km/h/(veh/km)")
    metres = road | {"x": "m"}
    assert with_unit("β", (0.5, 0.1), 1e3, fields, metres) == (500.0, 100.0, "m/h/(veh/km)")
    assert with_unit("c", (4.0, 0.1), 1.0, fields, road) == (4.0, 0.1, "km/h")
    sound = with_unit("c²", (1296.0, 12.96), 1.0, ("h", "m"), {"x": "km", "time": "h", "h": "kg/m"})
    assert sound[:2] == pytest.approx((100.0, 1.0)) and sound.unit == "m²/s²"
    assert with_unit("g", (9.81, 0.01), 1.0, ("h", "m"), {}) == (9.81, 0.01, "")
    assert with_unit("γ", (1.4, 0.01), 1.0, ("a", "b", "c"), road) == (1.4, 0.01, "")
