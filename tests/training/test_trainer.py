"""The loop: killed and taken up, on one device and on four, and given up where it is hopeless."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hfluxno.data import generate
from hfluxno.models.parts import LawConfig, LocalConfig
from hfluxno.models.weights import load, save_pretrained
from hfluxno.training import trainer
from hfluxno.training.batch_source import BatchSource
from hfluxno.training.configuration import TrainConfig
from hfluxno.training.losses import LossConfig
from hfluxno.training.optimizer import make_optimizer
from hfluxno.training.presets import preset
from hfluxno.training.release import protocol, provenance, release
from hfluxno.training.run_folder import EARLIER, checkpoints_of, load_best, open_run, read_config
from hfluxno.training.sharding import Placement
from hfluxno.training.state import first_state, split_network
from hfluxno.training.trackers import JsonLines, Tracker
from hfluxno.training.trainer import Diverged, make_batch_source, train
from hfluxno.training.validation import Validation, validation_windows
from tests.slow import slow
from tests.training.standin import Advection

_TINY = preset("tiny")
# A flux without an encoder, by the simplest loss: it learns, and compiles in a moment.
_FLUX = dataclasses.replace(
    _TINY, model=dataclasses.replace(_TINY.model, encoder=None), loss=LossConfig("one-step")
)
_ROOT = Path(__file__).parents[2]


pytestmark = pytest.mark.usefixtures("small_blocks")


class _Kept(Tracker):
    def __init__(self):
        self.logged = []

    def log(self, step, numbers):
        self.logged.append((step, dict(numbers)))


# The network that compiles in a moment, as source text too, for processes of their own.
_STANDIN = "trainer._first_network = lambda config: Advection(jnp.asarray(0.1), reads=True)"


def _standin(config):
    return Advection(jnp.asarray(0.1), reads=True)


def _final(folder):
    """The leaves of the last checkpoint by name."""
    config = read_config(folder)
    network = trainer._first_network(config)
    like = first_state(network, make_optimizer(config.optimizer, config.steps), 0)
    with checkpoints_of(folder, config) as checkpoints:
        state = checkpoints.restore(like, checkpoints.latest)
    leaves = jax.tree_util.tree_leaves_with_path(state)
    return {jax.tree_util.keystr(path): np.asarray(leaf) for path, leaf in leaves}


def _elsewhere(script, folder):
    """Runs a script in a process of its own; returns how it ended."""
    settings = {
        "JAX_PLATFORMS": "cpu",
        "JAX_COMPILATION_CACHE_DIR": jax.config.values["jax_compilation_cache_dir"],
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0.3",
        "PYTHONPATH": f"{_ROOT / 'src'}{os.pathsep}{_ROOT}",
    }
    start = "from hfluxno.data import generate\n"
    for name in ("_LARGEST_CHUNK", "_CHUNKS_PER_BLOCK"):  # those of `small_blocks`
        start += f"generate.{name} = {getattr(generate, name)}\n"
    start += textwrap.dedent(script)
    done = subprocess.run(
        [sys.executable, "-c", start, str(folder)],
        env=os.environ | settings,
        capture_output=True,
        text=True,
    )
    return done.returncode, done.stderr


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run without interruption, and what it logged."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    kept = _Kept()
    lines = JsonLines(folder / "metrics.jsonl")
    outcome = train(_FLUX, folder, trackers=[kept, lines], log_every=2)
    return folder, outcome, kept.logged


def test_a_run_learns_and_reports(whole):
    folder, outcome, logged = whole
    assert outcome.steps == _FLUX.steps and outcome.skipped == 0
    errors = {step: numbers["error"] for step, numbers in logged if "error" in numbers}
    assert sorted(errors) == [4, 8, 12]
    assert outcome.best_error == min(errors.values()) == errors[outcome.best_step]
    losses = [numbers["loss"] for _, numbers in logged if "loss" in numbers]
    assert len(losses) == 6 and all(map(np.isfinite, losses))
    assert all(numbers["samples_per_second"] > 0 for _, numbers in logged if "loss" in numbers)
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [step for step, _ in logged]
    assert read_config(folder) == _FLUX


def test_a_run_goes_on_from_weights(whole, tmp_path):
    folder, *_ = whole
    weights = tmp_path / "weights"
    release(folder, weights)
    config = dataclasses.replace(_FLUX, start=str(weights), seed=5)
    _, state, static = trainer.beginning(config, Placement.on())
    mine = jax.tree.leaves(eqx.combine(state.parameters, static))
    theirs = jax.tree.leaves(load(weights).network)
    for one, other in zip(mine, theirs, strict=True):
        np.testing.assert_array_equal(one, other)
    assert int(state.step) == 0
    assert protocol(config) == protocol(_FLUX)
    trained = dataclasses.replace(load_best(folder), config=config)
    assert provenance(trained).data.endswith("; from the weights weights")
    updates = load(weights).training.steps
    assert trainer._updates_before(config) == updates > 0
    later = dataclasses.replace(trained, numbers=trained.numbers | {EARLIER: float(updates)})
    assert provenance(later).updates == f"{updates} + {trained.step}"
    # Weights trained further, in turn, count all updates.
    save_pretrained(tmp_path / "later", load(weights).network, config.model, provenance(later))
    third = dataclasses.replace(config, start=str(tmp_path / "later"))
    assert trainer._updates_before(third) == updates + trained.step
    other = LocalConfig(lift=12, width=12)
    wider = dataclasses.replace(config, model=dataclasses.replace(config.model, target=other))
    with pytest.raises(ValueError, match="belong to another network than tiny"):
        train(wider, tmp_path / "other")
    assert not (tmp_path / "other").exists()


class _Ending(Tracker):
    def log(self, step, numbers):
        if step == 6:  # between two checkpoints
            raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("network", "killed"), [("stand-in", False), slow("stand-in", True), slow("tiny", True)]
)
def test_a_run_that_is_ended_goes_on_to_the_same_state(network, killed, tmp_path, monkeypatch):
    if network == "stand-in":
        monkeypatch.setattr(trainer, "_first_network", _standin)
    folder, whole = tmp_path / "run", tmp_path / "whole"
    expected_end = train(_TINY, whole, log_every=2)
    script = """
        import os, signal, sys
        from pathlib import Path
        import jax.numpy as jnp
        from hfluxno.training import trainer
        from hfluxno.training.presets import preset
        from hfluxno.training.trackers import JsonLines, Tracker
        from hfluxno.training.trainer import train
        from tests.training.standin import Advection

        # The network.

        class Killer(Tracker):
            def log(self, step, numbers):
                if step == 6:  # between two checkpoints
                    os.kill(os.getpid(), signal.SIGKILL)

        folder = Path(sys.argv[1])
        lines = JsonLines(folder / "metrics.jsonl")
        train(preset("tiny"), folder, trackers=[lines, Killer()], log_every=2)
    """
    if network == "stand-in":
        script = script.replace("# The network.", _STANDIN)
    if killed:
        code, said = _elsewhere(script, folder)
        assert code == -signal.SIGKILL, said
    else:
        trackers = [JsonLines(folder / "metrics.jsonl"), _Ending()]
        with pytest.raises(KeyboardInterrupt):
            train(_TINY, folder, trackers=trackers, log_every=2)
    lines = (folder / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines] == [2, 4, 4, 6]
    outcome = train(_TINY, folder, trackers=[JsonLines(folder / "metrics.jsonl")], log_every=2)
    assert (outcome.steps, outcome.best_step) == (expected_end.steps, expected_end.best_step)
    expected, found = _final(whole), _final(folder)
    assert expected.keys() == found.keys()
    for key, leaf in expected.items():
        assert leaf.tobytes() == found[key].tobytes(), key
    # What the run had logged after its checkpoint is replaced, not repeated.
    lines = (folder / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines] == [2, 4, 4, 6, 8, 8, 10, 12, 12]


def test_a_finished_run_is_left_as_it_is(whole):
    kept = _Kept()
    assert train(_FLUX, whole[0], trackers=[kept]) == whole[1]
    assert kept.logged == []


@pytest.mark.validation
def test_four_devices_give_the_result_of_one(tmp_path):
    folder, alone = tmp_path / "run", tmp_path / "alone"
    train(_TINY, alone)
    script = """
        import os
        import sys
        from pathlib import Path
        import jax
        from hfluxno.training.presets import preset
        from hfluxno.training.sharding import use_cores
        from hfluxno.training.trainer import train

        os.environ["PJRT_NPROC"] = "7"
        use_cores(16)
        assert len(jax.devices()) == 4
        train(preset("tiny"), Path(sys.argv[1]))
    """
    code, said = _elsewhere(script, folder)
    assert code == 0, said
    one, four = _final(alone), _final(folder)
    for key, leaf in one.items():
        np.testing.assert_allclose(four[key], leaf, rtol=1e-3, atol=1e-5, err_msg=key)
    assert any(leaf.dtype.kind == "f" and leaf.size > 100 for leaf in one.values())


def test_devices_share_a_batch_equally():
    four = Placement(jax.sharding.Mesh(np.array(4 * jax.devices()), ("batch",)))
    assert four.multiple(9) == 12
    with pytest.raises(ValueError, match="batch of 6 windows cannot be shared equally by 4"):
        four.check(6)
    with pytest.raises(ValueError, match="There is no tpu that JAX can use, only cpu"):
        Placement.on("tpu")


def test_the_best_network_can_be_released(whole, tmp_path):
    folder, outcome, _ = whole
    trained = load_best(folder)
    assert (trained.step, trained.numbers["error"]) == (outcome.best_step, outcome.best_error)
    assert trained.numbers["minutes"] > 0.0
    release(folder, tmp_path / "tiny")
    forecaster = load(tmp_path / "tiny")
    assert forecaster.config == _FLUX.model
    for a, b in zip(
        jax.tree.leaves(forecaster.network), jax.tree.leaves(trained.network), strict=True
    ):
        assert np.array_equal(a, b)


def test_another_configuration_is_refused(whole):
    other = dataclasses.replace(
        _FLUX, seed=1, optimizer=dataclasses.replace(_FLUX.optimizer, peak=1.0)
    )
    with pytest.raises(
        ValueError, match=r"another configuration \(it differs in optimizer.peak, seed"
    ):
        train(other, whole[0])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is damaged"),
        ("[]", "run in the format None"),
        ('{"format": 0, "config": {}}', "run in the format 0, this hfluxno reads the format 1"),
        ('{"format": 1, "config": {"speed": 1}}', "Unknown key 'speed'"),
    ],
)
def test_a_configuration_that_cannot_be_read_is_refused(tmp_path, text, message):
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(ValueError, match=message):
        open_run(tmp_path, _TINY)


def test_a_folder_with_something_else_is_refused(tmp_path):
    (tmp_path / "thesis.tex").write_text("")
    with pytest.raises(FileNotFoundError, match=r"not the folder of a run"):
        open_run(tmp_path, _TINY)
    open_run(tmp_path / "new", _TINY)
    with pytest.raises(FileNotFoundError, match="has no checkpoint yet"):
        load_best(tmp_path / "new")


def test_a_run_whose_updates_stay_non_finite_is_given_up(tmp_path, monkeypatch):
    class Infinite(BatchSource):
        def batches(self, start):
            for batch in make_batch_source(_TINY).batches(start):
                yield dataclasses.replace(batch, frames=batch.frames * np.float32(np.inf))

    monkeypatch.setattr(trainer, "_first_network", _standin)
    monkeypatch.setattr(trainer, "make_batch_source", lambda *_: Infinite())
    wild = dataclasses.replace(_TINY, stop=dataclasses.replace(_TINY.stop, skipped=3))
    with pytest.raises(Diverged, match=r"given up at step .*: loss or gradient were not finite"):
        train(wild, tmp_path / "run", log_every=2)


@pytest.mark.validation
def test_a_run_that_is_no_better_than_a_frozen_frame_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(Validation, "persistence", 0.0)
    hopeless = dataclasses.replace(_TINY, stop=dataclasses.replace(_TINY.stop, validations=2))
    with pytest.raises(Diverged, match="in 2 validations in a row its forecasts were no better"):
        train(hopeless, tmp_path / "run")
    # The count is a part of the state: a run that is taken up does not start it anew.
    with pytest.raises(Diverged, match="step 12: in 3 validations"):
        train(hopeless, tmp_path / "run")


def test_the_validation_set_is_fixed_and_apart_from_the_training():
    frames = validation_windows(_TINY).frames
    assert frames.shape == (8, 7, 1, 20)
    assert np.array_equal(frames, validation_windows(_TINY).frames)
    batches = make_batch_source(_TINY).batches(0)
    trained = next(batches).frames
    batches.close()
    assert not any(np.isin(window[0], trained).any() for window in frames)


def test_validation_counts_an_explosion_as_wrong_and_no_more(whole):
    trained = load_best(whole[0])
    parameters, static = split_network(trained.network)
    validation = Validation(_FLUX, static, Placement.on())
    good = validation.errors(parameters)
    np.testing.assert_allclose(good["error"], trained.numbers["error"], rtol=1e-5)
    assert 0.0 < validation.persistence < 1.0
    exploded = jax.tree.map(lambda leaf: leaf + np.float32(np.nan), parameters)
    assert validation.errors(exploded) == {"error": 1.0, "error_one_step": 1.0}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps": 0}, "at least one step"),
        ({"average": 1.0}, r"decay of the mean must be in \[0, 1\)"),
        ({"seed": -1}, "seed must not be negative"),
        ({"data": dataclasses.replace(_TINY.data, law="shallow-water")}, "have the fields h, m"),
        ({"data": dataclasses.replace(_TINY.data, law="euler")}, "choose one of cubic"),
        ({"steps": 2}, "warm-up of 2 updates is not shorter than the run"),
        ({"model": dataclasses.replace(_TINY.model, spacing=(0.1,))}, "one axis of length 1"),
    ],
)
def test_a_configuration_that_contradicts_itself_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(_TINY, **options)


@pytest.mark.validation
def test_a_law_is_trained_by_regression(tmp_path):
    model = dataclasses.replace(_TINY.model, target=LawConfig(size=3, width=8))
    config = dataclasses.replace(
        _TINY,
        model=model,
        loss=LossConfig("speed", measure="relative"),
        optimizer=dataclasses.replace(_TINY.optimizer, peak=1e-2),
        validation=dataclasses.replace(_TINY.validation, every=20),
        steps=40,
    )
    kept = _Kept()
    train(config, tmp_path / "run", trackers=[kept], log_every=1)
    losses = [numbers["loss"] for _, numbers in kept.logged if "loss" in numbers]
    assert np.mean(losses[-10:]) < 0.9 * np.mean(losses[:10])
    errors = [numbers["error"] for _, numbers in kept.logged if "error" in numbers]
    assert len(errors) == 2 and all(error < 1.0 for error in errors)


@pytest.mark.validation
def test_files_and_generated_data_train_alike(tmp_path):
    from hfluxno.cli.generate import GenerateConfig
    from hfluxno.cli.generate import main as generate_set

    file = tmp_path / "set.nc"
    assert generate_set(GenerateConfig("cubic", file, laws=20, initials=1, cells=20)) == 0
    data = dataclasses.replace(_TINY.data, train=str(file), validation=str(file))
    config: TrainConfig = dataclasses.replace(_TINY, data=data)
    outcome = trainer.train(config, tmp_path / "run")
    assert outcome.steps == _TINY.steps and np.isfinite(outcome.best_error)
