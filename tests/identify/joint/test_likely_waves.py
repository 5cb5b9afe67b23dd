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
    law = forward.law(_start(forward, 5.0, -2.0))
    np.testing.assert_allclose(np.asarray(law.jacobian(states))[0, 0], [5.0, -2.0], atol=1e-2)


def test_whole_frames_need_no_such_starts():
    context = moved(17.0, 1)
    assert likely_waves(make_forward(Kind(4), context, (), known_first=True), context) == []
