"""A law that was found before on other data: other cells, intervals, ends; and whether it fits."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest

import hfluxno
from hfluxno.fv import MUSCL, StepControl, solve
from hfluxno.grid import Grid
from hfluxno.identify import FitStatus, GivenLawForecaster
from hfluxno.identify.frames.change import MomentumOfVelocity
from hfluxno.identify.joint.estimate import _ELSEWHERE
from hfluxno.identify.saved.held import _forward
from hfluxno.identify.saved.law import in_cells, to_save
from hfluxno.laws import ShallowWater
from hfluxno.laws.place import PlaceModes
from hfluxno.parametric.fitted_law import Terms
from hfluxno.parametric.subgrid import partly_even
from hfluxno.trajectory import Trajectory
from tests.compiled import compiled
from tests.errors import error_of, relative
from tests.identify.exact import burgers, logistic
from tests.identify.laws import (
    FULL,
    INTERVAL,
    LAWS,
    V,
    identification,
    polynomial,
    road,
    shallow_water,
)
from tests.slow import slow


@pytest.fixture(scope="module")
def found():
    """Found on cells of other lengths, at another interval."""
    return identification(polynomial(20.0, 110.0, 0.0, V, -V / FULL), cells=240, interval=1 / 360)


def exactly(found):
    """With the scheme of `road`."""
    saved = to_save(found)
    return dataclasses.replace(saved, scheme=dataclasses.replace(saved.scheme, refinement=1))


def test_it_is_solved_on_other_cells_at_another_interval(found, tmp_path):
    truth = road()
    exactly(found).save(tmp_path / "law.json")
    forecast = hfluxno.forecast(truth.window(0, 6), 7, law=tmp_path / "law.json")
    assert forecast.status == FitStatus.OK and forecast.backtest_error < 1e-9
    assert error_of(forecast, truth.values[6:]) < 1e-9
    np.testing.assert_allclose(forecast.trajectory.times, truth.times[6:])
    (item,) = forecast.identifications
    assert (
        item.candidate.endswith("(given), solved by roe-entropy-fix, grid ×1")
        and item.coefficients == found.coefficients
    )
    # On a finer internal grid than the data were made on, it is no longer exact, and still right.
    finer = hfluxno.forecast(truth.window(0, 6), 7, law=found)
    assert finer.status == FitStatus.OK and 1e-6 < error_of(finer, truth.values[6:]) < 0.01


def test_data_of_another_source_get_a_finer_grid(found):
    """The mean over cells of a run on a grid eight times as fine."""
    fine = road(cells=480)
    values = fine.values.reshape(13, 1, 60, 8).mean(axis=3)
    context = dataclasses.replace(fine, values=values, grid=road().grid)
    forecast = hfluxno.forecast(context.window(0, 6), 7, law=exactly(found))
    (item,) = forecast.identifications
    assert item.settings.refinement > 1 and len(item.tried) > 1
    assert item.tried[-1][1] < 0.5 * item.tried[0][1]
    assert error_of(forecast, values[6:]) < 1e-3


def test_a_law_that_does_not_hold_is_noticed(found):
    context = road().window(0, 8)
    for factor, status in ((1.005, FitStatus.OK), (1.8, FitStatus.POOR_FIT)):
        law = dataclasses.replace(found.law, flux_coefficients=factor * found.law.flux_coefficients)
        other = dataclasses.replace(exactly(found), law=law)
        forecast = GivenLawForecaster(other).forecast(context, 3)
        assert forecast.status == status, (factor, forecast.sentences)
    assert forecast.sentences[0].startswith("the given law does not explain the data: ")
    # The frames reach farther than this law is known.
    (item,) = forecast.identifications
    assert not item.exceeded
    narrow = dataclasses.replace(law, lower=np.array([50.0]), upper=np.array([70.0]))
    beyond = GivenLawForecaster(dataclasses.replace(other, law=narrow)).forecast(context, 3)
    named = "; density is 25.64 to 83.08 here, and the law is known for 50 to 70"
    assert beyond.sentences[0].endswith(named)


@pytest.mark.parametrize("lost", [slow("frame"), "record"])
def test_nothing_is_unknown_if_the_first_frame_is_exact(found, lost):
    """A frame without values, or one that the file lacks, takes the way of measurements, on which
    the first state is estimated otherwise."""
    truth = road()
    values, kept = np.array(truth.values[:8]), np.arange(8) != 4
    context = dataclasses.replace(truth.window(0, 8), values=values)
    if lost == "frame":
        values[~kept] = np.nan
    else:
        context = dataclasses.replace(context, values=values[kept], times=context.times[kept])
    forecast = hfluxno.forecast(context, 3, law=found)
    (item,) = forecast.identifications
    assert item.estimate is not None and not len(item.estimate.forward.first_modes)
    assert forecast.status == FitStatus.OK
    assert error_of(forecast, truth.values[8:11]) < 0.02


def test_a_single_frame_is_continued_and_nothing_is_claimed(found):
    truth = road()
    one = truth.window(4, 5)
    forecast = GivenLawForecaster(exactly(found), every=INTERVAL).forecast(one, 5)
    assert forecast.status == FitStatus.NOT_CHECKED and np.isnan(forecast.backtest_error)
    assert "nothing in this context could be compared with it" in forecast.sentences[0]
    # Nothing tells which scheme the data are from, so it is solved as exactly as we can.
    fine = road(cells=480).values.reshape(13, 1, 60, 8).mean(axis=3)
    (item,) = forecast.identifications
    assert item.settings.refinement == 4 and item.settings.scheme == "roe-entropy-fix"
    exact = GivenLawForecaster(exactly(found), every=INTERVAL).forecast(
        dataclasses.replace(one, values=fine[4:5]), 5
    )
    assert error_of(exact, fine[5:10]) < 2e-3
    np.testing.assert_allclose(forecast.trajectory.times, truth.times[5:10])
    # Where nobody says another, the interval is that of the data that the law was found in.
    own = hfluxno.forecast(one, 2, law=found)
    np.testing.assert_allclose(np.diff(own.trajectory.times), 1 / 360)
    nameless = dataclasses.replace(found, interval=float("nan"))
    with pytest.raises(ValueError, match="no interval of time, and the law has none"):
        hfluxno.forecast(one, 2, law=nameless)


def test_two_frames_are_a_check(found):
    truth = road()
    forecast = hfluxno.forecast(truth.window(0, 2), 3, law=exactly(found))
    assert forecast.status == FitStatus.OK and forecast.backtest_error < 1e-9
    assert error_of(forecast, truth.values[2:5]) < 1e-9


def test_a_constant_context_says_that_nothing_moves(found):
    context = road().window(0, 5)
    still = dataclasses.replace(context, values=np.full_like(context.values, 70.0))
    forecast = hfluxno.forecast(still, 2, law=found)
    assert forecast.status == FitStatus.NOT_CHECKED
    np.testing.assert_allclose(forecast.trajectory.values, 70.0)


def test_a_batch_and_noise(found):
    truth = road()
    noisy = truth.values + np.random.default_rng(0).normal(size=truth.values.shape)
    batch = dataclasses.replace(truth, values=np.stack([truth.values, noisy])).window(0, 10)
    forecast = hfluxno.forecast(batch, 3, law=exactly(found))
    assert list(forecast.status) == [0, 0] and forecast.identifications[1].mode == "filter"
    errors = [relative(values, truth.values[10:]) for values in forecast.trajectory.values]
    noise = relative(noisy, truth.values)
    assert errors[0] < 1e-9 and errors[1] < 0.6 * noise


@pytest.mark.validation
def test_a_source_is_no_leak():
    """u grows by u (1 - u) · 2 while it is carried along."""
    times, cells = np.linspace(0.0, 0.5, 11), 64
    values = logistic(times, cells)
    law = polynomial(0.05, 0.8, 0.0, 0.7, 0.0, fields=("u",))
    middle, half = 0.425, 0.375
    state = np.polynomial.Polynomial([0.0, 2.0, -2.0]).convert(
        domain=[middle - half, middle + half], kind=np.polynomial.Chebyshev
    )
    modes = PlaceModes(0.0, 1.0, 1, True)
    terms = Terms(state.coef[None], np.zeros((1, 0)), np.zeros(0), np.zeros(1), modes)
    found = identification(dataclasses.replace(law, terms=terms), interval=0.02)
    context = Trajectory(values[:8], times[:8], Grid.interval(cells), ("u",))
    forecast = hfluxno.forecast(context, 3, law=found)
    assert forecast.status == FitStatus.OK and error_of(forecast, values[8:]) < 5e-4
    without = hfluxno.forecast(context, 3, law=dataclasses.replace(found, law=law))
    assert without.status == FitStatus.SOURCE_OR_LEAK


@pytest.mark.validation
@pytest.mark.parametrize(
    "boundary", [pytest.param("open", marks=pytest.mark.validation), "periodic"]
)
def test_what_was_not_measured_is_estimated_with_the_law(boundary):
    """Burgers' exact solution in a window with unknown ends, or on the ring with gaps."""
    times, cells = np.linspace(0.0, 0.4, 13), 30
    ends = (0.1, 0.7) if boundary == "open" else (0.0, 1.0)
    truth = burgers(times, cells, *ends)
    values = truth.astype(np.float32)  # as many files are
    values[np.random.default_rng(1).random(values.shape) < 0.25] = np.nan
    found = identification(polynomial(0.2, 1.0, 0.0, 0.0, 0.5, fields=("u",)), interval=0.05)
    grid = Grid.interval(cells, *ends, boundary)
    context = Trajectory(values[:10], times[:10], grid, ("u",))
    forecast = hfluxno.forecast(context, 3, law=found)
    assert forecast.status == FitStatus.OK, forecast.sentences
    assert forecast.deviation is not None
    assert error_of(forecast, truth[10:]) < (0.05 if boundary == "open" else 0.01)
    (item,) = forecast.identifications
    assert item.missing == pytest.approx(np.mean(np.isnan(values[:10])))
    assert item.coefficients == found.coefficients
    if boundary == "periodic":
        wrong = dataclasses.replace(found.law, flux_coefficients=-found.law.flux_coefficients)
        poor = hfluxno.forecast(context, 3, law=dataclasses.replace(found, law=wrong))
        assert poor.status == FitStatus.POOR_FIT


def test_a_field_between_sensors_is_reconstructed_with_a_law_of_another_day(found):
    """Of ten sensors; the law stays as it was, and two frames are enough. (Six leave several first
    states that explain the measurements alike, and rounding decides between them.)"""
    truth = road()
    values = np.full_like(truth.values, np.nan)
    values[:, :, 3::6] = truth.values[:, :, 3::6]
    known = hfluxno.reconstruct(dataclasses.replace(truth, values=values), law=found)
    assert known.identification.coefficients == found.coefficients
    assert known.sentence.startswith("the given law explains the data")
    away = np.abs(known.trajectory.values - truth.values)
    assert np.mean(away[2:] < (known.bands[1] - known.bands[0])[2:] / 2) > 0.85
    at, seen = np.arange(60), np.arange(3, 60, 6)
    linear = np.stack([np.interp(at, seen, row[0, seen], period=60) for row in truth.values])
    error = np.linalg.norm(linear - truth.values[:, 0])
    assert np.linalg.norm(away) < 0.4 * error
    assert error_of(known.forecast(2), road(frames=15).values[13:]) < 0.1
    two = hfluxno.reconstruct(truth.window(0, 2), law=found)
    np.testing.assert_allclose(two.trajectory.values, truth.values[:2], rtol=0.05)
    with pytest.raises(ValueError, match="with a given law needs at least two frames"):
        hfluxno.reconstruct(truth.window(0, 1), law=found)
    with pytest.raises(ValueError, match="fields 'density', and the context 'speed'"):
        hfluxno.reconstruct(dataclasses.replace(truth, fields=("speed",)), law=found)
    change = MomentumOfVelocity("density", "speed", 1)
    with pytest.raises(ValueError, match="with the law of the measured fields; this law is of"):
        hfluxno.reconstruct(truth, law=dataclasses.replace(to_save(found), change=change))


def test_what_is_not_known_of_a_law_counts_where_it_was_held():
    """As much as another law moves the forecast, with a first state that fits that one."""
    times, cells = np.linspace(0.0, 0.4, 13), 30
    values = burgers(times, cells, 0.0, 1.0)
    values[np.random.default_rng(1).random(values.shape) < 0.25] = np.nan
    grid = Grid.interval(cells)
    context = Trajectory(values[:10], times[:10], grid, ("u",))
    law, size = polynomial(0.2, 1.0, 0.0, 0.0, 0.5, fields=("u",)), 0.01

    def forecast(law, deviation):
        variances = np.zeros(len(law.basis.names))
        variances[1] = deviation**2
        found = identification(law, interval=0.05, covariance=np.diag(variances))
        return hfluxno.forecast(context, 3, law=found)

    flux = np.array(law.flux_coefficients)
    flux[0, 1] += size
    other = forecast(dataclasses.replace(law, flux_coefficients=flux), 0.0)
    certain, doubted = forecast(law, 0.0), forecast(law, size)
    np.testing.assert_array_equal(doubted.trajectory.values, certain.trajectory.values)
    np.testing.assert_array_equal(doubted.least, certain.least)
    added = np.sqrt(doubted.deviation**2 - certain.deviation**2)
    moved = np.asarray(other.trajectory.values) - np.asarray(certain.trajectory.values)
    moved = np.sqrt(partly_even(moved**2, _ELSEWHERE))
    assert np.linalg.norm(added - moved) < 0.15 * np.linalg.norm(moved)
    spreads = [each.identifications[0].estimate.spread for each in (certain, doubted)]
    assert np.all(spreads[1] >= spreads[0]) and np.any(spreads[1] > 1.5 * spreads[0])


@pytest.mark.usefixtures("x64")
def test_two_fields_and_a_wall():
    grid = Grid.interval(50, 0.0, 10.0, "wall")
    x = grid.centers()
    first = np.stack([1.0 + 0.3 * np.exp(-((x - 4.0) ** 2)), 0.0 * x])
    times = np.arange(9) * 0.1
    law = ShallowWater(beta=9.8)
    control = StepControl(0.5, 0.9, True)
    run = compiled(solve, MUSCL(law), jnp.asarray(first), times, grid, control)
    truth = Trajectory(np.asarray(run.values), times, grid, ("h", "m"))
    found = identification(shallow_water(), interval=0.05)
    forecast = hfluxno.forecast(truth.window(0, 6), 3, law=found)
    assert forecast.status == FitStatus.OK and error_of(forecast, truth.values[6:]) < 0.01
    even = dataclasses.replace(found, law=dataclasses.replace(found.law, negated=()))
    with pytest.raises(ValueError, match="name it with --momentum NAME"):
        hfluxno.forecast(truth.window(0, 6), 3, law=even)
    named = hfluxno.forecast(truth.window(0, 6), 3, law=even, momentum="m")
    np.testing.assert_array_equal(named.trajectory.values, forecast.trajectory.values)


def test_what_does_not_belong_together_is_refused(found):
    context = road().window(0, 6)
    with pytest.raises(
        ValueError, match="The law has the fields 'density', and the context 'speed'"
    ):
        hfluxno.forecast(dataclasses.replace(context, fields=("speed",)), 2, law=found)
    with pytest.raises(ValueError, match="persistence takes no law; choose the method fit"):
        hfluxno.forecast(context, 2, "persistence", law=found)
    with pytest.raises(ValueError, match="no field 'm' to be the momentum"):
        hfluxno.forecast(context, 2, law=found, momentum="m")
    modes = PlaceModes(2.0, 12.0, 1, False)
    terms = Terms(np.zeros((1, 0)), np.ones((1, 1)), np.zeros(0), np.zeros(1), modes)
    placed = identification(dataclasses.replace(found.law, terms=terms))
    with pytest.raises(ValueError, match="known from x = 2 to 12, but the context extends from 0"):
        hfluxno.forecast(context, 2, law=placed)
    bounded = dataclasses.replace(found.law, least=np.array(0.0), most=np.array(1.0))
    with pytest.raises(ValueError, match=r"beyond the bounds 0 and 1 of the law; they go .* Conv"):
        hfluxno.forecast(context, 2, law=identification(bounded))
    infinite = dataclasses.replace(context, values=np.where(context.values > 80, np.inf, 1.0))
    with pytest.raises(ValueError, match="infinite values"):
        hfluxno.forecast(infinite, 2, law=found)


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("name", list(LAWS))
def test_the_forward_model_of_a_given_law_runs_that_law(name):
    """Its centre is the law in cells and frames, kinks and their width included; nothing of it is
    unknown."""
    law, grid = LAWS[name](), Grid.interval(40, 0.2, 0.8)
    saved = to_save(identification(law))
    fields = len(law.fields)
    values = np.random.default_rng(0).normal(size=(4, fields, 40))
    forward = _forward(saved, Trajectory(values, 0.05 * np.arange(4.0), grid, law.fields))
    assert not np.any(forward.spread)
    found, given = forward.law(np.zeros(forward.size)), in_cells(law, grid, 0.05)
    low, high = law.lower[:, None], law.upper[:, None]
    u = low + (high - low) * np.linspace(-0.1, 1.1, 9)
    states, x = jnp.asarray(u), jnp.linspace(0.0, 40.0, 9)

    def parts(law):
        return (
            law.flux(states),
            law.diffusivity(states),
            law.source(states, x[None], 0.0),
            law.factor(x),
        )

    for one, other in zip(compiled(parts, found), compiled(parts, given), strict=True):
        assert (one is None) == (other is None)
        if one is not None:
            np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-12)
