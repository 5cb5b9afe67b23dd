"""What given ends leave open between their times."""

import numpy as np
import pytest

from hfluxno.boundary import Given, Outflow
from hfluxno.grid import Grid
from hfluxno.identify.joint.estimate import by_given_ends, states_at
from hfluxno.identify.joint.given_ends import OF_DIFFERENCE, on_every_second_time
from hfluxno.identify.joint.kind import Kind
from hfluxno.identify.joint.prior import make_forward
from hfluxno.trajectory import Trajectory

SEEN, TIMES, SPEED = np.arange(12.0), np.arange(24.0), 0.5


def forward_with(lower):
    """Of a wave that leaves at the upper end."""
    values = 2.0 + np.exp(-(((np.arange(24) + 0.5 - SPEED * SEEN[:, None]) / 3.0) ** 2))[:, None]
    grid = Grid((0.0,), (24.0,), (24,), ((lower, Outflow()),))
    return make_forward(Kind(1), Trajectory(values, SEEN, grid, ("u",)), (), known_first=True)


def entering(forward):
    return np.asarray(forward.settings.grid.boundary[0][0].values)[0]


@pytest.mark.parametrize("jump", [15.0, 16.0])
def test_a_jump_at_an_end_may_enter_a_quarter_of_an_interval_earlier_or_later(jump):
    steps = np.where(jump <= TIMES, 6.0, 2.0)
    forward = forward_with(Given(TIMES, steps[None]))
    odd, even = (entering(other) for other in on_every_second_time(forward))
    assert odd[0] == even[0] == steps[0] and odd[-1] == even[-1] == steps[-1]
    whole = np.trapezoid(steps, TIMES)
    late, early = sorted(np.trapezoid(each, TIMES) - whole for each in (odd, even))
    assert OF_DIFFERENCE * np.array([late, early]) == pytest.approx([-4.0 / 4.0, 4.0 / 4.0])


def test_of_a_smooth_end_little_is_left_open():
    wave = 2.0 + np.sin(0.3 * TIMES)
    for other in on_every_second_time(forward_with(Given(TIMES, wave[None]))):
        away = OF_DIFFERENCE * np.abs(entering(other) - wave)
        assert np.max(away) < 0.5 * 0.3**2 / 2.0  # half of h² |u''|/2 from neighbours at h


def test_only_given_ends_are_changed_and_only_in_the_time_that_is_asked_for():
    assert on_every_second_time(forward_with(Outflow())) == ()
    zigzag = np.where(TIMES % 2.0 == 0.0, 1.0, 3.0)
    forward = forward_with(Given(TIMES, zigzag[None]))
    for other in on_every_second_time(forward, after=11.0):
        changed = entering(other) != zigzag
        assert not np.any(changed[TIMES <= 11.0]) and np.any(changed)
        assert isinstance(other.settings.grid.boundary[0][1], Outflow)
    for other in on_every_second_time(forward, until=11.0):
        assert not np.any((entering(other) != zigzag)[TIMES > 11.0])
    assert on_every_second_time(forward, after=23.0) == ()


def test_a_forecast_is_less_certain_where_a_jump_has_entered(x64):
    """At the jump, by a part of it, and neither before nor ahead of it."""
    steps = np.where(TIMES < 15.0, 2.0, 3.0)
    forward = forward_with(Given(TIMES, steps[None]))
    z = np.zeros(forward.size)
    z[0] = 1.0
    z[0] = SPEED / float(forward.law(z).jacobian(np.array([2.5]))[0, 0])
    states = states_at(forward, z, TIMES)
    deviation = by_given_ends(forward, z, TIMES, states)[:, 0]
    assert np.max(deviation[:14]) < 1e-12
    front = int(SPEED * (22.0 - 14.5))
    assert abs(states[22, 0, front] - 2.5) < 0.3
    assert front - 1 <= np.argmax(deviation[22]) <= front + 1
    assert 0.01 < np.max(deviation[22]) < 0.5
    assert np.max(deviation[22, front + 9 :]) < 1e-3
