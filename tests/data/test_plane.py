"""Files with frames on a plane: each layout is written as its makers write it, and read back."""

import re

import h5py
import numpy as np
import pytest
import xarray as xr

from hfluxno.data import Block, Configuration, Writer
from hfluxno.data.plane import is_plane, read_plane
from hfluxno.data.readers import read as read_line

FRAMES, NX, NY, GAMMA = 7, 16, 20, 1.4
X, Y, TIMES = (np.arange(NX) + 0.5) / NX, 2.0 * (np.arange(NY) + 0.5) / NY, 0.1 * np.arange(FRAMES)


def gas(members=2):
    """(ρ, v_x, v_y, p) of some trajectories, (trajectory, time, x, y), no two values alike."""
    random = np.random.default_rng(0)
    return random.uniform(0.5, 1.5, (4, members, FRAMES, NX, NY)).astype(np.float32)


def conserved(rho, u, v, p):
    energy = p / (GAMMA - 1.0) + 0.5 * rho * (u * u + v * v)
    return np.stack([rho, rho * u, rho * v, energy], axis=2)


def well(path, axes=("x", "y"), kinds=("PERIODIC", "WALL"), **attributes):
    rho, u, v, p = gas()
    with h5py.File(path, "w") as file:
        file.attrs.update({"grid_type": "cartesian", "n_spatial_dims": len(axes)} | attributes)
        sides = file.create_group("boundary_conditions")
        for axis, kind, cells in zip("xy", kinds, (NX, NY), strict=True):
            group = sides.create_group(f"{axis}_{kind.lower()}")
            group.attrs.update(associated_dims=[axis], bc_type=kind, associated_fields=[])
            group.create_dataset("mask", data=np.eye(cells, dtype=bool)[[0, -1]].any(axis=0))
        dimensions = file.create_group("dimensions")
        dimensions.attrs["spatial_dims"] = list(axes)
        for name, values in {"time": TIMES, "x": X, "y": Y, "z": X}.items():
            dimensions.create_dataset(name, data=values.astype(np.float32))
        varying = {"dim_varying": [True, True], "sample_varying": True, "time_varying": True}
        scalars = file.create_group("t0_fields")
        scalars.attrs["field_names"] = ["density", "energy", "pressure"]
        states = conserved(rho, u, v, p)
        for name, values in {"density": rho, "energy": states[:, :, 3], "pressure": p}.items():
            scalars.create_dataset(name, data=values).attrs.update(varying)
        still = scalars.create_dataset("mask", data=rho[:, 0])
        still.attrs.update(varying | {"time_varying": False})
        vectors = file.create_group("t1_fields")
        both = np.moveaxis(states[:, :, 1:3], 2, -1)
        vectors.create_dataset("momentum", data=both).attrs.update(varying)
        file.create_group("t2_fields").attrs["field_names"] = []
    return path


def pdebench(path, **more):
    rho, u, v, p = gas()
    arrays = {"density": rho, "Vx": u, "Vy": v, "pressure": p, "x-coordinate": X}
    arrays |= {"y-coordinate": Y, "t-coordinate": np.append(TIMES, 0.7)}
    with h5py.File(path, "w") as file:
        for name, values in (arrays | more).items():
            file.create_dataset(name, data=values)
    return path


def pdegym(path):
    every = xr.DataArray(np.moveaxis(gas(), 0, 2), dims=("member", "time", "channel", "a", "b"))
    every.to_dataset(name="data").to_netcdf(path, engine="h5netcdf")
    return path


def labelled(path, values=None, dims=("y", "x", "time"), **coordinates):
    rho = gas(1)[0, 0] if values is None else values
    array = xr.DataArray(rho, dims=("time", "x", "y"), name="height", attrs={"units": "m"})
    coords = {"time": ("time", TIMES, {"units": "s"}), "x": X, "y": Y} | coordinates
    whole = array.transpose(*dims).assign_coords(coords).to_dataset()
    if path.suffix == ".zarr":
        whole.to_zarr(path, consolidated=False)
    else:
        whole.to_netcdf(path, engine="h5netcdf")
    return path


def refused(path, **options):
    with pytest.raises(ValueError) as caught:
        source = read_plane(path, **options)
        source.context(0)
    sentence = str(caught.value)
    assert sentence.endswith(".") and "\n" not in sentence
    return sentence


@pytest.mark.parametrize(
    ("write", "suffix", "options"),
    [(well, ".hdf5", {}), (pdebench, ".h5", {"gamma": GAMMA}), (pdegym, ".nc", {"gamma": GAMMA})],
)
def test_every_layout_holds_the_same_gas(tmp_path, write, suffix, options):
    path = write(tmp_path / f"gas{suffix}")
    assert is_plane(path)
    source = read_plane(path, "density,momentum,energy", **options)
    assert source.fields == ("density", "momentum_x", "momentum_y", "energy")
    assert (source.frames, source.count) == (FRAMES, 2)
    expected = conserved(*gas())
    for member in (0, 1):
        found = np.asarray(source.context(member, 6).values)
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, expected[member, :6], rtol=1e-6)
    np.testing.assert_allclose(source.truth(1, source.times[6:]), expected[1, 6:], rtol=1e-6)
    assert source.truth(1, 2.0 * source.times[6:]).size == 0


def test_the_well_says_its_sides_and_its_cells_need_not_be_squares(tmp_path):
    source = read_plane(well(tmp_path / "a.hdf5"))
    assert source.boundary == (("periodic", "periodic"), ("wall", "wall"))
    assert source.grid.spacing == pytest.approx((1.0 / NX, 2.0 / NY))
    assert not source.context(0, 6).ends_assumed
    asked = read_plane(well(tmp_path / "b.hdf5"), "momentum,density", "outflow,wall/periodic")
    assert asked.context(0, 6).ends_assumed  # `check` may have proposed what is periodic
    assert asked.boundary == (("outflow", "wall"), ("periodic", "periodic"))
    assert asked.fields == ("momentum_x", "momentum_y", "density")
    np.testing.assert_array_equal(
        asked.values(1, 2, 3)[0, 0], np.prod(gas()[:2, 1, 2], axis=0, dtype=np.float32)
    )


def test_a_boundary_of_the_well_of_an_unknown_type_must_be_said(tmp_path):
    path = well(tmp_path / "a.hdf5", kinds=("PERIODIC", "STICKY"))
    said = refused(path)
    assert "y_sticky of" in said and "unknown bc_type 'STICKY'; known are PERIODIC, WALL" in said
    assert read_plane(path, boundary="periodic/wall").boundary[1] == ("wall", "wall")


def test_axes_of_the_well_in_the_other_order(tmp_path):
    path = well(tmp_path / "a.hdf5", axes=("y", "x"))
    with h5py.File(path, "r+") as file:
        del file["dimensions/x"], file["dimensions/y"]
        file["dimensions/x"], file["dimensions/y"] = Y, X
    turned = read_plane(path, "momentum_y,momentum_x")
    # Its first axis is y, and so is the first component.
    values = conserved(*gas())[0, :, 1:3].swapaxes(-1, -2)
    np.testing.assert_allclose(turned.values(0, 0, FRAMES), values, rtol=1e-6)


@pytest.mark.parametrize("suffix", [".nc", ".zarr"])
def test_labelled_axes_in_any_order(tmp_path, suffix):
    path = labelled(tmp_path / f"a{suffix}", y=Y[::-1])
    assert is_plane(path)
    source = read_plane(path)
    assert source.fields == ("height",) and source.trajectories is None and source.falls == ("y",)
    rho = gas(1)[0, 0]
    np.testing.assert_array_equal(source.context(0).values[:, 0], rho[:, :, ::-1])
    np.testing.assert_array_equal(source.y, Y)


def test_arrays_of_npz_with_y(tmp_path):
    values = conserved(*gas())[0]
    np.savez(tmp_path / "a.npz", values=values, x=X, y=Y, t=TIMES, field=list("abcd"))
    source = read_plane(tmp_path / "a.npz", "b,a")
    np.testing.assert_array_equal(source.values(0, 1, 4), values[1:4, [1, 0]])
    assert source.context(0).ends_assumed
    assert not read_plane(source.path, "b,a", "periodic").context(0).ends_assumed
    for frames in (0, -1):
        with pytest.raises(ValueError, match=f"one frame or more; got {frames}"):
            source.context(0, frames)
    np.savez(tmp_path / "line.npz", values=values[:, 0, :, 0], x=X, t=TIMES)
    assert not is_plane(tmp_path / "line.npz")
    turned = {
        "time, x, y": values[:, 0].swapaxes(1, 2),
        "time, field, x, y": np.moveaxis(values, 1, -1),
    }
    for order, wrong in turned.items():
        np.savez(tmp_path / "turned.npz", values=wrong, x=X, y=Y, t=TIMES)
        with pytest.raises(ValueError, match=f"the order of the axes is {order}: store it"):
            read_plane(tmp_path / "turned.npz")
    for whole in (values, values[:, 0]):
        np.savez(tmp_path / "no_y.npz", values=whole, x=X, t=TIMES)
        with pytest.raises(ValueError, match=f"no array y: store one with {len(Y)} entries, or"):
            read_line(tmp_path / "no_y.npz")


def test_groups_of_pdebench_are_stored_as_the_message_says(tmp_path, monkeypatch):
    values = conserved(*gas())[0]
    with h5py.File(tmp_path / "2D_rdb.h5", "w") as file:
        for group in ("0000", "0001"):
            file[f"{group}/data"] = np.moveaxis(values, 1, -1)
            for axis, entries in (("t", TIMES), ("x", X), ("y", Y)):
                file[f"{group}/grid/{axis}"] = entries
    with pytest.raises(ValueError, match="as some files of PDEBench") as refusal:
        read_plane(tmp_path / "2D_rdb.h5")
    monkeypatch.chdir(tmp_path)
    exec(str(refusal.value).split("in Python by ")[1].rstrip("."), {"h5py": h5py, "np": np})
    np.testing.assert_array_equal(read_plane("one.npz").values(0, 0, len(TIMES)), values)


def test_only_the_frames_that_are_asked_for_are_read(tmp_path):
    path = tmp_path / "huge.hdf5"
    with h5py.File(path, "w") as file:  # of 800 GiB, of which one frame is stored
        for name in ("density", "Vx", "Vy", "pressure"):
            shape, chunks = (1000, 100, 512, 512), (1, 1, 512, 512)
            file.create_dataset(name, shape, np.float32, chunks=chunks, fillvalue=1.0)
            file[name][7, 3] = 2.0
        file["x-coordinate"] = file["y-coordinate"] = np.arange(512.0)
    source = read_plane(path, gamma=GAMMA)
    found = source.values(7, 2, 4)
    assert found.shape == (2, 4, 512, 512)
    np.testing.assert_allclose(found[:, :2, 0, 0], [[1.0, 1.0], [2.0, 4.0]])


def test_a_pressure_where_an_energy_is_needed(tmp_path):
    bench, whole = pdebench(tmp_path / "a.h5"), well(tmp_path / "b.hdf5")
    assert "has a pressure where an energy is needed" in refused(bench)
    assert "in Python gamma=1.4" in refused(bench, fields="density,momentum,energy")
    assert "appears twice in the variable density,density" in refused(
        whole, fields="density,density"
    )
    assert "pressure is not conserved" in refused(whole, fields="density,momentum,pressure")
    assert "The ratio gamma does not apply" in refused(whole, gamma=GAMMA)
    assert "above 1; got 0.9" in refused(bench, gamma=0.9)


@pytest.mark.parametrize(
    ("name", "channels", "fields"),
    [
        ("solution", None, ("u",)),
        ("velocity", 3, ("velocity_x", "velocity_y", "tracer")),
        ("solution", 2, ("velocity_x", "velocity_y")),
        ("solution", 6, ("density", "velocity_x", "velocity_y", "pressure", "energy", "potential")),
    ],
)
def test_other_sets_of_pdegym(tmp_path, name, channels, fields):
    path, own = tmp_path / "a.nc", () if channels is None else (channels,)
    values = np.random.default_rng(0).uniform(0.5, 1.5, (2, FRAMES, *own, NX, NY))
    with h5py.File(path, "w") as file:
        file[name] = values
    source = read_plane(path, ",".join(fields[-1:]))
    assert source.layout == "PDEGym" and source.stored == fields and source.count == 2
    last = values if channels is None else values[:, :, -1]
    np.testing.assert_array_equal(source.values(1, 2, 5)[:, 0], last[1, 2:5])


def test_axes_with_the_names_of_pdegym_and_no_coordinates_are_its_layout(tmp_path):
    values = np.random.default_rng(0).random((2, FRAMES, 2, NX, NY))
    dims = ("member", "time", "channel", "x", "y")
    flow = xr.Dataset({"velocity": (dims, values)})
    flow.to_netcdf(tmp_path / "a.nc", engine="h5netcdf")
    source = read_plane(tmp_path / "a.nc")
    assert source.layout == "PDEGym" and source.stored == ("velocity_x", "velocity_y")
    assert source.times[-1] == 1.0
    np.testing.assert_array_equal(source.values(1, 0, FRAMES), values[1])
    others = flow.rename(member="trajectory", channel="field").transpose(..., "y", "x")
    for name, named in {"b": others, "c": others.assign_coords(x=X, y=Y)}.items():
        named.to_netcdf(tmp_path / f"{name}.nc", engine="h5netcdf")
        source = read_plane(tmp_path / f"{name}.nc")
        assert source.layout == "labelled" and source.stored == ("velocity0", "velocity1")
        np.testing.assert_array_equal(source.values(1, 0, FRAMES), values[1])


def test_axes_with_names_are_no_layout_of_pdegym(tmp_path):
    dims = ("trajectory", "time", "y", "x")
    values = np.random.default_rng(0).random((2, FRAMES, NY, NX))
    xr.Dataset({"solution": (dims, values)}, {"x": X, "y": Y}).to_netcdf(
        tmp_path / "a.nc", engine="h5netcdf"
    )
    source = read_plane(tmp_path / "a.nc")
    assert source.layout == "labelled" and source.fields == ("solution",)
    np.testing.assert_array_equal(source.values(1, 0, FRAMES)[:, 0], values[1].swapaxes(1, 2))


def test_tensors_of_the_well(tmp_path):
    """As active matter has them: a component is a field."""
    path = well(tmp_path / "a.hdf5")
    values = np.random.default_rng(0).random((2, FRAMES, NX, NY, 2, 2))
    with h5py.File(path, "r+") as file:
        made = file["t2_fields"].create_dataset("D", data=values)
        made.attrs.update(dim_varying=[True, True], sample_varying=True, time_varying=True)
    source = read_plane(path, "D_xy,D_yy")
    expected = values[1, 2:4, :, :, :, 1]
    np.testing.assert_array_equal(source.values(1, 2, 4), np.moveaxis(expected, -1, 1))


def test_an_energy_from_momentum_and_pressure(tmp_path):
    path = well(tmp_path / "a.hdf5")
    with h5py.File(path, "r+") as file:
        del file["t0_fields/energy"]
    assert "give the ratio of specific heats" in refused(path, fields="density,momentum,energy")
    for fields in ("density,momentum,energy", None):
        found = read_plane(path, fields, gamma=GAMMA)
        assert found.fields == ("density", "momentum_x", "momentum_y", "energy")
        np.testing.assert_allclose(found.values(1, 0, 6), conserved(*gas())[1, :6], rtol=1e-6)


@pytest.mark.parametrize(
    "names",
    [
        ("rho", "u", "v", "p"),
        ("density", "vx", "vy", "pressure"),
        ("rho", "v_x", "v_y", "pressure"),
    ],
)
def test_a_gas_under_other_names(tmp_path, names):
    path, first = tmp_path / "a.npz", names[0]
    np.savez(path, time=TIMES, x=X, y=Y, **dict(zip(names, gas(1)[:, 0], strict=True)))
    for fields in (None, "density,momentum,energy", f"{first},momentum,energy"):
        found = read_plane(path, fields, gamma=GAMMA)
        assert found.fields == (first, "momentum_x", "momentum_y", "energy")
        np.testing.assert_allclose(found.values(0, 0, 6), conserved(*gas(1))[0, :6], rtol=1e-6)
        assert "give the ratio of specific heats" in refused(path, fields=fields)
    # Where gamma is given already, the sentence does not ask for it.
    sentence = refused(path, fields=",".join(names), gamma=GAMMA)
    assert f"{names[3]} is not conserved; choose {first},momentum,energy, which" in sentence
    still = dict(zip(names[::3], gas(1)[::3, 0], strict=True))
    np.savez(path, time=TIMES, x=X, y=Y, **still)
    sentence = refused(path, fields="energy", gamma=GAMMA)
    assert f"{names[3]} becomes energy with a density and a velocity or momentum." in sentence


def test_a_field_that_is_the_same_in_all_trajectories(tmp_path):
    """As The Well stores it where nothing varies among samples."""
    path = well(tmp_path / "a.hdf5")
    shared = gas()[3, 0]
    with h5py.File(path, "r+") as file:
        made = file["t0_fields"].create_dataset("forcing", data=shared)
        made.attrs.update(dim_varying=[True, True], sample_varying=False, time_varying=True)
    for fields in ("density,forcing", "forcing,density"):
        source = read_plane(path, fields)
        assert source.count == 2 and source.frames == FRAMES
        for member in (0, 1):
            found = dict(
                zip(source.fields, source.values(member, 1, 5).swapaxes(0, 1), strict=True)
            )
            np.testing.assert_array_equal(found["density"], gas()[0, member, 1:5])
            np.testing.assert_array_equal(found["forcing"], shared[1:5])
    with h5py.File(path, "r+") as file:
        made = file["t0_fields"].create_dataset("short", data=shared[:3])
        made.attrs.update(dim_varying=[True, True], sample_varying=False, time_varying=True)
    assert "different cells or frames" in refused(path, fields="density")
    assert "store those of the same ones in a separate file" in refused(path, fields="density")


def test_layouts_that_cannot_be_read_say_how_to_store_them(tmp_path):
    line = well(tmp_path / "a.hdf5")
    with h5py.File(line, "r+") as file:
        file["dimensions"].attrs["spatial_dims"] = ["x"]
    sentence = refused(line)
    assert (
        "one space axis (x), and this layout is read on a plane only; store its fields" in sentence
    )
    # PDEBench's incompressible flow: times are (trajectory, time), components come last.
    flow = tmp_path / "b.h5"
    with h5py.File(flow, "w") as file:
        for name, components in (("particles", 1), ("velocity", 2)):
            file[name] = np.ones((2, FRAMES, NX, NY, components), np.float32)
        file["force"], file["t"] = np.ones((2, NX, NY, 2)), np.tile(TIMES, (2, 1))
    assert not is_plane(flow)
    with pytest.raises(ValueError, match=r"velocity has .* components come last; .*\(velocity, -1"):
        read_line(flow)


def test_what_is_no_gas_on_a_plane_is_refused(tmp_path):
    three = well(tmp_path / "a.hdf5", axes=("x", "y", "z"))
    assert "has 3 space axes (x, y, z)" in refused(three)
    assert "3 space axes" in refused(pdebench(tmp_path / "b.h5", Vz=gas()[1]), gamma=GAMMA)
    sphere = well(tmp_path / "c.hdf5", grid_type="spherical")
    assert "grid of" in refused(sphere) and "is spherical" in refused(sphere)
    assert "no field 'salt'" in refused(well(tmp_path / "d.hdf5"), fields="salt")
    assert "half" not in refused(well(tmp_path / "e.hdf5"), boundary="periodic,wall")
    assert "two sides of x" in refused(well(tmp_path / "f.hdf5"), boundary="a/b/c")
    cube = xr.DataArray(np.ones((7, 16, 16, 16)), dims=("time", "x", "y", "z"), name="u")
    cube.to_dataset().to_netcdf(tmp_path / "g.nc", engine="h5netcdf")
    assert refused(tmp_path / "g.nc").endswith(
        "3 space axes (x, y, z); laws are inferred on a "
        "line or a plane: save one plane of it, or averages along an axis."
    )
    cube.rename(z="batch").to_dataset().to_netcdf(tmp_path / "h.nc", engine="h5netcdf")
    said = refused(tmp_path / "h.nc")
    assert said.endswith("; if batch numbers trajectories, call it trajectory.")


def test_axes_that_contradict_the_fields(tmp_path):
    path = pdebench(tmp_path / "a.h5", **{"x-coordinate": Y, "y-coordinate": X})
    assert "not in the order it declares: its fields have 16 × 20" in refused(path, gamma=GAMMA)
    path = pdebench(tmp_path / "b.h5", **{"x-coordinate": X[:-1]})
    assert "16 entries along x, and its coordinate x has 15" in refused(path, gamma=GAMMA)
    uneven = labelled(tmp_path / "c.nc", x=X**2)
    assert "coordinate x is not uniform" in refused(uneven)


def test_obstacles_and_gaps(tmp_path):
    rho = gas(1)[0, 0].astype(float)
    rho[:, 3:5, 6:8] = np.nan
    obstacle = labelled(tmp_path / "a.nc", rho)
    assert "in 4 cells, as an obstacle is; if these are walls, say so" in refused(obstacle)
    around = read_plane(obstacle, walls="nan").context(0)
    assert around.grid.solid is not None
    np.testing.assert_array_equal(around.grid.solid, np.isnan(rho[0]))
    rho = np.nan_to_num(rho, nan=1.0)
    rho[4, 2, 1] = np.inf
    sentence = refused(labelled(tmp_path / "b.nc", rho))
    assert re.search(r"has 1 infinite value, .* height in frame 4 at cell \(2, 1\)", sentence)
    for tiny in ({"values": 1e-300 * np.float64(gas(1)[0, 0])}, {"x": 1e-300 * X}):
        sentence = refused(labelled(tmp_path / "c.nc", **tiny))
        assert re.search(r"(values of height|coordinate x) reach .*e-30.* beyond what", sentence)
    rho[4, 2, 1] = 0.0  # a single field may be nothing somewhere
    assert read_plane(labelled(tmp_path / "c.nc", rho)).context(0).values[4, 0, 2, 1] == 0.0
    rho[4, 2, 1] = np.nan
    assert "NaN in the whole context" in refused(labelled(tmp_path / "e.nc", np.nan * rho))
    gaps = read_plane(labelled(tmp_path / "d.nc", rho))
    assert "has none, so leave the walls out" in refused(tmp_path / "d.nc", walls="nan")
    assert np.isnan(gaps.context(0).values).sum() == 1
    with pytest.raises(ValueError, match=r"1 missing value, the first of height in frame 4 at cel"):
        gaps.whole(0, 2, 6)


def test_only_the_field_with_values_that_are_too_large_is_named(tmp_path):
    path, other = labelled(tmp_path / "a.nc"), gas(1)[1, 0].astype(float)
    with xr.open_dataset(path, engine="h5netcdf") as whole:
        both = whole.load().assign(q=(("time", "x", "y"), other))
    both["q"][2:] *= 1e30
    both.to_netcdf(tmp_path / "b.nc", engine="h5netcdf")
    said = refused(tmp_path / "b.nc", fields="height,q")
    assert "The values of q reach 1.5e+30 in size" in said and "missing" not in said
    both["q"][2:] = 1e30
    both.to_netcdf(tmp_path / "c.nc", engine="h5netcdf")
    assert "make it NaN (--missing=1e+30)" in refused(tmp_path / "c.nc", fields="height,q")


@pytest.mark.parametrize("thin", [0.0, -0.5, 1e-300, 1e-30, 1e-10])
def test_a_density_of_nothing_is_a_vacuum(tmp_path, thin):
    """Also where it is positive, and where velocities are computed with it."""
    rho, u, v, p = gas(1)[:, 0].astype(float)
    fields = {"density": rho, "momentum_x": rho * u, "momentum_y": rho * v, "pressure": p}
    rho[4, 2, 1], path = 1e-3, tmp_path / "a.npz"
    np.savez(path, time=TIMES, x=X, y=Y, **fields)
    assert read_plane(path, gamma=GAMMA).context(0).fields[-1] == "energy"
    rho[4, 2, 1] = thin
    np.savez(path, time=TIMES, x=X, y=Y, **fields)
    sentence = refused(path, gamma=GAMMA)
    assert f"density of {path} in frame 4 at cell (2, 1) is {thin:.4g}" in sentence
    assert ("a density is not negative" if thin < 0.0 else "fill it with a thin gas") in sentence


def test_a_pressure_of_a_gas_is_not_negative(tmp_path):
    negative = gas()[3].copy()
    negative[0, 3, 2, 1] = -0.25
    path = pdebench(tmp_path / "a.h5", pressure=negative)
    sentence = refused(path, gamma=GAMMA)
    assert f"pressure of {path} is -0.25 at trajectory 0, frame 3, x 2, y 1, counted" in sentence
    assert "a gas is not negative: correct it, or make it NaN" in sentence
    with pytest.raises(ValueError, match="frame 3, x 2"):
        read_plane(path, gamma=GAMMA).values(0, 2, 5)
    read_plane(path, "pressure").context(0)  # a field of which no energy is computed


def test_a_depth_of_nothing_is_dry_ground(tmp_path):
    depth, path = gas(1)[0, 0].astype(float), tmp_path / "a.npz"
    depth[:, 3], depth[5, 2, 1] = 0.0, -0.2
    water = {"hu": depth, "hv": depth, "time": TIMES, "x": X, "y": Y}
    np.savez(path, h=np.maximum(depth, 0.0), **water)
    assert "(3, 0) is 0, next to nothing beside its mean" in (sentence := refused(path))
    assert "leave a thin layer of water" in sentence and "gas" not in sentence
    np.savez(path, h=depth, **water)
    assert "frame 5 at cell (2, 1) is -0.2, and a depth is not negative" in refused(path)


def masked(path, mask, dims=("y", "x"), **coordinates):
    """The file of `labelled` with a variable `island`."""
    with xr.open_dataset(labelled(path.with_suffix(".nc4"), **coordinates)) as whole:
        whole.assign(island=(dims, mask)).to_netcdf(path, engine="h5netcdf")
    return path


def test_walls_that_a_variable_marks(tmp_path):
    """Whatever the order of its axes, and whatever stands in the walls."""
    solid = np.zeros((NX, NY), bool)
    solid[3:5, 6:8] = True
    rho = gas(1)[0, 0].astype(float)
    # y falls in the file, so the walls are at its other end.
    path = masked(tmp_path / "a.nc", solid.T, y=Y[::-1])
    context = read_plane(path, walls="island").context(0)
    np.testing.assert_array_equal(context.grid.solid, solid[:, ::-1])
    np.testing.assert_array_equal(
        context.values[:, 0], np.where(solid, np.nan, rho)[:, :, ::-1].astype(np.float32)
    )
    rho[:, 3, 6:8] = 0.0, np.inf
    np.savez(tmp_path / "b.npz", values=rho, time=TIMES, x=X, y=Y, island=solid.astype(int))
    context = read_plane(tmp_path / "b.npz", walls="island").context(0)
    np.testing.assert_array_equal(context.grid.solid, solid)
    with h5py.File(well(tmp_path / "c.hdf5"), "a") as file:
        each = np.stack([solid, np.roll(solid, 1, 0)]).astype(np.float32)
        file["t0_fields/mask"][...] = each
    source = read_plane(tmp_path / "c.hdf5", "density", walls="mask")
    for member in range(2):
        found = source.context(member).grid.solid
        np.testing.assert_array_equal(found, each[member] > 0.0)


def test_walls_that_are_marked_wrongly(tmp_path):
    solid = np.zeros((NY, NX))
    path = masked(tmp_path / "a.nc", solid)
    assert "marks no cell as a wall; leave the walls out" in refused(path, walls="island")
    assert "its variables over x and y are island" in refused(path, walls="land")
    assert "height of" in (text := refused(path, walls="height")) and "changes over time" in text
    assert "over x and y alone, or nan for the cells that are NaN in every frame" in text
    full = masked(tmp_path / "b.nc", solid + 1.0)
    assert "marks all 320 cells as walls" in refused(full, walls="island")
    deep = masked(tmp_path / "c.nc", solid + 0.5)
    assert "must be 1 (true) in walls and 0 (false) elsewhere, but has 0.5; name nan inst" in (
        refused(deep, walls="island")
    )
    words = masked(tmp_path / "d.nc", np.full((NY, NX), "wall"))
    assert "but has wall" in refused(words, walls="island")
    thin = well(tmp_path / "e.hdf5")
    with h5py.File(thin, "a") as file:
        kept = dict(file["t0_fields/mask"].attrs)
        del file["t0_fields/mask"]
        file["t0_fields"].create_dataset("mask", data=np.ones((2, NX - 1, NY))).attrs.update(kept)
    assert "give the walls on the same cells" in refused(thin, fields="density", walls="mask")
    rho = gas(1)[0, 0].astype(float)
    rho[:, 3, 6:8] = np.nan
    mark = np.eye(NX, NY)
    np.savez(tmp_path / "f.npz", values=rho, time=TIMES, x=X, y=Y, island=mark)
    assert "in 2 cells, as an obstacle is; and island marks no walls there" in refused(
        tmp_path / "f.npz", walls="island"
    )
    none = labelled(tmp_path / "g.nc")
    assert "it has no variable over x and y alone" in refused(none, walls="island")


def test_frames_that_a_file_lacks_are_gaps(tmp_path):
    kept = np.array([0, 1, 3, 4, 5, 6])
    rho = gas(1)[0, 0]
    path = labelled(tmp_path / "a.nc", rho[kept], time=("time", TIMES[kept]))
    source = read_plane(path)
    np.testing.assert_allclose(source.times, TIMES)
    values = source.values(0, 2, 7)
    np.testing.assert_array_equal(values[1:, 0], rho[3:])
    assert np.isnan(values[0]).all()
    truth = source.truth(0, source.times[2:4])
    assert np.isnan(truth[0]).all() and not np.isnan(truth[1]).any()


def test_uneven_times_stay_as_they_are(tmp_path):
    times = TIMES[: len(TIMES)] + 0.1 * TIMES[1] * np.sin(7.0 * np.arange(len(TIMES)))
    source = read_plane(labelled(tmp_path / "a.nc", gas(1)[0, 0], time=("time", times)))
    np.testing.assert_array_equal(source.times, times)
    np.testing.assert_array_equal(source.context(0, 6).times, times[:6] - times[0])
    np.testing.assert_array_equal(source.truth(0, times[6:7])[0, 0], gas(1)[0, 0][6])


def test_too_few_frames_or_cells(tmp_path):
    short = labelled(tmp_path / "a.nc", gas(1)[0, 0])
    source = read_plane(short)
    with pytest.raises(ValueError, match=r"context of 8 frames is longer than .*, which has 7"):
        source.context(0, 8)
    xr.open_dataset(short, engine="h5netcdf").isel(x=slice(9)).to_netcdf(
        tmp_path / "b.nc", engine="h5netcdf"
    )
    assert "7 frames of 9 × 20 cells" in refused(tmp_path / "b.nc")


def test_a_generated_set_in_the_layout_of_the_well(tmp_path):
    configuration = Configuration(
        "euler-2d", laws=3, initials=1, initial="steps", cells=16, frames=6, final_time=0.075
    )
    values = np.random.default_rng(0).uniform(0.5, 1.5, (3, 6, 4, 16, 16)).astype(np.float32)
    gamma = np.array([[1.2], [1.3], [1.4]], np.float32)
    status, numbers = np.array([0, 2, 0], np.int8), np.arange(3, dtype=np.int32)  # one not solved
    writer = Writer(configuration, tmp_path / "set.hdf5")
    writer.write(Block(0, numbers, 0 * numbers, gamma, values, status))
    assert writer.finish() == {0: 2, 2: 1}
    assert [path.name for path in tmp_path.iterdir()] == ["set.hdf5"]
    with h5py.File(tmp_path / "set.hdf5") as file:
        assert file.attrs["n_trajectories"] == 2 and file.attrs["n_spatial_dims"] == 2
        np.testing.assert_array_equal(file["t0_fields/energy"], values[[0, 2], :, 3])
        np.testing.assert_array_equal(file["scalars/gamma"], gamma[[0, 2], 0])
        assert file["scalars/gamma"].attrs["sample_varying"]
    source = read_plane(tmp_path / "set.hdf5")
    assert source.layout == "The Well" and source.trajectories == 2
    assert source.fields == ("density", "momentum_x", "momentum_y", "energy")
    np.testing.assert_array_equal(source.context(1).values, values[2])
    np.testing.assert_allclose(source.times, configuration.times)
    np.testing.assert_allclose(source.y, configuration.grid.centers(1))
    assert source.boundary == (("periodic",) * 2,) * 2
    with pytest.raises(ValueError, match=r"set\.hdf5 would have The Well's layout"):
        Writer(Configuration("cubic"), tmp_path / "line" / "set.hdf5")


def test_coordinates_and_masks_of_more_axes_are_not_unpacked(tmp_path):
    """Empty arrays of HDF5 take a few bytes, and the whole memory once they are read."""
    path = well(tmp_path / "a.hdf5")
    expected = read_plane(path).boundary
    with h5py.File(path, "a") as file:
        group = file["boundary_conditions/x_periodic"]
        del group["mask"]
        group.create_dataset("mask", shape=(10**6, 10**6), dtype=bool, chunks=(1000, 1000))
    assert read_plane(path).boundary == expected
    with h5py.File(path, "a") as file:
        del file["dimensions/x"]
        file.create_dataset("dimensions/x", shape=(10**6, 10**7), dtype="f8", chunks=(1000, 1000))
    assert "the coordinate x in" in refused(path) and "GiB are read" in refused(path)
    path = pdebench(tmp_path / "b.h5", **{"x-coordinate": np.tile(X, (2, 1))})
    assert "x-coordinate in" in refused(path, gamma=GAMMA)
    assert "has 2 dimensions, and a row of numbers is needed" in refused(path, gamma=GAMMA)
