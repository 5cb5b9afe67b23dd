"""`hfluxno generate`: the command makes the set that it is asked for, and refuses in a sentence."""

import pytest
import tyro

from hfluxno.cli.generate import GenerateConfig, main
from hfluxno.data import generate, open_dataset


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    monkeypatch.setattr(generate, "_MOST_LANES", {"cpu": 4})
    monkeypatch.setattr(generate, "_CHUNKS_PER_BLOCK", 2)


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
    whole = generate.blocks

    def impatient(*arguments, **options):
        return whole(*arguments, **options, max_steps=1)

    monkeypatch.setattr("hfluxno.cli.generate.blocks", impatient)
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
