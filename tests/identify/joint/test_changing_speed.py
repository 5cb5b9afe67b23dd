"""A speed that changes in time, as the score test of a joint estimate finds it."""

import dataclasses
import importlib

import jax
import numpy as np
import pytest

from hfluxno import Trajectory
from hfluxno.identify import FitStatus, FittedLawForecaster
from hfluxno.identify.joint.fit import estimate
from hfluxno.identify.joint.kind import Kind
from hfluxno.identify.joint.prior import make_forward
from hfluxno.identify.joint.shared_errors import with_shared_errors
from hfluxno.identify.jointly import identify_jointly
from hfluxno.observation import TimeMean

joint_report = importlib.import_module("hfluxno.identify.joint_report")

CELLS, FRAMES = 60, 20
X = (np.arange(CELLS) + 0.5) / CELLS


def burgers(times, rng):
    """Waves of Burgers' equation before they break, by Newton's method along characteristics."""
    x = (np.arange(8 * CELLS) + 0.5) / (8 * CELLS)
    phase = rng.uniform(size=2)

    def first(x):
        return 1.0 + 0.2 * np.sin(2 * np.pi * (x + phase[0])) + 0.05 * np.cos(4 * np.pi * x)

    frames = []
    for t in times:
        u = first(x)
        for _ in range(200):
            u = 0.5 * (u + first(x - u * t))
        frames.append(u.reshape(CELLS, 8).mean(axis=1))
    return np.array(frames)[:, None]


def seen(a: float, noise: float, seed: int = 0) -> Trajectory:
    """Frames whose speeds change by the factor 1 - a (2 τ - 1), τ from 0 to 1."""
    rng, times = np.random.default_rng(seed), np.linspace(0.0, 0.4, FRAMES)
    past = times / times[-1]
    values = burgers(times[-1] * (past - a * (past**2 - past)), rng)
    values = values + noise * np.std(values) * rng.normal(size=values.shape)
    return Trajectory.from_numpy(values, times, X, fields=("u",), boundary="periodic")


def estimated(context: Trajectory):
    with jax.enable_x64(True):
        forward = make_forward(Kind(2), context, (), known_first=False)
        found = estimate(forward, context, (8, FRAMES))
        assert found is not None
        return with_shared_errors(found, context)


@pytest.mark.parametrize("a", [0.0, 0.1, -0.15])
def test_the_change_is_found_beside_the_law_and_the_first_state(a):
    speed = estimated(seen(a, 0.02)).speed
    assert speed is not None
    deviation = abs(speed.gradual.a) / np.sqrt(max(speed.gradual.certainty, 1e-9))
    assert abs(speed.gradual.a - a) < 4.0 * deviation
    assert (speed.gradual.certainty > joint_report._CERTAIN_CHANGE) == (a != 0.0)


def test_means_over_all_of_the_time_between_two_values_have_a_rate():
    context = seen(0.1, 0.02)
    mean = TimeMean(float(np.min(np.diff(context.times))))
    speed = estimated(dataclasses.replace(context, observation=(mean,))).speed
    assert speed is not None and speed.gradual.certainty > joint_report._CERTAIN_CHANGE
    assert speed.gradual.a == pytest.approx(0.1, abs=0.03)


def identified(context: Trajectory):
    with jax.enable_x64(True):
        found = identify_jointly(context, (), (Kind(2),))
    assert found is not None
    return found


def test_a_change_that_noise_hides_from_the_misfit_is_no_ok():
    """The misfit of the law is all noise, but the score of the change is not."""
    steady, changing = (identified(seen(a, 0.05, seed=3)) for a in (0.0, 0.1))
    assert steady.status == FitStatus.OK
    assert changing.status == FitStatus.SYSTEMATIC_MISFIT and changing.misfit.changes_speed
    assert "a speed that changes in time explains" in str(changing.misfit)
    assert abs(changing.residual - steady.residual) < 0.1 * steady.residual


def test_a_change_that_is_possible_widens_the_bound():
    """As much as a forecast that is late by a (τ² - τ) would be off."""
    context = seen(0.0, 0.05, seed=3)
    item = identified(context)
    assert item.misfit.beside and item.misfit.slowing == item.estimate.speed.gradual.a

    def deviation(slowing):
        misfit = dataclasses.replace(item.misfit, slowing=slowing, likely=1.0)
        found = dataclasses.replace(item, misfit=misfit)
        made = FittedLawForecaster().advance(context, (found,), 10)
        return made.trajectory.values, made.deviation

    (frames, without), (_, with_change) = map(deviation, (0.0, 0.1))
    times = np.linspace(0.0, 1.0, FRAMES)[1] * np.arange(1, 11)
    rate = np.gradient(frames[:, 0], times, axis=0)
    late = (0.1 * times * (1.0 + times))[:, None] * rate
    added = np.sqrt(with_change**2 - without**2)[:, 0]
    inner = slice(1, -1)
    np.testing.assert_allclose(added[inner], np.abs(late)[inner], rtol=1e-4, atol=1e-6)
