"""Files that are odd: each is read as it is meant, or its sentence says what is wrong with it."""

import os

import h5py
import numpy as np
import pytest
import xarray as xr

from hfluxno.data.plane import read_plane
from hfluxno.data.readers import read
from hfluxno.data.replacing import check_writable
from hfluxno.explore.problem import FileChoice, opened
from tests.data.test_readers import CELLS, FRAMES, dataset, save, wave

TIMES, PLACES = 0.5 * np.arange(FRAMES), 2.0 * np.arange(CELLS)


def npz(values=None, **axes):
    def write(path):
        given = {"time": TIMES, "x": PLACES} | axes
        np.savez(path, values=wave() if values is None else values, **given)

    return write, "a.npz"


def content(data, name="a.nc"):
    return lambda path: path.write_bytes(data), name


def grouped(path):
    with h5py.File(path, "w") as file:
        for run in ("first", "second"):
            file[f"{run}/u"] = wave()


def zarr_groups(version):
    def write(path):
        for run in ("first", "second"):
            fields = xr.Dataset({"u": (("time", "x"), wave())})
            fields.to_zarr(path, group=run, zarr_format=version, consolidated=False)

    return write


def matlab(path):
    with h5py.File(path, "w", userblock_size=512) as file:
        file["u"] = wave().T
    with path.open("r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file")


def without_block(path):
    with h5py.File(path, "w") as file:
        file["u"] = wave()


def moving(path):
    rng = np.random.default_rng(0)
    table = np.column_stack([np.sort(rng.random(20_000)), *rng.random((2, 20_000))])
    np.savetxt(path, table, delimiter=",", header="time,x,u", comments="")


def test_a_folder_is_said_to_be_one(tmp_path):
    (tmp_path / "a.csv").mkdir()
    with pytest.raises(ValueError, match=r"a\.csv is a folder, and no Zarr store; name a file in"):
        read(tmp_path / "a.csv")


@pytest.mark.parametrize("mark", [b"SNOD", b"TREE", b"HEAP"])
def test_a_damaged_structure_is_a_sentence(tmp_path, mark):
    """Where h5py raises a `RuntimeError`; explore opens files as every command does."""
    path = tmp_path / "a.h5"
    with h5py.File(path, "w", libver="earliest") as file:
        file["u"] = wave()
    path.write_bytes(path.read_bytes().replace(mark, b"????"))
    for open_it in (read, read_plane, lambda path: opened(FileChoice(str(path)))):
        with pytest.raises(
            OSError, match=r"a\.h5 cannot be read \(.*\); check that it is complete"
        ):
            open_it(path)


def test_units_that_are_no_text_are_unknown(tmp_path):
    path = tmp_path / "a.nc"
    save(dataset(time=TIMES, x=PLACES), path)
    with h5py.File(path, "a") as file:
        file["time"].attrs["units"] = b"\xff\xfe"
        file["x"].attrs["units"] = "km"
    assert "units" not in read(path).coordinates["time"].attrs
    assert read(path).context().unit("x") == "km"


DATES = np.array([20240130.0, 20240131, 20240201, 20240202, 20240203, 20240204])

FAULTS = {
    "x before time": (
        npz(np.stack([wave().T] * 2, 1)),
        r"shape \(9, 2, 6\), and the order of the axes is time, field, x, with 6 entries of time",
    ),
    "fields before time": (
        npz(np.stack([wave()] * 2)),
        r"shape \(2, 6, 9\), and the order of the axes is time, field, x, with 6 entries of time",
    ),
    "six axes": (
        npz(np.zeros((2, FRAMES, 1, CELLS, 1, 1))),
        r"has 6 axes, of the lengths \(2, 6, 1, 9, 1, 1\), and trajectory, .* y are the most",
    ),
    "dates as text": (npz(time=TIMES.astype("M8[s]").astype(str)), "are text, such as '1970-01-01"),
    "dates as numbers": (npz(time=DATES), "such as 20240130; write 2024-01-30, or the days"),
    "dates and times as numbers": (
        npz(time=20240130102500.0 + 100.0 * np.arange(FRAMES)),
        "such as 20240130102500; write 2024-01-30, or",
    ),
    "days with a fraction": (npz(time=DATES + 0.25), "such as 20240130; write 2024-01-30"),
    "twice two axes of time": (npz(time=np.stack([TIMES, TIMES])), r"has the shape \(2, 6\), but"),
    "far times": (npz(time=1e300 * TIMES), r"steps of the coordinate time reach 5e[+]299 in size"),
    "objects": (
        npz(wave().astype(object)),
        "contains Python objects under values, which could run",
    ),
    "nothing": (content(b""), "is empty; write it again"),
    "a law": (
        (lambda path: path.write_text("{}"), "a.JSON"),
        "a.JSON is JSON, as a law is; name a file of data, and a law for it by --law FILE",
    ),
    "groups": ((grouped, "a.h5"), r"in groups \(first, second\); .*group=.first.\)"),
    "groups of Zarr 3": ((zarr_groups(3), "a.zarr"), r"\(first, second\); .*group=.first.\)"),
    "groups of Zarr 2": ((zarr_groups(2), "a.zarr"), r"\(first, second\); .*group=.first.\)"),
    "trajectories without a field": (
        npz(np.zeros((2, FRAMES, CELLS))),
        r"; or, if its first axis numbers .*, time, field, x, which values\[:, :, None\] is\.$",
    ),
    "MATLAB 7.3": ((matlab, "a.h5"), "is a MATLAB file; write the data with writetable"),
    "MATLAB by its name": ((without_block, "a.mat"), "is a MATLAB file; write the data with"),
    "sensors that move": ((moving, "a.csv"), "20,000 entries of time and 20,000 entries of x, too"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_wrong_is_said(tmp_path, fault, monkeypatch):
    (write, name), message = FAULTS[fault]
    monkeypatch.setattr("hfluxno.data.contained.memory_of_machine", lambda: 2**30)
    write(tmp_path / name)
    with pytest.raises(ValueError, match=message):
        read(tmp_path / name)


@pytest.mark.parametrize("names", [{}, {"time": "tt"}])
def test_arrays_of_matlab(tmp_path, names):
    """A field of (x, time) and coordinates with an axis of one entry."""
    clock = names.get("time", "t")
    axes = {clock: TIMES[:, None], "x": PLACES[None]}
    np.savez(tmp_path / "a.npz", usol=wave().T, **axes)
    source = read(tmp_path / "a.npz", **names)
    np.testing.assert_array_equal(source.values[:, 0], wave())
    np.testing.assert_array_equal(source.times, TIMES)
    np.testing.assert_array_equal(source.x, PLACES)
    note = "usol is read as x, time: it has 9 × 6 values, as many as there are places and times."
    assert source.notes == (note,) and not source.parts[0].attributes
    np.savez(tmp_path / "a.npz", usol=wave(), **axes)
    plain = read(tmp_path / "a.npz", **names)
    np.testing.assert_array_equal(plain.values, source.values)
    assert not plain.notes


def test_numbers_that_are_no_dates(tmp_path):
    for start, step in ((20240130.0, 1.0), (2000.0, 1.0), (20240101.0, 3600.0)):
        times = start + step * np.arange(FRAMES)  # there is no thirty-second of January
        write, name = npz(time=times)
        write(tmp_path / name)
        np.testing.assert_array_equal(read(tmp_path / name).times, times)


def test_degrees_are_places(tmp_path):
    lon = ("lon", 10.0 * np.arange(CELLS), {"units": "degrees_east"})
    source = read(save(dataset(dims=("time", "lon"), lon=lon), tmp_path / "a.nc"))
    np.testing.assert_array_equal(source.x, lon[1])
    assert source.names == {"x": "lon"}
    unknown = xr.Dataset({"u": (("time", "station"), wave())})
    with pytest.raises(ValueError, match=r"unknown dimensions \(station\); .* --x NAME"):
        read(save(unknown, tmp_path / "b.nc"))


def test_an_output_is_no_pipe(tmp_path):
    os.mkfifo(tmp_path / "a.nc")
    with pytest.raises(FileExistsError, match=r"a.nc is a pipe or a device; choose another name"):
        check_writable(tmp_path / "a.nc", (".nc",))
