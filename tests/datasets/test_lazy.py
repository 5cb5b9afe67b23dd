"""Datasets in chunks: nothing is computed before it is asked for, and no chunk knows another."""

import sys

import dask
import numpy as np
import pytest
import xarray as xr

import hfluxno
from hfluxno.datasets.work import Continue, _loaded
from hfluxno.forecaster import Forecaster
from hfluxno.identify import FitStatus, GivenLawForecaster
from hfluxno.identify.saved.law import to_save
from hfluxno.methods import METHODS
from hfluxno.models.forecaster import NetworkForecaster
from hfluxno.persistence import Persistence
from tests.identify.laws import FULL, V, identification, polynomial, road
from tests.models.small import LINE, network
from tests.models.small import context as waving

CONTEXTS, FRAMES, CELLS = 7, 8, 16


def waves(**changed) -> xr.DataArray:
    """Seven waves that travel, some of them `changed` by a function of their values."""
    x, t = (np.arange(CELLS) + 0.5) / CELLS, 1e-3 * np.arange(FRAMES)
    shifts = np.linspace(0.0, 0.5, CONTEXTS)[:, None, None]
    values = 1.0 + 0.2 * np.sin(2 * np.pi * (x - t[:, None] + shifts))
    for row, change in changed.items():
        values[int(row[1:])] = change(values[int(row[1:])])
    coordinates = {"time": t, "x": x, "trajectory": 10 + np.arange(CONTEXTS)}
    array = xr.DataArray(values, coordinates, ("trajectory", "time", "x"), "u", {"units": "m"})
    return array.transpose("time", "trajectory", "x")


def persistent(array, chunk=3, **options):
    cut = array.chunk(trajectory=chunk)
    return hfluxno.forecast_dataset(cut, 4, context=5, method="persistence", **options)


def test_a_forecast_is_lazy_and_that_of_all_at_once():
    array = waves()
    lazy = persistent(array)
    assert all(dask.is_dask_collection(v.data) for v in lazy.data_vars.values())
    assert lazy["u"].chunksizes["trajectory"] == (3, 3, 1)
    assert {n: v.dtype for n, v in lazy.items()} == {n: v.dtype for n, v in lazy.compute().items()}
    found = lazy["u"].compute()
    context = hfluxno.Trajectory.from_xarray(array.isel(time=slice(0, 5)))
    whole = hfluxno.forecast(context, 4, "persistence")
    expected = whole.trajectory.to_xarray().isel(field=0, drop=True).transpose(*array.dims)
    assert found.dims == array.dims and found.attrs == {"units": "m"}
    assert np.array_equal(found, expected)
    assert np.array_equal(found["trajectory"], array["trajectory"])
    assert np.allclose(found["time"], 1e-3 * np.arange(5, 9))


def test_a_trajectory_of_a_later_chunk_is_named_by_its_number():
    found = persistent(waves(r5=lambda v: np.full_like(v, np.nan)))["status_sentence"].compute()
    assert str(found.values[5]).startswith("All values of u in trajectory 5 of the dataset are mis")
    assert not any(found.values[[0, 1, 2, 3, 4, 6]] == found.values[5])


def test_a_result_that_has_no_place_is_not_lost_in_silence(monkeypatch):
    example = Continue._example
    monkeypatch.setattr(Continue, "_example", lambda *of: example(*of).drop_vars("backtest_error"))
    with pytest.raises(ValueError, match="no place for backtest_error, which their example lacks"):
        persistent(waves()).compute()


def test_an_error_of_linear_algebra_is_not_that_of_a_trajectory(monkeypatch):
    run = Continue.run

    def broken(work, source):
        if np.isclose(source.values.flat[0], waves().isel(trajectory=4, time=0, x=0)):
            raise np.linalg.LinAlgError("Singular matrix")
        if source.trajectories > 1:
            raise ValueError("one by one")
        return run(work, source)

    monkeypatch.setattr(Continue, "run", broken)
    found = persistent(waves()).compute()
    assert np.flatnonzero(found["status"] == FitStatus.FAILED).tolist() == [4]
    assert found["status_sentence"].values[4] == (
        "an error within the program, not in the data: Singular matrix"
    )


def test_what_cannot_be_used_says_so_and_spoils_nothing():
    sound = persistent(waves()).compute()
    odd = waves(
        r1=lambda v: np.full_like(v, np.nan),
        r4=lambda v: np.where(v == v.max(), np.inf, v),
        r6=lambda v: np.where(np.arange(CELLS) == 3, np.nan, v),
    )
    found = persistent(odd).compute()
    failed = int(FitStatus.FAILED)
    assert found["status"].values.tolist() == [0, failed, 0, 0, failed, 0, failed]
    meaning = dict(
        zip(
            found["status"].attrs["flag_values"].tolist(),
            found["status"].attrs["flag_meanings"].split(),
            strict=True,
        )
    )
    assert meaning == {0: "ok", failed: "failed"}
    sentences = found["status_sentence"].values
    assert sentences[1] == (
        "All values of u in trajectory 1 of the dataset are missing; give a file with "
        "measurements, or leave this trajectory out"
    )
    assert sentences[4].startswith("u has 1 infinite value among 128")
    assert sentences[6].startswith("Some cells of the context have no measured value")
    others = [0, 2, 3, 5]
    assert found.isel(trajectory=others).identical(sound.isel(trajectory=others))
    assert np.isnan(found["u"].isel(trajectory=[1, 4, 6])).all()


def test_no_result_depends_on_the_chunks():
    array = waves(r1=lambda v: np.full_like(v, np.nan))
    assert persistent(array, 2).compute().identical(persistent(array, 7).compute())


@pytest.mark.validation
def test_a_given_law_is_solved_with_bands():
    """A context with a gap is estimated jointly, also beside others that have none."""
    law = to_save(identification(polynomial(20.0, 100.0, 0.0, V, -V / FULL)))
    context = road(cells=24)
    single = context.to_xarray().isel(field=0, drop=True).rename("density")
    gap = single.where(single["time"] != single["time"][3])
    batch = xr.concat([single, gap, 1.01 * single], "trajectory")
    lazy = hfluxno.forecast_dataset(batch.chunk(trajectory=2), 3, law=law)
    found = lazy.compute()
    assert found["status"].values.tolist() == [0, 0, 0]
    for row, each in enumerate((single, gap, 1.01 * single)):
        alone = GivenLawForecaster(law).forecast(hfluxno.Trajectory.from_xarray(each), 3)
        mine = found["density"].values[row]
        assert np.array_equal(mine, alone.trajectory.values[:, 0])
        np.testing.assert_allclose(found["noise_error"].values[row], alone.noise_error)
    assert (found["density_upper90"] > found["density"]).all()
    assert (found["predicted_error_90"] > found["predicted_error"]).all()
    fields = hfluxno.reconstruct_dataset(batch, boundary="periodic", law=law).compute()
    known = hfluxno.reconstruct(hfluxno.Trajectory.from_xarray(gap), law=law)
    assert np.array_equal(fields["density"].values[1], known.trajectory.values[:, 0])
    first = hfluxno.forecast_dataset(batch, 2, context=1, law=law)
    # A single frame has no interval, and the law was found at one of 0.01.
    assert np.allclose(first["time"], context.times[0] + 0.01 * np.array([1.0, 2.0]))


class Still(Forecaster):
    """A method of one's own."""

    def forecast(self, context, steps):
        return Persistence().forecast(context, steps)


def test_a_method_of_ones_own_has_not_the_statuses_of_a_network(monkeypatch):
    monkeypatch.setitem(METHODS, "still", lambda weights, refinement: Still())
    lazy = hfluxno.forecast_dataset(waves().chunk(trajectory=3), 4, context=5, method="still")
    assert lazy["status"].attrs["flag_meanings"] == "ok failed"
    assert np.array_equal(lazy["u"], persistent(waves())["u"])


@pytest.mark.validation
def test_a_network_forecasts_a_last_chunk_of_one_as_it_does_others(monkeypatch):
    """By the same program: another one would round otherwise."""
    made = NetworkForecaster(network(LINE), LINE)
    monkeypatch.setitem(METHODS, "hfluxno", lambda weights, refinement: made)
    _loaded.cache_clear()
    values = np.stack([np.asarray(waving(LINE, seed, frames=6))[:, 0] for seed in range(5)])
    coordinates = {"time": 0.02 * np.arange(6), "x": 0.1 * np.arange(16) + 0.05}
    batch = xr.DataArray(values, coordinates, ("trajectory", "time", "x"), "u")
    lazy = hfluxno.forecast_dataset(batch.chunk(trajectory=2), 3, method="hfluxno", weights="any")
    found = lazy.compute()
    _loaded.cache_clear()
    whole = made.forecast(hfluxno.Trajectory.from_xarray(batch), 3)
    assert np.array_equal(found["u"], whole.trajectory.values[:, :, 0])
    assert np.array_equal(found["status"], whole.status) and "u_lower90" not in found
    assert np.array_equal(found["backtest_error"], whole.backtest_error)
    assert found["status"].attrs["flag_meanings"] == "ok poor diverged failed"


def test_dates_stay_dates_and_axes_keep_their_names():
    array = waves().rename(time="when", x="km")
    array["when"] = np.datetime64("2026-01-01T00:00") + np.arange(FRAMES) * np.timedelta64(60, "s")
    array["when"].attrs["standard_name"] = "time"
    array["km"].attrs["axis"] = "X"
    found = persistent(array)
    assert found["u"].dims == ("when", "trajectory", "km")
    decoded = xr.decode_cf(found[["when"]])["when"]
    assert np.array_equal(
        decoded, array["when"][-1].values + np.arange(-2, 2) * np.timedelta64(60, "s")
    )


def test_what_is_at_fault_is_said_before_anything_is_computed(monkeypatch):
    with pytest.raises(ValueError, match="no dimension trajectory"):
        hfluxno.identify_dataset(waves().isel(trajectory=0))
    with pytest.raises(ValueError, match="There is no variable 'q'; the dataset has u"):
        hfluxno.identify_dataset(waves().to_dataset(name="u"), variable="q")
    with pytest.raises(ValueError, match=r"has 8; choose a context of 8 frames or fewer\.$"):
        hfluxno.forecast_dataset(waves(), 10, context=50)
    with pytest.raises(ValueError, match=r'of a system .* \(in Python variable="h,hu"\)\.$'):
        hfluxno.identify_dataset(xr.Dataset({"h": waves(), "hu": waves()}))
    with pytest.raises(ValueError, match="choose 4 or more"):
        hfluxno.identify_dataset(waves(), context=2)
    with pytest.raises(ValueError, match="use the command with --ends"):
        hfluxno.reconstruct_dataset(waves(), boundary="given")
    deep = waves().expand_dims(z=16)
    for functions in (hfluxno.identify_dataset, hfluxno.reconstruct_dataset):
        with pytest.raises(ValueError, match=r"over time and x, or .*\(z beside\): .*ds.rename"):
            functions(deep)
    system = xr.Dataset({"h": waves(), "hu": waves()})
    with pytest.raises(ValueError, match='in Python momentum="hu" or "h"'):
        hfluxno.identify_dataset(system, variable="h,hu", boundary="wall")
    with pytest.raises(ValueError, match="steps must be at least 1"):
        hfluxno.forecast_dataset(waves(), 0)
    monkeypatch.setitem(sys.modules, "dask.array", None)
    with pytest.raises(ValueError, match=r"pip install 'hfluxno\[cluster\]'"):
        hfluxno.identify_dataset(waves())
