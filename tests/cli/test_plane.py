"""The commands on files with frames on a plane."""

import dataclasses
import json
import re
import sys
from types import SimpleNamespace

import h5py
import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr

import hfluxno
from hfluxno.cli import main, plane
from hfluxno.cli.forecast import ForecastConfig
from hfluxno.cli.plane import momentum_of
from hfluxno.data.plane.quadrants import write_gas
from hfluxno.export import export_law
from hfluxno.forecaster import bound_of
from hfluxno.identify.plane import run
from hfluxno.models.provenance import Training
from hfluxno.models.rollout import rollout
from hfluxno.models.weights import save_pretrained
from tests import drawn
from tests.compiled import compiled
from tests.data.test_plane import FRAMES, GAMMA, NX, NY, TIMES, X, Y, conserved, gas, labelled
from tests.data.test_plane import pdebench as write_pdebench
from tests.data.test_plane import well as write_well
from tests.identify.plane.gas import INTERVAL, SHAPE, SIDES, pressure, spectral_gas
from tests.models import small

FIELDS = ("density", "momentum_x", "momentum_y", "energy")


def refused(capsys, *arguments):
    assert main([str(each) for each in arguments]) == 2
    sentence = capsys.readouterr().err
    assert sentence.startswith("hfluxno: ") and sentence.count("\n") == 1
    return sentence


def repeated(path, *more):
    return ["forecast", str(path), "--method", "persistence", "--context", "6", *map(str, more)]


def test_of_many_frames_a_few_hundred_are_proposed(tmp_path, capsys, monkeypatch):
    """Not all that are left, of which the forecast would not fit in memory."""
    values = 1.0 + np.random.default_rng(0).random((600, 16, 16), np.float32)
    np.savez(tmp_path / "a.npz", values=values, x=np.arange(16.0), y=np.arange(16.0))

    def proposed():
        assert main(["check", str(tmp_path / "a.npz"), "--json"]) == 0
        return json.loads(capsys.readouterr().out)["next"]

    assert proposed().endswith("--context 10 --steps 400")
    whole = plane.check_memory

    def small_machine(source, frames, forecast=0, **mend):
        if forecast > 150:
            raise ValueError("too large")
        whole(source, frames, forecast, **mend)

    monkeypatch.setattr(plane, "check_memory", small_machine)
    assert proposed().endswith("--context 10 --steps 100")


def test_axes_with_other_names_and_a_vector(tmp_path, capsys):
    """The axes are at fault, not the name of the vector."""
    random = np.random.default_rng(0)
    names = ("density", "momentum_x", "momentum_y")
    fields = {n: (("time", "lat", "lon"), random.random((6, 16, 16))) for n in names}
    xr.Dataset(fields).to_netcdf(tmp_path / "a.nc", engine="h5netcdf")
    sentence = refused(capsys, "check", tmp_path / "a.nc", "--fields", "density,momentum")
    assert "density(time, lat, lon)" in sentence and "y of frames on a plane by --y" in sentence
    lazy = xr.Dataset(fields).expand_dims(trajectory=2)
    with pytest.raises(ValueError, match=r"no variable of the dataset is one \(lat, lon beside\)"):
        hfluxno.identify_dataset(lazy, variable="density,momentum")
    with pytest.raises(ValueError, match="There is no variable 'speed'; the dataset has density"):
        hfluxno.identify_dataset(lazy, variable="density,speed")


def test_what_is_missing_in_one_field_alone_may_be_walls(tmp_path, capsys):
    values = 1.0 + np.random.default_rng(0).random((2, 8, 16, 16))
    values[0, :, 5:8, 5:8] = np.nan
    land = np.isnan(values[0, 0]).astype(float)
    fields = {n: (("time", "x", "y"), v) for n, v in zip("hq", values, strict=True)}
    axes = {"x": np.arange(16.0), "y": np.arange(16.0)}
    path = tmp_path / "a.nc"
    marked = xr.Dataset(fields | {"land": (("x", "y"), land)}, axes)
    marked.to_netcdf(path, engine="h5netcdf")
    options = ("forecast", path, "--fields", "h,q", "--context", 6, "--steps", 1)
    assert "mark them with --walls NAME, a variable that is 1 there" in refused(capsys, *options)
    persistence = ("--method", "persistence", "--walls", "land", "-o", tmp_path / "b.nc")
    assert main([str(each) for each in (*options, *persistence)]) == 0


def test_a_forecast_of_every_trajectory_is_written_with_fields_as_variables(tmp_path, capsys):
    path, out = write_well(tmp_path / "gas.hdf5"), tmp_path / "out.nc"
    options = ("--fields", "density,momentum,energy", "--steps", 2, "--output", out, "--json")
    assert main(repeated(path, *options)) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["cells"] == [NX, NY] and found["layout"] == "The Well"
    assert found["boundary"] == [["periodic"] * 2, ["wall"] * 2]
    states = conserved(*gas())
    for member, result in enumerate(found["results"]):
        error = np.linalg.norm(states[member, 5] - states[member, 6]) / np.linalg.norm(
            states[member, 6]
        )
        assert result["true_error"] == {"1": pytest.approx(error, rel=1e-5)}
    with xr.open_dataset(out, engine="h5netcdf") as written:
        for i, name in enumerate(FIELDS):
            assert written[name].dims == ("trajectory", "time", "x", "y")
            np.testing.assert_allclose(written[name][:, 1], states[:, 5, i], rtol=1e-6)
        np.testing.assert_allclose(written["time"], [0.6, 0.7], rtol=1e-6)
        np.testing.assert_allclose(written["y"], Y, rtol=1e-6)
        assert written["status"].dims == ("trajectory",)
        assert written.attrs["boundary"] == "periodic,periodic/wall,wall"
    assert not (tmp_path / "out.nc.partial").exists()


def test_a_pressure_in_the_place_of_an_energy_is_noticed_before_the_search(
    tmp_path, capsys, monkeypatch
):
    states = spectral_gas().copy()
    states[:, 3] = pressure(states.swapaxes(0, 1))
    axes = [side * (np.arange(n) + 0.5) / n for n, side in zip(SHAPE, SIDES, strict=True)]
    times, path = INTERVAL * np.arange(len(states)), tmp_path / "a.npz"
    # The components have exchanged names.
    names = ["rho", "m_y", "m_x", "e"]
    np.savez(path, values=states, time=times, x=axes[0], y=axes[1], field=names)
    assert main(["check", str(path), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    swapped, sentence = found["hints"]
    assert swapped.startswith("Along x m_y moves and along y m_x")
    assert sentence.startswith("e moves the momentum as a pressure does, with γ = 1.3, and is not")
    assert found["next"] and not found["faults"]

    def stopped(*given):
        raise ValueError("The search has begun.")

    monkeypatch.setattr("hfluxno.cli.plane_identify.identify_plane", stopped)
    assert main(["identify", str(path)]) == 2
    said = capsys.readouterr().err.splitlines()
    assert said[-3:] == [
        f"hfluxno: {text}" for text in (swapped, sentence, "The search has begun.")
    ]
    assert main(["check", str(path), "--fields", "e,rho", "--json"]) == 0
    assert not json.loads(capsys.readouterr().out)["hints"]
    states[2, 3, 5:7, 4] = -999.0
    np.savez(path, values=states, time=times, x=axes[0], y=axes[1], field=names)
    assert main(["check", str(path), "--fields", "e,rho", "--json"]) == 0
    (mark,) = json.loads(capsys.readouterr().out)["hints"]
    assert mark.startswith("e: -999 appears 2 times, a mark for missing values, but every method")
    assert main(["identify", str(path), "--fields", "e,rho"]) == 2
    assert f"hfluxno: {mark}\n" in capsys.readouterr().err
    states[:, 3] = 1.0
    np.savez(path, values=states, time=times, x=axes[0], y=axes[1], field=names)
    assert main(["check", str(path)]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "note The field 'e' is constant" in printed and "next" not in printed


def test_an_obstacle_is_reported_and_stays_in_the_forecast(tmp_path, capsys):
    rho = gas(1)[0, 0].astype(float)
    rho[:, 3:5, 6:8] = np.nan
    path, out = labelled(tmp_path / "a.nc", rho), tmp_path / "out.nc"
    assert main(["check", str(path), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["walls"] == 4 and found["missing"] == 0.0 and "--walls=nan" in found["next"]
    assert main(["check", str(path)]) == 0
    assert "4 cells NaN in every frame: walls, with --walls nan" in capsys.readouterr().out
    assert "say so with --walls nan" in refused(capsys, *repeated(path, "--steps", 1))
    assert main(repeated(path, "--steps", 1, "--walls", "nan", "--output", out)) == 0
    with xr.open_dataset(out, engine="h5netcdf") as written:
        forecast = written["height"].transpose("time", "x", "y").values
        np.testing.assert_array_equal(np.isnan(forecast[0]), np.isnan(rho[5]))


def test_a_variable_may_mark_the_walls(tmp_path, capsys):
    solid = np.zeros((NX, NY), bool)
    solid[3:5, 6:8] = True
    path, out = tmp_path / "a.npz", tmp_path / "out.nc"
    np.savez(path, values=gas(1)[0, 0], time=TIMES, x=X - 1e-16, y=Y, island=solid)
    options = ("--walls", "island")
    assert main(["check", str(path), *options, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["walls"] == 4 and "--walls=island" in found["next"]
    assert main(["check", str(path), *options]) == 0
    said = capsys.readouterr().out
    assert "4 cells, walls by --walls island" in said and " on [0, " in said
    assert main(repeated(path, "--steps", 1, *options, "--output", out)) == 0
    with xr.open_dataset(out, engine="h5netcdf") as written:
        found = np.isnan(written["values"].transpose("time", "x", "y").values[0])
        np.testing.assert_array_equal(found, solid)
    assert "has no two-dimensional frames" in refused(
        capsys, "check", "examples/traffic.nc", *options
    )


@pytest.mark.validation
def test_a_picture_is_drawn_without_a_scheduler_and_not_with_one(tmp_path, capsys):
    path, figure = write_pdebench(tmp_path / "b.h5"), tmp_path / "b.png"
    options = ["--gamma", GAMMA, "--trajectory", 1, "--steps", 1, "--figure", figure]
    assert main(repeated(path, *options, "--output", tmp_path / "b.nc")) == 0
    assert figure.read_bytes()[:4] == b"\x89PNG"
    sentence = refused(capsys, *repeated(path, *options, "--scheduler", "local"))
    assert "--figure shows a single trajectory and cannot be combined with --scheduler" in sentence


@pytest.mark.validation
def test_one_trajectory_with_a_picture_and_a_moving_one(tmp_path, capsys):
    path, figure, moving = write_pdebench(tmp_path / "b.h5"), tmp_path / "b.png", tmp_path / "b.gif"
    out = tmp_path / "b.zarr"
    options = ["--gamma", GAMMA, "--trajectory", 1, "--steps", 1, "--output", out]
    assert main(repeated(path, *options, "--figure", figure, "--animate", moving)) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "6 frames of 16 × 20 cells seen, 1 forecast" in printed and "true error" in printed
    assert figure.read_bytes()[:4] == b"\x89PNG" and moving.read_bytes()[:4] == b"GIF8"
    from PIL import Image

    with Image.open(moving) as frames:
        assert frames.n_frames == FRAMES
    with xr.open_zarr(out, consolidated=False) as written:
        assert written["trajectory"].values.tolist() == [1]
        expected = conserved(*gas())[1, 5, 3]
        np.testing.assert_allclose(written["energy"][0, 0], expected, rtol=1e-6)


def test_axes_keep_their_names_and_their_order(tmp_path):
    path = labelled(tmp_path / "a.nc", y=Y[::-1])
    with xr.open_dataset(path, engine="h5netcdf") as whole:
        whole.rename(time="t", y="north").to_netcdf(tmp_path / "b.nc", engine="h5netcdf")
    out = tmp_path / "out.nc"
    options = ("--y", "north", "--steps", 1, "--output", out)
    assert main(repeated(tmp_path / "b.nc", *options)) == 0
    with xr.open_dataset(out, engine="h5netcdf", decode_times=False) as written:
        assert written["height"].dims == ("t", "x", "north")
        assert written["height"].attrs["units"] == "m" and written["t"].attrs["units"] == "s"
        np.testing.assert_array_equal(written["north"], Y[::-1])
        np.testing.assert_array_equal(written["x"], X)
        np.testing.assert_array_equal(written["height"][0], gas(1)[0, 0, 5])


def test_all_frames_may_be_the_context(tmp_path, capsys):
    """Then there is no truth to compare with."""
    path, out = labelled(tmp_path / "a.nc"), str(tmp_path / "out.nc")
    command = ["forecast", str(path), "--method", "persistence", "--steps", "2", "-o", out]
    assert main([*command, "--json"]) == 0
    (result,) = json.loads(capsys.readouterr().out)["results"]
    assert result["true_error"] == {}


def test_check_says_what_it_does_not_read(tmp_path, capsys):
    u, dims = gas(1)[0, 0], ("time", "x", "y")
    states = np.stack([u, u], axis=1)
    fields = {"u": (dims, u), "momentum": (("time", "component", "x", "y"), states)}
    axes = {"time": TIMES, "x": X, "y": Y}
    xr.Dataset(fields, axes).to_netcdf(tmp_path / "a.nc", engine="h5netcdf")
    assert main(["check", str(tmp_path / "a.nc"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["others"] == ["momentum"]
    assert main(["check", str(tmp_path / "a.nc")]) == 0
    assert "its fields are u, beside momentum" in " ".join(capsys.readouterr().out.split())
    np.savez(tmp_path / "b.npz", values=states.swapaxes(0, 1)[:1])
    assert main(["check", str(tmp_path / "b.npz")]) == 0
    assert "add their coordinate y" in " ".join(capsys.readouterr().out.split())


def test_check_says_which_field_was_never_measured(tmp_path, capsys):
    u, dims = gas(1)[0, 0], ("time", "x", "y")
    fields = {"u": (dims, u), "v": (dims, np.full_like(u, np.nan))}
    axes = {"time": TIMES, "x": X, "y": Y}
    xr.Dataset(fields, axes).to_netcdf(tmp_path / "a.nc", engine="h5netcdf")
    assert main(["check", str(tmp_path / "a.nc")]) == 2
    error = " ".join(capsys.readouterr().err.split())
    assert "All values of the field 'v' are missing; leave it out" in error


def test_check_says_that_times_are_missing(tmp_path, capsys):
    files = (write_well, "dimensions/time", ()), (write_pdebench, "t-coordinate", ("--gamma", 1.4))
    for write, name, options in files:
        path = write(tmp_path / f"{name[0]}.hdf5")
        arguments = ["check", str(path), *map(str, options), "--json"]
        for missing in (False, True):
            assert main(arguments) == 0
            hints = json.loads(capsys.readouterr().out)["hints"]
            assert any("has no times, though" in hint for hint in hints) == missing
            with h5py.File(path, "a") as file:
                file.pop(name, None)


def test_check_names_components_beyond_the_plane(tmp_path, capsys):
    path = write_well(tmp_path / "a.hdf5")
    with h5py.File(path, "a") as file:
        old = file["t1_fields/momentum"]
        values, varying = old[()], dict(old.attrs)
        del file["t1_fields/momentum"]
        for name, kept in {"momentum": [0, 1, 1], "single": [0]}.items():
            file["t1_fields"].create_dataset(name, data=values[..., kept]).attrs.update(varying)
    assert main(["check", str(path), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["others"] == ["mask", "components of momentum beyond x and y", "single"]
    assert found["stored"][-2:] == ["momentum_x", "momentum_y"]


def test_check_says_what_a_file_holds(tmp_path, capsys):
    path = write_pdebench(tmp_path / "a.h5")
    assert main(["check", str(path), "--gamma", str(GAMMA), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["stored"] == ["density", "velocity_x", "velocity_y", "pressure"]
    assert found["trajectories"] == 2 and found["frames"] == FRAMES
    assert found["interval"] == pytest.approx(TIMES[1])
    assert found["fields"]["energy"]["computed"] and not found["fields"]["density"]["computed"]
    largest = conserved(*gas())[0, :, 3].max()
    assert found["fields"]["energy"]["largest"] == pytest.approx(largest, rel=1e-6)
    assert found["next"] == (
        f"hfluxno forecast {path} --gamma={GAMMA} --trajectory=0 --context 7 --steps 7"
    )
    assert main(["check", str(path), "--gamma", str(GAMMA)]) == 0
    assert "PDEBench; its fields are density" in capsys.readouterr().out


def test_ends_that_are_zero_but_for_single_precision_are_printed_as_zero(tmp_path, capsys):
    x, y = (((np.arange(n) + 0.5) / n).astype(np.float32) for n in (96, 40))
    values = np.zeros((6, 96, 40))
    values[:, 3:20] = 1.0
    axes = {"time": np.arange(6.0), "x": x * np.float32(2.0), "y": y - np.float32(1.0)}
    fields = {"u": (("time", "x", "y"), values)}
    xr.Dataset(fields, axes).to_netcdf(tmp_path / "a.nc", engine="h5netcdf")
    assert main(["check", str(tmp_path / "a.nc")]) == 0
    assert " on [0, 2] × [-1, 0]" in capsys.readouterr().out


def test_check_suggests_a_boundary_and_says_how_far_waves_travel(tmp_path, capsys):
    moving_wave(tmp_path / "a.nc")
    with xr.open_dataset(tmp_path / "a.nc", decode_times=False) as data:
        ring = data.load()
    times = np.array(ring["time"])
    times[4:] += 0.013
    ring.isel(x=slice(0, 16)).assign_coords(time=times).to_netcdf(
        tmp_path / "b.nc", engine="h5netcdf"
    )
    assert main(["check", str(tmp_path / "a.nc"), "--json"]) == 0
    whole = json.loads(capsys.readouterr().out)
    assert whole["fields"]["u"]["cells_per_frame"] == pytest.approx([0.6, -0.64], abs=0.1)
    assert "--boundary" not in whole["next"] and whole["uniform"]
    assert main(["check", str(tmp_path / "b.nc"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["boundary"] == [["outflow"] * 2, ["periodic"] * 2] and not found["uniform"]
    assert "--boundary=outflow,outflow/periodic,periodic" in found["next"]
    assert main(["check", str(tmp_path / "b.nc"), "--boundary", "wall/periodic"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "wall,wall/periodic,periodic: as given" in shown and "uneven steps" in shown
    assert "--boundary=wall/periodic" in shown and " cells a frame along x" in shown


def test_check_has_the_units_of_the_file(tmp_path, capsys):
    moving_wave(tmp_path / "a.nc")
    assert main(["check", str(labelled(tmp_path / "b.nc"))]) == 0
    first = capsys.readouterr().out
    assert "0 to 0.6 s in steps of 0.1\n" in first and "cells of 0.0625 × 0.1 on" in first
    assert re.search(r"height +0\.5\S* to 1\.5\S* m, changes by", first)
    assert main(["check", str(tmp_path / "a.nc")]) == 0
    second = capsys.readouterr().out
    assert "20 × 16 cells of 0.1 km × 0.0625 km on [0, 2] × [0, 1]" in second
    assert main(["check", str(tmp_path / "a.nc"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["units"] == {"time": "s", "x": "km", "y": "km"}
    assert found["fields"]["u"]["units"] == ""


@pytest.mark.parametrize(
    ("units", "said", "words"),
    [
        (("km", "m"), 2, "in different units, x in km and y in m; multiply y by 0.001, or convert"),
        (("degrees_east", "degrees_north"), 0, "in degrees, which are not the same length every"),
        (("m", "metre"), 0, ""),
        (None, 0, "on [0, 1] × [0, 1] (x and y counted: the file has none)"),
    ],
)
def test_cells_that_may_not_be_as_wide_as_high_are_noticed(tmp_path, capsys, units, said, words):
    moving_wave(tmp_path / "a.nc")
    with xr.open_dataset(tmp_path / "a.nc", engine="h5netcdf", decode_times=False) as stored:
        changed = stored.load()
    for axis, unit in zip("xy", units or "  ", strict=True):
        changed[axis].attrs["units"] = unit
    changed = changed if units else changed.drop_vars(["x", "y"])
    changed.to_netcdf(tmp_path / "b.nc", engine="h5netcdf")
    assert main(["check", str(tmp_path / "b.nc")]) == said
    shown = " ".join(" ".join(capsys.readouterr()).split())
    assert words in shown
    assert ("degrees" in shown or "counted:" in shown) == bool(words and not said)


def test_check_prints_no_unit_for_pure_numbers(tmp_path, capsys):
    moving_wave(tmp_path / "a.nc")
    with xr.open_dataset(tmp_path / "a.nc", engine="h5netcdf", decode_times=False) as stored:
        pure = stored.load()
    for name in pure.variables:
        pure[name].attrs["units"] = "1"
    pure.to_netcdf(tmp_path / "b.nc", engine="h5netcdf")
    assert main(["check", str(tmp_path / "b.nc"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["units"] == {"time": "", "x": "", "y": ""}
    assert found["fields"]["u"]["units"] == ""


def test_check_looks_at_ten_frames_with_measurements_and_proposes_as_many(tmp_path, capsys):
    moving_wave(tmp_path / "a.nc", frames=24)
    seen = [0, 2, 5, 6, 7, 11, 12, 17, 18, 19, 20, 23]
    with xr.open_dataset(tmp_path / "a.nc", decode_times=False) as data:
        whole = data.load()
    whole.isel(time=seen).to_netcdf(tmp_path / "b.nc", engine="h5netcdf")
    measured = np.isin(np.arange(24), seen)
    empty = whole.where(xr.DataArray(measured, dims="time"))
    empty.to_netcdf(tmp_path / "c.nc", engine="h5netcdf")
    for path in (tmp_path / "b.nc", tmp_path / "c.nc"):
        assert main(["check", str(path), "--json"]) == 0
        found = json.loads(capsys.readouterr().out)
        assert found["measured"]["frames"] == 20 and found["missing"] == 0.5, "absent or NaN"
        assert not found["faults"] and found["next"].endswith("--context 20 --steps 4")


def test_the_command_after_a_check_takes_a_name_with_a_dash_for_a_file(
    tmp_path, capsys, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    write_pdebench(tmp_path / "-a.h5")
    assert main(["check", "./-a.h5", "--gamma", str(GAMMA), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["next"].startswith("hfluxno forecast ./-a.h5 ")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--save", "law.txt"), "The name law.txt does not say what to write"),
        (("--csv", "law.csv"), "formulas, not a table"),
        (("--noise", "0.1"), "leave out --noise"),
        (("--cells", "40"), "uniform"),
        (("--flow", "energy"), "--flow is measured on a line"),
        (("--average", "0.1"), "in two dimensions values are at their times"),
        (("--bounds", "0,1"), "those of one field along a line"),
        (("--scheduler", "local", "--figure", "a.png"), "--figure shows a single trajectory"),
        (("--scheduler", "local", "--save", "a.json"), "--save shows a single trajectory"),
        (("--scheduler", "local", "--trajectory", "1"), "a single trajectory is inferred by one"),
        (("--scheduler", "local", "--output", "laws.nc"), "end it with .zarr"),
        (("--output", "laws.zarr"), "--output belongs to --scheduler"),
        (("--momentum", "a,b,c"), "a pair of fields"),
        (("--momentum", "u"), "momentum_y, energy, such as m_x and m_y; got u_x and u_y."),
        (("--trajectory", "2"), "There is no trajectory 2"),
        (("--fields", "density,pressure"), "pressure is not conserved"),
    ],
)
def test_what_has_no_meaning_on_a_plane_is_refused(tmp_path, capsys, options, words):
    path = write_well(tmp_path / "a.hdf5")
    assert words in refused(capsys, "identify", path, *options)


def test_methods_laws_and_pictures_that_are_of_a_line(tmp_path, capsys):
    path, line = write_well(tmp_path / "a.hdf5"), tmp_path / "line.npz"
    forecast = ("forecast", path, "--steps", 1)
    of_a_line = refused(capsys, *forecast, "--method", "fno", "--weights", "cubic")
    assert "forecasts 1 field (u); the context has 4" in of_a_line
    assert "There is no law file none.json" in refused(capsys, *forecast, "--law", "none.json")
    np.savez(line, values=np.random.default_rng(0).random((8, 20)))
    line_forecast = ("forecast", line, "--steps", 1)
    moving = tmp_path / "a.gif"
    assert "--animate draws" in refused(capsys, *line_forecast, "--animate", moving)
    assert "--gamma does not apply" in refused(capsys, *line_forecast, "--gamma", 1.4)


@pytest.mark.filterwarnings("always::FutureWarning")
def test_an_old_name_is_told_once(tmp_path, capsys):
    """Although the weights are loaded twice, for the check and for the work."""
    path = str(write_well(tmp_path / "a.hdf5"))
    command = ["forecast", path, "-n", "2", "-k", "6", "--method", "hfluxno", "--weights", "cubic"]
    assert main([*command, "--trajectory", "0", "-o", str(tmp_path / "a.nc")]) == 2
    said = capsys.readouterr().err
    assert said.count("are now called hfluxno-weak-form-cubic") == 1


@pytest.mark.validation
def test_a_network_forecasts_a_file_of_the_well(tmp_path, capsys):
    """The same frames as its roll-out in Python, conserved, and written with the fields' names."""
    config = dataclasses.replace(
        small.PLANE, fields=FIELDS, cells=(16, 16), spacing=(1 / 16,) * 2, coordinates=False,
        encoder=None, interval=0.015,
    )  # fmt: skip
    network, folder = drawn.fresh(config.build), tmp_path / "gases"
    unknown = Training("", "", "", 0, 0, 0, "", "", "", 0.0, 0.0, "")
    save_pretrained(folder, network, config, unknown)
    path, out = tmp_path / "gas.hdf5", tmp_path / "out.nc"
    states = np.random.default_rng(0).uniform(0.5, 1.5, (8, 4, 16, 16)).astype(np.float32)
    write_gas(path, states, 0.015 * np.arange(8))
    chosen = ("--method", "flux-no", "--weights", folder, "--context", 5, "--steps", 3)
    arguments = ("forecast", path, *chosen, "--output", out, "--json")
    assert main(list(map(str, arguments))) == 0
    (result,) = json.loads(capsys.readouterr().out)["results"]
    expected = compiled(rollout, network, jnp.asarray(states[:5]), 3, "sliding")
    with xr.open_dataset(out, engine="h5netcdf") as written:
        for i, name in enumerate(FIELDS):
            found = written[name].values[0]
            np.testing.assert_allclose(found, expected[:, i], rtol=2e-4, atol=2e-4)
    assert result["conservation_drift"] < 1e-5 and "1" in result["true_error"]
    turned = ("--fields", "energy,density,momentum")
    assert "in the order density, momentum_x" in refused(capsys, *arguments, *turned)
    assert "only on periodic domains" in refused(capsys, *arguments, "--boundary", "periodic/wall")


def moving_wave(path, cells=(20, 16), frames=12, units="s", start=0.0):
    """u(x - 0.6 t, y + 0.4 t) on [0, 2] × [0, 1] from t = `start` on, at the centres of cells."""
    x, y = ((np.arange(n) + 0.5) * side / n for n, side in zip(cells, (2.0, 1.0), strict=True))
    t = 0.1 * np.arange(frames)
    later = start + t[:, None, None]
    a, b = np.pi * (x[:, None] - 0.6 * later), 2.0 * np.pi * (y + 0.4 * later)
    u = 1.0 + 0.3 * np.sin(a + 0.3) + 0.2 * np.cos(b) + 0.1 * np.sin(a - b)
    axes = {"time": ("time", t, {"units": units}), "x": ("x", x, {"units": "km"})}
    array = xr.DataArray(u, axes | {"y": ("y", y, {"units": "km"})}, ("time", "x", "y"))
    array.to_dataset(name="u").to_netcdf(path, engine="h5netcdf")


def test_a_law_is_saved_used_on_another_file_and_exported(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(run, "REFINEMENTS", (1,))
    moving_wave(tmp_path / "a.nc")
    moving_wave(tmp_path / "b.nc", start=0.5)
    moving_wave(tmp_path / "minutes.nc", units="min")
    # However long programs are compiled, nothing is said of it.
    monkeypatch.setattr("hfluxno.cli.progress._SECONDS_BETWEEN_LINES", 600.0)
    sought: list = []

    def notes(*of):
        sought.append(of)
        return ["Something is odd."]

    monkeypatch.setattr("hfluxno.cli.plane.notes", notes)
    assert main(["identify", "a.nc", "--save", "law.json", "--json"]) == 0
    said = capsys.readouterr()
    report = json.loads(said.out)
    assert report["files"] == ["law.json"]
    (found,) = report["results"]
    assert len(sought) == 1 and found["notes"] == ["Something is odd."]
    assert said.err == "hfluxno: Something is odd.\n"
    saved = hfluxno.load_law("law.json")
    assert found["latex"] == export_law(saved, "latex")["law.tex"]
    assert set(found["sympy"]) == {"f", "g"}
    assert (saved.units.x, saved.units.y, saved.units.time) == ("km", "km", "s")
    slopes = [saved.law.jacobian(jnp.ones((1, 1)), axis)[0, 0, 0] for axis in (0, 1)]
    np.testing.assert_allclose(slopes, [0.6, -0.4], atol=0.01)
    with xr.open_dataset("b.nc", engine="h5netcdf", decode_times=False) as whole:
        whole.assign(v=-whole["u"]).to_netcdf("both.nc", engine="h5netcdf")
    both = ForecastConfig(input=tmp_path / "both.nc", steps=1, law=tmp_path / "law.json")
    assert plane.read(both).fields == ("u",)
    command = "forecast b.nc --law law.json --context 6 --steps 4 --json -o out.nc"
    assert main(command.split()) == 0
    (result,) = json.loads(capsys.readouterr().out)["results"]
    assert result["law"].startswith("linear advection, a = 0.5999") and result["status"] == 0
    assert result["law"].endswith(" (given)")
    assert result["true_error"]["4"] < 0.03
    with xr.open_dataset("out.nc", engine="h5netcdf") as written:
        expected, bound = written["predicted_error"].values, written["predicted_error_90"].values
        assert result["predicted_error_90"]["4"] == pytest.approx(bound[3], rel=1e-6)
        np.testing.assert_allclose(bound, bound_of(expected))
        assert written["u_lower90"].dims == written["u"].dims
        assert np.all(written["u_lower90"] < written["u"]) and "upper end" in str(
            written["u_upper90"].attrs["long_name"]
        )
    # A file that lacks a frame, and values of others.
    with xr.open_dataset("b.nc", engine="h5netcdf") as whole:
        gaps = whole.isel(time=[0, 1, 2, 4, 5, 6, 7, 8, 9, 10, 11]).load()
    gaps["u"][4, 5:9, 5:9] = np.nan
    gaps.to_netcdf("gaps.nc", engine="h5netcdf")
    assert main(["check", "gaps.nc"]) == 0
    assert "9.5 % of these" in " ".join(capsys.readouterr().out.split())
    assert main(command.replace("b.nc", "gaps.nc").replace("6", "8").split()) == 0
    (result,) = json.loads(capsys.readouterr().out)["results"]
    assert result["status"] == 0 and result["true_error"]["4"] < 0.03
    command = "forecast b.nc --law law.json --context 1 --steps 4 -o out.nc"
    assert main(command.split()) == 0
    assert "nothing in this context could be compared" in " ".join(capsys.readouterr().out.split())
    with xr.open_dataset("b.nc", engine="h5netcdf") as whole:
        whole.isel(time=[0]).to_netcdf("first.nc", engine="h5netcdf")
    command = "forecast first.nc --law law.json --steps 4 -o first_out.nc"
    for more in ((), ("-k", "1")):
        assert "no spacing in time" in refused(capsys, *command.split(), *more)
    assert main([*command.split(), "--every", "0.1"]) == 0
    with xr.open_dataset("out.nc") as one, xr.open_dataset("first_out.nc") as other:
        np.testing.assert_allclose(one["u"], other["u"], rtol=1e-6)
    sentence = refused(capsys, "forecast", "minutes.nc", "--steps", 1, "--law", "law.json")
    assert "has time in s, but minutes.nc in min" in sentence
    np.savez("line.npz", u=1.0 + 0.3 * np.sin(np.arange(80.0)).reshape(5, 16))
    sentence = refused(capsys, "forecast", "line.npz", "--steps", 1, "--law", "law.json")
    assert "The law was found on a plane, but the context is on a line" in sentence
    assert main(["export", "law.json", "--to", "numpy"]) == 0
    assert capsys.readouterr().out.startswith("f(u) = ")
    assert main(["export", "a.nc", "--to", "latex"]) == 0
    assert (tmp_path / "a_law.tex").exists()
    assert main(["export", "law.json", "--to", "pyclaw", "--output", "claw.py"]) == 0
    assert all((tmp_path / name).exists() for name in ("claw.py", "claw.h", "claw_rpn2.c"))


def test_a_trajectory_without_measurements_is_left_out(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rho = np.stack([gas(1)[0, 0]] * 3)[:, :, None]
    rho[1, :6], rho[2, 0] = np.nan, np.nan
    np.savez("a.npz", values=rho, time=TIMES, x=X, y=Y)
    assert main([*repeated("a.npz", "--steps", 1, "--output", "out.nc"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["failed_left_out"] == 1 and len(found["results"]) == 2
    with xr.open_dataset("out.nc", engine="h5netcdf") as written:
        np.testing.assert_array_equal(written["trajectory"], [0, 2])
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.npz", "out.nc"]
    alone = repeated("a.npz", "--steps", 1, "--trajectory", 1)
    assert "is NaN in the whole context of trajectory 1" in refused(capsys, *alone)


def test_pictures_that_cannot_be_drawn_do_not_cost_the_forecast(tmp_path, capsys, monkeypatch):
    path, out = labelled(tmp_path / "a.nc"), tmp_path / "out.nc"
    words = repeated(path, "--steps", 2, "--output", out)
    for module in ("plots", "plots.animation"):
        monkeypatch.setitem(sys.modules, f"hfluxno.{module}", None)
    assert main(words) == 0
    out.unlink()
    pictures = ("--figure", tmp_path / "a.png", "--animate", tmp_path / "a.gif")
    assert main([*words, *map(str, pictures)]) == 2
    said = capsys.readouterr().err
    assert "The picture is missing: " in said and "The animation is missing: " in said
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.nc", "out.nc"]


@pytest.mark.validation
def test_a_trajectory_in_which_nothing_changes_does_not_end_the_others(
    tmp_path, capsys, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(run, "REFINEMENTS", (1,))
    moving_wave(tmp_path / "a.nc")
    with xr.open_dataset("a.nc", engine="h5netcdf") as stored:
        moves = stored["u"].load()
    still = xr.zeros_like(moves) + moves[0].drop_vars("time")
    batch = xr.concat([0.0 * moves, moves, still], "trajectory").assign_attrs(moves.attrs)
    batch.to_dataset(name="u").to_netcdf("b.nc", engine="h5netcdf")
    assert main(["forecast", "b.nc", "--steps", "2", "-o", "out.nc", "--json"]) == 0
    results = json.loads(capsys.readouterr().out)["results"]
    assert [result["status"] for result in results] == [4, 0, 4]
    assert results[1]["backtest_error"] < 0.01
    assert results[0]["status_sentence"].endswith("the forecast repeats the last frame")
    assert results[0]["latex"] is None
    with xr.open_dataset("out.nc", engine="h5netcdf") as written:
        np.testing.assert_array_equal(written["u"][2, 1], still[0])
    batch[::2].to_dataset(name="u").to_netcdf("c.nc", engine="h5netcdf")
    assert main(["identify", "c.nc", "--json"]) == 0
    results = json.loads(capsys.readouterr().out)["results"]
    assert [result["status"] for result in results] == [4, 4]
    sentence = refused(capsys, "identify", "b.nc", "--trajectory", 2)
    assert "Nothing moves in the frames" in sentence
    context = hfluxno.Trajectory.from_xarray(batch)
    with pytest.raises(ValueError, match="The field 'u' is constant"):
        hfluxno.identify(context.members(slice(0, 1)))
    with pytest.raises(ValueError, match="Nothing moves in the frames"):
        hfluxno.identify([context.single(2), context.single(2)])


@pytest.mark.validation
def test_trajectories_are_forecast_by_a_cluster(tmp_path, capsys, monkeypatch, alone):
    monkeypatch.chdir(tmp_path)
    path = write_well(tmp_path / "a.hdf5")
    words = repeated(path, "--steps", 2, "--json")
    assert main([*words, "-o", "one.nc"]) == 0
    one = json.loads(capsys.readouterr().out)
    alone[1].append(1)
    ended = refused(capsys, *words, "-o", "two.nc", "--scheduler", "local")
    assert "Done: 1 of 2 trajectories; two.nc.partial keeps them" in ended
    alone[1].clear()
    assert main([*words, "-o", "two.nc", "--scheduler", "local"]) == 0
    two = json.loads(capsys.readouterr().out)
    assert two == one | {"files": ["two.nc"]}
    with xr.open_dataset("one.nc") as expected, xr.open_dataset("two.nc") as found:
        assert found.identical(expected)
    assert not (tmp_path / "two.nc.partial").exists()
    shown = refused(capsys, *words, "--scheduler", "local", "--figure", "a.png")
    assert "--figure shows a single trajectory" in shown
    single = refused(capsys, *words, "--scheduler", "local", "--trajectory", 1)
    assert "A single trajectory is forecast by one process" in single


def test_laws_are_inferred_by_a_cluster(tmp_path, capsys, monkeypatch, alone):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(run, "REFINEMENTS", (1,))
    moving_wave(tmp_path / "a.nc")
    with xr.open_dataset("a.nc", engine="h5netcdf") as stored:
        moves = stored["u"].load()
    batch = xr.concat([moves, 0.0 * moves], "trajectory").assign_attrs(moves.attrs)
    batch.assign_coords(trajectory=[7, 8]).to_dataset(name="u").to_netcdf("b.nc", engine="h5netcdf")
    words = ["identify", "b.nc", "--context", "6", "--json"]
    assert main(words) == 0
    one = json.loads(capsys.readouterr().out)
    worked, end_after = alone
    end_after.append(1)
    ended = refused(capsys, *words, "--scheduler", "local")
    assert "Done: 1 of 2 trajectories; b_laws.zarr.partial keeps them" in ended
    end_after.clear()
    assert main([*words, "--scheduler", "local"]) == 0
    assert json.loads(capsys.readouterr().out) == one | {"files": ["b_laws.zarr"]}
    assert worked == [slice(1, 2), slice(0, 1)]  # nothing is done twice
    assert not (tmp_path / "b_laws.zarr.partial").exists()
    lazy = hfluxno.identify_dataset(batch.assign_coords(trajectory=[7, 8]), context=6).compute()
    with xr.open_zarr("b_laws.zarr", consolidated=False) as written:
        assert written["trajectory"].values.tolist() == [7, 8]
        assert written["status"].values.tolist() == [0, 4]
        assert set(written.variables) == set(lazy.variables)
        for name, found in written.variables.items():
            assert found.dims == lazy[name].dims
            np.testing.assert_array_equal(found.values, lazy[name].values)


@pytest.mark.validation
def test_two_processes_forecast_trajectories(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = repeated(write_well(tmp_path / "a.hdf5"), "--steps", 2, "--json")
    assert main([*words, "-o", "one.nc"]) == 0
    assert main([*words, "-o", "two.nc", "--scheduler", "local", "--workers", "2"]) == 0
    with xr.open_dataset("one.nc") as expected, xr.open_dataset("two.nc") as found:
        assert found.identical(expected)


def test_more_than_memory_holds(tmp_path, capsys, monkeypatch):
    path = write_well(tmp_path / "a.hdf5")
    monkeypatch.setattr("os.sysconf", lambda name: 100 if name == "SC_PHYS_PAGES" else 1024)
    sentence = refused(capsys, "forecast", path, "--steps", 3, "--context", 6)
    assert "6 frames of 16 × 20 cells and 3 to forecast takes" in sentence
    assert "choose fewer with --context and --steps" in sentence
    sentence = refused(capsys, "check", path)
    assert "; average to fewer cells." in sentence and "--context" not in sentence


def test_reconstruct_is_one_dimensional(tmp_path, capsys):
    sentence = refused(capsys, "reconstruct", write_well(tmp_path / "a.hdf5"))
    assert "contains two-dimensional frames, and reconstruct is one-dimensional" in sentence
    space = xr.Dataset({"h": (("time", "x", "y", "z"), np.ones((6, 8, 8, 8)))})
    space.to_netcdf(tmp_path / "a.nc", engine="h5netcdf")
    assert "has 3 space axes (x, y, z)" in refused(capsys, "reconstruct", tmp_path / "a.nc")


def test_axes_that_are_exchanged_are_named(tmp_path, capsys):
    path = labelled(tmp_path / "a.nc")
    said = "has {} beside {}; leave out --{}, or rename one of them"
    assert said.format("y", "x", "y") in refused(capsys, "check", path, "--y", "x")
    exchanged = refused(capsys, "check", path, "--x", "y", "--y", "x")
    assert said.format("x", "y", "x") in exchanged


def test_an_mp4_needs_ffmpeg(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("matplotlib.animation.writers.is_available", lambda name: False)
    options = ("--steps", 1, "--animate", tmp_path / "a.mp4")
    sentence = refused(capsys, *repeated(write_well(tmp_path / "a.hdf5"), *options))
    assert "needs ffmpeg" in sentence


@pytest.mark.validation
def test_the_demo_prints_the_equations(tmp_path, capsys):
    assert main(["demo", "--2d", "--folder", str(tmp_path), "--json"]) == 0
    (result,) = json.loads(capsys.readouterr().out)["results"]
    assert result["status"] == 0 and result["isotropic"]
    assert result["recognised"]["name"] == "Euler"
    assert result["recognised"]["value"] == pytest.approx(1.4, abs=0.01)
    assert result["true_error"]["10"] < 0.05
    assert len(result["equations"]) == 4
    # Before it had a name the law was found without m |m|²/ρ², which moves little here.
    assert len(result["terms"]) >= 5
    assert all(abs(term["value"] - term["named"]) < 0.03 for term in result["terms"])
    assert (tmp_path / "quadrants_forecast.png").stat().st_size > 50_000


@pytest.mark.parametrize("said", ["m", "m_x", "m_x, m_y"])
def test_one_component_of_the_momentum_names_both(said):
    assert momentum_of(SimpleNamespace(momentum=said)) == ("m_x", "m_y")
