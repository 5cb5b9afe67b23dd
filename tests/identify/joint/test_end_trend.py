"""Open ends that go on by a trend."""

import numpy as np
import pytest

from hfluxno.boundary import Open
from hfluxno.grid import Grid
from hfluxno.identify.joint.end_trend import _fading, faded, slope_weights
from hfluxno.identify.joint.future_ends import with_future
from hfluxno.identify.joint.kind import Kind
from hfluxno.identify.joint.prior import make_forward
from hfluxno.trajectory import Trajectory

TIMES = np.arange(36.0)


def test_what_grows_has_a_trend_and_what_goes_up_and_down_has_none():
    heated = 20.0 + 15.0 * (1.0 - np.exp(-TIMES / 60.0))
    assert _fading(heated[None], TIMES) == pytest.approx(35.0)
    levelling = 1.0 - np.exp(-TIMES / 12.0)
    assert _fading(levelling[None], TIMES) == pytest.approx(0.25 * 35.0)
    pulses = np.exp(-(((TIMES - 10.0) / 4.0) ** 2)) + np.exp(-(((TIMES - 28.0) / 4.0) ** 2))
    for other in (pulses, np.sin(TIMES / 2.0), np.random.default_rng(0).normal(size=36)):
        assert _fading(other[None], TIMES) is None
        assert _fading(np.stack([heated, other]), TIMES) is None
    assert _fading(np.full((1, 36), 2.0), TIMES) is None
    assert _fading(heated[None, :6], TIMES[:6]) is None


def test_the_slope_is_that_of_the_last_states():
    line = np.where(TIMES < 20.0, 5.0, 5.0 + 0.3 * (TIMES - 20.0))
    assert line @ slope_weights(TIMES) == pytest.approx(0.3)
    np.testing.assert_allclose(faded(np.array([0.0, 1e-3, 1e3]), 5.0), [0.0, 1e-3, 5.0], rtol=1e-3)


def test_ends_go_on_by_their_trend(x64):
    """The mean and the modes of the side that has one, so any states of it."""
    values = np.add.outer(0.2 * TIMES, np.linspace(1.0, 3.0, 16))[:, None]
    grid = Grid.interval(16, boundary=("open", "open"))
    context = Trajectory(values, TIMES, grid, ("u",))
    assert all(isinstance(end, Open) for end in grid.boundary[0])
    forward = make_forward(Kind(4), context, (), known_first=True)
    still, moving = with_future(forward, 45.0), with_future(forward, 45.0, (None, 10.0))
    z = np.random.default_rng(0).normal(size=still.size)
    z[forward.size :] = 0.0
    before, after = (np.asarray(each.grid(z).boundary[0][1].values) for each in (still, moving))
    known = forward.ends.times
    slope = before[:, : len(known)] @ slope_weights(np.asarray(known))
    ahead = moving.ends.times[len(known) :] - known[-1]
    expected = before[:, len(known) :] + slope[:, None] * faded(ahead, 10.0)
    np.testing.assert_allclose(after[:, len(known) :], np.maximum(expected, 0.0), rtol=1e-10)
    lower = [np.asarray(each.grid(z).boundary[0][0].values) for each in (still, moving)]
    np.testing.assert_array_equal(*lower)
