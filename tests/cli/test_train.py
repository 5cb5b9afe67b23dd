"""`hfluxno train`: from a preset to weights, and refusals in one sentence."""

import dataclasses
import json

import equinox as eqx
import jax
import numpy as np
import pytest

from hfluxno.cli import main
from hfluxno.cli.train import TrainCommand, resolve
from hfluxno.data import generate
from hfluxno.models.configuration import Pairs
from hfluxno.models.weights import load
from hfluxno.training.augment import augment
from hfluxno.training.batch import Batch, batch_of
from hfluxno.training.losses import LossConfig, make_loss
from hfluxno.training.optimizer import OptimizerConfig
from hfluxno.training.overrides import override
from hfluxno.training.presets import PRESETS, preset
from hfluxno.training.run_folder import read_config
from tests.slow import slow


def _refused(capsys, *arguments):
    assert main(["train", *map(str, arguments)]) == 2
    said = capsys.readouterr().err
    assert said.startswith("hfluxno: ") and said.count("\n") == 1
    return said


@pytest.mark.validation
def test_a_preset_becomes_weights(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(generate, "_LARGEST_CHUNK", {"cpu": 4})
    monkeypatch.setattr(generate, "_CHUNKS_PER_BLOCK", 2)
    folder = tmp_path / "run"
    command = ["train", "tiny", "--output", str(folder), "--log-every", "2", "--seed", "3"]
    # Settings that leave the programs as they are: those of the tests of the trainer are found
    # in the compilation cache.
    command += ["--set", "validation.every=6", "stop.skipped=7"]
    assert main(command) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert shown.startswith("12 steps; the best validation error is") and "wrote" in shown
    config = read_config(folder)
    assert (config.validation.every, config.stop.skipped, config.seed) == (6, 7, 3)
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [2, 4, 6, 6, 8, 10, 12, 12]
    assert load(folder / "tiny").config == config.model
    said = _refused(capsys, "tiny", "--output", folder)
    assert "another configuration (it differs in validation.every, stop.skipped, seed)" in said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("huge",), "Unknown preset 'huge'; the closest are "),
        (("cpu-hfluxno-cubic",), "cpu-hfluxno-law-cubic"),
        (("tiny", "--device", "gpu"), "There is no gpu that JAX can use, only cpu"),
        (("tiny", "--log-every", "0"), "--log-every must be at least 1"),
        (("tiny", "--set", "optimizer.peek=1"), "Unknown key 'peek' in optimizer"),
        (("tiny", "--set", "peek"), "--set takes KEY=VALUE"),
        (("tiny", "--set", "batch=many"), "batch must be of type int; got 'many'"),
        (("tiny", "--set", "loss.measure=l1"), "choose one of mse, relative"),
        (("tiny", "--set", "loss.name=l1"), "Unknown loss 'l1'; choose one of one-step"),
        (("tiny", "--set", "data.law=shallow-water"), "have the fields h, m"),
        (("tiny", "--train", "none.nc"), "There is no data set none.nc"),
        (("tiny", "--workers", "-1", "--train", "none.nc"), "There is no data set"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(
    tmp_path, capsys, monkeypatch, arguments, message
):
    monkeypatch.chdir(tmp_path)
    assert message in _refused(capsys, *arguments)
    assert list(tmp_path.iterdir()) == []


def test_the_names_of_all_presets(capsys):
    assert main(["train", "list"]) == 0
    assert capsys.readouterr().out.split() == list(PRESETS)


def test_options_and_settings_make_one_configuration():
    options = ("data.windows=4", "loss.name=pushforward", "optimizer.clip=null", "model.cells=[20]")
    resolved = resolve(TrainCommand("tiny", steps=7, set=options))
    assert (resolved.steps, resolved.data.windows, resolved.loss.name) == (7, 4, "pushforward")
    assert resolved.optimizer.clip is None and resolved.model.cells == (20,)
    assert override(preset("tiny"), {}) == preset("tiny")


@pytest.mark.parametrize("name", list(PRESETS))
def test_a_preset_is_consistent(name):
    config = preset(name)
    assert config.name == name
    # Every window fits the time limit, and the blocks that are generated fit the batches.
    assert config.window <= config.trajectories("train").frames
    if name == "paper-icon-cubic":
        assert (config.steps, config.batch) == (1_000_000, 16)
        assert config.loss == LossConfig("one-step", "mse") and not config.augment.active
        assert config.optimizer == OptimizerConfig(peak=1e-4, warmup=100_000, clip=1.0)
        assert config.model.pairs == Pairs(20, 1) and config.trajectories("train").frames == 82
    elif name.startswith("paper"):
        assert (config.steps, config.batch, config.loss.name) == (50_000, 256, "one-step")
        assert (config.optimizer.peak, config.optimizer.warmup) == (5e-5, 5_000)
        plane = name.endswith("euler-2d")
        assert (config.data.limit, config.model.context) == ((1.5, 10) if plane else (0.4, 20))
        assert not config.augment.active and config.optimizer.clip == (0.1 if plane else None)


def test_ablations_differ_in_one_part():
    runs = {name: preset(name) for name in PRESETS if name.startswith("ablation-")}
    assert len(runs) == 9
    base = runs["ablation-trecvit-local"]
    assert dataclasses.replace(runs["ablation-loss-one-step"], name=base.name) == base
    assert base.model == preset("cpu-hfluxno-small-cubic").model
    for name, run in runs.items():
        assert (run.data.law, run.batch, run.average) == ("cubic", 64, 0.0)
        assert not run.augment.active
        assert run.optimizer == OptimizerConfig(peak=1e-3, warmup=200, eps=1e-15)
        assert run.loss.measure == "mse" and run.model.context_mode == "sliding"
        _, first, second = name.split("-", 2)
        loss = second if first == "loss" else "one-step"
        encoder, flux = ("trecvit", "local") if first == "loss" else (first, second)
        assert run.loss.name == loss
        assert type(run.model.encoder).__name__.lower().startswith(encoder)
        assert type(run.model.target).__name__.lower().startswith(flux)
        assert getattr(run.model.target, "form", "text") == "text"


# One of each kind of network: others differ by their axes, their sizes and their data.
OF_EACH_KIND = (
    *("tiny", "paper-hfluxno-cubic", "cpu-hfluxno-weak-form-cubic"),
    *("cpu-hfluxno-law-shallow-water", "cpu-flux-no-cubic", "cpu-icon-cubic"),
    *("cpu-dpot-cubic", "cpu-fno-euler-2d"),
)


@pytest.mark.parametrize("name", [name if name in OF_EACH_KIND else slow(name) for name in PRESETS])
def test_the_loss_of_a_preset_fits_its_network_and_data(name):
    config = preset(name)
    fields, cells = len(config.model.fields), config.model.cells
    coefficients = np.ones((2, len(config.trajectories("train").parameters)))

    def gradient(key):
        frames = np.ones((2, config.window, fields, *cells))
        batch = batch_of(config.data.law, frames, coefficients)
        if (pairs := config.model.pairs) is not None:
            shown = np.ones((2, pairs.count, 2, fields, *cells), np.float32)
            batch = Batch(batch.frames, examples=shown)
        if config.augment.active:
            batch = augment(config.augment, batch, key)
        loss = make_loss(config.loss, config.model.context)
        network = config.model.build(key)
        return eqx.filter_grad(lambda network: loss(network, batch, jax.random.split(key, 2)))(
            network
        ), network

    # Shapes alone: nothing is computed.
    found, _ = eqx.filter_eval_shape(gradient, jax.random.key(0))
    count = sum(leaf.size for leaf in jax.tree.leaves(found))
    assert count > 0
    if name == "paper-hfluxno-cubic":
        assert round(count / 1e6, 2) == 2.68  # as published
