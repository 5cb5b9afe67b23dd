"""How far forecasts on a plane may be off."""

import dataclasses

import numpy as np
import pytest

from hfluxno.grid import Grid
from hfluxno.identify.plane import deviation
from hfluxno.identify.plane.deviation import _by_time, _where_steep
from hfluxno.identify.plane.frames import frames_of
from hfluxno.identify.plane.run import Followed, Start
from hfluxno.parametric.basis import Dictionary
from hfluxno.parametric.plane.flow import SteadyFlow, modes
from hfluxno.parametric.plane.law import FittedPlaneLaw
from hfluxno.trajectory import Trajectory
from tests.identify.plane.laws import identification, one_field, shallow_water

SHAPE = (16, 20)


def seen(values, deviation=0.0):
    values = values + deviation * np.random.default_rng(0).normal(size=values.shape)
    times = np.arange(float(len(values)))
    fields = ("u", "v")[: values.shape[1]]
    return frames_of(Trajectory(values, times, Grid.rectangle(SHAPE), fields))


def smooth(frames=9):
    x, y = (2.0 * np.pi * np.arange(n) / n for n in SHAPE)
    u = np.sin(x)[:, None] + 0.5 * np.cos(y)
    return np.stack([np.stack([u, 2.0 - u])] * frames)


def test_errors_of_runs_are_continued_by_a_line():
    """Errors of .01 (1 + t) in one field and of .03 in the other."""
    values = smooth()
    sign = np.where(np.indices(SHAPE).sum(axis=0) % 2, 1.0, -1.0)
    runs = []
    for begin in (0, 4):
        t = np.arange(1, len(values) - begin)[:, None, None, None]
        off = np.concatenate([0.01 * (1.0 + t) * sign, 0.03 * sign + 0.0 * t], axis=1)
        runs.append((begin, values[begin + 1 :] + off))
    times = np.array([1.0, 5.0, 20.0])
    expected = np.stack([0.01 * (1.0 + times), 0.03 + 0.0 * times], axis=1)
    np.testing.assert_allclose(_by_time(runs, seen(values), times), expected, rtol=1e-6)
    # A field that a frame lacks.
    gaps = values.copy()
    gaps[6, 1] = np.nan
    np.testing.assert_allclose(_by_time(runs, seen(gaps), times), expected, rtol=1e-6)
    # Noise is none of the law's, whose own runs are compared with it.
    own = [(0, values[1:])]
    noisy = seen(values, 0.02)
    assert 0.01 < noisy.noise < 0.06
    assert np.all(_by_time(own, noisy, times) < 0.016)


def test_the_error_of_the_scheme_is_as_large_a_part_of_the_difference_as_in_the_context(
    monkeypatch,
):
    """Of a difference of .1 from other cells .03 was an error in the context; all of it at most."""
    values, frames = smooth(), smooth(3)
    monkeypatch.setattr(deviation, "state_of", lambda *_: (values[0], True))
    law, after = shallow_water(), Followed(frames + 0.2, values[0], True)
    monkeypatch.setattr(deviation, "onward", lambda *_: after)
    for off, part in ((0.03, 0.3), (0.0, 0.0), (0.5, 1.0)):
        before = Followed(values[1:] + off + 0.1, values[0], True)
        monkeypatch.setattr(deviation, "predicted", lambda *_, run=before: run)
        past = (0, values[1:] + off)
        start = Start("restart", 2)
        found, _, other = deviation._by_scheme(law, seen(values), start, past, np.ones(3))
        assert other is after.frames and found == pytest.approx(part**2, abs=1e-12)


def test_errors_are_expected_where_it_is_steep():
    step = np.zeros((1, 2, *SHAPE))
    step[:, :, 8:] = 1.0
    shape = _where_steep(step, seen(smooth()))
    np.testing.assert_allclose(shape.mean(axis=(2, 3)), 1.0)
    assert np.all(shape[:, :, 7:9] > 3.0) and np.all(shape[:, :, 4] < 0.5)
    flat = _where_steep(np.ones((1, 2, *SHAPE)), seen(smooth()))
    np.testing.assert_array_equal(flat, 1.0)


def test_beyond_the_observed_range_another_guess_of_the_law_counts(monkeypatch):
    """A guess that leads elsewhere by .2."""
    law = one_field()
    around = 0.7 + 0.3 * smooth()[:, :1] / 1.5
    within = seen(around)
    monkeypatch.setattr(deviation, "state_of", lambda *_: (around[0], False))

    def predicted(law, seen, start, begin):
        return Followed(around[begin + 1 :], around[0], True)

    monkeypatch.setattr(deviation, "predicted", predicted)

    def onward(other, *_):
        off = 0.2 if other.upper[0] > law.upper[0] else 0.0
        return Followed(frames + off, around[0], True)

    monkeypatch.setattr(deviation, "onward", onward)
    item = identification(law, grid_law=law, neighbours=())
    for frames, expected in ((around[:3], 0.0), (around[:3] + 0.5, 0.2)):
        start = Start("restart", 1)
        compared = deviation.comparison(law, within, start, np.ones(3))
        found = deviation.deviation_ahead(
            item, within, start, around[0], np.ones(3), frames, compared
        )
        np.testing.assert_allclose(found, expected, atol=1e-9)
    # One width further to both sides, but not to negative states from positive ones.
    np.testing.assert_allclose([*law.further().lower, *law.further().upper], [0.025, 2.5])


def growth_at(rate: float) -> FittedPlaneLaw:
    """u_t = r u without a flux."""
    return FittedPlaneLaw(
        ("u",),
        Dictionary(np.ones(1), ((1,),), ("u",)),
        np.zeros((2, 1, 1)),
        np.array([-0.1]),
        np.array([30.0]),
        arising=((1,),),
        sources=np.array([[rate]]),
    )


def test_what_grows_from_noise_is_expected_where_there_is_nothing():
    """u_t = r u without a flux multiplies the noise of the last frame by exp(r t), there too."""
    rate, noise = 0.25, 0.01
    bump = np.where(np.arange(SHAPE[0]) < 4, 1.0, 0.0)[:, None] + np.zeros(SHAPE)
    growth = np.exp(rate * np.arange(5.0))[:, None, None, None]
    frames = seen(growth * bump, noise)
    law = growth_at(rate)
    start, ahead = Start("restart", 1), np.ones(8)
    run = deviation.onward(law, frames, start, frames.filled[-1], ahead)
    assert run.solved
    item = identification(law, grid_law=law, neighbours=())
    nothing = deviation.Comparison([(0, frames.values[1:])])
    found = deviation.deviation_ahead(
        item, frames, start, frames.filled[-1], ahead, run.frames, nothing
    )
    away = np.sqrt(np.mean(found[:, 0, 8:14] ** 2, axis=(1, 2)))
    expected = noise * np.exp(rate * np.arange(1.0, 9.0))
    assert np.all(away > 0.6 * expected) and np.all(away < 2.0 * expected)


def test_a_source_errs_where_it_acts_also_where_nothing_is_steep():
    """Half of the plane grows alike, nothing changes at the jump where the other half is still."""
    growth = np.exp(0.25 * np.arange(9.0))[:, None, None, None]
    x = np.arange(SHAPE[0])[:, None] + np.zeros(SHAPE)
    half = np.where(x < 8, 1.0, 0.0)
    values = half * growth + np.where(x == 12, 20.0, 0.0)
    frames = seen(values[:5])
    law = growth_at(0.25)
    spreads = []
    for each in (law, dataclasses.replace(law, arising=(), sources=None)):
        missed = deviation.Comparison([(0, values[1:5] + 0.01 * values.std())])
        spreads.append(
            deviation.deviation_ahead(
                identification(each, grid_law=each, neighbours=()),
                frames,
                Start("restart", 1),
                frames.filled[-1],
                np.ones(4),
                values[5:],
                missed,
            )
        )
    with_source, without = (each[:, 0] for each in spreads)
    assert np.all(with_source[:, 3:5] > 1.5 * without[:, 3:5])
    sizes = [np.sqrt(np.mean(each**2, axis=(1, 2))) for each in (with_source, without)]
    np.testing.assert_allclose(*sizes, rtol=1e-6)


def test_what_neighbours_share_is_no_noise():
    """An error of .01 in waves of eight cells under noise of .02, in the fields of `smooth`."""
    values = seen(smooth(), 0.02)
    wave = 0.01 * np.sqrt(2.0) * np.sin(np.pi * np.arange(SHAPE[0]) / 4.0)[:, None]
    noise = 0.02 * np.random.default_rng(1).normal(size=(8, 2, *SHAPE))
    alone, both = (deviation._beyond_noise(e, values) for e in (noise, noise + wave))
    assert np.mean(alone) < 0.2 * 0.02**2
    assert np.mean(both) == pytest.approx(0.01**2, rel=0.3)


def test_what_leaves_a_flow_that_does_not_go_round_is_uncertain():
    """c moves along x with the flow 1 between sides that are said to be periodic."""
    x = np.arange(SHAPE[0]) + 0.5
    moving = np.exp(-((x - 5.0 - np.arange(12.0)[:, None]) ** 2) / 4.0)[:, None, :, None]
    every = np.broadcast_to(moving, (12, 1, *SHAPE))
    coefficients = np.zeros((2, len(modes(1, (False, False)))))
    coefficients[0, 0] = 1.0
    flow = SteadyFlow(coefficients, np.zeros(2), np.array(SHAPE, float), 1, (False, False))
    unit = Dictionary(np.ones(1), ((1,),), ("c",))
    law = FittedPlaneLaw(("c",), unit, np.zeros((2, 1, 1)), np.zeros(1), np.ones(1), flow=flow)
    frames = seen(every[:5])
    start, ahead = Start("restart", 1), np.ones(7)
    run = deviation.onward(law, frames, start, frames.filled[-1], ahead)
    item = identification(law, grid_law=law, neighbours=())
    exact = deviation.Comparison([(0, frames.values[1:])])
    found = deviation.deviation_ahead(
        item, frames, start, frames.filled[-1], ahead, run.frames, exact
    )
    assert run.frames[-1, 0, 0].min() > 0.2 and found[-1, 0, 0].min() > 0.2
    assert found[0].max() < 0.02
