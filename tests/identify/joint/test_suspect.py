"""Wild values and a dead sensor are told from fronts and from noise."""

import dataclasses

import numpy as np
import pytest

from hfluxno import Trajectory, identify
from hfluxno.boundary import Open
from hfluxno.grid import Grid
from hfluxno.identify import FitStatus
from hfluxno.identify.joint.suspect import suspect_values


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(3)


PLACES = [5, 12, 20, 33, 41, 50]


def a_road(rng) -> tuple[np.ndarray, np.ndarray]:
    """A front that passes sensors on 60 cells with noise, (time, 1, cells), and without noise."""
    time, cells = np.arange(40.0)[:, None], np.arange(60.0)
    truth = 30.0 + 20.0 * np.tanh((cells - 2.0 * time + 15.0) / 2.0)
    values = np.full((40, 1, 60), np.nan)
    values[:, 0, PLACES] = (truth + rng.normal(size=truth.shape))[:, PLACES]
    return values, truth[:, None]


def test_noise_and_a_front_at_another_time_are_not_suspect(rng):
    values, truth = a_road(rng)
    later = np.concatenate([truth[:2], truth[:-2]])
    assert not suspect_values(values, truth).any()
    assert not suspect_values(values, later).any()


def test_wild_values_are_suspect(rng):
    values, truth = a_road(rng)
    wild = [(0, 5), (7, 20), (8, 41), (39, 50)]
    for frame, place in wild:
        values[frame, 0, place] += rng.choice([-25.0, 40.0])
    found = suspect_values(values, truth)
    assert {(frame, place) for frame, _, place in np.argwhere(found)} == set(wild)


def test_a_law_that_wild_values_spoilt_does_not_hide_them(rng):
    values, truth = a_road(rng)
    for frame, place in [(12, 20), (25, 41)]:
        values[frame, 0, place] += 60.0
    spoilt = truth + 15.0 * rng.normal(size=truth.shape)
    found = suspect_values(values, spoilt)
    assert {(frame, place) for frame, _, place in np.argwhere(found)} == {(12, 20), (25, 41)}


def test_many_wild_values_are_no_exceptions(rng):
    values, truth = a_road(rng)
    values[::5, 0, PLACES[:3]] += 40.0
    assert not suspect_values(values, truth).any()


def test_a_dead_sensor_is_suspect(rng):
    values, truth = a_road(rng)
    values[:, 0, 33] = 12.5
    values[3:5, 0, 33] = np.nan
    found = suspect_values(values, truth)
    assert found[:, 0, 33].sum() == 38
    assert found.sum() == 38


def test_a_sensor_that_is_stuck_for_a_while_is_suspect_then(rng):
    values, truth = a_road(rng)
    values[18:, 0, 33] = values[17, 0, 33]
    values[20:23, 0, 33] = np.nan
    found = suspect_values(values, truth)
    expected = np.zeros_like(found)
    expected[18:, 0, 33] = ~np.isnan(values[18:, 0, 33])
    np.testing.assert_array_equal(found, expected)
    # Where others often repeat a value, as counts of a few do, this is no fault.
    values[10:13, 0, 41] = 7.0
    assert suspect_values(values, truth)[18:, 0, 33].any()
    values[10:18, 0, 41] = 7.0
    values[10:18, 0, 12] = 7.0
    assert not suspect_values(values, truth).any()


def test_dead_sensors_are_suspect_also_with_a_spike(rng):
    values, truth = a_road(rng)
    values[:, 0, 33] = 12.5
    values[7, 0, 33] = 200.0
    found = suspect_values(values, truth)
    assert found[:, 0, 33].all()
    assert found.sum() == 40


def test_sensors_at_rest_are_not_dead(rng):
    values, truth = a_road(rng)
    values[:, 0, PLACES[:3]] = 12.5
    assert not suspect_values(values, truth).any()


@pytest.mark.validation
def test_a_road_with_a_dead_sensor_and_wild_values_is_reconstructed(rng):
    """Greenshields' law by characteristics, before any shock (at 1/.44): u₀(x - f'(u) t) = u."""
    time, x = np.linspace(0.0, 2.0, 40), (np.arange(60) + 0.5) / 10.0
    truth = np.empty((40, 60))
    for frame, t in enumerate(time):
        u = np.full(60, 0.4)
        for _ in range(200):
            u = 0.4 + 0.2 * np.sin(1.1 * (x - (1.0 - 2.0 * u) * t))
        truth[frame] = u
    values = np.full((40, 1, 60), np.nan)
    values[:, 0, ::5] = (truth + 0.01 * rng.normal(size=truth.shape))[:, ::5]
    values[:, 0, 30] = 0.0
    values[[4, 11, 25, 33], 0, [5, 20, 40, 50]] = 2.0
    grid = Grid((0.0,), (6.0,), (60,), ((Open(), Open()),))
    found = identify(Trajectory(values, time, grid, ("density",)))
    assert found.status == FitStatus.OK
    assert found.suspect == 44
    assert (
        "44 measured values left out, which the law of the others does not explain"
        in found.sentence
    )
    assert found.estimate is not None
    away = found.estimate.states[:, 0] - truth
    assert np.sqrt(np.sum(away**2) / np.sum(truth**2)) < 0.04
    assert dataclasses.replace(found, suspect=0).sentence.count("left out") == 0
