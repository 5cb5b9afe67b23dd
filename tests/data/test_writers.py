"""What is written is the input continued; what was there is lost only to a whole new file."""

import csv
import dataclasses
import os
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr

from hfluxno.data.law_table import tabulate, write_csv
from hfluxno.data.readers import read
from hfluxno.data.replacing import check_writable, replacing
from hfluxno.data.writers import check_storable, of_forecast, write
from tests.plots.fakes import FakeForecaster, Quadratic, identification, shallow_water, wave


def written(tmp_path, data: xr.Dataset, suffix=".nc", context=5, steps=3, variable=None):
    data.to_netcdf(tmp_path / "in.nc", engine="h5netcdf")
    source = read(tmp_path / "in.nc", variable)
    forecast = FakeForecaster().forecast(source.context(context), steps)
    path = tmp_path / f"out{suffix}"
    write(path, of_forecast(source, forecast, context))
    options = {"consolidated": False} if suffix == ".zarr" else {}
    engine = "zarr" if suffix == ".zarr" else "h5netcdf"
    with xr.open_dataset(path, engine=engine, decode_times=False, **options) as result:
        return forecast, result.load()


@pytest.mark.parametrize("suffix", [".nc", ".h5", ".zarr"])
def test_the_forecast_has_the_name_dimensions_and_units_of_the_input(tmp_path, suffix):
    days = np.array("2024-02-27", "datetime64[ns]") + np.arange(8) * np.timedelta64(1, "D")
    data = xr.Dataset(
        {"u": (("x", "time"), wave().T, {"units": "kg/m", "long_name": "load"})},
        coords={"time": days, "x": ("x", 5.0 + np.arange(16), {"units": "km"})},
    )
    forecast, out = written(tmp_path, data, suffix)
    assert out["u"].dims == ("x", "time") and out["u"].attrs["units"] == "kg/m"
    assert out["x"].attrs["units"] == "km"
    np.testing.assert_array_equal(out["x"], 5.0 + np.arange(16))
    np.testing.assert_array_equal(out["u"].values.T, forecast.trajectory.values[:, 0])
    # The three days after the context's last, whatever the unit of the file.
    decoded = xr.decode_cf(out)["time"].values
    np.testing.assert_array_equal(decoded, days[5:])


def test_the_quality_and_the_law_are_written(tmp_path):
    _, out = written(tmp_path, xr.Dataset({"u": (("time", "x"), wave())}))
    assert out["backtest_error"].item() == 0.0012 and out["conservation_drift"].item() == 1e-7
    assert out["left_observed_range"].item() == 0 and out["status"].item() == 0
    assert list(out["status"].attrs["flag_values"]) == [0, 1]
    assert out["status"].attrs["flag_meanings"] == "ok poor_fit"
    assert out["status_sentence"].item() == "the law explains the data"
    assert out["law"].item() == "quadratic, no diffusion, roe-mc, grid x1"
    u = out["state_u"].values
    np.testing.assert_allclose([u[0], u[-1]], [wave()[:5].min(), wave()[:5].max()], rtol=1e-6)
    flux = 100.0 * u - 0.7 * u**2
    np.testing.assert_allclose(out["flux"], flux - flux[0], atol=1e-12)
    np.testing.assert_allclose(out["flux_derivative"], 100.0 - 1.4 * u)
    np.testing.assert_array_equal(out["diffusivity"], 0.0)


def test_a_batch_of_systems(tmp_path):
    states = np.stack([shallow_water(8, 16)] * 3)
    data = xr.Dataset(
        {"w": (("field", "trajectory", "t", "x"), states.transpose(2, 0, 1, 3))},
        coords={"field": ["h", "m"], "trajectory": [10, 20, 30]},
    )
    forecast, out = written(tmp_path, data)
    assert out["w"].dims == ("field", "trajectory", "t", "x") and out["w"].shape == (2, 3, 3, 16)
    np.testing.assert_array_equal(
        out["w"].transpose("trajectory", "t", "field", "x"), forecast.trajectory.values
    )
    assert list(out["field"].values) == ["h", "m"] and list(out["trajectory"]) == [10, 20, 30]
    assert out["status"].dims == out["status_sentence"].dims == ("trajectory",)
    points = ("point_h", "point_m")
    assert out["flux"].dims == ("trajectory", "field", *points)
    assert out["flux_derivative"].dims == ("trajectory", "field", "field_of_state", *points)
    h, m = np.meshgrid(out["state_h"][1], out["state_m"][1], indexing="ij")
    np.testing.assert_allclose(out["flux_derivative"][1, 1, 0], 9.8 * h - (m / h) ** 2, rtol=1e-6)


@pytest.mark.parametrize("suffix", [".nc", ".zarr"])
def test_the_fields_of_a_system_stay_variables_of_their_own(tmp_path, suffix):
    h, hu = np.moveaxis(shallow_water(8, 16), 1, 0)
    data = xr.Dataset(
        {
            "hu": (("x", "time"), hu.T, {"units": "m2/s"}),
            "h": (("time", "x"), h, {"units": "m", "long_name": "depth"}),
        }
    )
    forecast, out = written(tmp_path, data, suffix, variable="h,hu")
    assert out["h"].dims == ("time", "x") and out["hu"].dims == ("x", "time")
    np.testing.assert_array_equal(out["h"], forecast.trajectory.values[:, 0])
    np.testing.assert_array_equal(out["hu"].values.T, forecast.trajectory.values[:, 1])
    assert out["h"].attrs["long_name"] == "depth" and out["hu"].attrs["units"] == "m2/s"
    # The tables of the law need an axis of fields.
    assert list(out["field"].values) == ["h", "hu"]
    assert out["flux"].dims == ("field", "point_h", "point_hu")
    assert out["state_h"].attrs["units"] == "m" and out["state_hu"].attrs["units"] == "m2/s"


def test_predicted_errors_are_along_the_time_of_the_file(tmp_path):
    data = xr.Dataset(
        {"u": (("t", "x"), wave())}, coords={"t": 1e-3 * np.arange(8), "x": np.arange(16.0)}
    )
    data.to_netcdf(tmp_path / "in.nc", engine="h5netcdf")
    source = read(tmp_path / "in.nc")
    forecast = FakeForecaster().forecast(source.context(5), 3)
    deviation = np.full(forecast.trajectory.values.shape, 0.1)
    forecast = dataclasses.replace(forecast, deviation=deviation, noise=np.array([0.05]))
    write(tmp_path / "out.nc", of_forecast(source, forecast, 5))
    with xr.open_dataset(tmp_path / "out.nc", engine="h5netcdf") as out:
        assert out["predicted_error"].dims == out["predicted_error_90"].dims == ("t",)
        assert out["u_upper90"].dims == ("t", "x") and set(out.sizes) >= {"t", "x"}
        assert "time" not in out.sizes
        size = np.sqrt(np.mean(out["u"] ** 2, axis=1))
        np.testing.assert_allclose(out["predicted_error"], 0.1 / size)
        np.testing.assert_allclose(out["noise_error"], 0.05 / size)


@pytest.mark.parametrize("suffix", [".nc", ".zarr"])
def test_axes_are_written_as_the_file_has_them(tmp_path, suffix):
    """Under their names, falling where they fall, and those of one entry."""
    x = 5.0 - 0.5 * np.arange(16)
    data = xr.Dataset(
        {"u": (("minute", "y", "lon"), wave()[:, None, ::-1])},
        coords={"minute": 1.0 + np.arange(8), "lon": ("lon", x, {"units": "km"}), "y": [2.0]},
    )
    data.to_netcdf(tmp_path / "in.nc", engine="h5netcdf")
    source = read(tmp_path / "in.nc", time="minute", x="lon")
    forecast = FakeForecaster().forecast(source.context(5), 3)
    path = tmp_path / f"out{suffix}"
    write(path, of_forecast(source, forecast, 5))
    options = {"consolidated": False} if suffix == ".zarr" else {}
    engine = "zarr" if suffix == ".zarr" else "h5netcdf"
    with xr.open_dataset(path, engine=engine, **options) as out:
        assert out["u"].dims == ("minute", "y", "lon") and out["lon"].attrs["units"] == "km"
        np.testing.assert_array_equal(out["lon"], x)
        np.testing.assert_array_equal(out["minute"], [6.0, 7.0, 8.0])
        np.testing.assert_array_equal(out["y"], [2.0])
        expected = forecast.trajectory.values[:, 0, ::-1]
        np.testing.assert_array_equal(out["u"].values[:, 0], expected)


def test_chosen_fields_of_a_variable_stay_one(tmp_path):
    states = np.moveaxis(shallow_water(8, 16), 1, 0)
    data = xr.Dataset({"w": (("field", "time", "x"), states)}, {"field": ["m", "h"]})
    forecast, out = written(tmp_path, data.isel(field=[1, 0]), variable="m,h")
    assert list(out["field"].values) == ["m", "h"] and out["w"].dims == ("field", "time", "x")
    np.testing.assert_array_equal(out["w"][0], forecast.trajectory.values[:, 0])


def test_a_variable_with_a_name_of_ours_keeps_it(tmp_path):
    data = xr.Dataset({"status": (("time", "x"), wave())})
    _, out = written(tmp_path, data)
    assert out["status"].dims == ("time", "x") and out["status_"].item() == 0


def test_fields_whose_names_differ_by_a_sign_keep_their_states(tmp_path):
    states = np.stack([shallow_water(8, 16)] * 3).transpose(2, 0, 1, 3)
    data = xr.Dataset({"w": (("field", "trajectory", "t", "x"), states)}, {"field": ["u+", "u-"]})
    _, out = written(tmp_path, data)
    assert {"state_u_0", "state_u_1"} <= set(out)
    assert out["flux"].dims[-2:] == ("point_u_0", "point_u_1")


@pytest.mark.parametrize("suffix", [".nc", ".zarr"])
def test_attributes_that_a_format_cannot_hold_are_left_out(tmp_path, suffix):
    more = {"units": "m", "phase": np.complex128(1j), "range": np.array([0.0, 1.0])}
    _, out = written(tmp_path, xr.Dataset({"u": (("time", "x"), wave(), more)}), suffix)
    assert out["u"].attrs["units"] == "m" and "phase" not in out["u"].attrs
    np.testing.assert_array_equal(out["u"].attrs["range"], [0.0, 1.0])


def test_lists_of_lists_which_zarr_may_hold_are_left_out(tmp_path):
    more = {"units": "m", "bounds": [[0, 1], [2]]}
    data = xr.Dataset({"u": (("time", "x"), wave(), more)})
    data.to_zarr(tmp_path / "in.zarr", consolidated=False)
    source = read(tmp_path / "in.zarr")
    write(
        tmp_path / "out.nc", of_forecast(source, FakeForecaster().forecast(source.context(5), 3), 5)
    )
    with xr.open_dataset(tmp_path / "out.nc", engine="h5netcdf") as result:
        assert result["u"].attrs == {"units": "m"}


@pytest.mark.parametrize("name", ["", "..", "a/b", "u" * 256])
def test_names_that_no_output_can_hold_are_refused(name):
    with pytest.raises(ValueError, match="No output can contain a variable called"):
        check_storable(("u", name))


def test_names_that_are_no_text_or_long_are_written(tmp_path):
    data = xr.Dataset({"u": (("time", "x"), wave())})
    data.to_netcdf(tmp_path / "in.nc", engine="h5netcdf")
    odd = tmp_path / os.fsdecode(b"bad\xff.nc")
    os.rename(tmp_path / "in.nc", odd)
    source = read(odd)
    path = tmp_path / f"{'a' * 250}.nc"
    forecast = FakeForecaster().forecast(source.context(5), 3)
    with replacing(path) as (temporary,):
        write(temporary, of_forecast(source, forecast, 5))
    with xr.open_dataset(path, engine="h5netcdf") as result:
        assert result.attrs["input"].startswith("bad")


def exact(law, variances=()):
    """A law whose coefficients are known with these variances."""
    names = [f"f_u[{name}]" for name in law.basis.names][: len(variances)]
    coefficients = dict.fromkeys(names, 1.0)
    return SimpleNamespace(law=law, coefficients=coefficients, covariance=np.diag(variances))


def test_the_flux_vanishes_at_the_state_nearest_to_zero():
    law = Quadratic(np.array([[1.0, 2.0]]), np.array([-1.0]), np.array([3.0]), nu=0.5)
    table = tabulate(exact(law))
    zero = np.argmin(np.abs(table.states[0]))
    assert abs(table.states[0][zero]) < 1e-12 and abs(table.flux[0, zero]) < 1e-12
    np.testing.assert_array_equal(table.diffusivity, 0.5)


def test_csv_has_one_line_per_state(tmp_path):
    """And the deviation of f = C_1 u + C_2 u² by those of its coefficients, if they are known."""
    laws = [Quadratic(np.array([[1.0, 2.0]]), np.array([0.0]), np.array([top])) for top in (1.0, 2)]
    found = [exact(laws[0], (0.01, 0.04)), exact(laws[1], (np.nan, 0.04))]
    write_csv(tmp_path / "a.csv", [tabulate(each) for each in found])
    with (tmp_path / "a.csv").open() as file:
        rows = list(csv.DictReader(file))
    names = "trajectory,u,flux,flux_derivative,diffusivity,flux_deviation"
    assert list(rows[0]) == names.split(",")
    assert len(rows) == 202 and rows[-1]["trajectory"] == "1"
    assert float(rows[-1]["flux"]) == 10.0 and float(rows[-1]["flux_derivative"]) == 9.0
    assert float(rows[100]["flux_deviation"]) == pytest.approx(np.hypot(0.1, 0.2))
    assert rows[-1]["flux_deviation"] == "nan"


def test_csv_of_a_system_names_both_fields(tmp_path):
    states = shallow_water(8, 16)
    from hfluxno.trajectory import Trajectory

    found = identification(Trajectory.from_numpy(states, fields=["h", "m"]))
    write_csv(tmp_path / "a.csv", [tabulate(found)])
    header = (tmp_path / "a.csv").read_text().splitlines()[0]
    assert header.startswith("trajectory,h,m,flux_h,flux_m,dflux_h/dh,dflux_h/dm")


# Replacing files


def test_a_failure_leaves_what_was_there(tmp_path):
    old = tmp_path / "a.nc"
    old.write_text("precious")
    with pytest.raises(RuntimeError), replacing(old, tmp_path / "b.png") as (new, picture):
        new.write_text("half")
        picture.write_text("half")
        raise RuntimeError
    assert [p.name for p in tmp_path.iterdir()] == ["a.nc"] and old.read_text() == "precious"


def test_a_folder_that_takes_no_file_is_named_without_the_temporary_one(tmp_path):
    path = tmp_path / "gone" / "a.nc"
    path.parent.mkdir()
    with (
        pytest.raises(OSError, match=r"gone.a\.nc cannot be written: .*; choose another folder"),
        replacing(path) as (temporary,),
    ):
        path.parent.rmdir()
        write(temporary, xr.Dataset({"u": ("x", np.zeros(3))}))


@pytest.mark.parametrize("exists", [False, True])
def test_an_output_that_is_a_link_writes_what_it_leads_to(tmp_path, exists):
    (tmp_path / "store").mkdir()
    target, link = tmp_path / "store" / "whole", tmp_path / "link.txt"
    link.symlink_to(target)
    if exists:
        target.write_text("old")
    check_writable(link, (".txt",))
    with replacing(link) as (temporary,):
        assert temporary.suffix == ".txt" and temporary.parent == target.parent
        temporary.write_text("new")
    assert link.is_symlink() and target.read_text() == link.read_text() == "new"
    (tmp_path / "lost.txt").symlink_to(tmp_path / "nowhere" / "a")
    with pytest.raises(FileNotFoundError, match=r"lost.txt cannot be written: .* folder .*nowhere"):
        check_writable(tmp_path / "lost.txt", (".txt",))


def test_success_replaces_files_and_folders(tmp_path):
    file, folder = tmp_path / "a.nc", tmp_path / "b.zarr"
    file.write_text("old")
    folder.mkdir()
    (folder / "zarr.json").write_text("old")
    with replacing(file, folder) as (new_file, new_folder):
        assert new_file.suffix == ".nc" and new_folder.suffix == ".zarr"
        new_file.write_text("new")
        new_folder.mkdir()
        (new_folder / "zarr.json").write_text("new")
        assert file.read_text() == "old" and (folder / "zarr.json").read_text() == "old"
    assert file.read_text() == "new" and (folder / "zarr.json").read_text() == "new"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.nc", "b.zarr"]


def test_outputs_that_cannot_be_written_are_refused(tmp_path):
    suffixes = (".nc", ".zarr")

    def refuse(path: Path, error, message, source=None):
        with pytest.raises(error, match=message):
            check_writable(path, suffixes, source)

    refuse(tmp_path / "a.txt", ValueError, r"does not say what to write; end it with one of \.nc")
    refuse(tmp_path / "no" / "a.nc", FileNotFoundError, "there is no folder")
    (tmp_path / "a.nc").mkdir()
    refuse(tmp_path / "a.nc", IsADirectoryError, "is a folder; choose another name")
    (tmp_path / "b.zarr").mkdir()  # of something else: not ours to replace
    refuse(tmp_path / "b.zarr", IsADirectoryError, "is a folder; choose another name")
    (tmp_path / "c.zarr").write_text("")
    refuse(tmp_path / "c.zarr", FileExistsError, "is a file, but a Zarr store is a folder")
    (tmp_path / "d.nc").write_text("")
    refuse(tmp_path / "d.nc", ValueError, "is the input itself", tmp_path / "." / "d.nc")


def test_a_read_only_folder_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("os.access", lambda *_: False)  # root may write anywhere
    with pytest.raises(PermissionError, match="is read-only"):
        check_writable(tmp_path / "a.nc", (".nc",))
