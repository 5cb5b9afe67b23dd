"""The noise as a user states it."""

import numpy as np
import pytest
import xarray as xr

from hfluxno.data.noise import as_one_number, noise_names, read_noise
from hfluxno.data.readers import read
from tests.data.test_readers import CELLS, FRAMES, dataset, save, wave


def system(tmp_path, **more):
    values = np.stack([wave(), 2.0 * wave()], axis=1)
    data = dataset(values, ("time", "field", "x"), field=["h", "m"]).assign(more)
    return read(save(data, tmp_path / "a.nc"), "u")


def test_numbers_and_variables_one_for_all_or_for_each(tmp_path):
    source = system(tmp_path, sd=0.3, each=("field", [0.1, 0.2]), flat=("x", np.full(CELLS, 0.4)))
    for text, h, m in (
        ("0.5", 0.5, 0.5),
        ("sd", 0.3, 0.3),
        ("m=0.1, h=sd", 0.3, 0.1),
        ("each", 0.1, 0.2),
        ("flat", 0.4, 0.4),
    ):
        found = read_noise(text, source)
        assert found.shape == source.values.shape and np.all(found == [[h], [m]])
        assert as_one_number(found) == ((h, m), "")


def test_a_variable_holds_one_for_each_value(tmp_path):
    along = ("x", 1.0 + np.arange(CELLS))
    every = 1.0 + np.arange(FRAMES * CELLS).reshape(FRAMES, CELLS)
    source = system(tmp_path, along=along, every=(("time", "x"), every))
    found = read_noise("h=along,m=0.5", source)
    assert found.shape == source.values.shape
    np.testing.assert_array_equal(found[3, 0], along[1])
    assert np.all(found[:, 1] == 0.5)
    np.testing.assert_array_equal(read_noise("every", source)[:, 1], every)
    numbers, note = as_one_number(found)
    assert numbers == (pytest.approx(np.sqrt(np.mean(along[1] ** 2))), 0.5)
    assert "one number for each field: the root mean square" in note


def test_noise_goes_where_its_values_go(tmp_path):
    """x falls, times and places are missing, two sensors share a cell, one value is missing."""
    t, x = np.array([0.0, 1.0, 3.0, 4.0, 5.0]), np.array([9.0, 7.0, 6.0, 4.0, 3.0, 2.0, 1.0, 0.0])
    sigma = 1.0 + np.arange(40.0).reshape(5, 8)
    values = sigma % 7
    values[2, 3] = np.nan
    sigma[2, 3] = np.nan
    names = ("time", "x")
    data = xr.Dataset({"u": (names, values), "sd": (names, sigma)}, {"time": t, "x": x})
    path = save(data, tmp_path / "a.nc")
    source = read(path, others=("sd",))
    assert source.variable == "u"
    found = read_noise("sd", source)[:, 0]
    assert found.shape == (6, 10)
    rows, columns = [0, 1, 3, 4, 5], [9, 7, 6, 4, 3, 2, 1, 0]
    np.testing.assert_array_equal(found[np.ix_(rows, columns)], sigma)
    assert np.isnan(found[2]).all() and np.isnan(found[:, 8]).all()
    coarse = read(path, "u", cells=8, domain=(-0.5, 9.5))
    assert len(set(coarse.columns)) == 7  # of eight
    shared = next(c for c in coarse.columns if list(coarse.columns).count(c) == 2)
    pair = [7 - i for i, c in enumerate(coarse.columns) if c == shared]
    of_mean = np.sqrt(np.sum(sigma[0, pair] ** 2)) / 2
    assert read_noise("sd", coarse)[0, 0, shared] == pytest.approx(of_mean)


@pytest.mark.parametrize(
    ("unit", "of_noise", "factor"),
    [
        ("kg/m3", "g m-3", 1e-3),
        ("kg/m3", "kg m-3", 1.0),
        ("kg/m3", "", 1.0),
        ("", "kg/m3", 1.0),
        ("1", "%", 0.01),
    ],
)
def test_noise_is_converted_to_the_units_of_its_values(tmp_path, unit, of_noise, factor):
    source = read(with_units(tmp_path, unit, of_noise), "u")
    np.testing.assert_allclose(read_noise("sd", source), 0.3 * factor)


@pytest.mark.parametrize(
    ("unit", "of_noise", "said"),
    [
        ("kg/m3", "%", "is in %, and u in kg/m3; give its standard deviation in the units of u"),
        ("", "percent", "is in percent, and u without units; give"),
        ("kg/m3", "m", "is in m, and u in kg/m3"),
    ],
)
def test_noise_of_something_else_is_refused(tmp_path, unit, of_noise, said):
    source = read(with_units(tmp_path, unit, of_noise), "u")
    with pytest.raises(ValueError, match=f"The noise sd of .* {said}"):
        read_noise("sd", source)


def with_units(tmp_path, unit, of_noise):
    data = dataset(wave(), ("time", "x")).assign(sd=((), 0.3, {"units": of_noise}))
    data["u"].attrs["units"] = unit
    return save(data, tmp_path / "a.nc")


def test_noise_of_one_trajectory(tmp_path):
    values = np.stack([wave(), 2.0 * wave()])
    sd = ("trajectory", [0.1, 0.3])
    source = read(save(dataset(values, ("trajectory", "time", "x")).assign(sd=sd), tmp_path / "a"))
    assert np.all(read_noise("sd", source)[1] == 0.3)
    assert np.all(read_noise("sd", source.members(slice(1, 2)), 1) == 0.3)


def test_the_only_variable_is_not_its_own_noise(tmp_path):
    path = save(dataset(wave(), ("time", "x")), tmp_path / "a.nc")
    source = read(path, others=noise_names("u"))
    with pytest.raises(ValueError, match="--noise u is what was measured itself; give a number"):
        read_noise("u", source)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("-1", "noise of h is -1, but a standard deviation is a positive number; correct it, or"),
        ("0", "noise of h is 0"),
        ("nan", "noise of h is missing, but"),
        ("bad", "noise of h is -2 for 24 measured values, but a standard deviation is a"),
        ("gone", "noise of h is missing, but"),
        ("zero", "noise of h is 0 for 6 measured values"),
        (
            "short",
            r"short of .* has the axes \(other 3\), but the values \(time 6, x 9\); give one",
        ),
        ("u", "--noise u is what was measured itself; give a number, or"),
        ("x", "--noise x is a coordinate, which says where values are and not how uncertain; give"),
        ("sigma", r"neither a number nor a variable of .*a.nc; it has"),
        ("1e-300", "deviations of h reach 1e-300 in size, beyond what can be computed with"),
        ("h=0.1", r"one for each field \(h=VALUE,m=VALUE\); got h=0.1"),
        ("h=0.1,m=0.1,h=0.2", "one for each field"),
        ("0.1,0.2", "one for each field"),
    ],
)
def test_what_is_no_noise_is_refused(tmp_path, text, message):
    nothing = ("x", np.full(CELLS, np.nan))
    zero = ("x", np.arange(float(CELLS)))
    bad = ("x", np.linspace(-2.0, 3.0, CELLS))
    source = system(tmp_path, bad=bad, gone=nothing, zero=zero, short=("other", np.ones(3)))
    with pytest.raises(ValueError, match=message):
        read_noise(text, source)


def test_names_of_noise():
    assert noise_names("0.1") == () and noise_names("h=0.1,hu=sigma") == ("sigma",)
    assert noise_names("sigma") == ("sigma",)
