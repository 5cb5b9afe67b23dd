"""What given ends leave open between their times."""

import dataclasses

import numpy as np
import pytest

import hfluxno
from hfluxno.boundary import Given, Outflow
from hfluxno.grid import Grid
from hfluxno.identify.joint.entering import robust_noise, with_noise_of_ends
from hfluxno.identify.joint.estimate import Estimate, by_given_ends
from hfluxno.identify.joint.forward_runs import states_at
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


def jumping(noise=0.01, jump=2.0):
    """A first estimate of waves at a speed, and values into which a jump came in the middle of an
    interval, while the given end is linear."""
    after = np.where(TIMES < 15.0, 2.0, 2.0 + jump)
    forward = forward_with(Given(TIMES, after[None]))
    z = np.zeros(forward.size)
    z[0] = 1.0
    z[0] = SPEED / float(forward.law(z).jacobian(np.array([2.5]))[0, 0])
    states = states_at(forward, z, TIMES)
    late = states.copy()
    late[15:, 0, : int(SPEED * 9) + 2] -= 0.3 * jump * (np.abs(np.diff(states[15:, 0, :7])) > 0.1)
    late += noise * np.random.default_rng(2).normal(size=late.shape)
    context = Trajectory(late, TIMES, forward.settings.grid, ("u",))
    found = Estimate(forward, z, np.eye(len(z)), np.full(1, 0.1), TIMES, 0.0)
    return found, context


def test_what_enters_with_a_jump_counts_less(x64):
    found, context = jumping()
    assert robust_noise(found, context) == pytest.approx(0.01, rel=0.3)
    weighted = with_noise_of_ends(found, context)
    plain = float(np.min(weighted.deviation))
    assert plain == pytest.approx(0.01, rel=0.3)
    assert np.all(weighted.deviation[:14] < 1.1 * plain)
    assert np.max(weighted.deviation[20]) > 5.0 * plain
    known = dataclasses.replace(context, deviation=np.full(context.values.shape, 0.02))
    assert float(np.min(with_noise_of_ends(found, known).deviation)) == pytest.approx(0.02)


def test_what_enters_smoothly_or_beneath_the_noise_counts_as_any(x64):
    assert with_noise_of_ends(*jumping(noise=1.0)) is None
    assert with_noise_of_ends(*jumping(jump=0.0)) is None


@pytest.mark.validation
def test_the_law_does_not_bend_to_a_jump_that_has_just_entered(x64):
    """Traffic k (1 - k) by Godunov's scheme on fine cells; the inflow jumps near the end."""
    cells, fine, frames, interval = 60, 10, 26, 0.05
    dx, times = 1.0 / (cells * fine), interval * np.arange(frames)

    def inflow(t):
        return 0.18 + 0.1 * np.sin(2.0 * t) + 0.2 * (t > interval * (frames - 2.5))

    u, seen, at = 0.15 + 0.05 * np.sin(9.0 * (np.arange(cells * fine) + 0.5) * dx), [], 0.0
    for time in times:
        steps = max(1, round((time - at) / (0.5 * dx)))
        for _ in range(steps if time > at else 0):
            dt = (time - at) / steps
            wide = np.concatenate([[inflow(at)], u])  # all waves travel to the right
            u, at, steps = u - dt / dx * np.diff(wide * (1.0 - wide)), at + dt, steps - 1
        seen.append(u.reshape(cells, fine).mean(axis=1))
    values = np.stack(seen)[:, None]
    noisy = values + 0.01 * values.std() * np.random.default_rng(3).normal(size=values.shape)
    grid = Grid.interval(cells, 0.0, 1.0, (Given(times, inflow(times)[None]), Outflow()))
    law = hfluxno.identify(Trajectory(noisy, times, grid, ("k",))).law
    density = np.linspace(values.min(), values.max(), 9)
    speed = np.asarray(law.jacobian(density[None]))[0, 0]
    np.testing.assert_allclose(speed, 1.0 - 2.0 * density, atol=0.03)
