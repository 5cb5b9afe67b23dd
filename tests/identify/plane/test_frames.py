"""Frames on a plane that are not whole: missing ones, gaps, and what is refused."""

import numpy as np
import pytest

from hfluxno.grid import Grid
from hfluxno.identify.plane import identify_plane
from hfluxno.identify.plane.frames import frames_of
from hfluxno.identify.plane.select import estimate, systems_of
from hfluxno.parametric.plane.terms import Structure
from hfluxno.parametric.plane.weak_form import time_rows, total
from hfluxno.trajectory import Trajectory

pytestmark = pytest.mark.usefixtures("x64")
SHAPE = (40, 32)
VELOCITY = np.array([1.3, -0.7])  # in cells a frame


def wave(times):
    x, y = np.meshgrid(*[np.arange(n) for n in SHAPE], indexing="ij")
    frames = []
    for t in times:
        a = 2.0 * np.pi * (x - VELOCITY[0] * t) / SHAPE[0]
        b = 2.0 * np.pi * (y - VELOCITY[1] * t) / SHAPE[1]
        frames.append(2.0 + np.sin(a + b) + 0.5 * np.cos(a - 2.0 * b))
    return np.stack(frames)[:, None]


def context(values, times=None):
    times = np.arange(float(len(values))) if times is None else times
    return Trajectory(values, times, Grid.rectangle(SHAPE), ("u",))


def velocity(seen):
    structure = Structure((0,), np.eye(2).reshape(2, 1, 2, 1), ("x", "y"))
    return estimate(total(systems_of(seen, [lambda u: u[0]])), structure, np.ones(1))


def without(values, *index):
    values = values.copy()
    values[index] = np.nan
    return values


def test_frames_without_measurements_are_left_out():
    times = 3.0 + 0.5 * np.arange(12)
    seen = frames_of(context(without(wave(times), [0, 4, 5, 11]), times))
    np.testing.assert_allclose(seen.at, [0, 1, 2, 5, 6, 7, 8, 9])
    assert (seen.left, seen.interval) == (1.0, 0.5)
    assert seen.gaps is None and seen.missing == pytest.approx(4 / 12)
    np.testing.assert_array_equal(seen.until(2).at, [0, 1, 2])


def test_weights_at_uneven_times_integrate_by_parts_exactly():
    times = np.array([0.0, 1.0, 1.5, 3.0, 4.2, 5.0, 6.0, 7.5])
    still, moving, during = time_rows(times, 5)
    assert np.all(during.sum(axis=1) == 6)
    for power in (1, 2, 3):
        slope = power * times ** (power - 1)
        np.testing.assert_allclose(moving @ times**power, -still @ slope, atol=1e-11)


@pytest.mark.parametrize("gap", ["frames", "uneven", "block", "values"])
def test_the_velocity_of_a_wave_shows_through_gaps(gap):
    times = np.arange(12.0)
    if gap == "uneven":
        times = np.array([0.0, 1.0, 1.7, 3.1, 4.0, 5.2, 6.0, 6.8, 8.1, 9.0, 10.2, 11.0])
    values = wave(times)
    if gap == "frames":
        values = without(values, [3, 8])
    if gap == "block":
        values = without(values, slice(3, 9), 0, slice(10, 16), slice(20, 26))
    if gap == "values":
        values[np.random.default_rng(0).uniform(size=values.shape) < 0.05] = np.nan
    seen = frames_of(context(values, times))
    found = velocity(seen)
    np.testing.assert_allclose(found.unknowns, VELOCITY * seen.interval, rtol=5e-3)
    if gap in ("block", "values"):
        np.testing.assert_allclose(seen.filled, wave(times), atol=0.15)


def test_test_functions_that_see_a_gap_are_left_out():
    """What stands in a block that was never seen has hardly any effect."""
    values = without(wave(np.arange(12.0)), slice(4, 9), 0, slice(10, 16), slice(20, 26))
    seen = frames_of(context(values))
    filled = np.where(np.isnan(values), 5.0, values)
    wrong = type(seen)(**(vars(seen) | {"filled": filled}))
    np.testing.assert_allclose(velocity(wrong).unknowns, VELOCITY, rtol=0.05)
    blind = type(seen)(**(vars(wrong) | {"values": filled}))
    assert np.max(np.abs(velocity(blind).unknowns - VELOCITY)) > 0.15


def test_what_is_too_little_is_said():
    values = wave(np.arange(10.0))
    with pytest.raises(ValueError, match="4 cells of the context are NaN in every frame, as an ob"):
        identify_plane(context(without(values, slice(None), 0, slice(3, 5), slice(6, 8))))
    with pytest.raises(ValueError, match="56 % of the values of the frames with measurements are"):
        identify_plane(context(without(values, slice(0, 9), 0, slice(0, 25))))
    with pytest.raises(ValueError, match=r"at least 6 frames .* this one has 5 of 40 × 32"):
        identify_plane(context(without(values, slice(0, 5))))
    with pytest.raises(ValueError, match="All values of the context are missing"):
        identify_plane(context(np.full_like(values, np.nan)))
    values[2, 0, 3, 3] = np.inf
    with pytest.raises(ValueError, match="has infinite values; make them NaN"):
        identify_plane(context(values))
    values[2, 0, 3, 3] = 1e200
    with pytest.raises(ValueError, match=r"The values of u reach 1e\+200 in size"):
        identify_plane(context(values))


@pytest.mark.parametrize("count", [1, 2, 9])
def test_the_noise_of_any_number_of_frames_is_found(count):
    values = wave(np.arange(float(count)))
    noisy = values + 0.05 * np.std(values) * np.random.default_rng(0).normal(size=values.shape)
    assert frames_of(context(values)).noise < 0.001
    assert frames_of(context(noisy)).noise == pytest.approx(0.05, rel=0.1)
