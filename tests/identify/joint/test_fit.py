"""Fits in windows that grow, with a noise that is known for each value."""

import dataclasses

import jax
import numpy as np
import pytest

from hfluxno import Trajectory
from hfluxno.identify.joint.fit import estimate
from hfluxno.identify.joint.kind import Kind
from hfluxno.identify.joint.prior import make_forward

CELLS, FRAMES, NOISE = 24, 12, 0.01
X = (np.arange(CELLS) + 0.5) / CELLS


@pytest.fixture(scope="module")
def wave() -> Trajectory:
    """A wave that travels half a cell a frame, under noise."""
    times = np.arange(FRAMES) * 0.5
    phase = 2 * np.pi * (X - times[:, None] / CELLS)
    values = 1.0 + 0.3 * np.sin(phase) + NOISE * np.random.default_rng(0).normal(size=phase.shape)
    return Trajectory.from_numpy(values[:, None], times, X, fields=("u",), boundary="periodic")


def test_known_noise_is_that_of_the_values_in_every_window(wave):
    known = dataclasses.replace(wave, deviation=np.full(wave.values.shape, NOISE))
    with jax.enable_x64(True):
        forward = make_forward(Kind(1), wave, (), known_first=False)
        found, with_known = (estimate(forward, each, (4, 8, FRAMES)) for each in (wave, known))
    assert found is not None and with_known is not None
    assert with_known.noise == np.array([NOISE])
    assert found.noise[0] == pytest.approx(NOISE, rel=0.1)
    speed = forward.coefficients(with_known.z)[0]
    deviation = np.sqrt(with_known.covariance[0, 0]) * forward.spread[0]
    assert abs(speed - forward.coefficients(found.z)[0]) < deviation
