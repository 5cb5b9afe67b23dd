"""Units of what is computed from a field, a place and a time."""

import pytest

from hfluxno.unit_sizes import conversion, is_same
from hfluxno.units import of_constant, of_flow, of_flux

_ROAD = {"x": "km", "time": "h", "density": "vehicles/km"}


def test_a_length_that_is_in_both_cancels():
    assert of_flux("vehicles/km", "km/h") == "vehicles/h"
    assert of_flux("m2/s", "m/s") == "m2/s · m/s"
    assert of_flux("1/m", "m/s") == "1/s"
    assert of_flux("kg/m", "") == "kg/m" and of_flux("", "m/s") == "m/s"


@pytest.mark.parametrize(
    ("speed", "power", "unit"),
    [
        (1, 1, "vehicles/h"),
        (1, 0, "km/h"),
        (0, 1, "vehicles/km"),
        (1, -1, "km/h/(vehicles/km)"),
        (1, -2, "km/h/(vehicles/km)^2"),
        (0, -1, "1/(vehicles/km)"),
        (0, 0, ""),
    ],
)
def test_a_number_in_a_flux(speed, power, unit):
    assert of_constant(_ROAD, "density", speed, power) == unit


def test_nothing_is_said_where_a_unit_is_not_known():
    assert of_constant({"x": "km", "time": "h"}, "density", 1, 1) == ""
    assert of_constant({"x": "km", "time": "h"}, "density", 1, 0) == "km/h"
    assert of_constant({"time": "h", "density": "m"}, "density", 1, 0) == ""
    saturation = {"x": "m", "time": "days since 2024-01-01", "s": "1"}
    assert of_constant(saturation, "s", 1, 1) == "m/d"
    assert of_constant(saturation, "s", 1, -1) == "m/d"


@pytest.mark.parametrize(
    ("flow", "units", "factor"),
    [
        ("vehicles/h", ("vehicles/km", "km", "seconds since 2024-05-02"), 1 / 3600),
        ("veh/(5 min)", ("veh/km", "km", "h"), 12.0),
        ("veh/h", ("veh/km", "m", "s"), 1 / 3.6),  # veh/km · m/s = 3.6 veh/h
        ("veh/15min", ("veh", "", "min"), 1 / 15),
        ("m2/s", ("m", "m", "min"), 60.0),
        ("vehicles", ("vehicles/km", "km", "s"), 1.0),
        ("veh/fortnight", ("veh/km", "km", "s"), 1.0),
        ("veh/h", ("veh/km", "km", ""), 1.0),
    ],
)
def test_a_flow_in_units_of_its_field(flow, units, factor):
    assert of_flow(flow, *units) == pytest.approx(factor)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("kg/m3", "kg m-3"),
        ("kg m^-3", "kg/m^3"),
        ("kg·m⁻³", "kg * m**-3"),
        ("km/h/(veh/km)^2", "km3 h-1 vehicles-2"),
        ("m2/s · m/s", "m3 s-2"),
        ("sec", "s"),
        ("Metres", "m"),
        ("1", ""),
        ("1e-3 m", "mm"),
        ("hours since 1970-01-01", "h"),
    ],
)
def test_one_unit_may_be_written_in_several_ways(one, other):
    assert is_same(one, other) and is_same(other, one)


@pytest.mark.parametrize(
    ("one", "other", "factor"),
    [
        ("g/m3", "kg/m3", 1e-3),
        ("mg/L", "kg m-3", 1e-3),
        ("Mm", "mm", 1e9),
        ("%", "1", 0.01),
        ("veh/(15 min)", "vehicles/h", 4.0),
        ("veh/15min", "veh/h", 4.0),
        ("%", "kg/m3", None),
        ("kg/m2", "kg/m3", None),
        ("°C", "K", None),
        ("kg/(m", "kg/m", None),
        ("kg)", "kg", None),
        ("0 m", "m", None),
        ("m", "0 m", None),
        ("km^999", "m^999", None),
        ("??", "m", None),
    ],
)
def test_units_are_converted_where_they_measure_the_same(one, other, factor):
    found = conversion(one, other)
    assert found == (factor if factor is None else pytest.approx(factor, rel=1e-12))
    assert not is_same(one, other)
