"""Reading foreign files: every layout gives the same numbers, every fault its sentence."""

import itertools
import shlex

import h5py
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from hfluxno.data.boundary_pair import boundary_pair
from hfluxno.data.readers import read

FRAMES, CELLS = 6, 9


def wave(frames=FRAMES, cells=CELLS, dtype=np.float64):
    x = (np.arange(cells) + 0.5) / cells
    t = np.arange(frames) * 0.1
    return np.sin(2 * np.pi * (x[None] - t[:, None])).astype(dtype)


def dataset(values=None, dims=("time", "x"), name="u", **coords):
    values = wave() if values is None else values
    return xr.Dataset({name: (dims, values, {"units": "kg/m"})}, coords=coords)


def save(data: xr.Dataset, path):
    if path.suffix == ".zarr":
        data.to_zarr(path, mode="w", consolidated=False)
    else:
        data.to_netcdf(path, engine="h5netcdf")
    return path


# What is read


@pytest.mark.parametrize("suffix", [".nc", ".h5", ".hdf5", ".zarr"])
def test_every_format_gives_the_numbers_and_the_units(tmp_path, suffix):
    time = ("time", 3.0 + 0.5 * np.arange(FRAMES), {"units": "h"})
    data = dataset(x=("x", -2.0 + 0.25 * np.arange(CELLS), {"units": "km"}), time=time)
    source = read(save(data, tmp_path / f"a{suffix}"))
    np.testing.assert_array_equal(source.values, wave()[:, None])
    assert source.values.dtype == np.float64 and source.values.flags.c_contiguous
    assert source.variable == "u" and source.fields == ("u",) and source.dims == ("time", "x")
    assert (
        source.parts[0].attributes["units"] == "kg/m"
        and source.coordinates["x"].attrs["units"] == "km"
    )
    np.testing.assert_array_equal(source.times, 3.0 + 0.5 * np.arange(FRAMES))
    grid = source.trajectory.grid
    assert grid.lower == (-2.125,) and grid.upper == (0.125,)


def test_classic_netcdf(tmp_path):
    dataset().to_netcdf(tmp_path / "a.nc", engine="scipy", format="NETCDF3_CLASSIC")
    np.testing.assert_array_equal(read(tmp_path / "a.nc").values, wave()[:, None])


@pytest.mark.parametrize("order", list(itertools.permutations(range(4)))[::3])
def test_dimensions_in_any_order(tmp_path, order):
    values = np.random.default_rng(0).normal(size=(3, FRAMES, 2, CELLS))
    dims = ("trajectory", "t", "field", "x")
    data = dataset(values.transpose(order), [dims[i] for i in order], field=["h", "m"])
    source = read(save(data, tmp_path / "a.nc"))
    np.testing.assert_array_equal(source.values, values)
    assert source.fields == ("h", "m") and source.trajectories == 3
    assert source.trajectory.is_batched


def test_npz_arrays_are_placed_by_their_number_of_axes(tmp_path):
    path = tmp_path / "a.npz"
    np.savez(path, values=wave(), t=np.arange(FRAMES), x=np.arange(CELLS), note=np.zeros((3, 3)))
    assert read(path).values.shape == (FRAMES, 1, CELLS)
    np.savez(path, depth=np.stack([wave()] * 2, axis=1), fields=["h", "m"])
    source = read(path)
    assert source.variable == "depth" and source.fields == ("h", "m")
    np.savez(path, a=np.zeros((2, FRAMES, 3, CELLS)))
    assert read(path).values.shape == (2, FRAMES, 3, CELLS)


def test_missing_coordinates_are_frame_numbers_and_centres_of_the_unit_interval(tmp_path):
    source = read(save(dataset(), tmp_path / "a.nc"))
    np.testing.assert_array_equal(source.times, np.arange(FRAMES))
    grid = source.trajectory.grid
    np.testing.assert_allclose([grid.lower[0], grid.upper[0]], [0.0, 1.0], atol=1e-15)


@pytest.mark.parametrize(
    ("stored", "kept"),
    [(">f8", "f8"), (">f4", "f4"), ("i2", "f8"), ("u1", "f8"), ("f2", "f4"), (">i4", "f8")],
)
def test_numbers_of_every_kind(tmp_path, stored, kept):
    values = np.round(50 + 40 * wave()).astype(stored)
    np.savez(tmp_path / "a.npz", values)
    source = read(tmp_path / "a.npz")
    assert source.values.dtype == np.dtype(kept)
    np.testing.assert_array_equal(source.values[:, 0], values)


@pytest.mark.parametrize("suffix", ["nc", "npz"])
def test_integers_that_went_beyond_their_type_are_told(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    counted = 120.0 + 40.0 * np.sin(np.arange(40) / 6.0 - 0.4 * np.arange(9)[:, None])
    whole = counted.astype(np.int16)
    for values, told in ((whole, False), (whole.astype(np.int8), True)):
        if suffix == "nc":
            made = xr.Dataset({"cars": (("x", "time"), values.T)})
            made.to_netcdf(path, engine="h5netcdf")
        else:
            np.savez(path, cars=values)
        hints = read(path).hints
        assert len(hints) == told and all("int8, -128 to 127, that jump" in one for one in hints)


def test_packed_integers_are_unpacked(tmp_path):
    data = dataset(100 + wave())
    packed = {"u": {"dtype": "int16", "scale_factor": 0.001, "add_offset": 100.0, "_FillValue": -1}}
    data.to_netcdf(tmp_path / "a.nc", engine="h5netcdf", encoding=packed)
    np.testing.assert_allclose(read(tmp_path / "a.nc").values[:, 0], 100 + wave(), atol=6e-4)


def test_dates_of_a_file_keep_its_unit(tmp_path):
    days = np.array("2024-02-27", "datetime64[ns]") + np.arange(FRAMES) * np.timedelta64(1, "D")
    source = read(save(dataset(time=days), tmp_path / "a.nc"))
    np.testing.assert_array_equal(source.times, np.arange(FRAMES))
    assert source.coordinates["time"].attrs["units"].startswith("days since 2024-02-27")


def test_dates_of_npz_become_seconds(tmp_path):
    dates = np.array("2024-02-27", "datetime64[m]") + np.arange(FRAMES) * np.timedelta64(5, "m")
    np.savez(tmp_path / "a.npz", values=wave(), time=dates)
    source = read(tmp_path / "a.npz")
    np.testing.assert_allclose(np.diff(source.times), 300.0, atol=1e-6)
    assert source.coordinates["time"].attrs["units"] == "seconds since 2024-02-27T00:00:00"
    np.testing.assert_allclose(source.trajectory.times, 300.0 * np.arange(FRAMES))


def test_dates_of_any_unit_and_age(tmp_path):
    for dates in (
        np.array("0900", "datetime64[Y]") + np.arange(0, 4 * FRAMES, 4) * np.timedelta64(1, "Y"),
        np.array("2024-02-27T10:00:00.5", "datetime64[ns]")
        + np.arange(FRAMES) * np.timedelta64(1, "ms"),
    ):
        np.savez(tmp_path / "a.npz", values=wave(), time=dates)
        source = read(tmp_path / "a.npz")
        step = 1461 * 86400.0 if dates.dtype == "M8[Y]" else 1e-3
        np.testing.assert_allclose(source.times, step * np.arange(FRAMES), rtol=1e-3)
    assert source.coordinates["time"].attrs["units"] == "seconds since 2024-02-27T10:00:00.500"


def test_far_origin_in_single_precision_is_uniform(tmp_path):
    x = np.float32(1e6) + np.arange(CELLS, dtype=np.float32) * np.float32(0.7)
    source = read(save(dataset(x=x), tmp_path / "a.nc"))
    assert source.x[0] == 1e6


def test_the_bands_of_a_forecast_are_no_other_variable(tmp_path):
    ends = {f"u_{end}90": (("time", "x"), wave() + 1.0) for end in ("lower", "upper")}
    path = save(dataset().assign(ends), tmp_path / "a.nc")
    assert read(path).variable == "u"
    assert read(path, "u_lower90").variable == "u_lower90"
    alone = save(dataset().assign(ends).drop_vars(["u", "u_upper90"]), tmp_path / "b.nc")
    assert read(alone).variable == "u_lower90"


def test_the_variable_is_chosen_by_name_or_by_being_the_only_one(tmp_path):
    data = dataset().assign(v=(("time", "x"), wave()), status=("time", np.zeros(FRAMES)))
    path = save(data, tmp_path / "a.nc")
    assert read(path, variable="v").variable == "v"
    with pytest.raises(ValueError, match=r"Several variables .*\(u, v\).*--variable NAME"):
        read(path)
    with pytest.raises(ValueError, match=r"no variable 'w' in .*; it has u, v, status"):
        read(path, variable="w")


@pytest.mark.parametrize("suffix", [".nc", ".h5", ".zarr"])
def test_several_variables_are_the_fields_of_a_system(tmp_path, suffix):
    h, hu = 2.0 + wave(), wave(dtype=np.float32)
    data = xr.Dataset(
        {
            "hu": (("x", "time"), hu.T, {"units": "m2/s"}),
            "h": (("time", "x"), h, {"units": "m"}),
            "b": ("x", np.zeros(CELLS)),
        },
        coords={"x": np.arange(CELLS)},
    )
    path = save(data, tmp_path / f"a{suffix}")
    source = read(path, "h, hu")
    assert source.fields == ("h", "hu") and source.variable == "h, hu"
    np.testing.assert_array_equal(source.values, np.stack([h, hu], axis=1))
    np.testing.assert_array_equal(source.x, np.arange(CELLS))
    assert [part.dims for part in source.parts] == [("time", "x"), ("x", "time")]
    assert [each["units"] for each in source.field_attributes] == ["m", "m2/s"]
    assert read(path, "hu,h").fields == ("hu", "h")
    np.testing.assert_array_equal(read(path, "hu,h").values, source.values[:, ::-1])


def test_several_variables_of_a_batch_leave_out_what_failed(tmp_path):
    h = np.stack([2.0 + wave(), 3.0 + wave(), 4.0 + wave()])
    hu = h.copy()
    hu[1, 3:] = np.nan
    dims = ("trajectory", "t", "x")
    data = xr.Dataset({"h": (dims, h), "hu": (dims, hu), "status": ("trajectory", [0, 1, 0])})
    source = read(save(data, tmp_path / "a.nc"), "h,hu")
    assert source.failed == 1
    np.testing.assert_array_equal(source.values, np.stack([h, hu], axis=2)[[0, 2]])


@pytest.mark.parametrize("suffix", [".nc", ".npz"])
def test_fields_of_a_variable_are_chosen_and_ordered(tmp_path, suffix):
    values = np.random.default_rng(0).normal(size=(FRAMES, 3, CELLS))
    path = tmp_path / f"a{suffix}"
    if suffix == ".npz":
        np.savez(path, values=values, fields=["h", "m", "e"], other=wave())
    else:
        save(dataset(values, ("time", "field", "x"), field=["h", "m", "e"]), path)
    source = read(path, "m,h")
    assert source.fields == ("m", "h") and source.parts[0].dims == ("time", "field", "x")
    np.testing.assert_array_equal(source.values, values[:, [1, 0]])
    assert list(source.coordinates["field"].values) == ["m", "h"]
    assert read(path, "e").fields == ("e",)
    with pytest.raises(ValueError, match=r"no variable 'q' in .*the fields of (u|values) are h, m"):
        read(path, "h,q")


def test_variables_that_are_no_system_are_refused(tmp_path):
    several = np.stack([wave()] * 2)
    data = dataset().assign(
        v=(("time", "x"), wave()),
        w=(("trajectory", "time", "x"), several),
        s=(("field", "time", "x"), several),
        b=("x", np.zeros(CELLS)),
    )
    path = save(data, tmp_path / "a.nc")
    with pytest.raises(
        ValueError, match=r"u and w .* not fields of one system: their shapes are .ti"
    ):
        read(path, "u,w")
    with pytest.raises(ValueError, match=r"variable s .* has fields of its own; choose it alone"):
        read(path, "u,s")
    with pytest.raises(ValueError, match=r"variable b .* needs x and exactly one of time and t"):
        read(path, "u,b")
    with pytest.raises(ValueError, match="A name appears twice in the variable u,u"):
        read(path, "u,u")
    with pytest.raises(ValueError, match="no variable '' in"):
        read(path, "u,")
    sentence = r"the fields of a system with --variable NAME,NAME \(in Python variable=.u.\)\."
    with pytest.raises(ValueError, match=sentence):
        read(path)


@pytest.mark.parametrize("names", [("rho", "m"), ("rho", "m", "E"), ("rho", "my field", "E")])
def test_the_fields_that_may_be_a_system_are_named_to_paste(tmp_path, names):
    np.savez(tmp_path / "a.npz", **{name: wave() + i for i, name in enumerate(names)})
    with pytest.raises(ValueError) as refused:
        read(tmp_path / "a.npz")
    sentence = str(refused.value)
    option = sentence.split("the fields of a system with ")[1].split(" (in Python")[0]
    assert shlex.split(option) == ["--variable", ",".join(names)]
    assert sentence.endswith(f'(in Python variable="{",".join(names)}").')
    assert read(tmp_path / "a.npz", ",".join(names)).fields == names


def test_what_is_no_system_is_not_named_as_one(tmp_path):
    """Five fields, or two of different shapes."""
    for others in (dict.fromkeys("vwyz", wave()), {"v": np.stack([wave()] * 2)}):
        np.savez(tmp_path / "a.npz", u=wave(), **others)
        with pytest.raises(ValueError, match=r"--variable NAME,NAME \(in Python variable=.u.\)"):
            read(tmp_path / "a.npz")


def test_a_boundary_is_assumed_until_the_user_says_it(tmp_path):
    path = save(dataset(), tmp_path / "a.nc")
    found, said = read(path), read(path, boundary="periodic")
    assert found.assumed and found.boundary == said.boundary == ("periodic", "periodic")
    assert found.trajectory.ends_assumed and found.window(1, 4).ends_assumed
    assert not said.assumed and not said.trajectory.ends_assumed


@pytest.mark.parametrize("names", [("time", "t"), ("t", "time"), ("field", "fields")])
def test_two_names_of_npz_that_mean_the_same_are_refused(tmp_path, names):
    """The one that was stored last would be read."""
    entries = np.arange(FRAMES) if "time" in names else np.array(["u"])
    arrays = {name: entries for name in names}
    np.savez(tmp_path / "a.npz", u=wave(), x=np.arange(CELLS), **arrays)
    with pytest.raises(ValueError, match=r"arrays (time and t|fields and field), and both mean"):
        read(tmp_path / "a.npz")


def test_a_field_is_not_its_own_flow(tmp_path):
    """The other variable would be read in its place."""
    path = save(dataset().assign(q=(("time", "x"), 2.0 * wave())), tmp_path / "a.nc")
    with pytest.raises(ValueError, match="q is chosen as the field and as its flow; choose the de"):
        read(path, "q", flow="q")
    assert read(path, "u,q", flow="q").fields == ("u",)


def test_values_of_npz_give_way_to_the_name_that_is_asked_for(tmp_path):
    np.savez(tmp_path / "a.npz", values=wave(), u=2.0 * wave())
    assert read(tmp_path / "a.npz").variable == "values"
    np.testing.assert_array_equal(read(tmp_path / "a.npz", "u").values[:, 0], 2.0 * wave())
    np.savez(tmp_path / "empty.npz")
    with pytest.raises(ValueError, match=r"No variable of .*empty\.npz is a trajectory"):
        read(tmp_path / "empty.npz")


@pytest.mark.parametrize("names", [["times", "positions"], ["t", "X"], ["dt", "x"]])
def test_names_of_npz_that_are_not_understood_are_refused(tmp_path, names):
    """In silence, the frames and cells would be counted and the law have other units."""
    known = {"t": np.arange(FRAMES), "x": np.arange(CELLS), "dt": np.array(0.1)}
    arrays = {name: known.get(name, np.arange(5.0)) for name in names}
    np.savez(tmp_path / "a.npz", values=wave(), **arrays)
    strange = ", ".join(name for name in names if name not in ("t", "x"))
    sentence = rf"the names {strange}, which are not understood.* time \(or t\), x, field .* rename"
    with pytest.raises(ValueError, match=sentence):
        read(tmp_path / "a.npz")
    # Beside both coordinates X can be that of another field.
    np.savez(tmp_path / "b.npz", values=wave(), **{**known, **arrays})
    if "times" in names:
        with pytest.raises(ValueError, match="the names times, positions, which are not underst"):
            read(tmp_path / "b.npz")
    else:
        np.testing.assert_array_equal(read(tmp_path / "b.npz").x, np.arange(CELLS))


@pytest.mark.parametrize("name", ["foo", "velocity", "u0"])
def test_other_arrays_of_npz_are_refused_and_numbers_and_ends_are_not(tmp_path, name):
    coordinates = {"t": np.arange(FRAMES), "x": np.arange(CELLS)}
    ends = {"lower": np.arange(FRAMES), "upper_u": np.arange(FRAMES), "nu": np.array(0.1)}
    np.savez(tmp_path / "a.npz", u=wave(), **coordinates, **ends)
    assert read(tmp_path / "a.npz").variable == "u"
    np.savez(tmp_path / "b.npz", u=wave(), **coordinates, **{name: np.arange(7.0)})
    known = r"time \(or t\), x, field \(or fields\), trajectory, y of frames on a plane, status"
    sentence = rf"b.npz has the names {name}, which are not understood; understood are .*{known}"
    with pytest.raises(ValueError, match=sentence):
        read(tmp_path / "b.npz")
    with h5py.File(tmp_path / "c.h5", "w") as file:  # as MATLAB leaves what it was computed with
        file.update({"u": wave(), **coordinates, name: np.arange(7.0)})
    assert read(tmp_path / "c.h5").variable == "u"


def test_a_coordinate_of_trajectories_has_one_entry_for_each(tmp_path):
    several = np.stack([wave()[:, None]] * 3)
    for name in ("u", "values"):
        np.savez(tmp_path / "b.npz", **{name: several}, trajectory=np.arange(5))
        with pytest.raises(ValueError, match=r"trajectory of .* has the shape .* but there are 3"):
            read(tmp_path / "b.npz")


def test_trajectories_that_failed_are_left_out_and_counted(tmp_path):
    values = np.stack([wave(), 2.0 * wave(), 3.0 * wave()])[:, :, None]
    values[1, 3:] = np.nan
    data = dataset(values, ("trajectory", "time", "field", "x"))
    source = read(save(data.assign(status=("trajectory", [0, 1, 0])), tmp_path / "a.nc"))
    np.testing.assert_array_equal(source.values, values[[0, 2]])
    assert source.failed == 1
    np.testing.assert_array_equal(source.coordinates["trajectory"].values, [0, 2])
    # A status alone says nothing, and missing values alone are gaps of a measurement.
    source = read(save(data.assign(status=("trajectory", [1, 0, 0])), tmp_path / "b.nc"))
    assert source.failed == 0
    np.testing.assert_array_equal(source.values, values)
    np.savez(tmp_path / "c.npz", values=values, status=[0, 1, 0])
    assert read(tmp_path / "c.npz").failed == 1
    np.savez(tmp_path / "d.npz", values=values, status=[0, 1])
    with pytest.raises(ValueError, match="status has 2 entries, but there are 3 trajectories; giv"):
        read(tmp_path / "d.npz")


@pytest.mark.parametrize("suffix", [".nc", ".npz"])
def test_times_and_places_that_a_file_leaves_out_become_gaps(tmp_path, suffix):
    values, kept, cells = wave(), [0, 1, 3, 4, 5], [0, 2, 3, 4, 5, 6, 7, 8]
    time, x = 100 + 7 * np.arange(FRAMES), 2.5 * np.arange(CELLS)
    part = values[np.ix_(kept, cells)]
    path = tmp_path / f"a{suffix}"
    if suffix == ".nc":
        save(dataset(part, time=time[kept], x=x[cells]), path)
    else:
        np.savez(path, u=part, time=time[kept], x=x[cells])
    source = read(path)
    np.testing.assert_array_equal(source.times, time)
    np.testing.assert_allclose(source.x, x)
    expected = values.copy()
    expected[2], expected[:, 1] = np.nan, np.nan
    np.testing.assert_array_equal(source.values[:, 0], expected)
    # A context is counted in frames of the file.
    assert source.frames == 5 and source.context(4).frames == 5
    assert source.context().frames == FRAMES


def test_missing_values_of_a_file_are_gaps(tmp_path):
    values = changed((2, 4), np.nan)
    stored = dataset(values)
    stored["u"].encoding["_FillValue"] = -999.0
    for name, data in (("a.nc", dataset(values)), ("b.nc", stored)):
        np.testing.assert_array_equal(read(save(data, tmp_path / name)).values[:, 0], values)


def test_boundaries():
    assert boundary_pair("outflow") == ("outflow", "outflow")
    assert boundary_pair("reflecting, outflow") == ("reflecting", "outflow")
    with pytest.raises(ValueError, match="choose one of periodic, outflow, open, wall, reflecting"):
        boundary_pair("ajar")
    with pytest.raises(ValueError, match="make both of them periodic"):
        boundary_pair("periodic,outflow")
    with pytest.raises(ValueError, match="choose outflow"):
        boundary_pair("inflow")
    with pytest.raises(ValueError, match="two sides; got 3"):
        boundary_pair("outflow,outflow,outflow")


# What is refused


def changed(index, value, dtype=np.float64):
    values = wave(dtype=dtype)
    values[index] = value
    return values


BAD = {
    "unknown dimension": (
        lambda: dataset(dims=("time", "lat")),
        r"unknown dimensions \(lat\); known are trajectory, time.*in Python rename",
    ),
    "no time": (lambda: dataset(dims=("field", "x")), "needs x and exactly one of time and t"),
    "no trajectory": (
        lambda: xr.Dataset({"n": ("x", np.arange(9.0))}),
        "No variable of .* is a trajectory.* the file has n",
    ),
    "infinity": (
        lambda: dataset(changed((2, 4), -np.inf), x=1.0 + np.arange(CELLS)),
        r"u has 1 infinite value among 54, the first at time 2, x 4 \(5.0\).*make them NaN",
    ),
    "few frames": (
        lambda: dataset(wave(3)),
        "3 × 9 values, .* from 4 × 8 or more, by hfluxno reconstruct from 4 × 4",
    ),
    "few cells": (lambda: dataset(wave(6, 3)), "6 × 3 values"),
    "empty": (lambda: dataset(np.zeros((0, 9))), "is empty"),
    "neither rising nor falling": (
        lambda: dataset(x=np.abs(np.arange(CELLS) - 4.0)),
        "coordinate x has the entry 1 twice",
    ),
    "decreasing time": (
        lambda: dataset(time=-np.arange(FRAMES)),
        "coordinate time does not increase from entry 0 to 1",
    ),
    "repeated": (lambda: dataset(time=np.zeros(FRAMES)), "time has the entry 0 twice; keep one of"),
    "two sensors in one place": (
        lambda: dataset(x=[0.0, 1, 2, 3, 3, 4, 5, 6, 7]),
        "coordinate x has the entry 3 twice; keep one of the two, or average their values",
    ),
    "nan coordinate": (
        lambda: dataset(time=np.array([0, 1, np.nan, 3, 4, 5])),
        "coordinate time has NaN",
    ),
    "words for x": (
        lambda: dataset(x=list("abcdefghi")),
        "coordinate x are text, such as .a.; convert",
    ),
    "words": (lambda: dataset(np.full((6, 9), "a")), "values of u must be real numbers"),
    "huge integers": (
        lambda: dataset(np.full((6, 9), 2**63, np.uint64)),
        "integers up to 9.22e.18, too large .* divide by a unit first",
    ),
    "huge": (
        lambda: dataset(1e200 * np.sign(wave())),
        "values of u reach 1e.200 in size.*choose units",
    ),
    "tiny": (lambda: dataset(1e-200 * wave()), "choose units"),
    "doubled names": (
        lambda: dataset(np.stack([wave()] * 2), ("field", "time", "x"), field=["h", "h"]),
        "field has the names h, h for 2 fields",
    ),
}


@pytest.mark.parametrize("fault", BAD)
def test_bad_data_are_refused_in_a_sentence(tmp_path, fault):
    make, message = BAD[fault]
    path = save(make(), tmp_path / "a.nc")
    with pytest.raises(ValueError, match=message):
        read(path)


def test_complex_values_are_refused(tmp_path):
    np.savez(tmp_path / "a.npz", wave() + 1j)
    with pytest.raises(ValueError, match="must be real numbers; their type is complex128"):
        read(tmp_path / "a.npz")


def test_coordinates_of_another_length_are_refused(tmp_path):
    np.savez(tmp_path / "a.npz", values=wave(), x=np.arange(5))
    with pytest.raises(ValueError, match=r"x has the shape \(5,\), but the data have 9"):
        read(tmp_path / "a.npz")


def test_hdf5_without_dimension_names_is_read_as_npz_is(tmp_path):
    times, x = 0.5 * np.arange(FRAMES), 2.0 * np.arange(CELLS)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["u"], file["t"], file["x"] = wave(), times, x
        file["t"].attrs["units"] = "h"
    found = read(tmp_path / "a.h5")
    np.testing.assert_array_equal(found.values[:, 0], wave())
    np.testing.assert_array_equal(found.times, times)
    np.testing.assert_array_equal(found.x, x)
    assert found.coordinates["time"].attrs["units"] == "h"
    with h5py.File(tmp_path / "b.h5", "w") as file:
        file["u"], file["when"] = wave(), times
    with pytest.raises(ValueError, match=r"b.h5 has the names when, which are not understood"):
        read(tmp_path / "b.h5")


def test_a_link_to_no_file_is_refused_as_a_link(tmp_path):
    for name, target in (("dangling.csv", "nothing.csv"), ("loop.csv", "loop.csv")):
        (tmp_path / name).symlink_to(target)
        with pytest.raises(FileNotFoundError, match=f"{name} is a link to {target}, which leads"):
            read(tmp_path / name)


def test_unreadable_files_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"There is no file .*missing.nc; check the path"):
        read(tmp_path / "missing.nc")
    (tmp_path / "a.nc").write_text("x,y\n1,2\n")
    with pytest.raises(
        ValueError, match=r"not a NetCDF, HDF5, Zarr, NPZ or Parquet file, nor a table.*; convert"
    ):
        read(tmp_path / "a.nc")
    (tmp_path / "folder").mkdir()
    with pytest.raises(ValueError, match="is a folder, and no Zarr store; name a file in it"):
        read(tmp_path / "folder")
    np.savez(tmp_path / "pickled.npz", np.array([{}, []], dtype=object))
    with pytest.raises(ValueError, match=r"pickled.npz contains Python objects under arr_0, which"):
        read(tmp_path / "pickled.npz")


def test_the_context_is_checked(tmp_path):
    source = read(save(dataset(), tmp_path / "a.nc"))
    assert source.context().frames == FRAMES and source.context(4).frames == 4
    with pytest.raises(ValueError, match=r"7 frames is longer than .* which has 6; choose .* 6"):
        source.context(7)
    with pytest.raises(
        ValueError, match=r"3 frames is too short .* choose one of 4 frames or more"
    ):
        source.context(3)


@pytest.mark.parametrize("frame", [0.0, 1.0, -1e9, np.arange(9.0)])
def test_data_in_which_nothing_moves_have_no_law(tmp_path, frame):
    np.savez(tmp_path / "a.npz", np.zeros((2, 6, 1, 9)) + frame)
    message = "do not change in the first 6 frames: there is nothing to infer a law from; choose"
    with pytest.raises(ValueError, match=message):
        read(tmp_path / "a.npz").context()


# Random input: a `Source` with sound numbers, or an error of one sentence; never anything else.


def sound_or_sentence(path):
    try:
        source = read(path)
        trajectory = source.context()
    except (ValueError, OSError) as error:
        assert len(str(error)) > 20 and "\n" not in str(error)
        return
    few = len(source.x) > 4 * np.isfinite(source.values).any(axis=(0, 1, 2)).sum()
    for values in (source.values, trajectory.values):  # between a few sensors nothing is known
        assert not np.any(np.isinf(values)) and (few or np.all(np.isfinite(values)))
    assert source.values.ndim in (3, 4) and np.all(np.diff(source.times) > 0)


SHAPES = hnp.array_shapes(min_dims=0, max_dims=5, min_side=0, max_side=10)
TYPES = st.one_of(
    hnp.floating_dtypes(),
    hnp.integer_dtypes(),
    hnp.unsigned_integer_dtypes(),
    hnp.complex_number_dtypes(),
    hnp.boolean_dtypes(),
    hnp.unicode_string_dtypes(max_len=3),
    hnp.datetime64_dtypes(max_period="D", min_period="s"),
)
ARRAYS = hnp.arrays(TYPES, SHAPES)


@given(values=ARRAYS, time=st.none() | ARRAYS, x=st.none() | ARRAYS)
@settings(max_examples=60)
def test_random_arrays(tmp_path_factory, values, time, x):
    path = tmp_path_factory.getbasetemp() / "random.npz"
    arrays = {"values": values, "time": time, "x": x}
    np.savez(path, **{name: array for name, array in arrays.items() if array is not None})
    sound_or_sentence(path)


NAMES = st.lists(
    st.sampled_from(["trajectory", "time", "t", "field", "x", "y"]),
    min_size=1,
    max_size=4,
    unique=True,
)


@given(
    dims=NAMES,
    sides=st.lists(st.integers(1, 9), min_size=4, max_size=4),
    data=st.data(),
)
@settings(max_examples=20)
def test_random_datasets(tmp_path_factory, dims, sides, data):
    shape = tuple(sides[: len(dims)])
    elements = st.floats(-10, 10, width=32) | st.just(np.nan)
    values = data.draw(hnp.arrays(np.float32, shape, elements=elements, fill=st.just(0.5)))
    coords = {}
    for dim, side in zip(dims, shape, strict=True):
        if data.draw(st.booleans()):
            coords[dim] = data.draw(hnp.arrays(np.float64, side, elements=st.floats(-3, 3)))
    path = tmp_path_factory.getbasetemp() / "random.nc"
    sound_or_sentence(save(dataset(values, dims, **coords), path))


@given(cut=st.integers(0, 20_000), flips=st.lists(st.integers(0, 20_000), max_size=5))
@settings(max_examples=40)
@pytest.mark.parametrize("suffix", [".nc", ".npz"])
def test_damaged_files(tmp_path_factory, suffix, cut, flips):
    folder = tmp_path_factory.getbasetemp()
    path = folder / f"whole{suffix}"
    if not path.exists():
        np.savez(path, values=wave()) if suffix == ".npz" else save(dataset(), path)
    content = bytearray(path.read_bytes())
    for flip in flips:
        content[flip % len(content)] ^= 0xFF
    damaged = folder / f"damaged{suffix}"
    damaged.write_bytes(content[: max(1, cut % (2 * len(content)))])
    sound_or_sentence(damaged)
