"""The file of a law: nothing is lost, and nothing is believed unchecked."""

import copy
import dataclasses
import json
import pickle

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import hfluxno
from hfluxno.grid import Grid
from hfluxno.identify import FitStatus
from hfluxno.identify.joint_report import in_units
from hfluxno.identify.saved.law import check_units, in_cells, to_save
from tests.identify.law_files import assert_refused
from tests.identify.laws import LAWS, identification, kinked, one_field, pair, shallow_water


@pytest.mark.parametrize("name", list(LAWS))
def test_a_law_returns_to_the_last_bit(tmp_path, name):
    found = identification(LAWS[name]())
    file = tmp_path / "law.json"
    units = {"x": "km", "time": "hours since 2020-01-01", found.law.fields[0]: "veh/km"}
    found.save(file, units)
    loaded = hfluxno.load_law(file)
    assert eqx.tree_equal(loaded.law, found.law)
    assert loaded.coefficients == found.coefficients
    np.testing.assert_array_equal(loaded.covariance, found.covariance)
    assert (loaded.units.x, loaded.units.time) == ("km", "hours")
    assert loaded.units.fields == ("veh/km", "", "")[: len(found.law.fields)]
    scheme = loaded.scheme
    assert (scheme.name, scheme.refinement) == (found.settings.scheme, 2)
    assert (scheme.cfl_desired, scheme.cfl_maximum, scheme.cfl_lagged) == (0.5, 0.9, True)
    fit = loaded.fit
    assert (fit.status, fit.law, fit.residual) == ("OK", str(found.candidate), 2 / 3e3)
    assert (fit.cells, fit.cell, fit.interval) == (50, 0.02, 0.01)
    loaded.save(tmp_path / "again.json")
    assert (tmp_path / "again.json").read_bytes() == file.read_bytes()


def test_a_law_is_pickled_to_the_last_bit():
    """Fits leave JAX's arrays in float64, which pickle would read in the working precision."""
    with jax.enable_x64(True):
        law = jax.tree.map(jnp.asarray, one_field(terms=True))
    found = dataclasses.replace(identification(one_field(terms=True)), law=law)
    found = pickle.loads(pickle.dumps(found))
    for one, other in zip(*map(jax.tree.leaves, (found.law, law)), strict=True):
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)


def test_a_law_of_an_earlier_day_is_read(tmp_path):
    """Laws that were saved before there were stretches and equal steps."""
    law = eqx.tree_at(lambda law: law.terms.stretches, one_field(terms=True), np.zeros((0, 3)))
    found, file = identification(law), tmp_path / "law.json"
    found.save(file)
    written = json.loads(file.read_text())
    assert written["terms"].pop("stretches") == []
    assert written["scheme"].pop("longest_step") is None
    file.write_text(json.dumps(written))
    assert eqx.tree_equal(hfluxno.load_law(file).law, found.law)


def test_the_units_of_the_context_are_saved_unless_others_are_given(tmp_path):
    found = dataclasses.replace(identification(one_field()), units={"x": "km"})
    found.save(tmp_path / "law.json")
    found.save(tmp_path / "other.json", {"x": "mi"})
    assert hfluxno.load_law(tmp_path / "law.json").units.x == "km"
    assert hfluxno.load_law(tmp_path / "other.json").units.x == "mi"


@pytest.mark.parametrize("name", list(LAWS))
def test_cells_and_units_are_each_others_inverse(name):
    law = LAWS[name]()
    grid = Grid.interval(40, 0.2, 0.8)
    back = in_units(in_cells(law, grid, 0.05), law.fields, grid, 0.05)
    for one, other in zip(*map(_numbers, (law, back)), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-13, atol=1e-16)


def _numbers(law):
    """All but the domain of the modes, which `in_units` takes from the grid."""
    terms = law.terms
    further = ()
    if terms is not None:
        further = (terms.by_state, terms.source_by_place, terms.flux_offset, terms.stretches)
    return (law.flux_coefficients, law.diffusion_coefficients, *further)


@pytest.mark.usefixtures("x64")
def test_a_law_in_cells_moves_the_same():
    """f, s and k of the same places, in a part of the domain that the law was found in."""
    law, grid, dt = one_field(terms=True), Grid.interval(30, 0.25, 0.75), 0.05
    dx = grid.spacing[0]
    inside = in_cells(law, grid, dt)
    u = np.linspace(0.0, 1.5, 7)[None]
    x = np.linspace(0.25, 0.75, 7)
    there = (x - 0.25) / dx
    np.testing.assert_allclose(inside.flux(u) * dx / dt, law.flux(u), rtol=1e-12)
    np.testing.assert_allclose(inside.diffusivity(u) * dx**2 / dt, law.diffusivity(u), rtol=1e-12)
    from jax.numpy import asarray

    np.testing.assert_allclose(
        inside.source(asarray(u), asarray(there)[None], 0.0) / dt,
        law.source(asarray(u), asarray(x)[None], 0.0),
        rtol=1e-11,
    )
    np.testing.assert_allclose(inside.factor(asarray(there)), law.factor(asarray(x)), rtol=1e-12)


def test_a_file_means_the_same_law_whatever_the_library_rounds_by(tmp_path):
    """√(d² + w²) with the w of the file, which no law of this library has."""
    identification(kinked(0.25, width=0.3)).save(tmp_path / "law.json")
    law = hfluxno.load_law(tmp_path / "law.json").law
    d = np.linspace(-1.0, 0.5, 7)
    smooth, weight = one_field(), law.flux_coefficients[0, -1]
    u = 0.7 + 0.6 * (0.25 + d)
    rest = law.flux(u) - smooth.flux(u)
    np.testing.assert_allclose(rest, weight * np.sqrt(d**2 + 0.09), rtol=1e-12)


def test_a_law_that_was_not_found_is_not_saved(tmp_path):
    found = identification(one_field(), status=FitStatus.FAILED)
    with pytest.raises(ValueError, match="There is no law to save: no candidate could be fitted"):
        found.save(tmp_path / "law.json")
    with pytest.raises(ValueError, match="no 'speed' to have a unit; there are x, time, density"):
        identification(one_field()).save(tmp_path / "law.json", {"speed": "m"})
    with pytest.raises(IsADirectoryError, match=f"{tmp_path} is a folder; choose another name"):
        identification(one_field()).save(tmp_path)
    with pytest.raises(
        FileNotFoundError, match=r"a.json cannot be written: there is no folder .*no"
    ):
        identification(one_field()).save(tmp_path / "no" / "a.json")
    broken = one_field()
    broken = eqx.tree_at(lambda law: law.flux_coefficients, broken, np.full((1, 6), np.nan))
    with pytest.raises(ValueError, match="There is a fault in the law: a number is nan"):
        identification(broken, coefficients={}, covariance=np.zeros((0, 0))).save(
            tmp_path / "law.json"
        )
    assert list(tmp_path.iterdir()) == []


def test_units_are_compared_where_both_are_known():
    saved = to_save(identification(one_field()), {"x": "km", "time": "h"})
    check_units(saved, {"x": "kilometres", "time": "hours since 1970-01-01"}, "a.nc")
    check_units(saved, {"density": "veh/km", "x": ""}, "a.nc")
    density = to_save(identification(one_field()), {"density": "kg/m3"})
    check_units(density, {"density": "kg m-3"}, "a.nc")
    with pytest.raises(ValueError, match=r"has time in h, but a\.nc in s; convert the data"):
        check_units(saved, {"time": "s"}, "a.nc")


FAULTS = [
    ({"version": 3}, "has version 3, but this hfluxno reads versions 1 and 2; update"),
    (
        {"format": "something"},
        r"is not a law file; make one with save\(\), or hfluxno identify --save",
    ),
    ({"colour": "red"}, "Unknown key 'colour'"),
    ({"fields": ["density", "density"]}, "has 1 to 4 different fields"),
    ({"fields": ["density", "speed"]}, "1 unit for 2 fields"),
    ({"fields": ["a\nb"]}, "cannot be printed"),
    ({"fields": [""]}, "a field has no name"),
    ({"lower": [1.3]}, "the observed range of a field is empty"),
    ({"lower": [0.1, 0.2]}, "one number for each field"),
    ({"upper": [1e308]}, r"a number is 1e\+308, which cannot be computed with"),
    ({"upper": [1e100]}, "range of a field is far wider than the scale of the basis"),
    ({"odd": [1]}, "no odd fields"),
    ({"flux": [[1.0, 2.0]]}, "the flux needs 6 coefficients for each field"),
    ({"flux": [["1.0"]]}, "must be of type float"),
    ({"diffusivity": []}, "the diffusivities need"),
    ({"diffusivity": [[-0.2, 0.1]]}, "diffusivity of density is negative at all states that were"),
    ({"basis": {"kind": "Spline"}}, "Unknown kind 'Spline'"),
    ({"basis": {"kind": []}}, r"Unknown kind \[\] of basis"),
    ({"basis": {"kind": "ChebyshevBasis", "middle": 0.7, "half": 0.0, "size": 6}}, "half width"),
    ({"basis": {"kind": "ChebyshevBasis", "middle": 0.7, "half": 0.6, "size": 99}}, "and a size"),
    ({"coefficients/covariance": [[1.0]]}, "covariance does not have the shape of 6 coefficients"),
    ({"coefficients/names": ["a"] * 6}, "a unique name"),
    ({"scheme/name": "weno"}, "no scheme 'weno'"),
    ({"scheme/refinement": 10**6}, "refinement 1000000 is not between 1 and 64"),
    ({"scheme/refinement": True}, "must be of type int"),
    ({"scheme/cfl_desired": 0.95}, "0 < desired <= maximum <= 1"),
    ({"scheme/longest_step": 0.0}, "the longest step must be positive"),
    ({"fit/status": "FINE"}, "no status 'FINE'"),
    ({"fit/interval": -1.0}, "must be positive"),
    ({"fit/residual": -1.0}, "an error is negative"),
    ({"terms/modes": 1}, "more coefficients of modes of place"),
    ({"terms/lower": 2.0}, "need a domain"),
    ({"terms/flux_offset": []}, "the offset of the flux"),
    ({"bounds": [1.0, 0.0]}, "the lower bound is not below the upper one"),
    ({"bounds": [0.0]}, "bounds"),
]


@pytest.mark.parametrize(("changes", "sentence"), FAULTS)
def test_what_cannot_be_is_refused_in_a_sentence(tmp_path, changes, sentence):
    file = tmp_path / "law.json"
    identification(one_field(terms=True)).save(file)
    assert_refused(file, changes, sentence)


@pytest.mark.parametrize("diffusivity", [[-0.1, 0.2], [0.0, 0.0]])
def test_a_diffusivity_may_be_zero_at_some_states(tmp_path, diffusivity):
    law = dataclasses.replace(one_field(), diffusion_coefficients=np.array([diffusivity]))
    identification(law, coefficients={}, covariance=np.zeros((0, 0))).save(tmp_path / "law.json")
    assert eqx.tree_equal(hfluxno.load_law(tmp_path / "law.json").law, law)


def test_results_can_be_compared(tmp_path):
    """Each is only itself: arrays within them have no single truth value."""
    found = identification(one_field())
    found.save(tmp_path / "law.json")
    saved = hfluxno.load_law(tmp_path / "law.json")
    for one in (found, saved):
        assert one == one and one != copy.copy(one) and one in [one] and len({one, one}) == 1


def test_a_file_that_an_editor_marked_is_read(tmp_path):
    found, file = identification(one_field()), tmp_path / "law.json"
    found.save(file)
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())
    assert eqx.tree_equal(hfluxno.load_law(file).law, found.law)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda text: text[:-10], r"law.json is not a law file, which is JSON; make one with save"),
        (lambda text: "time,x,u\n0,0,1\n", "is not a law file, which is JSON; make one"),
        (
            lambda text: "[" * 100_000,
            "has too many brackets inside each other; choose one that hfl",
        ),
        (lambda text: text.replace('"version": 1', '"version": 1, "version": 1'), "key twice"),
        (lambda text: text.replace('"cfl_desired": 0.5', '"cfl_desired": NaN'), "a JSON number"),
        (lambda text: text.replace('"cell": 0.02', '"cell": 1e999'), "a number is inf"),
        (lambda text: text.replace('"cell": 0.02', '"cell": ' + 400 * "1"), "is too long"),
        (lambda text: text + 5_000_000 * " ", "is too large for a law file"),
        (lambda text: "[1]", "is not a law file; make one"),
    ],
)
def test_what_is_no_such_json_is_refused(tmp_path, change, sentence):
    file = tmp_path / "law.json"
    identification(one_field()).save(file)
    text = file.read_text()
    assert change(text) != text
    file.write_text(change(text))
    with pytest.raises(ValueError, match=sentence):
        hfluxno.load_law(file)


@pytest.mark.parametrize(
    ("law", "key", "value", "sentence"),
    [
        (shallow_water, "lower", [-0.5, -1.0], "divides by a field that is zero somewhere"),
        (shallow_water, "scale", [0.0, 1.0], "needs a positive scale"),
        (shallow_water, "exponents", [[1, 0]] * 4, "needs 1 to 200 different terms"),
        (shallow_water, "exponents", [[1, 0], [0, 1], [2, 0], [-99, 2]], "no term with"),
        (pair, "degree", 50, "tensor basis needs"),
        (pair, "middle", [1.0], "tensor basis needs"),
        (lambda: kinked(0.1), "width", 0.0, "each kink needs a place, and the width"),
        (lambda: kinked(0.1), "at", [], "each kink needs a place"),
        (lambda: kinked(0.1), "at", [0.1, 0.2], "the flux needs 8 coefficients"),
        (lambda: kinked(0.1), "half", -1.0, "Chebyshev basis of one field needs"),
    ],
)
def test_other_bases_are_checked(tmp_path, law, key, value, sentence):
    file = tmp_path / "law.json"
    identification(law()).save(file)
    assert_refused(file, {key if key == "lower" else f"basis/{key}": value}, sentence)
