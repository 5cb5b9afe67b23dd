"""Measures of made-up frames on a plane whose movement and ends are known."""

import numpy as np
import pytest

from hfluxno.data.plane.measures import drift, is_kept, sides

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


def test_ends_that_match_are_periodic_and_others_walls_or_outflows():
    ring, cut = moving(1.0, 1.0)[:, None], moving(1.0, 1.0, length=1.4)[:, None]
    assert sides(ring, True)[:2] == (("periodic",) * 2, ("periodic",) * 2)
    assert sides(cut, True)[:2] == (("wall",) * 2, ("periodic",) * 2)
    found = sides(np.concatenate([cut, ring], axis=1), False)
    assert found == (
        ("outflow",) * 2,
        ("periodic",) * 2,
        "the ends of x do not match, the ends of y match, no total is kept",
    )


def test_a_shock_across_the_ends_is_no_end():
    step = np.where((X[None] + 0.02 * np.arange(6)[:, None, None]) % 1.0 < 0.5, 1.0, 0.0)[:, None]
    assert sides(step, True)[0] == ("periodic", "periodic")


def test_one_total_that_is_kept_is_enough():
    totals = np.array([[1.0, 2.0], [1.0, 2.5]])
    assert is_kept(totals, np.array([1.0, 2.0]))
    assert not is_kept(totals[:, 1:], np.array([2.0]))


def test_ends_in_walls_do_not_continue():
    """A basin with walls all around, NaN there, and a line of cells that was never measured."""
    basin = moving(1.0, 1.0)[:, None].copy()
    basin[..., [0, -1], :] = basin[..., [0, -1]] = np.nan
    assert sides(basin, True)[:2] == (("wall",) * 2, ("wall",) * 2)
    ring = moving(1.0, 1.0)[:, None].copy()
    ring[..., 20, :] = np.nan
    assert sides(ring, True)[:2] == (("periodic",) * 2, ("periodic",) * 2)
