"""Datasets of frames on a plane: on demand, trajectory by trajectory, as the commands have them."""

import dataclasses

import dask
import numpy as np
import pytest
import xarray as xr

import hfluxno
from hfluxno.cli import main
from hfluxno.identify import FitStatus, identify_plane
from hfluxno.identify.plane import run
from tests.cli.test_plane import moving_wave
from tests.data.test_plane import GAMMA, TIMES, X, Y, conserved, gas
from tests.identify.plane.laws import LAWS, identification

FIELDS = ("density", "momentum_x", "momentum_y", "energy")


def gases(members=3, **more) -> xr.Dataset:
    """(ρ, v_x, v_y, p) of some trajectories, in another order of the axes."""
    names = ("density", "velocity_x", "velocity_y", "pressure")
    dims = ("trajectory", "time", "x", "y")
    fields = {name: (dims, v) for name, v in zip(names, gas(members), strict=True)}
    coordinates = {"time": TIMES, "x": X, "y": Y, "trajectory": 10 + np.arange(members)}
    return xr.Dataset(fields | more, coordinates).transpose("time", "y", "x", "trajectory")


def persistent(ds, **options):
    return hfluxno.forecast_dataset(ds, 2, context=6, method="persistence", **options)


def test_a_forecast_is_lazy_and_that_of_the_command(tmp_path):
    lazy = persistent(gases().chunk(trajectory=2), gamma=GAMMA, boundary="periodic/wall")
    assert all(dask.is_dask_collection(v.data) for v in lazy.data_vars.values())
    assert lazy["energy"].chunksizes["trajectory"] == (2, 1)
    assert {n: v.dtype for n, v in lazy.items()} == {n: v.dtype for n, v in lazy.compute().items()}
    found = lazy.compute()
    np.testing.assert_allclose(found["energy"][:, 0], conserved(*gas(3))[:, 5, 3], rtol=1e-6)
    assert found["trajectory"].values.tolist() == [10, 11, 12]
    gases().to_netcdf(tmp_path / "gas.nc", engine="h5netcdf")
    options = ("--context", "6", "--steps", "2", "--gamma", str(GAMMA))
    words = ("--method", "persistence", "--boundary", "periodic/wall", "-o", str(tmp_path / "a.nc"))
    assert main(["forecast", str(tmp_path / "gas.nc"), *options, *words]) == 0
    with xr.open_dataset(tmp_path / "a.nc", engine="h5netcdf") as written:
        assert set(found.variables) == set(written.variables)
        for name, each in written.variables.items():
            assert found[name].dims == each.dims
            np.testing.assert_array_equal(found[name].values, each.values)
        assert found["status"].attrs["flag_meanings"] == "ok failed"


def test_a_dataset_without_chunks_is_cut_into_trajectories_and_labels_may_be_missing():
    alone = persistent(gases().drop_vars("trajectory"), gamma=GAMMA, variable="density,momentum")
    assert alone["momentum_y"].chunksizes["trajectory"] == (1, 1, 1)
    assert "trajectory" not in alone.coords and "energy" not in alone
    together = persistent(gases().chunk(trajectory=3), gamma=GAMMA, variable="density,momentum")
    assert together.drop_vars("trajectory").compute().identical(alone.compute())


def test_what_cannot_be_used_says_so_and_spoils_nothing():
    sound = persistent(gases(), variable="density").compute()
    odd = gases()
    odd["density"].loc[{"trajectory": 10}] = np.nan
    odd["density"].loc[{"trajectory": 12, "time": TIMES[1], "x": X[2], "y": Y[3]}] = np.inf
    found = persistent(odd, variable="density").compute()
    failed = int(FitStatus.FAILED)
    assert found["status"].values.tolist() == [failed, 0, failed]
    said = found["status_sentence"].values
    assert said[0].startswith("the dataset is NaN in the whole context; take frames")
    assert "the first of density in frame 1 at cell (2, 3)" in said[2]
    assert np.isnan(found["density"][[0, 2]]).all()
    assert found.isel(trajectory=[1]).identical(sound.isel(trajectory=[1]))


def test_walls_inside_and_other_names_of_axes():
    solid = np.zeros((len(X), len(Y)), bool)
    solid[3:5, 6:8] = True
    ds = gases(2, island=(("x", "y"), solid)).rename(x="east", y="north")
    ds["east"].attrs["axis"], ds["north"].attrs["axis"] = "X", "Y"
    found = persistent(ds, variable="density", walls="island").compute()
    assert found["density"].dims == ("trajectory", "time", "east", "north")
    np.testing.assert_array_equal(np.isnan(found["density"][1, 0]), solid)


def waves(tmp_path, monkeypatch):
    """A wave that moves, and one at rest."""
    monkeypatch.setattr(run, "REFINEMENTS", (1,))
    moving_wave(tmp_path / "a.nc")
    with xr.open_dataset(tmp_path / "a.nc", engine="h5netcdf", decode_times=False) as stored:
        moves = stored["u"].load()
    still = xr.zeros_like(moves) + moves[0].drop_vars("time")
    return xr.concat([still, moves], "trajectory").assign_attrs(moves.attrs)


def test_laws_are_those_of_each_alone(tmp_path, monkeypatch):
    batch = waves(tmp_path, monkeypatch)
    found = hfluxno.identify_dataset(batch).compute()
    assert found["status"].values.tolist() == [int(FitStatus.CONSTANT), 0]
    one = identify_plane(hfluxno.Trajectory.from_xarray(batch).single(1))
    for name in ("backtest_error", "persistence_error", "misfit", "missing"):
        assert float(found[name][1]) == getattr(one, name)
    assert found["law"][1] == str(one.recognised) and one.recognised is not None
    assert float(found["coefficient"][1]) == one.recognised.value
    assert np.isnan(found["coefficient"][0]) and found["law"][0] == "no known law"
    assert found["equation"].dims == ("trajectory", "field")
    assert found["equation"].values[1].tolist() == list(one.formulas)
    assert found["status_sentence"][1] == one.sentence


@pytest.mark.validation
def test_a_given_law_is_solved_from_one_frame(tmp_path, monkeypatch):
    batch = waves(tmp_path, monkeypatch)
    trajectory = hfluxno.Trajectory.from_xarray(batch).single(1)
    law = identify_plane(trajectory)
    found = hfluxno.forecast_dataset(batch, 3, context=1, law=law)
    first = dataclasses.replace(trajectory, values=trajectory.values[:1], times=np.zeros(1))
    ahead = hfluxno.forecast(first, 3, law=law)
    np.testing.assert_array_equal(found["u"][1], np.asarray(ahead.trajectory.values)[:, 0])
    np.testing.assert_allclose(found["time"], 0.1 * np.arange(1, 4))


@pytest.mark.validation
def test_a_fitted_forecast_is_that_of_one_process(tmp_path, monkeypatch):
    batch = waves(tmp_path, monkeypatch)
    found = hfluxno.forecast_dataset(batch, 2, context=10).compute()
    whole = hfluxno.forecast(hfluxno.Trajectory.from_xarray(batch[:, :10]), 2)
    np.testing.assert_array_equal(found["u"], np.asarray(whole.trajectory.values)[:, :, 0])
    np.testing.assert_array_equal(found["status"], whole.status)
    assert (found["u_upper90"][1] > found["u"][1]).all() and found["u_upper90"][0].isnull().all()
    with xr.open_dataset(tmp_path / "a.nc", engine="h5netcdf", decode_times=False) as stored:
        assert np.abs(found["u"][1] - stored["u"][10:].values).max() < 0.02


def test_what_is_at_fault_is_said_before_anything_is_computed():
    with pytest.raises(ValueError, match="Only fields along one space axis are reconstructed"):
        hfluxno.reconstruct_dataset(gases())
    with pytest.raises(ValueError, match="On a plane the noise is estimated"):
        hfluxno.identify_dataset(gases(), noise=0.1)
    with pytest.raises(ValueError, match="a pressure where an energy is needed"):
        persistent(gases())
    with pytest.raises(ValueError, match="There is no field 'salt' in the dataset"):
        persistent(gases(), variable="salt")
    with pytest.raises(ValueError, match="A side of a plane is"):
        persistent(gases(), variable="density", boundary="open")
    with pytest.raises(ValueError, match=r"is a pair of fields.*got 'm'"):
        hfluxno.identify_dataset(gases(), momentum="m")
    with pytest.raises(ValueError, match="is a pair of the fields density, such as"):
        hfluxno.identify_dataset(gases(), variable="density", momentum=("a", "b"))
    with pytest.raises(ValueError, match="no dimension trajectory"):
        persistent(gases().isel(trajectory=0), variable="density")
    with pytest.raises(ValueError, match="There are no trajectories"):
        persistent(gases().isel(trajectory=slice(0, 0)), variable="density")
    with pytest.raises(ValueError, match=r"gamma is above 1; got 0\.5"):
        hfluxno.identify_dataset(gases(), gamma=0.5)
    with pytest.raises(ValueError, match="is NaN in the whole context"):
        persistent(gases() * np.nan, variable="density")
    line = gases()["density"].isel(y=0, drop=True)
    for options in ({"gamma": 1.4}, {"walls": "nan"}):
        with pytest.raises(ValueError, match="gamma and walls are for frames on a plane"):
            hfluxno.identify_dataset(line, **options)
    with pytest.raises(ValueError, match="The momentum on a line is the name of one field"):
        hfluxno.identify_dataset(line, momentum=("a", "b"))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"gamma": "a"}, r"gamma is a number; got 'a'"),
        ({"gamma": True}, "gamma is a number; got True"),
        ({"boundary": ("wall", "periodic")}, "A boundary is one text"),
        ({"momentum": 3}, "is a pair of fields.*got 3"),
        ({"momentum": ("a", "b", "c")}, "is a pair of fields.*got"),
    ],
)
def test_options_of_a_wrong_type_are_named(options, said):
    with pytest.raises(ValueError, match=said):
        hfluxno.identify_dataset(gases(), variable="density", **options)


def test_what_no_trajectory_can_have_is_said_at_once():
    with pytest.raises(ValueError, match=r"There are no trajectories\."):
        persistent(gases().isel(trajectory=slice(0, 0)), variable="density")
    many = {"variable": "density", "context": 6, "method": "persistence"}
    for ds in (gases(), gases().isel(y=0, drop=True)):
        with pytest.raises(ValueError, match=r"A forecast of .* choose fewer steps\."):
            hfluxno.forecast_dataset(ds, 10**12, **many)
    network = {"gamma": GAMMA, "context": 6, "method": "hfluxno", "weights": "small-cubic"}
    with pytest.raises(ValueError, match=r"forecasts 1 field \(u\); the context has 4"):
        hfluxno.forecast_dataset(gases(), 2, **network)
    law = identification(LAWS["shallow water"]())
    with pytest.raises(ValueError, match=r"The law has the fields .*, and the context 'density'"):
        hfluxno.forecast_dataset(gases(), 2, context=6, variable="density", law=law)
