"""Sensors that are biased or exchanged are told from laws that are wrong, fronts and noise."""

import dataclasses

import numpy as np
import pytest

from hfluxno import Trajectory
from hfluxno.identify.residuals.odd_places import odd_places
from hfluxno.observation import Points

FRAMES, CELLS = 24, 64
X = (np.arange(CELLS) + 0.5) / CELLS
T = np.arange(float(FRAMES))[:, None]
LAW = (1.0 + 0.3 * np.sin(2 * np.pi * (X - 0.04 * T)) + 0.1 * np.cos(4 * np.pi * X))[:, None]
FRONT = np.where(X < 0.5, 1.0, 0.4)[None, None] + 0.0 * LAW
AT = np.arange(2, CELLS, 5)


def measured(rng, sensors: bool, law: np.ndarray = LAW, noise: float = 0.01) -> np.ndarray:
    values = law + noise * rng.normal(size=law.shape)
    if sensors:
        values[..., np.setdiff1d(np.arange(CELLS), AT)] = np.nan
    return values


def odd(values: np.ndarray, law: np.ndarray = LAW, boundary="open"):
    context = Trajectory.from_numpy(values, T[:, 0], X, ("q",), boundary)
    return odd_places(values, law, context)


@pytest.fixture
def rng():
    return np.random.default_rng(5)


@pytest.mark.parametrize("sensors", [True, False])
def test_a_biased_sensor_is_named_with_its_size(rng, sensors):
    values = measured(rng, sensors)
    assert odd(values) == ()
    values[..., 27] *= 1.1
    (found,) = odd(values)
    assert found.places == (X[27],) and not found.exchanged
    np.testing.assert_allclose(found.relative, 0.1, atol=0.01)
    assert str(found) == (
        "the values of q at x = 0.429688 are on average 10 % above what the law gives: check this "
        "sensor, unless the law is another one there"
    )
    values[..., 42] -= 0.15
    (found,) = odd(values)
    assert found.places == (X[27], X[42])
    assert "above and" in str(found) and "below what" in str(found)


@pytest.mark.parametrize("sensors", [True, False])
def test_two_sensors_that_were_exchanged_are_named(rng, sensors):
    values = measured(rng, sensors)
    values[..., [12, 42]] = values[..., [42, 12]]
    (found,) = odd(values)
    assert found.exchanged and found.places == (X[12], X[42])
    said = "each fit what the law gives at the other: were these two exchanged?"
    assert str(found).endswith(said)


def test_the_place_is_that_of_the_sensor(rng):
    values = measured(rng, True)
    values[..., 27] *= 1.1
    context = Trajectory.from_numpy(values, T[:, 0], X, boundary="open")
    there = Points(np.where(np.arange(CELLS) == 27, 0.25, 0.0))
    (found,) = odd_places(values, LAW, dataclasses.replace(context, observation=(there,)))
    np.testing.assert_allclose(found.places, X[27] + 0.25 / CELLS)


@pytest.mark.parametrize("sensors", [True, False])
def test_laws_that_are_wrong_accuse_no_sensor(rng, sensors):
    others = {
        "slower": 1.0 + 0.3 * np.sin(2 * np.pi * (X - 0.03 * T)) + 0.1 * np.cos(4 * np.pi * X),
        "source": LAW[:, 0] + 0.1 * np.exp(-(((X - 0.43) / 0.12) ** 2)),
        "ramp": LAW[:, 0] + 0.2 / (1.0 + np.exp(-(X - 0.43) / 0.02)),
        "factor": 1.1 * LAW[:, 0],
        "late": LAW[:, 0] + 0.02 * T * np.exp(-(((X - 0.43) / 0.02) ** 2)),
    }
    for name, law in others.items():
        assert odd(measured(rng, sensors), law[:, None]) == (), name


def test_what_is_missed_at_fronts_and_ends_is_no_fault_of_a_sensor(rng):
    values = measured(rng, False, FRONT, 0.002)
    values[..., 31] = 0.7  # a front that stands within a cell, and in the law at its side
    assert odd(values, FRONT) == ()
    values = measured(rng, True)
    values[..., AT[-1]] *= 1.1
    assert odd(values) == ()
    assert len(odd(values, boundary="periodic")) == 1


def test_little_that_is_certain_is_not_worth_a_word(rng):
    values = measured(rng, False, noise=1e-5)
    values[..., 27] += 0.005
    assert odd(values) == ()
    few = measured(rng, False)
    few[..., 27] *= 1.1
    few[7:, :, 27] = np.nan
    assert odd(few) == ()
