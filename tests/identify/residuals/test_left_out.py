"""Sensors that are left out of a linear estimate."""

import numpy as np
import pytest

from hfluxno.identify.residuals.left_out import excess_of_left_out

TIMES, SENSORS, UNKNOWN = 40, 6, 9


@pytest.fixture
def linear():
    """Rows, true unknowns and noise in its own units, of sensors in every second cell."""
    rng = np.random.default_rng(0)
    rows = (
        rng.normal(size=(TIMES, UNKNOWN, 1, 2 * SENSORS)) * np.arange(1, UNKNOWN + 1)[:, None, None]
    )
    seen = np.zeros((TIMES, 1, 2 * SENSORS), bool)
    seen[..., ::2] = True
    seen[::7, 0, 4] = False
    return rows, rng.normal(size=UNKNOWN), rng.normal(size=seen.shape), seen


def solved(rows, values, seen):
    """The unknowns and their covariance."""
    J = np.moveaxis(rows, 1, -1)[seen]
    covariance = np.linalg.inv(J.T @ J + np.eye(UNKNOWN))
    return covariance @ J.T @ values[seen], covariance


def test_it_is_what_another_estimate_without_the_sensor_says(linear):
    rows, truth, noise, seen = linear
    values = np.einsum("tufc,u->tfc", rows, truth) + noise
    found, covariance = solved(rows, values, seen)
    missed = np.einsum("tufc,u->tfc", rows, found) - values
    expected = []
    for cell in range(0, 2 * SENSORS, 2):
        others = seen.copy()
        others[..., cell] = False
        z, without = solved(rows, values, others)
        J = np.moveaxis(rows[..., cell], 1, -1)[seen[..., cell]]
        e = J @ z - values[..., cell][seen[..., cell]]
        expected.append(np.mean(e**2 / (1.0 + np.diag(J @ without @ J.T))))
    excess = excess_of_left_out(missed, rows, covariance, 1.0, seen)
    assert excess == pytest.approx(np.median(expected))
    assert 0.8 < excess < 1.2


def test_a_model_that_each_sensor_contradicts_is_seen(linear):
    """Sensors with steady errors of their own, which the unknowns partly follow."""
    rows, truth, noise, seen = linear
    steady = 3.0 * np.random.default_rng(1).normal(size=2 * SENSORS)
    values = np.einsum("tufc,u->tfc", rows, truth) + noise + steady
    found, covariance = solved(rows, values, seen)
    missed = np.einsum("tufc,u->tfc", rows, found) - values
    assert excess_of_left_out(missed, rows, covariance, 1.0, seen) > 2.0


def test_a_single_sensor_that_is_far_off_does_not_count(linear):
    rows, truth, noise, seen = linear
    values = np.einsum("tufc,u->tfc", rows, truth) + noise
    values[..., 0] += 10.0
    found, covariance = solved(rows, values, seen)
    missed = np.einsum("tufc,u->tfc", rows, found) - values
    assert excess_of_left_out(missed, rows, covariance, 1.0, seen) < 2.0
