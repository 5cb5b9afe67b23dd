"""The drift of made-up frames on a plane whose movement is known."""

import numpy as np
import pytest

from hfluxno.data.plane.measures import drift

X, Y = np.meshgrid((np.arange(48) + 0.5) / 48, (np.arange(36) + 0.5) / 36, indexing="ij")


def moving(r, s, frames=6, length=1.0):
    """A wave of this length of period along x that moves by r and s cells a frame, and noise."""
    k = np.arange(frames)[:, None, None]
    x, y = 2 * np.pi * (X - r * k / 48) / length, 2 * np.pi * (Y - s * k / 36)
    noise = 0.01 * np.random.default_rng(0).normal(size=(frames, *X.shape))
    return 2.0 + np.sin(x) * np.cos(y) + 0.5 * np.cos(2 * x) + noise


@pytest.mark.parametrize("shift", [(0.0, 0.0), (1.6, -0.7), (-5.0, 3.3)])
@pytest.mark.parametrize("missing", [0.0, 0.2])
def test_the_drift_of_a_wave(shift, missing):
    u = moving(*shift)
    u[np.random.default_rng(1).uniform(size=u.shape) < missing] = np.nan
    u[2] = np.nan  # a frame that was not measured
    found = drift(u)
    np.testing.assert_allclose(found[:2], shift, atol=0.15)
    assert found.correlation > 0.95


def test_frames_that_are_far_apart_show_no_drift():
    frames = moving(1.0, 0.0)
    frames[1::2] = np.nan
    assert np.isnan(drift(frames)).all()
