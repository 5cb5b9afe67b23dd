"""`hfluxno generate`: the command makes the set that it is asked for, and refuses in a sentence."""

import contextlib
import subprocess
import sys

import pytest
import tyro
import xarray as xr

from hfluxno.cli.generate import GenerateConfig, main
from hfluxno.data import generate, open_dataset
from hfluxno.datasets import cluster

NAMES = ("one", "two")


pytestmark = pytest.mark.usefixtures("small_blocks")


def test_the_command_of_the_manual(tmp_path, capsys):
    output = tmp_path / "set.nc"
    options = "--split test --laws 2 --initials 3 --cells 16 --seed 5 --initial steps --output"
    config = tyro.cli(GenerateConfig, args=["sine", *options.split(), str(output)])
    assert main(config) == 0
    with open_dataset(output) as data:
        assert data.sizes["trajectory"] == 6 and data.sizes["time"] == 101
        assert data.attrs["law"] == "sine" and data.attrs["initial"] == "steps"
        assert float(data["time"][-1]) == 0.5
    assert "6 trajectories of sine" in " ".join(capsys.readouterr().out.split())


def test_failures_are_reported(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(generate, "_most_steps", lambda cells: 1)
    assert main(GenerateConfig("cubic", tmp_path / "set.nc", laws=2, initials=3, cells=16)) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "failed and are NaN from there on" in shown and "too many steps" in shown


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"law": "euler"}, "choose one of cubic, sine"),
        ({"laws": 0}, "laws must be at least 1"),
        ({"initials": 0}, "initials must be at least 1"),
        ({"cells": -3}, "cells must be at least"),
        ({"batch": 0}, "batch must be at least 1"),
        ({"initial": "wave"}, "choose one of grf, steps"),
        ({"split": "all"}, "choose one of train"),
    ],
)
def test_bad_options_write_nothing(tmp_path, options, message):
    arguments = {"law": "cubic", "output": tmp_path / "set.nc", **options}
    with pytest.raises(ValueError, match=message):
        main(GenerateConfig(**arguments))
    assert list(tmp_path.iterdir()) == []


class _Done:
    def __init__(self, found):
        self.found = found

    def result(self):
        return self.found


class _Client:
    """Does what it is given at once, and counts what waits."""

    def __init__(self):
        self.starts = []

    def submit(self, function, *arguments, **_):
        self.starts += [a for a in arguments if isinstance(a, int)]
        return _Done(function(*arguments))

    def nthreads(self):
        return {"one": 1, "two": 1}


def test_blocks_of_a_cluster_make_the_file_that_one_process_makes(tmp_path, monkeypatch):
    client = _Client()

    @contextlib.contextmanager
    def connected(scheduler, workers):
        assert (scheduler, workers) == ("local", 2)
        yield client

    monkeypatch.setattr(cluster, "connected", connected)
    options = {"laws": 7, "initials": 3, "cells": 16, "batch": 8}
    for name, more in (("one", {}), ("two", {"scheduler": "local", "workers": 2})):
        assert main(GenerateConfig("cubic", tmp_path / f"{name}.zarr", **options, **more)) == 0
    assert client.starts == [0, 8, 16]
    files = [sorted(p for p in (tmp_path / f"{n}.zarr").rglob("*") if p.is_file()) for n in NAMES]
    assert len(files[0]) == len(files[1]) > 10
    for mine, theirs in zip(*files, strict=True):
        assert mine.read_bytes() == theirs.read_bytes(), mine.name


def test_workers_belong_to_a_scheduler_of_this_machine(tmp_path):
    with pytest.raises(ValueError, match="--workers belongs to --scheduler local"):
        main(GenerateConfig("cubic", tmp_path / "set.zarr", workers=2))
    assert not list(tmp_path.iterdir())


@pytest.mark.validation
def test_two_processes_generate_what_one_does(tmp_path):
    words = [
        "generate",
        "shallow-water",
        "--split",
        "test",
        "--laws",
        "30",
        "--initials",
        "100",
        "--cells",
        "16",
        "-o",
    ]
    for name, more in (("one", []), ("two", ["--scheduler", "local", "--workers", "2"])):
        program = "import sys; from hfluxno.cli import main; sys.exit(main())"
        made = [sys.executable, "-c", program, *words, str(tmp_path / f"{name}.zarr"), *more]
        subprocess.run(made, check=True)
    one, two = (xr.open_zarr(tmp_path / f"{n}.zarr", consolidated=False) for n in NAMES)
    assert one.sizes["trajectory"] == 3000
    xr.testing.assert_identical(one.load(), two.load())


def test_a_set_beyond_the_memory_is_refused_before_anything_is_written(tmp_path):
    config = GenerateConfig("euler-2d", tmp_path / "set.hdf5", laws=1, cells=10**6)
    with pytest.raises(
        ValueError, match="GiB of memory of this machine; choose fewer with --cells"
    ):
        main(config)
    assert not list(tmp_path.iterdir())
