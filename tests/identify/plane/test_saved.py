"""A law on a plane in a file, and on other data than those that it was found in."""

import dataclasses
import json

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import hfluxno
from hfluxno.grid import Grid
from hfluxno.identify import FitStatus
from hfluxno.identify.plane import forecaster, given, run
from hfluxno.identify.plane.forecaster import identify_planes
from hfluxno.identify.plane.saved import to_save
from hfluxno.identify.saved.law import check_units, known_units
from hfluxno.laws import ShallowWater2D
from hfluxno.trajectory import Trajectory
from tests.errors import error_of
from tests.identify import laws as on_a_line
from tests.identify.law_files import assert_refused
from tests.identify.plane.laws import EVERY_LAW, LAWS, identification, one_field, shallow_water
from tests.identify.plane.test_plane import INTERVAL, water

pytestmark = pytest.mark.usefixtures("x64")


@pytest.fixture(scope="module")
def flat():
    with jax.enable_x64(True):
        return water(ShallowWater2D(g=4.0), upper=(1.0, 1.5))


@pytest.fixture(autouse=True)
def coarse(monkeypatch):
    """On the cells of the data alone, which compile faster."""
    monkeypatch.setattr(run, "REFINEMENTS", (1,))


@pytest.mark.parametrize("name", list(EVERY_LAW))
def test_a_law_returns_to_the_last_bit(tmp_path, name):
    found, file = identification(EVERY_LAW[name]()), tmp_path / "law.json"
    units = {"x": "km", "y": "m", "time": "hours since 2020-01-01", found.law.fields[0]: "m"}
    found.save(file, units)
    loaded = hfluxno.load_law(file)
    assert eqx.tree_equal(loaded.law, found.law)
    assert (loaded.recognised, loaded.terms) == (found.recognised, found.terms)
    assert (loaded.isotropic, loaded.refinement) == (found.isotropic, 2)
    assert (loaded.units.x, loaded.units.y, loaded.units.time) == ("km", "m", "hours")
    fit = loaded.fit
    assert (fit.status, fit.law, fit.misfit) == ("OK", found.name, 2 / 3e3)
    assert (fit.cell, fit.interval) == ((1 / 32, 1.5 / 40), INTERVAL)
    loaded.save(tmp_path / "again.json")
    assert (tmp_path / "again.json").read_bytes() == file.read_bytes()
    with pytest.raises(ValueError, match=r"has y in m, but a\.nc in ft"):
        check_units(loaded, {"x": "kilometres", "y": "ft"}, "a.nc")


def test_a_law_of_a_batch_has_the_units_of_its_context(flat, monkeypatch):
    found = identification(LAWS["one field"]())
    monkeypatch.setattr(forecaster, "identify_plane", lambda seen, *more: dataclasses.replace(
        found, units=known_units(seen)))  # fmt: skip
    context = dataclasses.replace(flat, units=(("x", "km"),))
    for each in (context, dataclasses.replace(context, values=np.stack([flat.values] * 2))):
        assert {law.units["x"] for law in identify_planes(each)} == {"km"}


def test_a_law_of_an_earlier_day_is_read(tmp_path):
    """Laws that were saved before they had sources and diffusion."""
    found, file = identification(LAWS["one field"]()), tmp_path / "law.json"
    found.save(file)
    written = json.loads(file.read_text())
    del written["further"]
    file.write_text(json.dumps(written))
    assert eqx.tree_equal(hfluxno.load_law(file).law, found.law)


def test_a_file_of_a_line_is_what_it_was(tmp_path):
    on_a_line.identification(on_a_line.one_field()).save(tmp_path / "law.json")
    assert json.loads((tmp_path / "law.json").read_text())["version"] == 1


FAULTS = [
    ("fields", ["h", "m_x", "h"], "a law has 1 to 6 different fields"),
    ("vectors", [[1, 3]], "the momentum is a pair of fields"),
    ("vectors", [[1, 1]], "the momentum is a pair of fields"),
    ("vectors", [], "a fluid has a momentum and a density"),
    ("positive", [5], "there are no positive fields"),
    ("flux", [[[1.0]], [[1.0]]], "the flux along each axis needs 6 coefficients"),
    ("flux", [[[1.0]]], "flux must have 2 entries"),
    ("lower", [-0.5, -0.6, -0.6], "divides by a field that is zero somewhere"),
    ("refinement", 99, "the refinement 99 is not between 1 and 16"),
    ("fit/status", "FINE", "there is no status 'FINE'"),
    ("fit/cell", [0.1, 0.0], "must be positive"),
    ("fit/misfit", -0.1, "an error is negative"),
    ("units/y", 3, "y must be of type str"),
    ("odd", [1], "Unknown key 'odd'"),
    ("version", 3, "has version 3, but this hfluxno reads versions 1 and 2"),
    ("version", True, "has version True"),
    ("version", 1, "Unknown key 'vectors'"),
]


@pytest.mark.parametrize(("place", "value", "sentence"), FAULTS)
def test_what_cannot_be_is_refused_in_a_sentence(tmp_path, place, value, sentence):
    file = tmp_path / "law.json"
    identification(shallow_water()).save(file)
    assert_refused(file, {place: value}, sentence)


@pytest.mark.parametrize(
    ("of_x", "sentence"),
    [
        ([-0.2, 0.1], "the diffusivity of density is negative at all states that were observed"),
        ([0.2, 0.1], None),
    ],
)
def test_a_diffusivity_of_a_field_is_somewhere_positive(tmp_path, of_x, sentence):
    file = tmp_path / "law.json"
    nu = np.array([[of_x], [[-0.1, 0.0]]])
    law = dataclasses.replace(one_field(), diffusivities=np.array([[[0.2, 0.1]], [[0.1, 0.0]]]))
    identification(law).save(file)
    changes = {"further/diffusivities": nu.tolist()}
    if sentence is None:
        law = dataclasses.replace(law, diffusivities=nu)
        identification(law).save(file)
        assert eqx.tree_equal(hfluxno.load_law(file).law, law)
    else:
        assert_refused(file, changes, sentence)
    terms = {"kind": "DictionaryBasis", "scale": [1.0], "exponents": [[1]]}
    terms |= {"flow": [], "fastest": 0.0}
    changes |= {"basis": terms, "flux": [[[1.0]], [[1.0]]]}
    assert_refused(file, changes, "depends on a field needs a Chebyshev basis")


def test_a_law_that_was_not_found_is_not_saved(tmp_path):
    found = identification(one_field(), status=FitStatus.FAILED)
    with pytest.raises(ValueError, match="There is no law to save: no candidate could be fitted"):
        found.save(tmp_path / "law.json")
    with pytest.raises(ValueError, match="no 'z' to have a unit; there are x, time, y, density"):
        identification(one_field()).save(tmp_path / "law.json", {"z": "m"})
    assert not list(tmp_path.iterdir())


@pytest.mark.validation
def test_a_saved_law_forecasts_as_the_one_that_was_found(flat, tmp_path):
    context, truth = flat.window(0, 10), np.asarray(flat.values)[10:]
    direct = hfluxno.forecast(context, 4)
    direct.identifications[0].save(tmp_path / "law.json")
    ahead = hfluxno.forecast(context, 4, law=tmp_path / "law.json")
    np.testing.assert_allclose(ahead.trajectory.values, direct.trajectory.values, rtol=1e-11)
    np.testing.assert_allclose(ahead.trajectory.times, direct.trajectory.times)
    (item,) = ahead.identifications
    assert ahead.status == FitStatus.OK and item.is_given
    assert ahead.sentences[0].startswith("the given law explains the data (weak-form residual ")
    assert item.misfit == pytest.approx(direct.identifications[0].misfit, rel=1e-6)
    assert item.terms == direct.identifications[0].terms and item.momentum == ("m_x", "m_y")
    assert error_of(ahead, truth) < 0.01


@pytest.mark.validation
def test_it_is_solved_on_other_cells_at_another_interval(flat):
    """Two cells as one, and every second frame."""
    values = np.asarray(flat.values)[::2]
    values = values.reshape(len(values), 3, 16, 2, 20, 2).mean(axis=(3, 5))
    grid = Grid.rectangle((16, 20), upper=(1.0, 1.5))
    times = np.asarray(flat.times)[::2]
    other = Trajectory(values, times, grid, flat.fields)
    ahead = hfluxno.forecast(other.window(0, 4), 3, law=identification(shallow_water()))
    assert ahead.status == FitStatus.OK and np.isnan(ahead.identifications[0].misfit)
    assert error_of(ahead, values[4:7]) < 0.02
    # A single frame is continued, and nothing is claimed.
    one = hfluxno.forecast(other.window(3, 4), 3, law=to_save(identification(shallow_water())))
    assert one.status == FitStatus.NOT_CHECKED and np.isnan(one.backtest_error)
    np.testing.assert_allclose(np.diff(one.trajectory.times), INTERVAL)
    again = hfluxno.forecast(
        other.window(3, 4), 3, law=identification(shallow_water()), every=2.0 * INTERVAL
    )
    assert error_of(again, values[4:7]) < 0.02


@pytest.mark.parametrize("misses", [False, True])
def test_few_frames_are_compared_with_the_scheme(flat, monkeypatch, misses):
    monkeypatch.setattr(given, "misses_change", lambda *_: misses)
    found = given.given_plane(to_save(identification(shallow_water())), flat.window(0, 3), INTERVAL)
    assert found.status == (FitStatus.POOR_FIT if misses else FitStatus.OK)


@pytest.mark.validation
def test_a_law_that_does_not_hold_is_noticed(flat):
    ahead = hfluxno.forecast(flat.window(0, 10), 2, law=identification(shallow_water(g=9.0)))
    assert ahead.status == FitStatus.POOR_FIT
    assert ahead.sentences[0].startswith("the given law does not explain the data: ")


def test_a_law_of_another_kind_is_refused(flat):
    context = flat.window(0, 8)
    line = on_a_line.identification(on_a_line.one_field())
    with pytest.raises(ValueError, match="found on a line, but the context is on a plane; "):
        hfluxno.forecast(context, 2, law=line)
    with pytest.raises(ValueError, match="found on a plane, but the context is on a line; "):
        hfluxno.forecast(on_a_line.road(), 2, law=identification(one_field()))
    with pytest.raises(
        ValueError, match="The law has the fields 'density', and the context 'h', 'm_x'"
    ):
        hfluxno.forecast(context, 2, law=identification(one_field()))
    with pytest.raises(ValueError, match="knows its momentum; leave out"):
        law = identification(shallow_water())
        hfluxno.forecast(context, 2, law=law, momentum=("m_x", "m_y"))
    dry = np.array(context.values)
    dry[2, 0, 3, 4] = -1.0
    with pytest.raises(ValueError, match="The law divides by 'h', which is -1 somewhere"):
        hfluxno.forecast(
            dataclasses.replace(context, values=dry), 2, law=identification(shallow_water())
        )
    small = Grid.rectangle((8, 40))
    few = Trajectory(np.asarray(context.values)[:, :, :8], context.times, small, context.fields)
    with pytest.raises(ValueError, match="at least 16 × 16 cells; this one has 8 × 40"):
        hfluxno.forecast(few, 2, law=identification(shallow_water()))


def test_a_law_on_a_plane_moves_the_same_in_cells():
    law = shallow_water()
    u = jnp.asarray(np.random.default_rng(0).uniform(0.5, 1.5, (3, 7)))
    inside = identification(law).grid_law
    for axis, cell in ((0, 1 / 32), (1, 1.5 / 40)):
        rate = cell / INTERVAL
        np.testing.assert_allclose(inside.flux(u, axis) * rate, law.flux(u, axis), rtol=1e-12)
        expected = ShallowWater2D(g=4.0).flux(u, axis)
        np.testing.assert_allclose(law.flux(u, axis), expected, rtol=1e-12)
