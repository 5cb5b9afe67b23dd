"""`hfluxno evaluate --scheduler`: the file of one process, and chunks that are not measured again.

The client measures the chunks itself, but for the last test, which has real processes.
"""

import equinox as eqx
import pytest
import zarr

from hfluxno.cli import main
from hfluxno.cli.evaluate_chunks import loaded
from hfluxno.cli.generate import GenerateConfig
from hfluxno.cli.generate import main as generate_set
from hfluxno.data.parts import NamedWeights
from hfluxno.datasets.work import forecaster_of, sendable
from hfluxno.evaluation import windows
from hfluxno.models.weights import Training, load, save_pretrained
from hfluxno.training.presets import preset
from hfluxno.training.release import protocol
from tests.models import small

_MODEL = preset("tiny").model
_COMMAND = ["evaluate", "--weights", "net", "--data", "set.zarr"]
_COMMAND += ["--steps", "3", "--every", "20", "--output"]
_LOCAL = ["--scheduler", "local"]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A random network, and a set of which one trajectory was not solved."""
    folder = tmp_path_factory.mktemp("evaluate")
    generate_set(GenerateConfig("cubic", folder / "set.zarr", laws=5, initials=1, cells=20))
    zarr.open_group(folder / "set.zarr", mode="r+")["status"][2] = 1
    _save_network(folder, seed=0)
    return folder


def _save_network(folder, seed):
    training = Training(
        data="nothing",
        **protocol(preset("tiny")),
        preset="tiny",
        seed=seed,
        steps=0,
        minutes=0.0,
        validation_error=1.0,
        measure="nothing",
    )
    save_pretrained(folder / "net", small.network(_MODEL, seed), _MODEL, training)


@pytest.fixture
def folder(made, monkeypatch):
    monkeypatch.chdir(made)
    monkeypatch.setattr(windows, "_CHUNK", 6)  # does not divide the number of windows
    for file in made.glob("*.json*"):
        file.unlink()
    return made


def _in_one_process(folder):
    assert main([*_COMMAND, "whole.json"]) == 0
    return (folder / "whole.json").read_bytes()


def test_lots_make_the_file_of_one_process(folder, alone, capsys):
    assert main([*_COMMAND, "chunks.json", *_LOCAL]) == 0
    measured, _ = alone
    # Twenty windows and four trajectories to their end.
    assert [(chunk.whole, chunk.count, chunk.filled) for chunk in reversed(measured)] == [
        *3 * [(False, 6, 6)],
        (False, 2, 6),
        (True, 4, 4),
    ]
    assert (folder / "chunks.json").read_bytes() == _in_one_process(folder)
    assert not (folder / "chunks.json.partial").exists()


def test_what_is_measured_is_not_measured_again(folder, alone, capsys):
    measured, end_after = alone
    end_after.append(3)
    assert main([*_COMMAND, "chunks.json", *_LOCAL]) == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert said == (
        "hfluxno: The scheduler is gone, and its workers with it. Done: 3 of 5 chunks; "
        "chunks.json.partial keeps them, and the same command resumes from there."
    )
    assert not (folder / "chunks.json").exists()
    end_after.clear()
    assert main([*_COMMAND, "chunks.json", *_LOCAL]) == 0
    assert [chunk.first for chunk in measured] == [0, 18, 12, 6, 0]
    assert (folder / "chunks.json").read_bytes() == _in_one_process(folder)


@pytest.mark.parametrize("change", ["option", "weights"])
def test_what_decides_otherwise_is_measured_anew(folder, alone, change):
    measured, end_after = alone
    end_after.append(2)
    assert main([*_COMMAND, "chunks.json", *_LOCAL]) == 2
    end_after.clear()
    command = [*_COMMAND, "chunks.json", *_LOCAL]
    if change == "weights":
        _save_network(folder, seed=1)
    else:
        command += ["--trajectories", "3"]
    assert main(command) == 0
    assert len(measured) == 2 + (5 if change == "weights" else 4)


def test_a_network_trained_again_is_loaded_again(made):
    folder = str(made / "net")
    by = [
        lambda: loaded(NamedWeights.of(folder)),
        lambda: forecaster_of(sendable(load(folder), "hfluxno", folder)),
    ]
    for found in by:
        _save_network(made, seed=0)
        first, same = found(), found()
        _save_network(made, seed=2)
        assert same is first
        assert not eqx.tree_equal(first.network, found().network)
    _save_network(made, seed=0)


def test_what_cannot_be_done_is_said(folder, capsys):
    assert main([*_COMMAND, "chunks.json", "--workers", "2"]) == 2
    assert "--workers belongs to --scheduler local" in capsys.readouterr().err
    assert main([*_COMMAND, "chunks.json", *_LOCAL, "--steps", "99"]) == 2
    assert "has no window of 103 frames" in capsys.readouterr().err
    assert not list(folder.glob("*.partial"))


@pytest.mark.validation
def test_processes_make_the_file_of_one(made, monkeypatch):
    monkeypatch.chdir(made)
    assert main([*_COMMAND, "chunks.json", *_LOCAL, "--workers", "2"]) == 0
    assert (made / "chunks.json").read_bytes() == _in_one_process(made)
