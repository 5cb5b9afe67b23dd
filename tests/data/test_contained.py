"""Files from elsewhere: none leads to another file, runs code, or fills the memory."""

import io
import json
import os
import pickle
import shutil
import zipfile
from pathlib import Path

import h5netcdf
import h5py
import numpy as np
import pandas as pd
import pytest
import zarr

from hfluxno.data import contained, open_dataset
from hfluxno.data.parquet import read_parquet
from hfluxno.data.plane.layouts import opened_plane
from hfluxno.data.readers import read

_TIME, _X = np.arange(6.0), (np.arange(16) + 0.5) / 16
_VALUES = np.sin(2 * np.pi * (_X - 0.05 * _TIME[:, None]))


class Touch:
    """Unpickled, it leaves a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def hdf5(path, values=True):
    with h5py.File(path, "w") as file:
        for name, entries in (("time", _TIME), ("x", _X)):
            file[name] = entries
            file[name].make_scale(name)
        if values:
            with_axes(file, file.create_dataset("u", data=_VALUES))
    return path


def with_axes(file, dataset):
    for axis, name in enumerate(("time", "x")):
        dataset.dims[axis].attach_scale(file[name])


def store(path):
    group = zarr.open_group(path, mode="w", zarr_format=2)
    for name, values, axes in (
        ("time", _TIME, ["time"]),
        ("x", _X, ["x"]),
        ("u", _VALUES, ["time", "x"]),
    ):
        array = group.create_array(
            name,
            shape=values.shape,
            dtype=values.dtype,
            attributes={"_ARRAY_DIMENSIONS": axes},
            compressors=None,
            fill_value=None,
        )
        array[:] = values
    return path


def described(array, **changes):
    """Changes of what a Zarr array says of itself."""
    file = array / ".zarray"
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


def test_honest_files_are_read(tmp_path):
    for path in (hdf5(tmp_path / "a.h5"), store(tmp_path / "a.zarr")):
        np.testing.assert_array_equal(read(path).values[:, 0], _VALUES)
    # A store may be reached by a link, and link within itself.
    (tmp_path / "b.zarr").symlink_to(tmp_path / "a.zarr")
    (tmp_path / "a.zarr" / "copy").symlink_to(tmp_path / "a.zarr" / "x")
    np.testing.assert_array_equal(read(tmp_path / "b.zarr", "u").values[:, 0], _VALUES)


def test_objects_of_npz_are_not_unpickled(tmp_path):
    values = np.empty((6, 16), object)
    values[:] = Touch(tmp_path / "ran")
    np.savez(tmp_path / "a.npz", values=values)
    with pytest.raises(ValueError, match=r"a\.npz contains Python objects under values"):
        read(tmp_path / "a.npz")
    assert [path.name for path in tmp_path.iterdir()] == ["a.npz"]


def test_names_in_npz_lead_nowhere(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    with zipfile.ZipFile(folder / "a.npz", "w") as archive:
        for name in ("values.npy", "../outside.npy", f"{tmp_path}/absolute.npy"):
            buffer = io.BytesIO()
            np.save(buffer, _VALUES)
            archive.writestr(name, buffer.getvalue())
    np.testing.assert_array_equal(read(folder / "a.npz").values[:, 0], _VALUES)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a.npz", "folder"]


def test_npz_that_expands_beyond_memory(tmp_path, monkeypatch):
    zeros = np.zeros((2000, 2000))
    np.savez_compressed(tmp_path / "a.npz", values=zeros)
    assert (tmp_path / "a.npz").stat().st_size < zeros.nbytes / 500
    monkeypatch.setattr(contained, "memory_of_machine", lambda: 4 * zeros.nbytes - 4)
    with pytest.raises(ValueError, match=r"what is packed in .*a\.npz would take 0\.0298 GiB"):
        read(tmp_path / "a.npz")


def test_npz_whose_header_promises_more_than_it_holds(tmp_path):
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        buffer, {"descr": "<f8", "fortran_order": False, "shape": (10**9, 10**6)}
    )
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("values.npy", buffer.getvalue() + bytes(1000))
    sentence = (
        r"a\.npz .* values is to have 8,000,000,000,000,000 bytes, and 1,000 are there; write"
    )
    with pytest.raises(ValueError, match=sentence):
        read(tmp_path / "a.npz")


_HEADER = b"{'descr': '<f8', 'fortran_order': False, 'shape': (%s,)}"


@pytest.mark.parametrize(
    "header",
    [
        b"{'descr': '<f8', 'shape': (2,)}",
        b"{'descr': 'nothing', 'fortran_order': False, 'shape': (2,)}",
        _HEADER % b"-2",
        _HEADER % (b"(" * 3000),
        _HEADER % (b" " * 20_000 + b"2"),  # longer than NumPy reads safely
    ],
)
@pytest.mark.parametrize("version", [1, 2])
def test_npz_with_a_damaged_header(tmp_path, header, version):
    magic = b"\x93NUMPY" + bytes([version, 0]) + len(header).to_bytes(2 * version, "little")
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("values.npy", magic + header + bytes(16))
    with pytest.raises(ValueError, match="not read: values has no header of an array of numbers"):
        read(tmp_path / "a.npz")


def test_links_of_hdf5_to_other_files(tmp_path):
    hdf5(tmp_path / "secret.h5")
    path = hdf5(tmp_path / "a.h5", values=False)
    with h5py.File(path, "a") as file:
        file["u"] = h5py.ExternalLink("secret.h5", "/u")
    with pytest.raises(ValueError, match=r"the link u leads to another file; copy"):
        read(path)


def test_values_of_hdf5_in_other_files(tmp_path):
    (tmp_path / "secret.bin").write_bytes(_VALUES.tobytes())
    path = hdf5(tmp_path / "a.h5", values=False)
    with h5py.File(path, "a") as file:
        raw = [(str(tmp_path / "secret.bin"), 0, _VALUES.nbytes)]
        with_axes(file, file.create_dataset("u", _VALUES.shape, _VALUES.dtype, external=raw))
    with pytest.raises(ValueError, match="the values of u are in another file"):
        read(path)

    hdf5(tmp_path / "secret.h5")
    path = hdf5(tmp_path / "b.h5", values=False)
    layout = h5py.VirtualLayout(_VALUES.shape, _VALUES.dtype)
    layout[:] = h5py.VirtualSource(str(tmp_path / "secret.h5"), "u", _VALUES.shape)
    with h5py.File(path, "a") as file:
        with_axes(file, file.create_virtual_dataset("u", layout))
    with pytest.raises(ValueError, match="the values of u are in another file"):
        read(path)


def test_hdf5_that_expands_beyond_memory(tmp_path):
    path = tmp_path / "a.h5"
    with h5netcdf.File(path, "w") as file:  # nothing of it is stored
        file.dimensions = {"time": 10**8, "x": 10**8}
        file.create_variable("u", ("time", "x"), "f8", chunks=(1, 16))
    assert path.stat().st_size < 100_000
    with pytest.raises(
        ValueError, match=r"u in .*a\.h5 would take 7\.45e\+07 GiB, .* cut the file"
    ):
        read(path)
    with h5netcdf.File(path, "w") as file:
        file.dimensions = {"time": 10**14}
        file.create_variable("time", ("time",), "f8", chunks=(16,))
    with pytest.raises(ValueError, match=r"time in .*a\.h5 would take"):
        read(path)


def test_links_of_zarr_out_of_the_store(tmp_path):
    store(tmp_path / "secret.zarr")
    path = store(tmp_path / "a.zarr")
    chunk = path / "u" / "0.0"
    chunk.unlink()
    chunk.symlink_to(tmp_path / "secret.zarr" / "u" / "0.0")
    for reader in (read, open_dataset):
        with pytest.raises(ValueError, match=r"the link u/0\.0 leads out of the store; copy"):
            reader(path)


def test_pipes_in_zarr_do_not_block(tmp_path):
    path = store(tmp_path / "a.zarr")
    (path / "u" / "0.0").unlink()
    os.mkfifo(path / "u" / "0.0")
    with pytest.raises(ValueError, match=r"u/0\.0 is neither a file nor a folder"):
        read(path)


def test_pickles_in_zarr_are_not_run(tmp_path):
    path = store(tmp_path / "a.zarr")
    (path / "u" / "0.0").write_bytes(pickle.dumps(Touch(tmp_path / "ran")))
    for changes in (
        {"compressor": {"id": "pickle", "protocol": 5}},
        {"filters": [{"id": "vlen-utf8"}, {"id": "pickle"}], "dtype": "|O", "fill_value": ""},
    ):
        described(path / "u", **changes)
        with pytest.raises(ValueError, match=r"u/\.zarray asks for pickle, which could run code"):
            read(path)
    assert not (tmp_path / "ran").exists()


def test_zarr_that_expands_beyond_memory(tmp_path):
    path = store(tmp_path / "a.zarr")
    described(path / "u", shape=[10**12, 16], chunks=[1, 16], fill_value=0.0)
    described(path / "time", shape=[10**12], fill_value=0.0)
    with pytest.raises(ValueError, match=r"time/\.zarray in .*a\.zarr would take 7\.\d+e\+03 GiB"):
        read(path)
    shutil.rmtree(path / "time")
    with pytest.raises(ValueError, match=r"u in .*a\.zarr would take 1\.\d+e\+05 GiB"):
        read(path)


def test_parquet_that_expands_beyond_memory(tmp_path, monkeypatch):
    pytest.importorskip("pyarrow")
    path = tmp_path / "a.parquet"
    columns = {name: np.zeros(10**5) for name in ("time", "x", "u")}
    pd.DataFrame(columns).to_parquet(path)
    assert path.stat().st_size < 10_000
    monkeypatch.setattr(contained, "memory_of_machine", lambda: 4 * 2_399_999)
    with pytest.raises(ValueError, match=r"the table in .*a\.parquet would take 0\.00224 GiB"):
        read(path)


def test_a_text_of_parquet_is_unpacked_once(tmp_path):
    pytest.importorskip("pyarrow")
    path, long = tmp_path / "a.parquet", "a" * 10**5
    lines = {"time": np.repeat(_TIME, 16), "x": np.tile(_X, 6), "u": _VALUES.ravel()}
    pd.DataFrame(lines | {"note": pd.Series([long] * 96, dtype=object)}).to_parquet(path)
    notes = read_parquet(path)["note"]
    assert notes[0] == long and notes[0] is notes[95]
    np.testing.assert_array_equal(read(path).values[:, 0], _VALUES)


def test_chunks_far_larger_than_their_array(tmp_path):
    path = hdf5(tmp_path / "a.h5", values=False)
    huge = r"is not read: a chunk of {} would take 0\.298 GiB, and the whole array 7.15e-07 GiB"
    with h5py.File(path, "a") as file:
        with_axes(
            file, file.create_dataset("u", (6, 16), "f8", maxshape=(None, 16), chunks=(64, 16))
        )
    assert np.all(read(path).values == 0)
    with h5py.File(path, "a") as file:
        del file["u"]
        chunked = {"chunks": (6, 6_666_667), "maxshape": (None, None), "compression": "gzip"}
        with_axes(file, file.create_dataset("u", (6, 16), "f8", **chunked))
    with pytest.raises(ValueError, match=huge.format("u")):
        read(path)

    path = store(tmp_path / "a.zarr")
    described(path / "u", chunks=[6, 6_666_667])
    with pytest.raises(ValueError, match=huge.format(r"u/\.zarray") + ".*no larger than itself"):
        read(path)
    group = zarr.open_group(tmp_path / "b.zarr", mode="w", zarr_format=3)
    group.create_array("u", shape=(6, 16), chunks=(6, 6_666_667), dtype="f8")
    with pytest.raises(ValueError, match=huge.format(r"u/zarr\.json")):
        read(tmp_path / "b.zarr")


def test_layouts_of_planes_lead_nowhere(tmp_path):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:  # as The Well stores them
        for name in ("dimensions", "t0_fields"):
            file.create_group(name)
        file["t0_fields"]["density"] = h5py.ExternalLink("secret.h5", "/u")
    leads = r"the link t0_fields/density leads to another file"
    with pytest.raises(ValueError, match=leads), opened_plane(path):
        pass
