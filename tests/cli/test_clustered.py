"""`--scheduler`: chunks are processed by others, marked when they are written, and not done again.

The tests without processes have the client do the work; those with real ones take minutes.
"""

import contextlib
import importlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import dask
import numpy as np
import pytest
import xarray as xr

from hfluxno.cli import main
from hfluxno.data.partial import Partial
from hfluxno.datasets import cluster

CONTEXTS, FRAMES, CELLS = 20, 16, 32
COMMAND = "forecast in.zarr -k 10 -n 4 --method persistence --scheduler local --chunk 3"
PLACE = "out.zarr.partial"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Twenty waves in a store, of which one has failed."""
    store(tmp_path / "in.zarr", CONTEXTS)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def store(path, contexts):
    """Waves in an order of dimensions of their own; the one of number 7 has failed."""
    x, t = (np.arange(CELLS) + 0.5) / CELLS, 5e-3 * np.arange(FRAMES)
    shifts = np.linspace(0.0, 0.5, contexts)[:, None, None]
    values = 1.0 + 0.2 * np.sin(2 * np.pi * (x - t[:, None] + shifts))
    values[7, 3:] = np.nan
    variables = {
        "u": (("time", "trajectory", "x"), values.transpose(1, 0, 2), {"units": "m"}),
        "status": ("trajectory", (np.arange(contexts) == 7).astype(np.int8)),
    }
    made = xr.Dataset(variables, {"time": t, "x": x, "trajectory": 10 + np.arange(contexts)})
    made.to_zarr(path, consolidated=False, encoding={"u": {"chunks": (FRAMES, 4, CELLS)}})


def opened(name):
    with xr.open_zarr(name, consolidated=False, decode_cf=False) as found:
        return found.load()


def in_one_process(name="whole.zarr"):
    words = COMMAND.partition(" --scheduler")[0]
    assert main([*words.split(), "-o", name]) == 0
    return opened(name)


def test_chunks_make_the_file_that_one_process_makes(folder, alone, capsys):
    assert main([*COMMAND.split(), "--json", "-o", "out.zarr"]) == 0
    captured = capsys.readouterr()
    report = json.loads(captured.out)
    assert report["contexts"] == CONTEXTS and report["statuses"] == {"ok": 19, "failed": 1}
    assert report["first_failed"]["trajectory"] == 7
    assert "The solution of trajectory 7 of" in report["first_failed"]["reason"]
    assert report["files"] == ["out.zarr"] and "20 of 20 contexts" in captured.err
    found, whole = opened("out.zarr"), in_one_process()
    others = np.flatnonzero(found["status"].values == 0)
    assert len(others) == 19 and np.isnan(found["u"].values[:, 7]).all()
    assert "The solution of trajectory 7 of" in found["status_sentence"].values[7]
    for name, expected in whole.variables.items():
        mine = found[name].variable.isel(trajectory=others, missing_dims="ignore")
        assert mine.dims == expected.dims and np.array_equal(mine, expected, equal_nan=True), name
    assert np.array_equal(found["trajectory"], 10 + np.arange(CONTEXTS))
    assert sorted(p.name for p in folder.iterdir()) == ["in.zarr", "out.zarr", "whole.zarr"]


def test_what_is_done_is_not_done_again(folder, alone, capsys):
    worked, end_after = alone
    end_after.append(4)
    (folder / "out.zarr").mkdir()
    (folder / "out.zarr" / "zarr.json").write_text("{}")
    assert main([*COMMAND.split(), "-o", "out.zarr"]) == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert "its workers with it. Done: 11 of 20 contexts; " in said
    assert said.endswith(f"{PLACE} keeps them, and the same command resumes from there.")
    assert [p.name for p in (folder / "out.zarr").iterdir()] == ["zarr.json"]
    end_after.clear()
    assert main(["forecast", "in.zarr", "-k", "9", *COMMAND.split()[4:], "-o", "out.zarr"]) == 2
    assert "holds an interrupted run with other data, options" in capsys.readouterr().err
    assert main([*COMMAND.split(), "-o", "out.zarr"]) == 0
    assert [members.start for members in worked] == list(range(18, -1, -3))
    assert not (folder / PLACE).exists()
    others = opened("out.zarr")["status"].values == 0
    assert np.array_equal(opened("out.zarr")["u"].values[:, others], in_one_process()["u"])


def test_a_chunk_that_was_lost_before_its_mark_is_done_again(folder, alone):
    """As where a process ends between the numbers and the mark, or amid the numbers."""
    worked, end_after = alone
    end_after.append(4)
    assert main([*COMMAND.split(), "-o", "out.zarr"]) == 2
    assert (folder / PLACE).exists()
    (lost,) = (folder / PLACE / "done").glob("*9-*12")
    lost.unlink()
    import zarr

    zarr.open_group(folder / PLACE / "set.zarr", mode="r+")["u"][:, 9:11] = 99.0
    end_after.clear()
    assert main([*COMMAND.split(), "-o", "out.zarr"]) == 0
    assert [members.start for members in worked] == [18, 15, 12, 9, 9, 6, 3, 0]
    assert np.nanmax(opened("out.zarr")["u"]) < 2.0


def test_a_run_that_ended_before_its_folder_was_gone_is_finished(folder, alone, monkeypatch):
    def killed(self, complete):
        os.rename(complete, self.output)
        raise OSError("as if killed")

    with monkeypatch.context() as patch:
        patch.setattr(Partial, "finish", killed)
        assert main([*COMMAND.split(), "-o", "out.zarr"]) == 2
    expected = opened("out.zarr")
    assert (folder / PLACE).exists()
    assert main([*COMMAND.split(), "-o", "out.zarr"]) == 0
    assert not (folder / PLACE).exists() and opened("out.zarr").identical(expected)
    assert len(alone[0]) == 7


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("--figure a.png", "--figure shows a single trajectory"),
        ("--trajectory 1", "--trajectory shows a single trajectory"),
        ("--gamma 1.4", "--gamma computes no energy in chunks"),
        ("--workers 0", "must be at least 1"),
        ("--chunk 0", "must be at least 1"),
        ("-o out.nc", "end it with .zarr"),
        ("-k 2 --method fit", "too short to infer a law"),
    ],
)
def test_options_that_do_not_fit(folder, alone, capsys, options, said):
    assert main([*COMMAND.split(), *options.split()]) == 2
    assert said in capsys.readouterr().err
    assert [p.name for p in folder.iterdir()] == ["in.zarr"]


def test_workers_belong_to_this_machine(folder, capsys):
    address = "forecast in.zarr -n 4 --scheduler tcp://127.0.0.1:1 --workers 2"
    assert main(address.split()) == 2
    assert "--workers belongs to --scheduler local" in capsys.readouterr().err


def test_chunks_belong_to_a_scheduler(folder, capsys):
    assert main(["identify", "in.zarr", "--chunk", "8"]) == 2
    assert "--chunk belongs to --scheduler; leave it out." in capsys.readouterr().err


def test_a_single_trajectory_needs_no_scheduler(folder, capsys):
    np.savez("one.npz", u=np.random.default_rng(0).random((FRAMES, CELLS)))
    assert main(["forecast", "one.npz", "-n", "4", "--scheduler", "local"]) == 2
    assert "one.npz holds a single trajectory" in capsys.readouterr().err
    assert sorted(p.name for p in folder.iterdir()) == ["in.zarr", "one.npz"]


def test_without_dask_it_is_said(folder, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert main([*COMMAND.split(), "-o", "out.zarr"]) == 2
    assert "pip install 'hfluxno[cluster]', or leave out --scheduler" in capsys.readouterr().err
    assert [p.name for p in folder.iterdir()] == ["in.zarr"]


def test_a_scheduler_that_does_not_answer():
    importlib.import_module("distributed")  # else its defaults would end with the setting
    waiting = dask.config.set({"distributed.comm.timeouts.connect": "0.3s"})
    said = pytest.raises(OSError, match=r"No scheduler answers at tcp://127\.0\.0\.1:1; give")
    with waiting, said, cluster.connected("tcp://127.0.0.1:1"):
        pass


# With processes, each of which loads JAX.


def started(*words, **more):
    command = [sys.executable, "-c", "import sys; from hfluxno.cli import main; sys.exit(main())"]
    return subprocess.Popen([*command, *words], text=True, stderr=subprocess.PIPE, **more)


def workers_of(pid):
    """The processes that do the work, by the parent that started them."""
    found = []
    for status in Path("/proc").glob("[0-9]*/status"):
        with contextlib.suppress(OSError):
            lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
            words = (status.parent / "cmdline").read_bytes()
            if int(lines["PPid"]) == pid and b"spawn_main" in words:
                found.append(int(status.parent.name))
    return found


def wait_for(condition, seconds=600.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def marks(folder):
    return len(list((folder / PLACE / "done").glob("[0-9]*")))


@pytest.mark.validation
@pytest.mark.parametrize("method", ["fit", "persistence"])
def test_two_processes_are_equal_to_one_to_the_last_bit(folder, method):
    words = COMMAND.replace("persistence", method).split()
    both = started(*words, "--workers", "2", "-o", "out.zarr")
    _, said = both.communicate(timeout=3000)
    assert both.returncode == 0, said
    one = started(*words[: words.index("--scheduler")], "-o", "whole.zarr")
    _, said = one.communicate(timeout=3000)
    assert one.returncode == 0, said
    found, whole = opened("out.zarr"), opened("whole.zarr")
    others = np.flatnonzero(np.arange(CONTEXTS) != 7)
    for name, expected in whole.variables.items():
        mine = found[name].variable.isel(trajectory=others, missing_dims="ignore")
        assert np.array_equal(mine, expected, equal_nan=expected.dtype.kind == "f"), name


@pytest.mark.validation
def test_a_killed_worker_and_a_killed_client_cost_nothing(tmp_path, monkeypatch):
    contexts = 300
    monkeypatch.chdir(tmp_path)
    store(tmp_path / "in.zarr", contexts)
    words = [*COMMAND.replace("chunk 3", "chunk 1").split(), "--workers", "2", "-o", "out.zarr"]
    client = started(*words)
    wait_for(lambda: marks(tmp_path) > 0)
    first = set(workers_of(client.pid))
    os.kill(min(first), signal.SIGKILL)
    wait_for(lambda: set(workers_of(client.pid)) - first)  # another takes its place
    second = set(workers_of(client.pid))
    count = marks(tmp_path)
    wait_for(lambda: marks(tmp_path) > count)
    assert client.poll() is None and marks(tmp_path) < contexts
    client.kill()
    client.communicate()
    # Its workers end with it.
    wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in first | second), 60.0)
    done = {int(mark.name[:12]) for mark in (tmp_path / PLACE / "done").glob("[0-9]*")}
    assert 0 < len(done) < contexts

    def written(place):
        return {n: (place / f"u/c/0/{n}/0").stat().st_mtime_ns for n in done - {7}}

    before = written(tmp_path / PLACE / "set.zarr")
    again = started(*words)
    _, said = again.communicate(timeout=3000)
    assert again.returncode == 0, said
    assert not (tmp_path / PLACE).exists()
    assert (
        written(tmp_path / "out.zarr") == before
    )  # nothing is done twice, and nothing is missing:
    found = opened("out.zarr")
    sound = found["status"].values == 0
    assert sound.sum() == contexts - 1 and not sound[7]
    assert np.array_equal(found["u"].values[:, sound], in_one_process()["u"])
