"""The standard deviation of a forecast: what it is made of, and what it is worth."""

import dataclasses

import jax
import numpy as np
import pytest

import hfluxno
from benchmarks.independent.schemes import godunov
from hfluxno.forecaster import bound_of
from hfluxno.fv import Roe, solve
from hfluxno.grid import Grid
from hfluxno.identify import FitStatus, FittedLawForecaster, beside_forecast
from hfluxno.identify.beside_forecast import _columns
from hfluxno.identify.forecast_deviation import (
    _by_scheme,
    _change_of_speed,
    _states,
    _within_cells,
    by_change_of_speed,
    not_below_backtest,
)
from hfluxno.identify.forecaster import _noise
from hfluxno.identify.frames.candidate import Candidate
from hfluxno.identify.frames.select import make_settings
from hfluxno.identify.frames.track import continued, track
from hfluxno.identify.horizon import horizon
from hfluxno.identify.identification import nothing_to_infer
from hfluxno.identify.recognition.recognised import Recognised
from hfluxno.identify.residuals.misfit import UNKNOWN
from hfluxno.parametric.basis import Chebyshev
from hfluxno.parametric.fitted_law import FittedLaw
from tests.compiled import compiled
from tests.identify.laws import identification, polynomial, shallow_water

CELLS, FRAMES, STEPS = 64, 12, 16


@pytest.fixture(scope="module")
def traffic():
    """Greenshields' traffic by a scheme on fine cells, frames (time, field, cells)."""
    x = (np.arange(1536) + 0.5) / 1536
    density = 0.45 + 0.2 * np.sin(2 * np.pi * x) + 0.1 * np.cos(4 * np.pi * x + 1.0)
    return godunov(
        lambda u: u * (1 - u),
        lambda u: np.abs(1 - 2 * u),
        0.5,
        density[None, None],
        FRAMES + STEPS,
        CELLS,
    )[0]


def forecast(values):
    times = np.arange(FRAMES) * 0.01
    context = hfluxno.Trajectory.from_numpy(values[:FRAMES], times, boundary="periodic")
    return hfluxno.forecast(context, STEPS)


def errors_of(found, truth):
    difference = np.asarray(found.trajectory.values) - truth[FRAMES:]
    return np.sqrt(np.sum(difference**2, axis=(1, 2)) / np.sum(truth[FRAMES:] ** 2, axis=(1, 2)))


def test_after_a_single_frame_the_law_and_what_cells_do_not_show_count(traffic):
    """With a law that was found on a circle, from a frame with a steep front."""
    law, late, bounds = forecast(traffic).identifications[0], 12, []
    for boundary in ("periodic", "outflow"):
        frame = traffic[late : late + 1]
        context = hfluxno.Trajectory.from_numpy(frame, np.zeros(1), boundary=boundary)
        found = hfluxno.forecast(context, 8, law=law, every=0.01)
        assert found.identifications[0].status == FitStatus.NOT_CHECKED
        bounds.append(found.predicted_error_90)
        if boundary == "periodic":
            truth, frames = traffic[late + 1 : late + 9], np.asarray(found.trajectory.values)
            error = np.sum((frames - truth) ** 2, axis=(1, 2)) / np.sum(truth**2, axis=(1, 2))
            assert np.all(np.sqrt(error) < bounds[0])
            assert np.all(bounds[0] < 20.0 * np.sqrt(np.mean(error)))
    # What enters is the state at the end, not the mean over the outermost cell.
    assert np.mean(bounds[1]) > 1.3 * np.mean(bounds[0])


def test_what_cells_do_not_show_of_a_parabola():
    """Means exceed the values at centres by Δx² u''/24, here in units of cells."""
    edges = np.arange(9.0)
    means = np.diff(edges**3)[None] / 3.0
    values = (0.5 * (edges[1:] + edges[:-1]))[None] ** 2
    off = _within_cells(means, Grid.interval(8, 0.0, 8.0, "outflow"))
    np.testing.assert_allclose(off[:, 1:-1], (means - values)[:, 1:-1])
    # Half a cell beyond the centres of the outermost ones.
    np.testing.assert_allclose(off[0, [0, -1]], [-1.0, 7.0])


def test_the_error_of_a_back_test_is_the_least_that_is_predicted():
    """With gaps too; over fewer frames than were held out it is less."""
    seen = np.full((8, 1, 4), 2.0)
    seen[5, 0, 1] = np.nan
    context = hfluxno.Trajectory.from_numpy(seen, np.arange(8.0))
    item = dataclasses.replace(
        nothing_to_infer(seen, context),
        backtest_error=0.1,
        misfit=dataclasses.replace(UNKNOWN, noise=0.0),
    )
    small, large = np.full((3, 1, 4), 1e-6), np.full((3, 1, 4), 1.0)
    raised = not_below_backtest(small, item, seen, np.ones(3))
    np.testing.assert_allclose(raised[:, 0, 0], [0.02, 0.04, 0.04])
    np.testing.assert_array_equal(not_below_backtest(large, item, seen, np.ones(3)), large)
    # What the covariance of the shorter fit predicts, the other frames may tell.
    predicted = dataclasses.replace(item, backtest_spread=0.08)
    raised = not_below_backtest(small, predicted, seen, np.ones(3))
    np.testing.assert_allclose(raised[:, 0, 0], np.multiply(0.36, [0.02, 0.04, 0.04]))
    # What a wrong law misses grows, whatever its covariance says.
    wrong = dataclasses.replace(predicted, status=FitStatus.SYSTEMATIC_MISFIT)
    raised = not_below_backtest(small, wrong, seen, np.ones(3))
    np.testing.assert_allclose(raised[:, 0, 0], [0.02, 0.04, 0.09])


@pytest.mark.validation
def test_the_predicted_error_is_of_the_size_of_the_true_one(traffic):
    found = forecast(traffic)
    true, predicted = errors_of(found, traffic), found.predicted_error
    assert predicted.shape == (STEPS,)
    assert predicted[-1] > predicted[0]
    # Of the last frames, within a factor of five, where the scheme of the data has its own errors.
    ratio = true[-4:] / predicted[-4:]
    assert np.all(ratio < 5.0) and np.all(ratio > 0.02)
    np.testing.assert_allclose(found.predicted_error_90, bound_of(predicted))


@pytest.mark.validation
def test_bands_hold_the_truth_under_noise(traffic):
    noise = 0.02 * traffic.std()
    noisy = traffic + noise * np.random.default_rng(1).normal(size=traffic.shape)
    found = forecast(noisy)
    away = np.abs(np.asarray(found.trajectory.values) - traffic[FRAMES:])
    inside = np.mean(away < found.half_width)
    assert 0.75 < inside <= 1.0
    # All frames together are surer than one of them.
    assert np.median(found.deviation[0]) < noise
    assert found.noise == pytest.approx(noise, rel=0.1)
    # Of frames that are measured the noise is a part of the error.
    assert np.all(errors_of(found, noisy) < np.hypot(found.predicted_error_90, found.noise_error))


def test_nothing_is_promised_that_the_back_test_did_not_reach(traffic):
    """Of twelve frames three are held out."""
    context = hfluxno.Trajectory.from_numpy(traffic[:FRAMES], np.arange(FRAMES) * 0.01)
    greenshields = polynomial(0.1, 0.8, 0.0, 1.0, -1.0, fields=("u",))
    misfit = dataclasses.replace(UNKNOWN, noise=0.0)
    worse = identification(greenshields, CELLS, backtest_error=0.2, misfit=misfit)
    found = FittedLawForecaster().advance(context, (worse,), STEPS)
    size = 0.2 * np.sqrt(np.mean(traffic[FRAMES - 5 : FRAMES] ** 2))
    reached = size * np.sqrt(np.minimum(np.arange(1, STEPS + 1) / 3, 1.0))
    deviation = np.sqrt(np.mean(found.deviation**2, axis=(1, 2)))
    assert np.all(deviation > 0.999 * reached)
    assert deviation[2] < 1.5 * reached[2]


def test_gaps_that_the_run_itself_has_filled_hide_nothing(traffic):
    """Of every fourth cell; the last misfits between them are unknown."""
    context = hfluxno.Trajectory.from_numpy(traffic[:FRAMES], np.arange(FRAMES) * 0.01)
    law = polynomial(0.1, 0.8, 0.0, 1.0, -0.98, fields=("u",))
    item = identification(
        law,
        CELLS,
        misfit=dataclasses.replace(UNKNOWN, noise=0.0),
        covariance=1e-12 * np.eye(2),
        initial=traffic[0],
    )
    schedule = np.zeros(FRAMES - 1)
    run, *_ = track(item.grid_law, item.settings, traffic[:FRAMES], schedule)
    filled = np.concatenate([traffic[:1], run])
    filled[..., ::4] = traffic[:FRAMES, :, ::4]
    filled = dataclasses.replace(context, values=filled)

    def deviation(missing, values):
        found = dataclasses.replace(item, missing=missing, filled=values)
        ahead = FittedLawForecaster().advance(context, (found,), STEPS).deviation
        return np.sqrt(np.mean(np.square(ahead)))

    complete = deviation(0.0, None)
    assert deviation(0.0, filled) < 0.4 * complete
    assert 0.5 * complete < deviation(0.75, filled) < complete


@pytest.mark.usefixtures("x64")
def test_terms_that_no_known_law_has_are_a_guess_beyond_the_observed_range():
    """Two humps of water that meet, by a law that is used beyond the heights it was found for."""
    x = (np.arange(50) + 0.5) / 50
    left, right = (0.1 * np.exp(-(((x - at) / 0.06) ** 2)) for at in (0.25, 0.75))
    first = np.stack([1.0 + left + right, np.sqrt(9.8) * (left - right)])
    times = 0.01 * np.arange(12)
    scheme, grid = Roe(shallow_water()), Grid.interval(50)
    every = compiled(solve, scheme, first, times, grid).values
    context = hfluxno.Trajectory.from_numpy(np.asarray(every)[:5], times[:5], x, ("h", "m"))
    law = dataclasses.replace(
        shallow_water(), lower=np.array([0.95, -0.35]), upper=np.array([1.11, 0.35]), reach=0.5
    )
    known = Recognised("shallow water", "g", 9.8, 0.01, 0.0, 0.0)

    def deviation(recognised):
        misfit, exact = dataclasses.replace(UNKNOWN, noise=0.0), np.zeros((4, 4))
        options = {"covariance": exact, "backtest_error": 0.0, "initial": first}
        item = identification(law, recognised=recognised, misfit=misfit, **options)
        return FittedLawForecaster().advance(context, (item,), 7).deviation

    named, function, unnamed = map(deviation, (known, dataclasses.replace(known, symbol=""), None))
    np.testing.assert_array_equal(function, unnamed)
    np.testing.assert_allclose(named[:2], unnamed[:2], rtol=1e-9)  # they have not met yet
    added = np.sqrt(np.maximum(unnamed**2 - named**2, 0.0))
    assert np.max(added[4:]) > 20.0 * np.max(added[:2])
    assert np.max(added[4:]) > 1e-3


def test_a_speed_that_changes_widens_the_bands():
    """A wave whose speed rises by half over the context, seen by a law of constant speed."""
    x, t = np.arange(CELLS) / CELLS, np.linspace(0.0, 3.0, 61)

    def wave(phase):
        return np.sin(2 * np.pi * (x - phase[:, None]))[:, None]

    law, truth = wave(0.5 * t), wave(0.5 * t + 0.05 * (t**2 - t))
    past, ahead = slice(0, 21), slice(21, None)
    restarted = wave(0.5 * t)[ahead]  # both agree in the last frame

    def added(misfit, seen):
        change = _change_of_speed(misfit, law[1:21], seen)
        return by_change_of_speed(*change, seen[-1], t[ahead] - 1.0, restarted)

    found = np.sqrt(added(UNKNOWN, truth[past]))
    size = np.sqrt(np.mean(found**2, axis=(1, 2)))
    error = np.sqrt(np.mean((restarted - truth[ahead]) ** 2, axis=(1, 2)))
    np.testing.assert_allclose(size[:20], error[:20], rtol=0.25)
    noise = 0.05 * np.random.default_rng(0).normal(size=truth.shape)
    for missed in (noise, wave(0.5 * t) - wave(0.52 * t)):  # which have their own terms
        other = added(UNKNOWN, (law + missed)[past])
        assert np.sqrt(np.mean(other)) < 0.1 * np.sqrt(np.mean(size**2))
    for part in (0.75, 0.0):
        known = dataclasses.replace(UNKNOWN, beside=True, slowing=0.2, likely=part)
        other = added(known, law[past])
        expected = part * 4.0 * np.mean(found[19] ** 2)
        assert np.mean(other[19]) == pytest.approx(expected, rel=0.1)


def test_the_error_of_a_scheme_is_foreseen_where_a_shock_forms_late():
    """The flux u²/5 from a wave that breaks in the forecast, where runs on two grids part."""
    grid = Grid.interval(CELLS, upper=float(CELLS))
    settings = make_settings(Candidate(refinement=2, scheme="roe-entropy-fix"), grid)
    basis, one = Chebyshev(np.zeros(1), np.ones(1), 4), np.ones(1)
    flux = np.array([[0.0, 0.1, 0.0, 0.0]])
    law = FittedLaw(("u",), basis, flux, np.zeros((1, 0)), -one, one)
    item = dataclasses.replace(identification(law), grid_law=law)
    first = np.sin(2 * np.pi * (np.arange(CELLS) + 0.5) / CELLS)[None]
    alike, steps = np.repeat(first[None], 8, axis=0), np.ones(24)
    with jax.enable_x64(True):
        alone, state, rate = track(law, settings, alike, np.zeros(7))
        frames, _ = continued(law, settings, state, rate, steps, 8)
        other = track(law, settings.on_other_cells(), alike, np.zeros(7))[0]

        def size(missed):
            seen = np.concatenate([first[None], alone - missed])
            found = _by_scheme(item, settings, seen, alone, state, steps, frames, False)
            return np.sqrt(np.mean(found, axis=(1, 2)))

        whole, half = size(other - alone), size(0.5 * (other - alone))
    # A shock is there after 64/0.8π = 25 frames, which is the 18th of the forecast.
    assert whole[:20].max() > 5.0 * whole[0] > 0.0
    np.testing.assert_allclose(half, 0.5 * whole, rtol=0.02)  # the scale is of what was seen


def test_few_columns_make_up_a_covariance_and_many_do_so_on_average():
    roots = np.random.default_rng(0).normal(size=(5, 5))
    covariance = roots @ roots.T
    columns = _columns(covariance)
    np.testing.assert_allclose(columns @ columns.T, covariance, atol=1e-12)
    large = _columns(np.eye(20))
    assert large.shape == (20, 8)
    assert np.sum(large**2) == pytest.approx(20.0)


def test_noise_is_at_most_what_the_law_leaves(traffic):
    """Steep waves look like noise of 30 % of the deviation."""
    greenshields = polynomial(0.1, 0.8, 0.0, 1.0, -1.0, fields=("u",))
    misfit = dataclasses.replace(UNKNOWN, noise=0.3)
    for residual, noise in ((0.01, 0.01), (0.5, 0.3), (np.nan, 0.3)):
        item = identification(greenshields, CELLS, residual=residual, misfit=misfit)
        assert _noise(item, traffic) == pytest.approx(noise * traffic.std())


@pytest.mark.parametrize(
    ("errors", "said"),
    [
        ((0.01, 0.02), "in nine of ten cases its error is below 5 % for 2 of 2 frames"),
        (
            (0.01, 0.2, 0.6),
            "in nine of ten cases its error is below 5 % for 1 of 3 frames, and may exceed 100 % "
            "from frame 3 on: nothing is known there",
        ),
        ((0.1, 0.2), "its error may exceed 5 % from the first frame on"),
        (
            (0.1, 0.6, 0.7),
            "its error may exceed 5 % from the first frame on, and 100 % from frame 2 on: nothing "
            "is known there",
        ),
        ((0.6,), "its error may exceed 100 % from the first frame on: nothing is known"),
    ],
)
def test_how_far_ahead_a_forecast_is_believed(errors, said):
    """By the 90 % bounds, 1.85 times the predicted errors."""
    item = identification(polynomial(0.1, 0.8, 0.0, 1.0, -1.0, fields=("u",)), CELLS)
    made = believed(np.full((1 + len(errors), 1, CELLS), -2.0), errors)
    assert horizon(item, *made) == f"; {said}"


def believed(frames, errors, unknown=None):
    spread = np.broadcast_to(2.0 * np.array(errors)[:, None, None], frames[1:].shape)
    return frames, spread, unknown


def test_a_forecast_is_believed_as_far_as_each_of_its_fields():
    """Of h about 1000 and m about .3, which all fields together do not show; m vanishes in the
    second frame, and its error is no larger for that."""
    item = identification(shallow_water(), CELLS)
    frames = np.full((5, 2, CELLS), 1000.0)
    frames[:, 1] = 0.3 * np.array([1.0, 1.0, 0.0, 1.0, -1.0])[:, None]
    spread = np.ones((4, 2, CELLS))
    spread[:, 1] = 0.3 * np.array([0.01, 0.02, 0.03, 0.03])[:, None]
    said = "; in nine of ten cases its error is below 5 % for"
    together = "(it is largest in m), for 4 in all together"
    assert horizon(item, frames, spread) == f"{said} 2 of 4 frames in each field {together}"
    spread[:, 1] *= 2.0
    assert horizon(item, frames, spread) == f"{said} 1 of 4 frames in each field {together}"
    spread[:, 1] *= 0.3
    assert horizon(item, frames, spread) == f"{said} 4 of 4 frames"


def test_a_forecast_says_which_field_leaves_the_observed_range_if_that_is_why_nothing_is_known():
    """Of two fields h leaves the range of 0.8 to 1.6 or so in the third frame."""
    item = identification(shallow_water(), CELLS)
    frames = np.full((4, 2, CELLS), 0.0)
    frames[:, 0] = np.sqrt(8.0)
    inside = 0.5 * (item.law.lower + item.law.upper)[:, None]
    frames[:3] = inside
    errors = np.array([0.01, 0.2, 0.6]) * np.sqrt(np.mean(frames[1:] ** 2, axis=(1, 2))) / 2.0
    said = "from frame 3 on: nothing is known there"
    because = ", as h leaves the observed range, beyond which the law is a guess"
    for part, more in ((0.9, because), (0.1, ""), (0.0, "")):
        unknown = np.array([0.0, 0.0, part])
        assert horizon(item, *believed(frames, errors, unknown)).endswith(said + more)


def test_a_neighbour_that_explodes_is_solved_by_a_steadier_scheme(monkeypatch):
    """As the forecast itself would be: the bound had been that of knowing nothing."""
    x, t = (np.arange(CELLS) + 0.5) / CELLS, 0.01 * np.arange(FRAMES)
    u = 0.5 + 0.2 * np.sin(2 * np.pi * (x - t[:, None]))[:, None]
    law = polynomial(0.2, 0.8, 0.0, 1.0, fields=("u",))
    misfit = dataclasses.replace(UNKNOWN, noise=0.0)
    item = identification(law, CELLS, 0.01, initial=u[0], misfit=misfit)
    context = hfluxno.Trajectory.from_numpy(u, t, x)

    def bound():
        return FittedLawForecaster().advance(context, (item,), 4).predicted_error_90[-1]

    def exploding(law, settings, *others):
        found, solved = continued(law, settings, *others)
        broken = settings.scheme != "rusanov"
        return (found * 1e200, False) if broken else (found, solved)

    expected = bound()
    monkeypatch.setattr(beside_forecast, "continued", exploding)
    assert expected <= bound() < 0.05
    monkeypatch.setattr(beside_forecast, "STEADIER", ())
    assert bound() > 0.2


@pytest.mark.parametrize("mode", ["restart", "filter"])
def test_noise_of_one_field_counts_however_much_the_law_misses_of_another(mode):
    rng, time = np.random.default_rng(2), np.array([0.1, 0.5])
    wave = np.sin(2 * np.pi * (np.arange(CELLS) / CELLS - 0.02 * np.arange(FRAMES)[:, None]))
    noise = 0.01 * rng.normal(size=(FRAMES, 2, CELLS))
    seen = wave[:, None] * [[1.0], [1e6]] + noise * [[1.0], [1e6]]
    item = dataclasses.replace(
        identification(shallow_water()), mode=mode, misfit=dataclasses.replace(UNKNOWN, noise=0.014)
    )
    least = 1.0 if mode == "restart" else len(item.coefficients) / FRAMES
    of_rest = (time + 0.1) ** 2 if mode == "restart" else 1.0 + time**2

    def squares(missed):
        return sum(
            size[:, None] ** 2 * weight for size, weight in _states(item, seen, missed, time)
        )

    alike = squares(noise[1:] * [[1.0], [1e6]])
    np.testing.assert_allclose(alike, least, rtol=0.2)
    other = squares(noise[1:] * [[1.0], [1e7]])
    np.testing.assert_allclose(other[0], alike[0], rtol=0.2)
    np.testing.assert_allclose(other[1], 0.01 * least + 0.99 * of_rest, rtol=0.1)


def test_neighbours_of_the_law_are_as_far_off_on_half_of_many_cells(traffic, monkeypatch):
    """With shocks in the forecast, of which they displace the places."""
    law = polynomial(0.1, 0.8, 0.0, 1.0, -1.0, fields=("u",))
    context = hfluxno.Trajectory.from_numpy(
        traffic[:FRAMES], 0.5 / CELLS * np.arange(FRAMES), (np.arange(CELLS) + 0.5) / CELLS
    )
    settings = make_settings(Candidate(scheme="roe-entropy-fix", refinement=4), context.grid)
    found = identification(law, CELLS, 0.5 / CELLS, misfit=dataclasses.replace(UNKNOWN, noise=0.0))
    item = dataclasses.replace(found, settings=settings, covariance=1e-4 * found.covariance)
    calls = []

    def counted(law, settings, *others):
        calls.append(settings.refinement)
        return continued(law, settings, *others)

    monkeypatch.setattr(beside_forecast, "continued", counted)

    def deviation():
        return FittedLawForecaster().advance(context, (item,), STEPS).predicted_error

    few, on = deviation(), set(calls)
    monkeypatch.setattr(beside_forecast, "_MANY_CELLS", 100)
    calls.clear()
    every = deviation()
    assert on == {2} and set(calls) == {4}
    np.testing.assert_allclose(few, every, rtol=0.02)
