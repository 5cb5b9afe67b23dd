"""The forecaster that repeats, and forecasters by name."""

import functools

import numpy as np
import pytest

from hfluxno.identify import FittedLawForecaster
from hfluxno.methods import METHODS, forecast, forecaster
from hfluxno.models import weights
from hfluxno.models.configuration import ModelConfig
from hfluxno.models.registry import MODELS, method_of
from hfluxno.models.weights import available, load
from hfluxno.persistence import Persistence
from hfluxno.strict_json import from_dict
from hfluxno.training.presets import PRESETS
from hfluxno.trajectory import Trajectory
from tests.models.small import CONFIGURATIONS, LINE

VALUES = np.random.default_rng(0).normal(size=(3, 4, 2, 10)).astype(np.float32)
TIMES = 7.0 + 0.5 * np.arange(4)


def configuration(name: str) -> ModelConfig:
    """That of a shipped network, without its arrays."""
    described = weights._described(weights._folder(name) / weights.CONFIG)
    return from_dict(ModelConfig, described["model"], "the model configuration")


@functools.cache
def shipped_methods() -> dict[str, str]:
    return {name: method_of(configuration(name)) for name in available()}


def test_persistence_repeats_the_last_frame_at_the_times_that_follow():
    context = Trajectory.from_numpy(VALUES[0], TIMES, fields=["h", "m"])
    found = Persistence().forecast(context, 3)
    assert found.trajectory.values.shape == (3, 2, 10) and not found.trajectory.is_batched
    for frame in found.trajectory.values:
        np.testing.assert_array_equal(frame, VALUES[0, -1])
    np.testing.assert_allclose(found.trajectory.times, [9.0, 9.5, 10.0])
    assert found.trajectory.fields == ("h", "m") and found.trajectory.grid == context.grid
    assert found.status.shape == () and found.status == 0 and len(found.sentences) == 1
    assert np.isnan(found.backtest_error) and found.conservation_drift == 0.0
    assert not found.left_observed_range


def test_persistence_of_a_batch_is_that_of_each():
    batch = Persistence().forecast(Trajectory.from_numpy(VALUES, TIMES), 2)
    assert batch.trajectory.values.shape == (3, 2, 2, 10) and len(batch.sentences) == 3
    for name in ("status", "backtest_error", "conservation_drift", "left_observed_range"):
        assert getattr(batch, name).shape == (3,)
    for values, frames in zip(VALUES, batch.trajectory.values, strict=True):
        alone = Persistence().forecast(Trajectory.from_numpy(values, TIMES), 2)
        np.testing.assert_array_equal(frames, alone.trajectory.values)
        np.testing.assert_allclose(batch.trajectory.times, alone.trajectory.times)
    some = batch.members(slice(1, 3))
    np.testing.assert_array_equal(some.trajectory.values, batch.trajectory.values[1:])
    assert len(some.sentences) == 2 and some.status.shape == (2,) and some.deviation is None


def test_a_forecast_may_have_times_of_its_own():
    context = Trajectory.from_numpy(VALUES[0], TIMES)
    found = forecast(context, 3, "persistence", every=0.2)
    np.testing.assert_allclose(found.trajectory.times, [8.7, 8.9, 9.1])
    for wrong in (0.0, -1.0, np.nan, np.inf):
        with pytest.raises(ValueError, match="every must be a positive time; got"):
            forecast(context, 3, "persistence", every=wrong)
    for wrong in (1e-17, 1e308):
        with pytest.raises(ValueError, match=r"cannot be told from each other after .*\(every"):
            forecast(context, 3, "persistence", every=wrong)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("wrong", [np.timedelta64(1, "s"), np.array([1.0]), "soon"])
def test_what_is_no_time_is_refused_before_anything_holds_it(wrong):
    with pytest.raises(ValueError, match="every must be a positive time; got"):
        forecast(Trajectory.from_numpy(VALUES[0], TIMES), 3, every=wrong)


def test_what_a_method_has_no_use_for_is_refused():
    with pytest.raises(ValueError, match="persistence takes no noise; choose the method"):
        forecast(Trajectory.from_numpy(VALUES), 1, "persistence", noise=0.1)
    with pytest.raises(ValueError, match="hfluxno steps from frame to frame as it was trained"):
        forecaster("hfluxno", "small-cubic", every=0.1)
    found = forecaster("fit", momentum="m", every=0.5)
    assert (found.momentum, found.every) == ("m", 0.5)


@pytest.mark.parametrize("steps", [0, -1])
def test_persistence_needs_a_step(steps):
    with pytest.raises(ValueError, match=f"steps must be at least 1; got {steps}"):
        Persistence().forecast(Trajectory.from_numpy(VALUES), steps)


def test_methods_without_weights_are_found_by_name():
    assert isinstance(forecaster("fit"), FittedLawForecaster)
    assert isinstance(forecaster("persistence"), Persistence)
    context = Trajectory.from_numpy(VALUES[0])
    np.testing.assert_array_equal(
        forecast(context, 2, "persistence").trajectory.values[1], VALUES[0, -1]
    )
    with pytest.raises(ValueError, match="Unknown method 'oracle'; choose one of fit, hfluxno,"):
        forecaster("oracle")


@pytest.mark.parametrize("method", ["fit", "persistence"])
def test_methods_without_weights_take_none(method):
    for arguments in (("hfluxno-cubic", None), (None, 2)):
        with pytest.raises(ValueError, match=f"The method {method} has no weights and takes no"):
            forecaster(method, *arguments)


@pytest.mark.parametrize("method", sorted(set(METHODS) - {"fit", "persistence"}))
def test_networks_need_weights_and_name_the_shipped_ones(method):
    with pytest.raises(
        ValueError, match=f"The method {method} needs weights: a shipped name"
    ) as said:
        forecaster(method)
    for name, its_method in shipped_methods().items():
        named = f"{name}," in str(said.value) or f"{name})" in str(said.value)
        assert named == (its_method == method)


def test_a_shipped_name_may_be_short():
    name = "hfluxno-weak-form-cubic"
    named, short = forecaster("hfluxno-weak-form", name), forecaster("hfluxno-weak-form", "cubic")
    assert named.name == short.name == name and named.config == short.config
    refined = forecaster("hfluxno-law", "cubic", 2)
    assert refined.config.target.refinement == 2
    with pytest.raises(ValueError, match=f"{name} infers no law that could be refined"):
        forecaster("hfluxno-weak-form", "cubic", 1)


@pytest.mark.parametrize(
    ("method", "old", "new"),
    [
        ("hfluxno", "cubic", "hfluxno-weak-form-cubic"),
        ("hfluxno", "hfluxno-burgers", "hfluxno-weak-form-burgers"),
        ("hfluxno", "cubic-law", "hfluxno-law-cubic"),
        ("hfluxno", "plain-cubic", "hfluxno-small-cubic"),
        (None, "hfluxno-cubic-law", "hfluxno-law-cubic"),
        (None, "cubic", "hfluxno-weak-form-cubic"),
    ],
)
def test_names_of_the_version_before_are_understood(method, old, new):
    with pytest.warns(FutureWarning, match=f"The weights .*{old} are now called {new}"):
        found = load(old) if method is None else forecaster(method, old)
    assert found.name == new


def test_weights_of_another_method_are_refused():
    weights = "hfluxno-small-cubic"
    message = f"The weights {weights} are of the method hfluxno, not of dpot; choose that method"
    with pytest.raises(ValueError, match=message):
        forecaster("dpot", weights)
    with pytest.raises(ValueError, match="of the method hfluxno-law, not of hfluxno; choose that"):
        forecaster("hfluxno", "hfluxno-law-cubic")


def test_every_kind_of_network_has_a_method():
    assert set(MODELS) | {"flux-no", "icon-context"} <= set(METHODS)
    assert method_of(LINE) == "hfluxno" and method_of(CONFIGURATIONS["flux no"]) == "flux-no"
    for name, config in PRESETS.items():
        assert method_of(config.model) in METHODS, name


def test_shipped_weights_are_of_the_method_that_begins_their_name():
    for name, method in shipped_methods().items():
        assert name.startswith(f"{method}-")
