"""Open ends that go on by a trend, or return to their usual state."""

import dataclasses
import importlib

import numpy as np
import pytest

from hfluxno.boundary import Open
from hfluxno.grid import Grid
from hfluxno.identify.joint.end_outlook import outlook, slope_weights
from hfluxno.identify.joint.end_scatter import with_end_scatter
from hfluxno.identify.joint.estimate import Estimate
from hfluxno.identify.joint.future_ends import with_future
from hfluxno.identify.joint.kind import Kind
from hfluxno.identify.joint.prior import make_forward
from hfluxno.trajectory import Trajectory

TIMES = np.arange(36.0)
HEATED = 20.0 + 15.0 * (1.0 - np.exp(-TIMES / 60.0))
SINE = 2.0 + np.sin(TIMES / 2.0)
PULSES = np.exp(-(((TIMES - 10.0) / 4.0) ** 2)) + np.exp(-(((TIMES - 28.0) / 4.0) ** 2))


def test_what_grows_has_a_trend_and_what_goes_up_and_down_has_none():
    found = outlook(HEATED[None], TIMES)
    assert found.is_trend and found.length == pytest.approx(35.0)
    levelling = 1.0 - np.exp(-TIMES / 12.0)
    found = outlook(levelling[None], TIMES)
    assert found.is_trend and found.length == pytest.approx(0.25 * 35.0)
    for other in (PULSES, SINE, np.random.default_rng(0).normal(size=36)):
        for states in (other[None], np.stack([HEATED, other])):
            found = outlook(states, TIMES)
            assert found is None or not found.is_trend
    assert outlook(np.full((1, 36), 2.0), TIMES) is None
    assert outlook(HEATED[None, :6], TIMES[:6]) is None


def test_what_goes_up_and_down_returns_to_its_usual_state():
    rng = np.random.default_rng(0)
    for states, usual in ((SINE, 2.0), (5.0 + rng.normal(size=36), 5.0)):
        found = outlook(states[None], TIMES)
        change = found.change(states[None], np.array([0.0, 1e3]))
        np.testing.assert_allclose(change[0], [0.0, np.median(states) - states[-1]], atol=1e-12)
        assert states[-1] + change[0, 1] == pytest.approx(usual, abs=0.3)
    # What has changed for good does not, and rarely what wanders.
    stepped = np.where(TIMES < 14.0, 1.0, 3.0) + 0.01 * rng.normal(size=36)
    walks = np.cumsum(rng.normal(size=(100, 1, 36)), axis=-1)
    found = [outlook(states, TIMES) for states in (stepped[None], HEATED[None], *walks)]
    return_ = [each is not None and not each.is_trend for each in found]
    assert not any(return_[:2]) and np.mean(return_[2:]) < 0.25


def test_the_slope_is_that_of_the_last_states():
    line = np.where(TIMES < 20.0, 5.0, 5.0 + 0.3 * (TIMES - 20.0))
    assert line @ slope_weights(TIMES) == pytest.approx(0.3)
    found = outlook(HEATED[None], TIMES)
    slope = HEATED @ slope_weights(TIMES)
    np.testing.assert_allclose(
        found.change(HEATED[None], np.array([0.0, 1e-3, 1e5])),
        [[0.0, 1e-3 * slope, 35.0 * slope]],
        rtol=1e-4,
    )


@pytest.mark.parametrize("returns", [False, True])
def test_ends_go_on_as_expected(returns, x64):
    """The mean and the modes of the side that changes, so any states of it."""
    values = np.add.outer(0.2 * TIMES, np.linspace(1.0, 3.0, 16))[:, None]
    grid = Grid.interval(16, boundary=("open", "open"))
    context = Trajectory(values, TIMES, grid, ("u",))
    assert all(isinstance(end, Open) for end in grid.boundary[0])
    forward = make_forward(Kind(4), context, (), known_first=True)
    expects = outlook((SINE if returns else HEATED)[None], TIMES)
    assert expects.is_trend != returns
    still, moving = with_future(forward, 45.0), with_future(forward, 45.0, (None, expects))
    z = np.random.default_rng(0).normal(size=still.size)
    z[forward.size :] = 0.0
    before, after = (np.asarray(each.grid(z).boundary[0][1].values) for each in (still, moving))
    known = forward.ends.times
    ahead = moving.ends.times[len(known) :] - known[-1]
    expected = before[:, len(known) :] + expects.change(before[:, : len(known)], ahead)
    np.testing.assert_allclose(after[:, len(known) :], np.maximum(expected, 0.0), rtol=1e-10)
    lower = [np.asarray(each.grid(z).boundary[0][0].values) for each in (still, moving)]
    np.testing.assert_array_equal(*lower)
    # What a return has in common with the last state is known.
    spread = np.sqrt(np.sum(moving.ends.modes[forward.ends.modes.shape[0] :] ** 2, axis=0))
    apart = np.exp(-ahead / moving.ends.length)
    of_prior = np.sqrt(1.0 - apart**2) if returns else np.sqrt(2.0 * (1.0 - apart))
    scatter = float(moving.ends.scatter[1, 0])
    np.testing.assert_allclose(spread[1, 0, len(known) :], scatter * of_prior, rtol=1e-6)


def test_an_end_that_returns_varies_about_its_usual_state(x64):
    values = 2.0 + 0.01 * np.random.default_rng(2).normal(size=(36, 1, 12))
    grid = Grid.interval(12, 0.0, 12.0, "open")
    forward = make_forward(Kind(2), Trajectory(values, TIMES, grid, ("u",)), (), known_first=True)
    mean = np.full(forward.ends.mean.shape, 2.0)
    mean[0, 0] = SINE
    forward = dataclasses.replace(forward, ends=dataclasses.replace(forward.ends, mean=mean))
    count = forward.size
    known = Estimate(forward, np.zeros(count), np.eye(count), np.ones(1), TIMES, 0.0)
    found = with_end_scatter(known).forward
    assert found.ends.scatter[0, 0] >= np.sqrt(0.5) * 0.95
    last = with_future(found, 90.0, (outlook(SINE[None], TIMES), None)).ends
    assert last.mean[0, 0, -1] == pytest.approx(np.median(SINE), abs=1e-3)


@pytest.mark.parametrize(
    ("spread", "normal", "said"), [(0.3, 0.25, True), (0.3, 0.2, False), (0.02, 0.02, False)]
)
def test_a_large_error_because_of_what_enters_is_mended_by_giving_it(spread, normal, said):
    """Its part is (normal/spread)², of an error of a frame of ones that has to exceed 5 %."""
    forecaster = importlib.import_module("hfluxno.identify.forecaster")
    frames = np.ones((4, 1, 8))
    found = forecaster._Continued(frames, True, spread * frames[1:], normal=normal * frames[1:])
    assert forecaster._enters(found) == said
    assert not forecaster._enters(found._replace(normal=None))
