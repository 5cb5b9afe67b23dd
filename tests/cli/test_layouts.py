"""Forecasts on a plane in the layouts of other programs: written, and read back."""

import json

import h5py
import numpy as np
import pytest
import xarray as xr

from hfluxno.cli import main
from hfluxno.data.plane import is_plane, read_plane
from tests.cli.test_plane import refused, repeated
from tests.data.test_plane import FRAMES, GAMMA, NX, NY, X, Y, gas, labelled, pdebench, pdegym, well

GAS, WITH_GAMMA = ("--fields", "density,momentum,energy"), ("--gamma", GAMMA)


@pytest.mark.parametrize(
    ("write", "layout", "suffix"), [(pdebench, "pdebench", ".hdf5"), (pdegym, "pdegym", ".nc")]
)
def test_a_file_is_continued_in_its_own_layout(
    tmp_path, capsys, monkeypatch, write, layout, suffix
):
    monkeypatch.chdir(tmp_path)
    words = repeated(write(tmp_path / f"gas{suffix}"), "--steps", 2, *WITH_GAMMA, "--json")
    assert main([*words, "--layout", layout]) == 0
    assert json.loads(capsys.readouterr().out)["files"] == [f"gas_forecast{suffix}"]
    path = tmp_path / f"gas_forecast{suffix}"
    last = gas()[:, :, 5]  # (ρ, v_x, v_y, p)
    with h5py.File(path) as file:
        assert file["status"].shape == (2,)
        if layout == "pdebench":
            found = np.stack([file[name][()] for name in ("density", "Vx", "Vy", "pressure")])
            assert file["t-coordinate"].shape == (3,)
            np.testing.assert_allclose(file["x-coordinate"], X)
            np.testing.assert_allclose(file["y-coordinate"], Y)
        else:
            found = np.moveaxis(file["data"][()], 2, 0)
    assert found.dtype == np.float32 and found.shape == (4, 2, 2, NX, NY)
    np.testing.assert_allclose(found, np.repeat(last[:, :, None], 2, axis=2), rtol=3e-6)
    assert is_plane(path)
    source = read_plane(path, gamma=GAMMA, least_frames=1)
    first = read_plane(tmp_path / f"gas{suffix}", gamma=GAMMA)
    assert source.layout == first.layout and source.fields == first.fields and source.count == 2
    np.testing.assert_allclose(source.values(1, 0, 2)[1], first.values(1, 5, 6)[0], rtol=3e-6)
    step = first.times[1] - first.times[0]
    np.testing.assert_allclose(source.times, first.times[5] + step * np.array([1.0, 2.0]))
    np.testing.assert_allclose(source.y, first.y)


@pytest.mark.parametrize("layout", ["pdebench", "pdegym"])
def test_a_gas_of_another_layout(tmp_path, layout):
    """γ is used for the pressure alone; one of the trajectories is an output without parts."""
    out = tmp_path / ("out.h5" if layout == "pdebench" else "out.nc")
    words = repeated(well(tmp_path / "a.hdf5"), *GAS, "--steps", 1, "--trajectory", 1)
    assert main([*words, *map(str, WITH_GAMMA), "--layout", layout, "-o", str(out)]) == 0
    source = read_plane(out, "density,velocity", least_frames=1)
    assert (source.frames, source.count) == (1, 1)
    np.testing.assert_allclose(source.values(0, 0, 1)[0], gas()[:3, 1, 5], rtol=3e-6)


def test_one_field_in_the_layout_of_pdegym(tmp_path):
    out = tmp_path / "out.nc"
    words = repeated(labelled(tmp_path / "a.nc", x=X[::-1]), "--steps", 1, "--layout", "pdegym")
    assert main([*words, "-o", str(out)]) == 0
    with xr.open_dataset(out, engine="h5netcdf") as written:
        assert written["solution"].dims == ("trajectory", "time", "x", "y")
    source = read_plane(out, least_frames=1)
    assert source.fields == ("solution",)
    np.testing.assert_array_equal(source.values(0, 0, 1)[0, 0], gas(1)[0, 0, 5, ::-1])


def test_what_a_layout_does_not_have_is_refused(tmp_path, capsys):
    path = well(tmp_path / "a.hdf5")

    def said(*options, layout="pdebench"):
        return refused(capsys, *repeated(path, "--steps", 1, *options, "--layout", layout))

    assert "which the ratio of specific heats determines; give it, as --gamma" in said(*GAS)
    some = said("--fields", "density,momentum", *WITH_GAMMA)
    assert "fields called density, momentum_x, momentum_y, energy; of" in some
    assert "there are density, momentum_x, momentum_y: choose them" in some
    assert "is of a gas" in said("--fields", "density")
    assert "is of a single field or a gas" in said("--fields", "momentum", layout="pdegym")
    assert "--layout is pdebench or pdegym; got 'well'" in said(layout="well")
    assert "end it with .nc." in said("-o", "a.zarr", layout="pdegym")
    line = tmp_path / "line.npz"
    np.savez(line, values=gas(1)[0, 0, :, :, 0], x=X, t=np.arange(float(FRAMES)))
    sentence = refused(capsys, *repeated(line, "--steps", 1, "--layout", "pdegym"))
    assert "--layout is for frames in two dimensions" in sentence
