"""The evaluation on all windows, against errors computed by hand."""

import dataclasses
import json

import equinox as eqx
import jax
import numpy as np
import pytest
from jaxtyping import Array, Float

from hfluxno.cli import main
from hfluxno.cli.generate import GenerateConfig
from hfluxno.cli.generate import main as generate_set
from hfluxno.data import open_dataset
from hfluxno.evaluation import windows
from hfluxno.evaluation.windows import Windows
from hfluxno.models.baselines.icon.model import ICONConfig
from hfluxno.models.forecaster import NetworkForecaster
from hfluxno.models.network import ContextNetwork, Operator
from hfluxno.models.weights import save_pretrained
from hfluxno.training.presets import preset
from tests.models import small

_CONFIG = preset("tiny").model
_K, _STEPS = _CONFIG.context, 5


class _Still(Operator):
    factor: Float[Array, ""]

    def __call__(self, u):
        return self.factor * u


class _Fading(ContextNetwork):
    """Forecasts the last frame times a power of a number."""

    factor: Float[Array, ""]

    def read(self, context):
        return _Still(self.factor)


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("set") / "set.zarr"
    assert generate_set(GenerateConfig("cubic", path, laws=5, initials=1, cells=20)) == 0
    import zarr

    zarr.open_group(path, mode="r+")["status"][2] = 1
    return path


def evaluate(forecaster, path, advance=lambda done, total: None, **asked):
    return Windows.of(forecaster, path, **asked).evaluated(forecaster, path, advance)


def _norm(values):
    return np.sqrt(np.sum(np.square(values, dtype=float)))


def test_the_errors_are_those_of_every_window(file, monkeypatch):
    monkeypatch.setattr(windows, "_CHUNK", 7)  # does not divide the number of windows
    told = []
    forecaster = NetworkForecaster(_Fading(jax.numpy.asarray(0.9)), _CONFIG)
    errors = evaluate(
        forecaster,
        file,
        steps=_STEPS,
        every=9,
        advance=lambda done, total: told.append((done, total)),
    )
    with open_dataset(file) as data:
        values = data["values"].values[[0, 1, 3, 4]]
    one, many, largest = [], [], []
    for v in values:
        for start in range(0, 101 - _K - _STEPS + 1, 9):
            last, truth = v[start + _K - 1], v[start + _K : start + _K + _STEPS]
            forecast = np.stack([0.9**j * last for j in range(1, _STEPS + 1)])
            one.append(_norm(forecast[0] - truth[0]) / _norm(truth[0]))
            many.append(_norm(forecast - truth) / _norm(truth))
            largest.append(np.max(np.abs(forecast - truth)) / np.max(np.abs(truth)))
    assert (errors.windows, errors.trajectories, errors.left_out) == (len(one), 4, 1)
    np.testing.assert_allclose(errors.one_step["l2"].mean, np.mean(one), rtol=1e-5)
    np.testing.assert_allclose(errors.one_step["l2"].median, np.median(one), rtol=1e-5)
    np.testing.assert_allclose(errors.all_steps["l2"].mean, np.mean(many), rtol=1e-5)
    np.testing.assert_allclose(errors.all_steps["linf"].mean, np.mean(largest), rtol=1e-5)
    assert errors.all_steps["l2"].p95 == pytest.approx(np.sort(many)[-(-95 * len(many) // 100) - 1])
    long = [
        _norm(0.9**j * v[_K - 1] - v[_K + j - 1]) / _norm(v[_K + j - 1])
        for j in (97,)
        for v in values
    ]
    assert len(errors.times) == 97 and errors.times[-1] == 0.5
    np.testing.assert_allclose(errors.over_time["l2"][-1].mean, np.mean(long), rtol=1e-5)
    assert told[-1] == (len(one) + 4, len(one) + 4)
    assert sum(errors.statuses.values()) == len(one)


def test_a_forecast_that_explodes_counts_as_failed(file):
    forecaster = NetworkForecaster(_Fading(jax.numpy.asarray(1e30)), _CONFIG)
    errors = evaluate(forecaster, file, steps=_STEPS, every=40, trajectories=2)
    assert errors.all_steps["l2"].failures == errors.windows == 2 * 3
    assert errors.one_step["l2"].count == 6


def test_forecasts_may_be_of_a_single_step(file):
    forecaster = NetworkForecaster(_Fading(jax.numpy.asarray(0.9)), _CONFIG)
    errors = evaluate(forecaster, file, steps=1, every=40)
    assert errors.one_step == errors.all_steps and errors.one_step["l2"].count == errors.windows


def test_data_that_do_not_fit_are_refused(file):
    forecaster = NetworkForecaster(_Fading(jax.numpy.asarray(1.0)), _CONFIG)
    with pytest.raises(ValueError, match="has no window of 104 frames"):
        evaluate(forecaster, file, steps=100)
    with pytest.raises(ValueError, match="every must be at least 1"):
        evaluate(forecaster, file, every=0)
    shown = NetworkForecaster(_Fading(jax.numpy.asarray(1.0)), ICONConfig(), "icon-test")
    with pytest.raises(ValueError, match="icon-test needs examples of the law of every window"):
        evaluate(shown, file)
    other = dataclasses.replace(_CONFIG, cells=(10,), spacing=(0.1,))
    with pytest.raises(ValueError, match="10 cells"):
        evaluate(
            eqx.tree_at(
                lambda f: f.network,
                NetworkForecaster(_Fading(jax.numpy.asarray(1.0)), other),
                _Fading(jax.numpy.asarray(1.0)),
            ),
            file,
        )


def test_the_command_shows_a_table_and_writes_all_numbers(file, tmp_path, capsys):
    weights = tmp_path / "net"
    save_pretrained(weights, small.network(_CONFIG), _CONFIG, small.TRAINING)
    output = tmp_path / "errors.json"
    command = ["evaluate", "--weights", str(weights), "--data", str(file), "--output", str(output)]
    command += ["--steps", "3", "--every", "50", "--trajectories", "2"]
    assert main(command) == 0
    shown = capsys.readouterr().out
    assert "4 windows of 2 trajectories" in " ".join(shown.split())
    for part in ("1 step, l2", "3 steps, l∞", "roll-out, t = 0.5", "95th percentile", "Left out"):
        assert part in shown
    written = json.loads(output.read_text())
    assert written["windows"] == 4 and len(written["over_time"]["l2"]) == 97
    assert main([*command, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == written
    assert main(["evaluate", "--weights", "no-such-net", "--data", str(file)]) == 2
    assert "Unknown weights 'no-such-net'" in capsys.readouterr().err
