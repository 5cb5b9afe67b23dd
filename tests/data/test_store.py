"""The file: complete or not there, the same whatever happened on the way, readable by others."""

import os
import resource
import shutil
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from hfluxno.data import Configuration, Writer, blocks, generate, open_dataset
from hfluxno.data.hdf5 import new_netcdf
from hfluxno.data.schema import SCHEMA

SOURCE = Path(generate.__file__).parents[2]
CONFIGURATION = Configuration("cubic", laws=5, initials=4, cells=16, frames=4, final_time=0.03)


pytestmark = pytest.mark.usefixtures("small_blocks")


def make(configuration, output, *, overwrite=False, stop_after=None, **options):
    """Generates the set, or leaves it after `stop_after` blocks as an interruption would."""
    writer = Writer(configuration, output, overwrite)
    for number, block in enumerate(blocks(configuration, writer.written, **options)):
        if number == stop_after:
            return None
        writer.write(block)
    return writer.finish()


def content(path):
    """Every byte of a file or folder, by name."""
    files = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file())
    return {str(file.relative_to(path)): file.read_bytes() for file in files}


@pytest.mark.parametrize("suffix", [".nc", ".zarr"])
def test_schema(tmp_path, suffix):
    configuration = Configuration(
        "shallow-water", laws=2, initials=5, cells=16, frames=4, final_time=0.03, seed=7
    )
    output = tmp_path / f"set{suffix}"
    assert make(configuration, output) == {0: 10}
    assert [p.name for p in tmp_path.iterdir()] == [output.name]
    with open_dataset(output) as data:
        assert dict(data.sizes) == {
            "trajectory": 10,
            "time": 4,
            "field": 2,
            "x": 16,
            "parameter": 3,
        }
        assert data["values"].dims == ("trajectory", "time", "field", "x")
        assert data["values"].dtype == np.float32
        assert data["coefficients"].dims == ("trajectory", "parameter")
        assert data["status"].dtype == np.int8 and data["law"].dtype == np.int32
        assert data["field"].values.tolist() == ["h", "m"]
        assert data["parameter"].values.tolist() == ["alpha", "gamma", "beta"]
        np.testing.assert_allclose(data["time"], [0.0, 0.01, 0.02, 0.03])
        np.testing.assert_allclose(data["x"], (np.arange(16) + 0.5) / 16)
        np.testing.assert_array_equal(data["law"], np.repeat([0, 1], 5))
        np.testing.assert_array_equal(data["initial"], np.tile(np.arange(5), 2))
        state = configuration.initial_state(1, 2)
        np.testing.assert_array_equal(data["values"][7, 0], state.astype(np.float32))
        drawn = configuration.coefficients(1).astype(np.float32)
        np.testing.assert_array_equal(data["coefficients"][7], drawn)
        assert data.attrs["schema"] == SCHEMA and data.attrs["seed"] == 7
        assert data.attrs["law"] == "shallow-water" and data.attrs["split"] == "train"
        assert data.attrs["limiter"] == "mc" and data.attrs["cfl_desired"] == 0.5
        assert "without entropy fix" in data.attrs["solver"]
        assert data["x"].attrs["units"] == data["values"].attrs["units"] == "1"


def test_both_formats_hold_the_same(tmp_path):
    make(CONFIGURATION, tmp_path / "set.nc")
    make(CONFIGURATION, tmp_path / "set.zarr")
    with open_dataset(tmp_path / "set.nc") as one, open_dataset(tmp_path / "set.zarr") as other:
        xr.testing.assert_identical(one.load(), other.load())


@pytest.mark.parametrize("suffix", [".nc", ".zarr"])
def test_the_file_does_not_depend_on_memory_or_interruptions(tmp_path, suffix):
    reference, other = tmp_path / f"a{suffix}", tmp_path / f"b{suffix}"
    make(CONFIGURATION, reference, in_flight=1)
    make(CONFIGURATION, other, stop_after=1)
    assert not other.exists() and Path(f"{other}.partial").is_dir()
    assert Writer(CONFIGURATION, other).written == 8
    make(CONFIGURATION, other, in_flight=3)
    assert content(other) == content(reference)
    assert not Path(f"{other}.partial").exists()


# Above it is left between two blocks.
@pytest.mark.validation
def test_a_killed_run_is_taken_up(tmp_path):
    reference, output = tmp_path / "a.zarr", tmp_path / "b.zarr"
    script = f"""
        import os, pathlib, signal
        from hfluxno.data import Configuration, Writer, blocks, generate

        generate._LARGEST_CHUNK, generate._CHUNKS_PER_BLOCK = {{"cpu": 4}}, 2
        configuration = {CONFIGURATION!r}
        writer = Writer(configuration, pathlib.Path({str(output)!r}))
        note = writer._note

        def note_or_die():
            if writer.written == 16:  # the block is written, the note of it is not
                os.kill(os.getpid(), signal.SIGKILL)
            note()

        writer._note = note_or_die
        for block in blocks(configuration):
            writer.write(block)
    """
    environment = {**os.environ, "PYTHONPATH": str(SOURCE), "JAX_PLATFORMS": "cpu"}
    killed = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert not output.exists()
    with pytest.raises(FileNotFoundError, match="no data set"):
        open_dataset(output)
    assert Writer(CONFIGURATION, output).written == 8
    make(CONFIGURATION, output)
    make(CONFIGURATION, reference)
    assert content(output) == content(reference)


def test_an_interrupted_run_of_another_configuration_is_not_taken_up(tmp_path):
    output = tmp_path / "set.zarr"
    make(CONFIGURATION, output, stop_after=1)
    other = Configuration("cubic", laws=5, initials=4, cells=16, frames=4, final_time=0.03, seed=1)
    with pytest.raises(OSError, match=r"another configuration \(it differs in seed\)"):
        Writer(other, output)
    make(other, output, overwrite=True)
    with open_dataset(output) as data:
        assert data.attrs["seed"] == 1


def test_a_folder_of_somebody_else_is_not_touched(tmp_path):
    (tmp_path / "set.nc.partial").mkdir()
    (tmp_path / "set.nc.partial" / "mine").write_text("precious")
    with pytest.raises(OSError, match=r"set\.nc\.partial is in the way"):
        Writer(CONFIGURATION, tmp_path / "set.nc", overwrite=True)
    assert (tmp_path / "set.nc.partial" / "mine").read_text() == "precious"


@pytest.mark.parametrize("suffix", [".nc", ".zarr"])
def test_an_existing_output_is_replaced_only_when_complete(tmp_path, suffix):
    output = tmp_path / f"set{suffix}"
    make(CONFIGURATION, output)
    before = content(output)
    with pytest.raises(FileExistsError, match="pass --overwrite"):
        Writer(CONFIGURATION, output)
    other = Configuration("sine", laws=2, initials=8, cells=16, frames=4, final_time=0.03)
    make(other, output, overwrite=True, stop_after=1)
    assert content(output) == before
    make(other, output, overwrite=True)
    with open_dataset(output) as data:
        assert data.attrs["law"] == "sine"
    assert [p.name for p in tmp_path.iterdir()] == [output.name]


def test_a_set_is_not_finished_early(tmp_path):
    writer = Writer(CONFIGURATION, tmp_path / "set.nc")
    with pytest.raises(ValueError, match="0 of 20 trajectories"):
        writer.finish()
    with pytest.raises(ValueError, match="next block begins at 0, not at 8"):
        writer.write(next(blocks(CONFIGURATION, start=8)))


def test_failures_are_counted_and_stored(tmp_path, monkeypatch):
    output = tmp_path / "set.nc"
    monkeypatch.setattr(generate, "_most_steps", lambda cells: 1)
    counts = make(Configuration("cubic", laws=2, initials=4, cells=40, frames=3), output)
    assert counts[2] > 0 and sum(counts.values()) == 8
    with open_dataset(output) as data:
        assert int((data["status"] == 2).sum()) == counts[2]
        solved = data["values"].where(data["status"] == 0, drop=True)
        assert bool(np.isfinite(solved).all())
        assert bool(np.isnan(data["values"][data["status"].values == 2, -1]).all())


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("set.h5", "end it with one of .nc, .zarr"),
        ("missing/set.nc", "there is no folder"),
    ],
)
def test_impossible_outputs_are_refused(tmp_path, name, message):
    with pytest.raises(ValueError, match="end it with one of"):
        Writer(CONFIGURATION, Path(""))
    with pytest.raises((OSError, ValueError), match=message):
        Writer(CONFIGURATION, tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_an_unwritable_folder_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(PermissionError, match="is read-only"):
        Writer(CONFIGURATION, tmp_path / "set.nc")


def test_other_files_are_not_data_sets(tmp_path):
    xr.Dataset({"u": ("x", [1.0, 2.0])}).to_netcdf(tmp_path / "other.nc", engine="h5netcdf")
    with pytest.raises(ValueError, match="is not a data set of hfluxno"):
        open_dataset(tmp_path / "other.nc")
    (tmp_path / "text.nc").write_text("no data")
    with pytest.raises(OSError, match="not a Zarr store or NetCDF file"):
        open_dataset(tmp_path / "text.nc")
    newer = xr.Dataset(attrs={"schema": SCHEMA, "schema_version": 99})
    newer.to_netcdf(tmp_path / "newer.nc", engine="h5netcdf")
    with pytest.raises(ValueError, match="install a newer hfluxno"):
        open_dataset(tmp_path / "newer.nc")


# A disk that is too small


def test_a_set_that_will_not_fit_is_refused_after_its_first_block(tmp_path, monkeypatch):
    output = tmp_path / "a.nc"
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage._replace(free=30_000))
    with pytest.raises(OSError, match=r"takes about .* GiB more .*: make room and run the same"):
        make(CONFIGURATION, output)
    assert [path.name for path in tmp_path.iterdir()] == ["a.nc.partial"]
    monkeypatch.undo()
    assert Writer(CONFIGURATION, output).written == 8


def test_what_hdf5_makes_of_a_write_that_failed_is_not_shown(tmp_path):
    """It may read back what was not written, and call that damaged."""
    with pytest.raises(OSError, match="No space left"), new_netcdf(tmp_path / "a.nc") as opened:
        opened[1].__self__.failure = OSError("No space left on device")
        raise OSError("Can't synchronously write data (bad heap index)")


def test_a_disk_that_fills_up_later_leaves_what_a_run_goes_on_from(tmp_path, monkeypatch):
    reference, output = tmp_path / "a.nc", tmp_path / "b.nc"
    make(CONFIGURATION, reference)
    writer = Writer(CONFIGURATION, output)
    for block in blocks(CONFIGURATION):
        writer.write(block)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (6_000, limits[1]))
    try:
        with pytest.raises(OSError, match=r"File too large; .* holds 20 of 20 trajectories"):
            writer.finish()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not output.exists() and not (writer.folder / "set.nc").exists()
    make(CONFIGURATION, output)
    assert content(output) == content(reference)


def test_a_set_in_the_wells_layout_says_which_files_are_complete(tmp_path):
    bare = xr.Dataset(attrs={"schema": SCHEMA, "schema_version": 1})
    for name, mend in (("a.hdf5", r"so generate FILE\.zarr or FILE\.nc\."), ("a.nc", "again")):
        bare.to_netcdf(tmp_path / name, engine="h5netcdf")
        with pytest.raises(ValueError, match=f"is not a complete data set.*it lacks .*{mend}"):
            open_dataset(tmp_path / name)
