"""Values outside the valid range that a file states are gaps."""

import numpy as np
import pytest
import xarray as xr

from hfluxno.data.readers import read
from hfluxno.data.valid_range import without_invalid
from tests.data.test_readers import dataset, save, wave

STATED = {
    "range": {"valid_range": np.array([-0.5, 0.75])},
    "ends": {"valid_min": -0.5, "valid_max": 0.75},
    "range first": {"valid_range": np.array([-0.5, 0.75]), "valid_min": -0.1},
}


@pytest.mark.parametrize("stated", STATED.values(), ids=STATED)
def test_values_outside_are_gaps_and_counted(tmp_path, stated):
    data = dataset()
    data["u"].attrs |= stated
    source = read(save(data, tmp_path / "a.nc"))
    outside = (wave() < -0.5) | (wave() > 0.75)
    np.testing.assert_array_equal(source.values[:, 0], np.where(outside, np.nan, wave()))
    assert source.hints == (
        f"u: {outside.sum()} values outside the valid range that the file states are missing.",
    )


def test_a_range_that_leaves_nothing_is_named(tmp_path):
    data = dataset()
    data["u"].attrs["valid_range"] = np.array([2.0, 0.0])
    said = r"All values of u .* u: 54 values outside the valid range that .* states \(2 to 0, excha"
    with pytest.raises(ValueError, match=said):
        read(save(data, tmp_path / "a.nc"))


@pytest.mark.parametrize("limit", [np.int16(10), 0.1])
def test_the_limits_of_packed_values_are_packed_too(tmp_path, limit):
    data = dataset(np.round(wave(), 2).astype(np.float32))
    data["u"].attrs["valid_min"] = limit
    packed = {"u": {"dtype": "int16", "scale_factor": np.float32(0.01), "_FillValue": -999}}
    data.to_netcdf(tmp_path / "a.nc", engine="h5netcdf", encoding=packed)
    missing = np.isnan(read(tmp_path / "a.nc").values[:, 0])
    np.testing.assert_array_equal(missing, np.round(100.0 * wave()) < 10)


def test_integers_without_packing_and_limits_that_are_none():
    counts = np.array([1, 2, 3, 400])
    kept, note = without_invalid(xr.Variable("x", counts, {"valid_max": 300}), "n")
    np.testing.assert_array_equal(kept.values, [1.0, 2.0, 3.0, np.nan])
    assert note == "n: 1 value outside the valid range that the file states is missing."
    for odd in ({"valid_max": "3"}, {"valid_range": [1, 2, 3]}, {}):
        whole = xr.Variable("x", counts, odd)
        assert without_invalid(whole, "n") == (whole, "")


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("scale_factor", 0.0, "of u is 0.0, and its values are multiplied by it; .* other than 0"),
        ("scale_factor", "2", "of u is '2', and its values are multiplied by it"),
        ("add_offset", np.nan, "of u is nan, and its values are added to it; make it a finite"),
    ],
)
def test_packing_that_gives_no_values_is_refused(tmp_path, key, value, said):
    data = dataset(np.ones_like(wave(), dtype=np.int16))
    data["u"].attrs[key] = value
    with pytest.raises(ValueError, match=f"The attribute {key} {said}"):
        read(save(data, tmp_path / "a.nc"))
