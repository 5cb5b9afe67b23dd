"""The standard deviation of a forecast: what it is made of, and what it is worth."""

import numpy as np
import pytest

import hfluxno
from benchmarks.independent.schemes import godunov
from hfluxno.forecaster import NINETY
from hfluxno.identify.spread import _columns

CELLS, FRAMES, STEPS = 64, 12, 16


@pytest.fixture(scope="module")
def traffic():
    """Greenshields' traffic by a scheme on fine cells, frames (time, field, cells)."""
    x = (np.arange(1536) + 0.5) / 1536
    density = 0.45 + 0.2 * np.sin(2 * np.pi * x) + 0.1 * np.cos(4 * np.pi * x + 1.0)
    return godunov(
        lambda u: u * (1 - u),
        lambda u: np.abs(1 - 2 * u),
        0.5,
        density[None, None],
        FRAMES + STEPS,
        CELLS,
    )[0]


def forecast(values):
    context = hfluxno.Trajectory.from_numpy(values[:FRAMES], np.arange(FRAMES) * 0.01)
    return hfluxno.forecast(context, STEPS)


def errors_of(found, truth):
    difference = np.asarray(found.trajectory.values) - truth[FRAMES:]
    return np.sqrt(np.sum(difference**2, axis=(1, 2)) / np.sum(truth[FRAMES:] ** 2, axis=(1, 2)))


@pytest.mark.validation
def test_the_predicted_error_is_of_the_size_of_the_true_one(traffic):
    found = forecast(traffic)
    true, predicted = errors_of(found, traffic), found.predicted_error
    assert predicted.shape == (STEPS,)
    assert predicted[-1] > predicted[0]
    # Of the last frames, within a factor of five, where the scheme of the data has its own errors.
    ratio = true[-4:] / predicted[-4:]
    assert np.all(ratio < 5.0) and np.all(ratio > 0.02)
    np.testing.assert_allclose(found.predicted_error_90, 2.3 * predicted)


def test_bands_hold_the_truth_under_noise(traffic):
    noise = 0.02 * traffic.std()
    noisy = traffic + noise * np.random.default_rng(1).normal(size=traffic.shape)
    found = forecast(noisy)
    away = np.abs(np.asarray(found.trajectory.values) - traffic[FRAMES:])
    inside = np.mean(away < NINETY * found.deviation)
    assert 0.75 < inside <= 1.0
    # All frames together are surer than one of them.
    assert np.median(found.deviation[0]) < noise


def test_few_columns_make_up_a_covariance_and_many_do_so_on_average():
    roots = np.random.default_rng(0).normal(size=(5, 5))
    covariance = roots @ roots.T
    columns = _columns(covariance)
    np.testing.assert_allclose(columns @ columns.T, covariance, atol=1e-12)
    large = _columns(np.eye(20))
    assert large.shape == (20, 8)
    assert np.sum(large**2) == pytest.approx(20.0)
