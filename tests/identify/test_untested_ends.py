"""Free ends that may be walls, and assumed ones of a circle, which nothing has reached."""

import dataclasses

import numpy as np
import pytest

from benchmarks.independent.engineering import dam_break
from benchmarks.independent.schemes import INTERVAL
from hfluxno import Trajectory, forecast
from hfluxno.boundary import Outflow, Wall
from hfluxno.forecast_checks import relative_l2
from hfluxno.grid import Grid
from hfluxno.identify import FitStatus, FittedLawForecaster
from hfluxno.identify.frames.candidate import Candidate
from hfluxno.identify.frames.select import make_settings
from hfluxno.identify.residuals.misfit import UNKNOWN
from hfluxno.identify.untested_ends import UntestedEnds, otherwise, untested_ends
from tests.identify.laws import identification, polynomial, shallow_water

X = (np.arange(50) + 0.5) / 50


def item(boundary="outflow", noise=0.0):
    settings = make_settings(Candidate("dictionary", 0), Grid.interval(50, boundary=boundary))
    misfit = dataclasses.replace(UNKNOWN, noise=noise)
    return identification(shallow_water(), settings=settings, misfit=misfit)


def flow(arrived, wiggle=0.0, count=8):
    """A momentum in the middle that spreads up to the fraction `arrived` of the way to the ends."""
    reach = np.linspace(0.1, arrived, count)[:, None]
    momentum = np.where(np.abs(X - 0.5) < 0.5 * reach + 1e-9, 0.4, 0.0)
    momentum = momentum + wiggle * np.random.default_rng(0).normal(size=momentum.shape)
    return np.stack([np.ones_like(momentum), momentum], axis=1)


def test_an_end_is_untested_if_no_wave_has_reached_it_yet():
    seen, ahead = flow(0.5), flow(1.0)
    assert untested_ends(item(), seen, ahead, False) == UntestedEnds((0, 1), 8)
    assert untested_ends(item(), seen, flow(0.9), False) is None  # nothing arrives
    assert (
        untested_ends(item(), ahead, ahead, False) is None
    )  # the context shows what happens there
    assert untested_ends(item("reflecting"), seen, ahead, False) is None
    noisy = flow(0.5, wiggle=0.01)
    assert untested_ends(item(), noisy, ahead, False) is None
    known = 0.01 / np.std(noisy[:, 1])
    assert untested_ends(item(noise=known), noisy, ahead, False) == UntestedEnds((0, 1), 8)
    one = np.where(X < 0.5, ahead, seen[-1:])
    assert untested_ends(item(), seen, one, False) == UntestedEnds((0,), 8)


def test_walls_take_the_place_of_untested_ends():
    made = item()
    law, settings = otherwise(made, made.settings, UntestedEnds((1,), 3))
    assert law.negated == (1,)
    low, high = settings.grid.boundary[0]
    assert type(low) is Outflow and isinstance(high, Wall)


def test_the_ends_of_a_circle_are_untested_if_nothing_has_changed_there():
    """For then it may be none."""
    seen, ahead = flow(0.5), flow(1.0)
    found = untested_ends(item("periodic"), seen, ahead, True)
    assert found == UntestedEnds((0, 1), 8, may_be_walls=False)
    assert found.sentence.startswith("from frame 8 on waves reach the ends, which may be free")
    assert untested_ends(item("periodic"), seen, flow(0.9), True) is None
    assert untested_ends(item("periodic"), seen[:2], ahead, True) is None
    assert untested_ends(item("periodic"), ahead, ahead, True) is None
    noisy = flow(0.5, wiggle=0.05)
    assert untested_ends(item("periodic"), noisy, ahead, True) is None
    known = item("periodic", 0.05 / np.std(noisy[:, 1]))
    assert untested_ends(known, noisy, ahead, True) == found
    slope = 0.5 * X  # so the ends differ
    assert untested_ends(item("periodic"), seen + slope, ahead + slope, True) is None
    made = item("periodic")
    _, settings = otherwise(made, made.settings, found)
    assert all(type(end) is Outflow for end in settings.grid.boundary[0])


def test_ends_that_the_user_has_named_need_no_test():
    seen, ahead = flow(0.5), flow(1.0)
    assert untested_ends(item("periodic"), seen, ahead, False) is None
    assert untested_ends(item("reflecting"), seen, ahead, True) is None


def test_a_forecast_doubts_only_the_ends_that_were_assumed():
    """A bump that is carried through the ends, by its law."""
    t = 0.02 * np.arange(24)
    bumps = np.exp(-150.0 * ((X - 0.5 - t[:, None]) ** 2))[:, None]
    law = polynomial(0.0, 1.0, 0.0, 1.0, fields=("u",))
    misfit = dataclasses.replace(UNKNOWN, noise=0.0)
    made = identification(law, 50, 0.02, initial=bumps[0], misfit=misfit)
    found = []
    for boundary in (None, "periodic"):
        context = Trajectory.from_numpy(bumps[:14], t[:14], X, boundary=boundary)
        found.append(FittedLawForecaster().advance(context, (made,), 20))
    assumed, said = found
    np.testing.assert_array_equal(assumed.trajectory.values, said.trajectory.values)
    assert "say --boundary periodic if they are those of a circle" in assumed.sentences[0]
    assert "circle" not in said.sentences[0]
    wide, narrow = (np.sqrt(np.mean(each.deviation[-1] ** 2)) for each in found)
    assert wide > 10.0 * narrow


@pytest.mark.validation
def test_a_bump_that_leaves_is_below_the_bound_of_a_circle(x64):
    """A wave that is carried through the ends, exactly: whether it comes back is not known."""
    t = 0.02 * np.arange(36)
    gone = X - 0.3 - t[:, None]
    bumps = 1.0 + np.exp(-150.0 * gone**2)
    context = Trajectory.from_numpy(bumps[:16, None], t[:16], X)
    found = forecast(context, 20)
    assert found.status == FitStatus.OK
    assert "which may be free or those of a circle" in found.sentences[0]
    errors = relative_l2(found.trajectory.values, bumps[16:, None], (1, 2))
    round_again = 1.0 + np.exp(-150.0 * ((gone + 0.5) % 1.0 - 0.5) ** 2)
    of_circle = relative_l2(found.trajectory.values, round_again[16:, None], (1, 2))
    assert errors[-1] > 10.0 * of_circle[-1]
    assert np.all(errors < found.predicted_error_90)
    assert np.all(of_circle < found.predicted_error_90)
    assert found.predicted_error_90[3] < 0.02
    told = forecast(dataclasses.replace(context, ends_assumed=False), 20)
    assert "circle" not in told.sentences[0]
    assert np.all(of_circle < told.predicted_error_90)
    assert told.predicted_error_90[-1] < 0.5 * found.predicted_error_90[-1]


@pytest.mark.validation
def test_a_dam_break_between_walls_is_below_the_bound_of_free_ends():
    """By another scheme; water reaches the walls, which the context does not show, in the forecast.
    The sentence says so."""
    every, times = dam_break(np.random.default_rng(0)), INTERVAL * np.arange(38)
    context = Trajectory.from_numpy(every[:18], times[:18], fields=("h", "m"), boundary="outflow")
    found = forecast(context, 20)
    assert found.status == FitStatus.OK
    assert "waves reach an end that may be a wall or free" in found.sentences[0]
    errors = relative_l2(found.trajectory.values, every[18:38], (1, 2))
    assert errors[-1] > 5.0 * errors[2]
    assert np.all(errors < found.predicted_error_90)
    assert found.predicted_error_90[2] < 0.05
