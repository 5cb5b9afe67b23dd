"""A velocity is measured, and the law is that of the momentum."""

import dataclasses
import json

import numpy as np
import pytest

import hfluxno
from hfluxno import Grid, Trajectory
from hfluxno.identify.frames.change import MomentumOfVelocity, larger_beside
from hfluxno.identify.frames.second_order import SecondOrder
from hfluxno.plots import Labels, law_figure
from tests.identify.law_files import assert_refused
from tests.identify.laws import identification, shallow_water

CHANGE = MomentumOfVelocity("h", "u", 1)
VALUES = np.random.default_rng(0).uniform(1.0, 3.0, (4, 2, 5))


def found():
    law = dataclasses.replace(shallow_water(), fields=("h", "m"))
    return dataclasses.replace(identification(law), change=CHANGE)


@pytest.mark.parametrize("place", [0, 1])
def test_fields_change_there_and_back(place):
    change = dataclasses.replace(CHANGE, place=place)
    states = change.conserved(VALUES)
    np.testing.assert_array_equal(states[:, place], VALUES[:, 0] * VALUES[:, 1])
    np.testing.assert_array_equal(states[:, 1 - place], VALUES[:, 1 - place])
    np.testing.assert_allclose(change.measured(states), VALUES, rtol=1e-14)
    assert change.fields == (("h", "u") if place else ("u", "h"))
    assert change.conserved_fields == (("h", "m") if place else ("m", "h"))


def test_a_wall_negates_the_momentum_as_it_does_the_velocity():
    mirror = np.array([[1.0], [-1.0]])
    there = CHANGE.conserved(VALUES[..., ::-1] * mirror)
    np.testing.assert_array_equal(there, CHANGE.conserved(VALUES)[..., ::-1] * mirror)


def test_nothing_moves_where_there_is_no_density():
    states = np.array([[1.0, 0.0, -0.1, np.nan], [2.0, 0.3, 0.3, 1.0]])
    np.testing.assert_array_equal(CHANGE.measured(states)[1], [2.0, 0.0, 0.0, np.nan])


def test_a_jump_within_cells_makes_the_covariance_of_both():
    """Means over cells with a jump at all of its places, beside those of the product."""
    whole, part = np.array([[2.0], [0.5]]), np.linspace(0.0, 1.0, 1001)
    inside = whole * (1.0 - part) + np.array([[1.0], [0.1]]) * part
    product = 1.0 * (1.0 - part) + 0.1 * part
    missed = np.mean(product - inside[0] * inside[1])
    values = np.array([[2.0, 2.0, 1.0, 1.0], [0.5, 0.5, 0.1, 0.1]])
    divided = CHANGE.divided(values)
    np.testing.assert_array_equal(divided[0], 0.0)
    np.testing.assert_allclose(divided[1], [0.0, missed, missed, 0.0], rtol=1e-2)


def test_the_larger_of_two_neighbours_keeps_its_sign():
    steps = np.array([1.0, -3.0, 2.0, 0.0])
    np.testing.assert_array_equal(larger_beside(steps), [1.0, -3.0, -3.0, 2.0, 0.0])


def test_deviations_of_states_are_those_of_what_was_measured():
    states, of_states = np.array([[2.0], [3.0]]), np.array([[1e-6], [2e-6]])
    of_velocity = np.hypot(2e-6, 1.5 * 1e-6) / 2.0
    deviation = CHANGE.deviation(states, of_states)
    np.testing.assert_allclose(deviation, [[1e-6], [of_velocity]], rtol=1e-5)


def test_units_and_names():
    units = {"h": "m", "u": "m/s", "time": "s"}
    assert CHANGE.units(units) == {"h": "m", "m": "m · m/s", "time": "s"}
    assert CHANGE.units({"u": "m/s"}) == {}
    assert CHANGE.units(CHANGE.units(units)) == CHANGE.units(units)
    assert str(CHANGE) == "m = h·u"
    assert MomentumOfVelocity("m", "v", 1).name == "q"
    times, grid = np.arange(4.0), Grid.interval(5)
    context = CHANGE.context(
        Trajectory(VALUES, times, grid, ("h", "u"), units=tuple(units.items()))
    )
    assert context.fields == ("h", "m") and dict(context.units)["m"] == "m · m/s"
    np.testing.assert_array_equal(context.values, CHANGE.conserved(VALUES))


def test_a_law_file_holds_the_change(tmp_path):
    file = tmp_path / "law.json"
    found().save(file, {"h": "m", "u": "m/s"})
    loaded = hfluxno.load_law(file)
    assert loaded.change == CHANGE and loaded.units.fields == ("m", "m · m/s")
    for key, value, fault in (
        ("place", 0, "the velocity is not in the place of the field m"),
        ("velocity", "h", "a velocity needs its density"),
        ("density", "rho", "a velocity needs its density"),
    ):
        assert_refused(file, {f"change/{key}": value}, fault)


def test_law_files_from_before_are_read(tmp_path):
    """They call the change of a road "second_order"."""
    change = SecondOrder("density", "flow", 1, 0.5, 2.0, 4.0)
    law = dataclasses.replace(shallow_water(), fields=("density", "y"))
    file = tmp_path / "law.json"
    dataclasses.replace(identification(law), change=change).save(file)
    written = json.loads(file.read_text())
    written["second_order"] = written.pop("change")
    file.write_text(json.dumps(written))
    assert hfluxno.load_law(file).change == change


def test_units_of_data_are_those_of_the_law():
    values = np.random.default_rng(1).uniform(1.0, 2.0, (1, 2, 16))
    context = Trajectory(
        values, np.zeros(1), Grid.interval(16), ("h", "u"), units=(("h", "m"), ("u", "km/h"))
    )
    law = dataclasses.replace(found(), units=CHANGE.units({"h": "m", "u": "m/s"}))
    with pytest.raises(ValueError, match="has m in m · m/s, but the context in m · km/h"):
        hfluxno.forecast(context, 1, law=law)


def test_a_picture_shows_the_fields_of_the_law():
    item = dataclasses.replace(found(), units={"h": "m", "m": "m²/s"})
    context = Trajectory(VALUES, np.arange(4.0), Grid.interval(5), ("h", "u"))
    axes = law_figure(item, context, Labels(("h", "u"), ("m", "m/s"))).axes[0]
    assert axes.get_ylabel() == "m (m²/s)"
    states = axes.lines[-1].get_xydata()
    np.testing.assert_allclose(states, CHANGE.conserved(VALUES).swapaxes(0, 1).reshape(2, -1).T)
