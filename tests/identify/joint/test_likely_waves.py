"""Starts at likely waves, beside the exact solution of what moves as a whole."""

import numpy as np
import pytest

from hfluxno import Trajectory
from hfluxno.identify.joint.kind import Kind
from hfluxno.identify.joint.likely_waves import _start, likely_waves
from hfluxno.identify.joint.prior import make_forward

CELLS, FRAMES = 64, 12
KINDS = [Kind(4), Kind(2, kinks=1)]


def moved(speed: float, step: int) -> Trajectory:
    """Every `step`th cell of a field that moves at a speed, in cells a frame, between open ends."""
    x, t = np.arange(CELLS) + 0.5, np.arange(FRAMES)
    phase = 2 * np.pi * (x - speed * t[:, None]) / 150.0
    u = 3.0 + np.sin(phase) + 0.4 * np.cos(2.3 * phase)
    u[:, np.arange(CELLS) % step > 0] = np.nan
    return Trajectory.from_numpy(u, t, x, boundary="open")


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize(("kind", "speed"), [(KINDS[0], 17.0), (KINDS[1], -9.0)])
def test_waves_that_outrun_the_sensors_are_found(kind, speed):
    """In a frame they pass four of them or two, which the weak form cannot see."""
    context = moved(speed, 4)
    forward = make_forward(kind, context, (), known_first=False)
    starts = likely_waves(forward, context)
    assert len(starts) == 3
    law = forward.law(starts[0])
    speeds = np.asarray(law.jacobian(np.linspace(2.0, 4.0, 9)[None]))[0, 0]
    np.testing.assert_array_less(0.5, speeds / speed)
    np.testing.assert_array_less(speeds / speed, 1.6)


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("kind", KINDS)
def test_a_start_has_its_speeds_at_both_ends(kind):
    forward = make_forward(kind, moved(3.0, 4), (), known_first=False)
    lower, upper = float(forward.shape.lower[0]), float(forward.shape.upper[0])
    states = np.array([[lower + 1e-9, upper - 1e-9]])
    law = forward.law(_start(forward, 5.0, -2.0, 0.0))
    np.testing.assert_allclose(np.asarray(law.jacobian(states))[0, 0], [5.0, -2.0], atol=1e-2)


def road() -> Trajectory:
    """A triangular flux by Godunov's scheme on fine cells, averaged to sixty-four and FRAMES."""
    fine, substeps, free, jam, kink = 16, 160, 7.0, -1.4, 25.0

    def flux(u):
        return np.minimum(free * (u - kink), jam * (u - kink))

    x = (np.arange(CELLS * fine) + 0.5) / fine
    u = 40.0 + 30.0 * np.sin(2 * np.pi * x / 37.0) + 8.0 * np.sin(2 * np.pi * x / 11.0)
    frames = []
    for step in range((FRAMES - 1) * substeps + 1):
        if step % substeps == 0:
            frames.append(u.reshape(CELLS, fine).mean(axis=1))
        wide = np.pad(u, 1, mode="edge")
        passing = np.minimum(flux(np.minimum(wide[:-1], kink)), flux(np.maximum(wide[1:], kink)))
        u = u - (fine / substeps) * np.diff(passing)
    x = np.arange(CELLS) + 0.5
    return Trajectory.from_numpy(np.array(frames), np.arange(FRAMES), x, boundary="open")


@pytest.mark.usefixtures("x64")
def test_fast_waves_below_a_kink_are_found_in_frames():
    """They pass seven cells a frame, which the weak form cannot see."""
    context = road()
    starts = likely_waves(make_forward(KINDS[1], context, (), known_first=False), context)
    forward = make_forward(KINDS[1], context, (), known_first=False)
    law = forward.law(starts[0])
    slopes = np.asarray(law.jacobian(np.array([[10.0, 70.0]])))[0, 0]
    np.testing.assert_allclose(slopes, [7.0, -1.4], rtol=0.5)
    lower, upper = float(forward.shape.lower[0]), float(forward.shape.upper[0])
    assert abs(0.5 * (lower + upper + law.basis.at[0] * (upper - lower)) - 25.0) < 10.0


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("kind", [KINDS[0], Kind(2, kinks=2)])
def test_whole_frames_need_no_other_such_starts(kind):
    context = moved(17.0, 1)
    assert likely_waves(make_forward(kind, context, (), known_first=True), context) == []
