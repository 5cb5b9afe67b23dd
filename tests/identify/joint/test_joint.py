"""Law, first state, ends and sources estimated together, on exact solutions."""

import dataclasses
import functools
import importlib
import pickle
import re

import jax
import numpy as np
import pytest

import hfluxno
from hfluxno import Trajectory, reconstruct
from hfluxno.boundary import Given
from hfluxno.grid import Grid
from hfluxno.identify import FitStatus, FittedLawForecaster, identify_all
from hfluxno.identify.frames.interpolation import interpolated
from hfluxno.identify.identification import nothing_to_infer
from hfluxno.identify.joint.end_scatter import with_end_scatter
from hfluxno.identify.joint.ensemble import plausible
from hfluxno.identify.joint.estimate import Estimate, spread_of
from hfluxno.identify.joint.flux_uncertainty import flux_uncertainty
from hfluxno.identify.joint.forward_runs import (
    measure,
    run,
    states_alone,
    states_at,
    states_of,
    values_alone,
)
from hfluxno.identify.joint.future_ends import with_future
from hfluxno.identify.joint.kind import Kind
from hfluxno.identify.joint.prior import make_forward
from hfluxno.identify.joint.random_field import differs, modes
from hfluxno.identify.joint.shared_errors import with_shared_errors
from hfluxno.identify.joint.starts import carried
from hfluxno.identify.joint_report import with_further_terms
from hfluxno.identify.jointly import identify_jointly
from hfluxno.identify.residuals.misfit import UNKNOWN
from hfluxno.identify.status import joint_status
from hfluxno.observation import Points
from tests.errors import relative
from tests.identify.exact import burgers, fronts, logistic
from tests.slow import slow

TIMES = np.linspace(0.0, 0.4, 13)
OPEN = {"lower": 0.1, "upper": 0.7}
CELLS = 30


def window(values, times=TIMES, boundary="open"):
    grid = Grid.interval(CELLS, OPEN["lower"], OPEN["upper"], boundary)
    return dataclasses.replace(
        Trajectory.from_numpy(values, np.arange(len(times)), grid.centers()),
        times=np.asarray(times),
        grid=grid,
    )


@functools.cache
def noisy_burgers():
    """The truth, the same with noise, and what is reconstructed with that noise, `brief`ly."""
    truth = burgers(TIMES, CELLS, **OPEN)
    noisy = truth + 0.012 * np.random.default_rng(2).normal(size=truth.shape)
    return truth, noisy, reconstruct(window(noisy), noise=0.012)


@pytest.mark.parametrize("periodic", [True, False])
def test_modes_of_a_random_function_sum_to_its_covariance(periodic):
    places = np.arange(12.0)
    found = modes(places, 3.0, 12, 12.0 if periodic else None)
    distance = np.abs(places[:, None] - places)
    if periodic:
        distance = np.minimum(distance, 12.0 - distance)
    np.testing.assert_allclose(found.T @ found, np.exp(-distance / 3.0), atol=1e-12)
    fewer = modes(places, 3.0, 4, 12.0 if periodic else None)
    np.testing.assert_allclose(fewer.T @ fewer, found[:4].T @ found[:4], atol=1e-12)


@pytest.mark.parametrize("period", [None, 240.0])
def test_a_random_function_scatters_as_its_measured_places_differ(period):
    """Draws of it show its standard deviation; one value, or even ones, show none."""
    drawn = np.random.default_rng(4).normal(size=(400, 240)) @ modes(
        np.arange(240.0), 36.0, 240, period
    )
    places = np.arange(5, 240, 20)
    shown = [differs(2.0 * draw[places], places, 36.0, period) for draw in drawn]
    assert np.sqrt(np.mean(np.square(shown))) == pytest.approx(2.0, rel=0.05)
    assert differs(np.full(12, 3.0), places, 36.0, period) == 0.0
    if period is None:
        assert differs(np.ones(1), places[:1], 36.0) == np.inf


def test_between_sensors_that_read_alike_the_first_state_scatters_little(x64):
    """However much is measured later, as in a rod that is heated at an end."""
    rod = 20.0 + 0.01 * np.arange(CELLS) + np.linspace(0.0, 30.0, 13)[:, None]
    rod[1:, 1::3] = np.nan
    waves = rod + 20.0 * np.sin(np.arange(CELLS) / 3.0)
    spread = []
    for values, each in ((rod, 5), (waves, 5), (20.0 + 0.0 * rod + waves - waves[:1], 1)):
        sensors = np.where(np.arange(CELLS) % each == min(2, each - 1), values, np.nan)
        forward = make_forward(Kind(), window(sensors), (), known_first=False)
        squares = np.sum(np.asarray(forward.first_modes) ** 2, axis=(0, 1))
        spread.append(np.sqrt(np.mean(squares)) / np.nanstd(sensors))
    assert spread[0] == pytest.approx(0.14, abs=0.02) and spread[1] > 0.5
    # Of frames the first one has been measured, with its noise.
    assert spread[2] > 0.5


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("boundary", ["open", slow("periodic")])
def test_derivatives_are_those_of_runs(boundary):
    """By every unknown: of flux, sources, the factor of place, the first state and the ends."""
    rng = np.random.default_rng(0)
    values = 1.0 + 0.3 * np.sin(np.arange(10) / 2.0) + 0.01 * rng.normal(size=(5, 1, 10))
    grid = Grid.interval(10, 0.0, 10.0, boundary)
    measured = Trajectory(values, np.array([0.0, 0.9, 2.0, 3.2, 4.0]), grid, ("u",))
    kind = Kind(2, by_state=2, source_modes=2, flux_modes=2)
    forward = make_forward(kind, measured, (), known_first=False)
    z = 0.1 * rng.normal(size=forward.size)
    z[0] = 0.5
    intervals = np.diff(measured.times)
    states, derivatives, _ = run(forward, z, intervals, 1000)
    seen = dataclasses.replace(forward, observation=(Points(np.full(10, 0.4)),))
    for each, expected in ((forward, states), (seen, measure(seen, z, states, derivatives)[0])):
        alone = values_alone(each, z, intervals, 1000)
        np.testing.assert_allclose(alone, expected, rtol=0.0, atol=1e-12)
    assert np.max(np.abs(expected - states[: len(expected)])) > 1e-3
    free = np.flatnonzero(
        np.concatenate([forward.spread > 0.0, np.ones(forward.size - len(forward.spread), bool)])
    )
    assert states.shape == (5, 1, 10)
    for k in free[:: 1 if boundary == "open" else 4]:
        step = 1e-5 * np.eye(forward.size)[k]
        above, below = (values_alone(forward, z + s, intervals, 1000) for s in (step, -step))
        np.testing.assert_allclose(derivatives[:, k], (above - below) / 2e-5, rtol=2e-3, atol=2e-5)
    moved = np.abs(derivatives[:, free]).max(axis=(0, 2, 3)) > 1e-6
    assert np.all(moved)


@pytest.mark.validation
@pytest.mark.usefixtures("x64")
def test_derivatives_on_four_internal_cells():
    """They come from half as many."""
    values = 1.0 + 0.3 * np.sin(2 * np.pi * np.arange(12) / 12)[None, None] * np.ones((4, 1, 1))
    measured = Trajectory(values, np.arange(4.0), Grid.interval(12, 0.0, 12.0), ("u",))
    forward = make_forward(Kind(2), measured, (), known_first=True, refinement=4)
    z, intervals = np.zeros(forward.size), np.diff(measured.times)
    z[:2] = 0.5, 0.2
    on_internal_cells, changes, _ = run(forward, z, intervals, 1000)
    assert changes.shape == (4, forward.size, 1, 48)
    states, derivatives = measure(forward, z, on_internal_cells, changes)
    alone = states_alone(forward, z, intervals, 1000)
    np.testing.assert_allclose(states, alone, rtol=0.0, atol=1e-13)
    for k in forward.free:
        step = 1e-5 * np.eye(forward.size)[k]
        above, below = (states_alone(forward, z + s, intervals, 1000) for s in (step, -step))
        wanted = (above - below) / 2e-5
        assert np.linalg.norm(derivatives[:, k] - wanted) < 0.05 * np.linalg.norm(wanted)


@pytest.mark.validation
@pytest.mark.usefixtures("x64")
def test_diffusion_that_takes_many_steps_has_them_of_many_stages():
    """The run is the same to a thousandth of what moves, in a tenth of the steps."""
    forward = make_forward(
        Kind(2, diffusion=1), window(burgers(TIMES, CELLS, **OPEN)), (), known_first=True
    )
    z, few = np.zeros(forward.size), np.zeros(forward.size)
    of_diffusion = forward.shape.sizes[0]
    z[of_diffusion], few[of_diffusion] = 30.0 / forward.spread[of_diffusion], 0.3
    paced = forward.paced(z)
    assert forward.paced(few) is forward and paced.paced(few).settings == forward.settings
    intervals = forward.intervals(forward.when(TIMES))
    usual, _, steps = run(forward, z, intervals, 10_000)
    longer, _, fewer = run(paced, z, intervals, 10_000)
    moved = np.max(np.abs(usual - usual[:1]))
    assert 10 * fewer < steps and np.max(np.abs(longer - usual)) < 1e-3 * moved


SIGN = (-1.0) ** (np.arange(5)[:, None, None] + np.arange(10))


def of_a_wave(**settings):
    """A wave that stands still, as it was measured, its forward model and the unknowns of a law by
    which it moves."""
    values = 1.0 + 0.3 * np.sin(2 * np.pi * np.arange(10) / 10)[None, None] * np.ones((5, 1, 1))
    measured = Trajectory(values, np.arange(5.0), Grid.interval(10, 0.0, 10.0), ("u",))
    forward = make_forward(Kind(2), measured, (), known_first=True, **settings)
    z = np.zeros(forward.size)
    z[0] = 0.3
    return measured, forward, z


def wider(measured, forward, z, missed):
    """The estimate if the measurements miss its run by so much."""
    known = 1e-4 * np.eye(forward.size)
    plain = Estimate(forward, z, known, np.array([0.01]), np.arange(5.0), 0.0)
    seen = plain.observed(measured.times) - missed
    return with_shared_errors(plain, dataclasses.replace(measured, values=seen))


@pytest.mark.usefixtures("x64")
def test_what_neighbours_miss_alike_is_told_once():
    """Independent misfits leave the covariance as it is; shared ones leave it nearer the prior. The
    error of the scheme counts as far as the misfit allows."""
    wave = of_a_wave()
    alone, shared = wider(*wave, 0.01 * SIGN), wider(*wave, 0.01 * np.abs(SIGN))
    # But for what the errors of the scheme may have changed.
    changed = np.outer(alone.bias, alone.bias)
    known = 1e-4 * np.eye(len(alone.z))
    np.testing.assert_allclose(alone.covariance - changed, known, rtol=1e-9, atol=1e-15)
    assert np.max(np.abs(changed)) < 1e-3 * 1e-4
    # Correlations of one count as .9: of 361 values one.
    told = 1.0 / np.diag(shared.covariance) - 1.0
    np.testing.assert_allclose(told, (1.0 / 1e-4 - 1.0) / 361.0, rtol=1e-6)
    assert wider(*wave, 0.0 * SIGN).of_scheme == 0.0
    assert 0.0 < wider(*wave, 1e-5 * SIGN).of_scheme < alone.of_scheme <= 1.0
    bare = dataclasses.replace(alone, of_scheme=0.0).continued(np.arange(5.0))[1]
    assert np.all(alone.spread >= bare) and np.any(alone.spread > 1.1 * bare)


@pytest.mark.validation
@pytest.mark.usefixtures("x64")
def test_the_error_of_the_scheme_counts_on_fine_cells_and_where_sensors_stand():
    # On the finest cells it is no larger than that of the scheme that made the data.
    assert wider(*of_a_wave(refinement=8), 1e-5 * SIGN).of_scheme == 1.0
    # Sensors beside the centres of their cells are compared with the states where they stand.
    measured, forward, z = of_a_wave()
    states = run(forward, z, np.ones(4), 1000)[0]
    alone = wider(measured, forward, z, 0.01 * SIGN)
    forward = dataclasses.replace(forward, observation=(Points(np.full(10, 0.4)),))
    moved = dataclasses.replace(alone, forward=forward).observed(measured.times)
    assert np.max(np.abs(moved - states)) > 0.05
    assert wider(measured, forward, z, 0.01 * SIGN).share == pytest.approx(alone.share)


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("lowest", [0.0, -0.1])
def test_what_was_never_negative_does_not_become_so(lowest):
    """Whatever the unknowns are, in the first state and at open ends, and beyond the last time."""
    values = np.zeros((5, 1, 10))
    values[:, 0, :4] = 1.0
    values[2, 0, 9] = lowest
    grid = Grid.interval(10, 0.0, 10.0, "open")
    measured = Trajectory(values, np.arange(5.0), grid, ("u",))
    forward = make_forward(Kind(2), measured, (), known_first=False)
    forward = with_future(forward, 8.0)
    z = jax.numpy.full(forward.size, -1.0)
    _, start = forward.problem(z)
    ends = [end.values for end in forward.grid(z).boundary[0]]
    lowest_of_all = min(np.min(start), *(np.min(values) for values in ends))
    if lowest < 0.0:
        assert lowest_of_all < -0.1
    else:
        assert lowest_of_all == 0.0 and forward.shape.lower == 0.0


@pytest.mark.parametrize(
    ("boundary", "lowest", "bounds", "still"),
    [
        ("wall", 0.0, None, [0.0]),
        ("periodic", 0.0, None, []),
        ("wall", -0.1, None, []),
        ("wall", 0.0, (0.0, 1.5), [0.0, 1.5]),
        ("wall", 0.1, (0.0, np.inf), [0.0]),
        ("periodic", 0.0, (0.0, 1.5), []),
    ],
)
def test_what_has_reached_a_bound_does_not_flow_at_a_wall(boundary, lowest, bounds, still, x64):
    """Zero is a bound if densities reach it and an end is closed."""
    values = lowest + 0.9 * np.random.default_rng(4).random((13, 1, CELLS))
    values[3, 0, 3] = lowest
    context = window(values, boundary=boundary)
    context = context if bounds is None else context.with_bounds(*bounds)
    forward = make_forward(Kind(4), context, (), known_first=True)
    np.testing.assert_array_equal(forward.shape.still, still)
    assert len(forward.free) == 4 - max(len(still) - 1, 0) + (boundary == "wall" and not still)
    z = np.random.default_rng(5).normal(size=forward.size)
    if still:
        law = forward.law(z)
        flows = np.asarray(law.flux(np.array([still])))[0] + law.terms.flux_offset[0]
        np.testing.assert_allclose(flows, 0.0, atol=1e-14)
        # What is taken away is a line.
        rest = (
            law.flux_coefficients[0]
            - forward.shape.law(forward.spread * z[: len(forward.spread)]).flux_coefficients[0]
        )
        assert np.all(rest[1:] == 0.0) and np.any(rest[0] != 0.0) == (len(still) == 2)
        again = forward.shape.with_still(forward.coefficients(z))
        np.testing.assert_allclose(again, forward.coefficients(z), atol=1e-14)


def test_coefficients_that_follow_are_reported_with_their_covariance(x64):
    """Between the bounds 0 and 1 the flux of a sealed column has two coefficients fewer, and the
    law of the report is that of all of them. Its constant is not printed beside them."""
    values = 0.1 + 0.5 * np.random.default_rng(4).random((6, 1, 12))
    context = Trajectory.from_numpy(values, np.arange(6.0), boundary="wall").with_bounds(0.0, 1.0)
    forward = make_forward(Kind(3), context, (), known_first=True)
    z = (
        0.1
        * np.random.default_rng(5).normal(size=forward.size)
        * (np.append(forward.spread, []) > 0)
    )
    covariance = np.diag(np.arange(1.0, 1.0 + forward.size))
    best = Estimate(forward, z, covariance, np.ones(1), np.arange(6.0), 0.0, 1)
    best = dataclasses.replace(best, by_scheme=np.arange(1.0 * forward.size)[None])
    report = importlib.import_module("hfluxno.identify.joint_report")
    found, spread, by_scheme, present = report._coefficients(best)
    size = forward.shape.sizes[0]
    assert [*present] == [0, 1, 2]
    np.testing.assert_allclose(by_scheme[0, present], forward.spread[[2, 1, 2]] * [-2.0, 1.0, 2.0])
    present = np.append(present, sum(forward.shape.sizes[:4]))
    # f = Σ a_k T_k(2u - 1) + c = 0 at both ends: c = -a_2 and a_1 = -a_3.
    a, offset = found[:size], found[sum(forward.shape.sizes[:4])]
    np.testing.assert_allclose([a[0], offset], [-a[2], -a[1]], atol=1e-14)
    variances = np.diag(spread)
    np.testing.assert_allclose(variances[present], variances[[2, 1, 2, 1]])
    assert np.all(variances[present] > 0.0)


def test_unknowns_are_carried_to_a_richer_kind():
    values = np.sin(np.arange(12.0))[None, None] + np.zeros((4, 1, 1))
    measured = Trajectory(values, np.arange(4.0), Grid.interval(12, 0.0, 12.0), ("u",))
    poor, rich = (
        make_forward(kind, measured, (), known_first=True)
        for kind in (Kind(3), Kind(5, by_state=3, flux_modes=4))
    )
    z = np.zeros(poor.size)
    z[:3] = 0.4, -0.2, 0.1
    richer = carried(z, poor, rich)
    u = np.linspace(-1.0, 1.0, 7)
    np.testing.assert_allclose(poor.law(z).flux(u), rich.law(richer).flux(u), atol=1e-12)
    np.testing.assert_allclose(np.asarray(rich.law(richer).terms.by_state), 0.0)


@pytest.mark.usefixtures("x64")
def test_ends_are_ever_less_certain_after_the_last_time():
    values = burgers(TIMES, CELLS, **OPEN)
    grid = Grid.interval(CELLS, 0.0, 30.0, "open")
    measured = Trajectory(values, np.arange(13.0), grid, ("u",))
    forward = make_forward(Kind(2), measured, (), known_first=True)
    longer = with_future(forward, 40.0)
    new = longer.ends.modes[forward.ends.modes.shape[0] :]
    spread = np.sqrt(np.sum(new**2, axis=0))[:, 0]
    assert np.all(spread[:, :13] == 0.0) and np.all(np.diff(spread[:, 12:]) > 0.0)
    # The difference of two states of the prior.
    lags = np.asarray(longer.ends.times[12:]) - longer.ends.times[12]
    apart = np.sqrt(2.0 * (1.0 - np.exp(-lags / longer.ends.length)))
    scatter = np.asarray(forward.ends.scatter)[0]
    np.testing.assert_allclose(
        spread[:, 12:], np.stack([apart, apart]) * scatter[:, None], rtol=1e-6
    )
    np.testing.assert_array_equal(longer.ends.mean[..., -1], forward.ends.mean[..., -1])
    assert with_future(forward, 12.0) is forward


@pytest.mark.validation
def test_an_open_road_seen_by_a_few_sensors():
    """Every fourth cell, 2 % noise, a tenth missing, what comes in unknown."""
    truth = burgers(TIMES, CELLS, **OPEN)
    rng = np.random.default_rng(3)
    seen = np.full(truth.shape, np.nan)
    sensors = np.arange(1, CELLS, 4)
    seen[..., sensors] = truth[..., sensors] + 0.012 * rng.normal(size=(13, 1, len(sensors)))
    seen[rng.random(seen.shape) < 0.1] = np.nan
    found = reconstruct(window(seen))
    assert found.identification.status == FitStatus.OK
    error = relative(found.trajectory.values, truth)
    assert error < 0.5 * relative(interpolated(seen, False), truth)
    assert found.noise[0] == pytest.approx(0.012, rel=0.25)
    u = np.linspace(np.nanmin(seen), np.nanmax(seen), 9)
    speed = np.asarray(found.identification.law.jacobian(u)).ravel()
    np.testing.assert_allclose(speed, u, atol=0.15)  # of u²/2
    low, high = found.bands
    assert np.mean((low <= truth) & (truth <= high)) >= 0.75
    assert np.median(found.deviation) < 0.012
    ahead = found.forecast(4)
    later = burgers(TIMES[-1] + (TIMES[1] - TIMES[0]) * np.arange(1, 5), CELLS, **OPEN)
    assert relative(ahead.trajectory.values[:1], later[:1]) < 0.02
    assert "in nine of ten cases its error is below 5 %" in ahead.sentences[0]
    assert np.all(np.diff(ahead.deviation.mean(axis=(1, 2))) > 0.0)


@pytest.mark.validation
def test_a_known_noise_is_kept_and_what_is_far_above_it_is_none(brief):
    truth, noisy, found = noisy_burgers()
    assert found.noise == np.array([0.012])
    assert found.identification.status == FitStatus.OK
    assert relative(found.trajectory.values, truth) < 0.5 * relative(noisy, truth)
    sure = reconstruct(window(noisy), noise=[0.004])
    assert sure.noise[0] == 0.004
    assert sure.identification.status == FitStatus.SYSTEMATIC_MISFIT
    assert re.search(r", (2\.[5-9]|3(\.\d)?) times the given noise", sure.identification.sentence)
    for wrong in (-0.1, 0.0, np.nan):
        with pytest.raises(ValueError, match=r"positive standard deviation.*Leave it out"):
            reconstruct(window(noisy), noise=wrong)
    with pytest.raises(
        ValueError,
        match=r"one for each of the 1 fields, or one for each value, of shape .*; got .* \(2,\)",
    ):
        reconstruct(window(noisy), noise=[0.1, 0.1])


FIVE = [1, 8, 15, 22, 28]


def five_sensors():
    times = np.linspace(0.0, 0.8, 30)
    truth = burgers(times, CELLS, **OPEN)
    seen = np.full(truth.shape, np.nan)
    noise = 0.005 * np.random.default_rng(3).normal(size=(30, 1, 5))
    seen[..., FIVE] = truth[..., FIVE] + noise
    return times, truth, seen


@pytest.mark.validation
def test_five_sensors(brief):
    """Too few for a law of frames; between them runs know more than an interpolation."""
    times, truth, seen = five_sensors()
    found = reconstruct(window(seen, times))
    assert found.identification.status == FitStatus.OK
    assert np.isnan(found.identification.misfit.in_space)
    error = relative(found.trajectory.values, truth)
    assert error < 0.5 * relative(interpolated(seen, False), truth)


@pytest.mark.validation
def test_five_sensors_of_known_noise(brief):
    times, truth, seen = five_sensors()
    found = reconstruct(window(seen, times), noise=[0.005])
    assert found.identification.status == FitStatus.OK
    assert found.noise[0] == pytest.approx(0.005)
    error = relative(found.trajectory.values, truth)
    assert error < 0.5 * relative(interpolated(seen, False), truth)


def test_too_few_sensors():
    times, truth, seen = five_sensors()
    seven = np.where(np.isin(np.arange(CELLS), np.arange(1, 29, 4)), truth, np.nan)
    with pytest.raises(
        ValueError, match=r"only 7 cells; a law can be inferred from 8 or more, and"
    ):
        hfluxno.identify(window(seven, times, "outflow"))
    seen[..., FIVE[:2]] = np.nan
    with pytest.raises(ValueError, match=r"only 3 cells; a law can be inferred from 4 or more\."):
        reconstruct(window(seen, times))
    with pytest.raises(ValueError, match=r"this one has 5. Place fewer sensors on a finer grid"):
        reconstruct(Trajectory.from_numpy(truth[..., FIVE], times, boundary="open"))


@pytest.mark.validation
def test_the_bound_of_cramer_and_rao_is_the_inverse_of_what_the_values_tell(brief):
    _, _, found = noisy_burgers()
    estimate = found.identification.estimate
    intervals = np.diff(np.arange(13.0))
    # The parabola that goes on beyond the range was fitted as one that does not.
    assert estimate.forward.shape.reach == 0.5
    shape = dataclasses.replace(estimate.forward.shape, reach=np.zeros(()))
    fitted = dataclasses.replace(estimate.forward, shape=shape)
    _, rows, _ = run(fitted, estimate.z, intervals, 1000)
    free = np.concatenate([estimate.forward.spread > 0.0, np.ones(CELLS, bool)])
    free = np.concatenate([free, np.ones(estimate.forward.size - len(free), bool)])
    flat = rows[:, free, 0].swapaxes(0, 1).reshape(free.sum(), -1) / 0.012
    # What is known well; in the other directions both are large numbers of no use.
    sizes, directions = np.linalg.eigh(flat @ flat.T)
    seen = directions[:, sizes > 1.0]
    least = estimate.least_covariance[np.ix_(free, free)]
    np.testing.assert_allclose(seen.T @ least @ seen, np.diag(1.0 / sizes[sizes > 1.0]), atol=1e-3)
    ahead = pickle.loads(pickle.dumps(found)).forecast(3)  # a reconstruction can be kept
    assert ahead.least.shape == ahead.deviation.shape
    assert np.all(ahead.least_error > 0.0) and np.all(ahead.least_error < 0.05)


@pytest.mark.validation
def test_of_fewer_values_no_estimate_is_better(brief):
    _, noisy, found = noisy_burgers()
    few = noisy.copy()
    few[..., 1::2] = np.nan
    worse = reconstruct(window(few), noise=0.012).forecast(3)
    # NaN: none is of use.
    assert not np.any(worse.least_error < found.forecast(3).least_error)


@pytest.mark.validation
def test_errors_of_forecasts_are_near_the_bound():
    """On the average, as single ones may be below; the field moves by Burgers' equation."""
    times = 0.008 * np.arange(30)
    truth = burgers(times, 64)
    sigma = 0.01 * float(np.sqrt(np.mean(truth**2)))
    errors, bounds = [], []
    for seed in range(6):
        noise = sigma * np.random.default_rng(seed).normal(size=(20, 1, 64))
        context = Trajectory.from_numpy(truth[:20] + noise, times[:20])
        ahead = hfluxno.forecast(context, 10, noise=sigma)
        differences = np.asarray(ahead.trajectory.values) - truth[20:]
        errors.append(np.linalg.norm(differences[:, 0], axis=1))
        bounds.append(np.linalg.norm(ahead.least[:, 0], axis=1))
    ratio = np.sqrt(np.mean(np.square(errors), axis=0) / np.mean(np.square(bounds), axis=0))
    assert np.all(ratio < 1.3) and np.all(ratio > 0.7)


@pytest.mark.validation
def test_sensors_count_where_they_stand(brief):
    """And not at the centres of their cells, from which they are moved by up to half of one."""
    rng = np.random.default_rng(5)
    sensors = np.arange(1, CELLS, 3)
    offsets = np.zeros(CELLS)
    offsets[sensors] = rng.uniform(-0.5, 0.5, len(sensors))
    truth = burgers(TIMES, CELLS, **OPEN)
    width = (OPEN["upper"] - OPEN["lower"]) / CELLS
    seen = np.full(truth.shape, np.nan)
    for cell in sensors:
        place = OPEN["lower"] + (cell + 0.5 + offsets[cell]) * width
        point = burgers(TIMES, 1, place - 1e-6, place + 1e-6)
        seen[..., [cell]] = point + 0.003 * rng.normal(size=point.shape)
    context = dataclasses.replace(window(seen), observation=(Points(offsets),))
    there, moved = (reconstruct(each) for each in (context, window(seen)))
    errors = [relative(found.trajectory.values, truth) for found in (there, moved)]
    assert errors[0] < 0.6 * errors[1]
    assert there.noise[0] < 0.7 * moved.noise[0]
    ahead = FittedLawForecaster().forecast(context, 2)
    np.testing.assert_array_equal(ahead.trajectory.values, there.forecast(2).trajectory.values)


@pytest.mark.validation
def test_each_value_counts_by_its_own_noise(brief):
    """Every second sensor is bad: with one number for all they spoil the field."""
    truth = burgers(TIMES, CELLS, **OPEN)
    rng = np.random.default_rng(4)
    sigma = np.broadcast_to(np.where(np.arange(CELLS) % 2, 0.004, 0.1), truth.shape).copy()
    noisy = truth + sigma * rng.normal(size=truth.shape)
    noisy[2, 0, 3] = sigma[2, 0, 3] = np.nan
    found = reconstruct(window(noisy), noise=sigma)
    assert found.identification.status == FitStatus.OK
    assert found.noise[0] == pytest.approx(np.sqrt(np.nanmean(sigma**2)))
    alike = reconstruct(window(noisy), noise=float(found.noise[0]))
    errors = [relative(each.trajectory.values, truth) for each in (found, alike)]
    assert errors[0] < 0.4 * errors[1]
    # A misfit of the good ones is not excused by the noise of the bad ones.
    shifted = noisy + np.where(np.arange(CELLS) % 4 == 1, 0.02, 0.0)
    assert reconstruct(window(shifted), noise=sigma).identification.status != FitStatus.OK
    single = Trajectory.from_numpy(noisy[:, 0], TIMES, boundary="open")
    with pytest.raises(ValueError, match=r"got nan where something was measured. Leave it out"):
        reconstruct(single, noise=np.where(sigma > 0.05, np.nan, sigma)[:, 0])


def test_a_known_noise_excuses_as_much_of_the_misfit():
    assert joint_status(0.5, 1.0, UNKNOWN) == FitStatus.POOR_FIT
    assert joint_status(0.5, 1.0, UNKNOWN, noise=0.45, in_noise=1.1) == FitStatus.OK
    assert joint_status(0.2, 1.0, UNKNOWN) == FitStatus.OK
    assert joint_status(0.2, 1.0, UNKNOWN, noise=0.1, in_noise=2.0) == FitStatus.SYSTEMATIC_MISFIT
    assert joint_status(0.01, 1.0, UNKNOWN, noise=0.001, in_noise=10.0) == FitStatus.OK


@pytest.mark.parametrize(
    ("correlation", "shown", "status"),
    [(0.05, 0.49, FitStatus.OK), (0.2, 0.49, FitStatus.POOR_FIT), (0.05, 0.2, FitStatus.POOR_FIT)],
)
def test_independent_noise_that_the_data_show_excuses_as_much(correlation, shown, status):
    """Such as that of counts, which may be half of what moves."""
    misfit = dataclasses.replace(
        UNKNOWN, in_time=correlation, in_space=correlation, noise=shown, size=0.5
    )
    assert joint_status(0.5, 1.0, misfit) == status


@pytest.mark.parametrize(("size", "status"), [(0.8, FitStatus.OK), (0.95, FitStatus.POOR_FIT)])
def test_a_law_explains_something_beside_the_noise(size, status):
    misfit = dataclasses.replace(UNKNOWN, in_time=0.0, in_space=0.0, noise=size, size=size)
    assert joint_status(size, 1.0, misfit) == status
    assert joint_status(size, 1.0, misfit, noise=size, in_noise=1.0) == FitStatus.OK


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize(("inside", "light"), [(0.2, True), (0.47, False)])
def test_what_enters_later_is_an_ensemble_of_runs(inside, light):
    """Light traffic, u (1 - u), propagates fast, and little changes are linear. In dense traffic
    changes hardly propagate, but much lighter traffic enters as a shock."""
    values = inside + 0.01 * np.sin(np.arange(20.0))[None, None] * np.ones((5, 1, 1))
    values[..., -2:] = 0.02, 0.95  # the law is known there
    grid = Grid.interval(20, 0.0, 20.0, ("open", "outflow"))
    measured = Trajectory(values, np.arange(5.0), grid, ("u",)).with_bounds(0.0, 1.0)
    forward = make_forward(Kind(2), measured, (), known_first=True)
    middle, half = forward.shape.basis.middle[0], forward.shape.basis.half[0]
    z = np.zeros(forward.size)
    # In half ranges: f = u - u² with u = middle + half v.
    z[:2] = np.array([1.0 - 2.0 * middle, -0.5 * half]) / forward.spread[:2]
    ends = dataclasses.replace(forward.ends, scatter=np.array([[0.01 if light else 0.3]]))
    forward = dataclasses.replace(forward, ends=ends)
    known = Estimate(forward, z, 1e-12 * np.eye(len(z)), np.ones(1), np.arange(5.0), 0.0)
    later, times = with_future(forward, 30.0), np.array([20.0, 30.0])
    _, rows = states_of(later, np.pad(z, (0, later.size - len(z))), times)
    linear = spread_of(rows[:, len(z) :], np.eye(later.size - len(z)))
    deviation = known.continued(times, later).deviation
    near = slice(2, 8)
    if light:
        np.testing.assert_allclose(deviation[..., near], linear[..., near], rtol=0.3)
    else:
        assert np.mean(deviation[..., near]) > 3.0 * np.mean(linear[..., near])


@pytest.mark.usefixtures("x64")
def test_a_jam_that_would_have_been_seen_did_not_move_in():
    """Light traffic, u (1 - u) with u = .2, leaves at the upper end. By the derivative the state
    there has no effect; but above .8 it would, as a jam that moves upstream."""
    times = np.arange(8.0)
    values = 0.2 + 0.01 * np.sin(np.arange(20.0))[None, None] * np.ones((8, 1, 1))
    values[0, 0, 5:7] = 0.02, 0.95  # the law is known there
    grid = Grid.interval(20, 0.0, 20.0, ("outflow", "open"))
    measured = Trajectory(values, times, grid, ("u",)).with_bounds(0.0, 1.0)
    forward = make_forward(Kind(2), measured, (), known_first=True)
    ends = forward.ends
    ends = dataclasses.replace(ends, mean=0.5 * np.ones(ends.mean.shape), modes=30.0 * ends.modes)
    forward = dataclasses.replace(forward, ends=ends)
    middle, half = forward.shape.basis.middle[0], forward.shape.basis.half[0]
    z, laws = np.zeros(forward.size), len(forward.spread)
    z[:2] = np.array([1.0 - 2.0 * middle, -0.5 * half]) / forward.spread[:2]
    size = np.sqrt(np.sum(ends.modes[:, 0, 0] ** 2, axis=0)).mean()
    covariance = np.eye(len(z)) * (0.2 / size) ** 2
    covariance[:laws, :laws] = 0.0
    covariance[0, 0] = (0.002 / forward.spread[0]) ** 2
    noise = np.ones(1)
    draws = plausible(forward, z, covariance, times, noise)
    first = states_at(forward, z, times)

    def changed(draw):
        return np.sum((states_at(forward, z + draw, times) - first) ** 2)

    # Draws of the same random numbers if nothing was seen: they are as the covariance says.
    plain = plausible(forward, z, covariance, times, noise, np.zeros((8, 1, 20), bool))
    np.testing.assert_allclose(plain[:12], -plain[12:])
    before, after = (np.array([changed(each) for each in some]) for some in (plain, draws))
    usual = np.median(before)
    far = before > 4.0 * usual
    assert 3 <= far.sum() <= 12 and before[far].max() > 30.0 * usual
    np.testing.assert_array_equal(draws[~far], plain[~far])
    expected = np.sqrt(usual / before[far])
    np.testing.assert_allclose(draws[far], expected[:, None] * plain[far], rtol=1e-6)
    assert np.mean(after[far]) < 0.1 * np.mean(before[far])


@pytest.mark.usefixtures("x64")
def test_the_band_at_an_open_end_does_not_narrow():
    """A constant speed carries the states at the end in; a few draws of them would vary more at one
    time and less at another."""
    values = 0.5 + 0.1 * np.sin(np.arange(20.0))[None, None] * np.ones((12, 1, 1))
    grid = Grid.interval(20, 0.0, 20.0, ("open", "outflow"))
    forward = make_forward(
        Kind(1), Trajectory(values, np.arange(12.0), grid, ("u",)), (), known_first=True
    )
    z = np.zeros(forward.size)
    z[0] = 2.0 / forward.spread[0]  # cells per frame
    ends, nothing = forward.ends, 1e-12 * np.eye(len(z))
    known = Estimate(forward, z, nothing, np.ones(1), np.arange(12.0), 0.0)
    ahead = 11.0 + np.arange(1.0, 21.0)
    deviation = known.continued(ahead, with_future(forward, ahead[-1])).deviation
    later = np.maximum(ahead - 11.0 - 0.25, 0.0)  # the time from the end to the first centre
    expected = ends.scatter[0, 0] * np.sqrt(2.0 * (1.0 - np.exp(-later / ends.length)))
    # Between the times of its values an end is linear, and varies less.
    np.testing.assert_allclose(deviation[1:, 0, 0], expected[1:], rtol=0.25)


@pytest.mark.usefixtures("x64")
def test_ends_that_vary_more_than_their_prior():
    """The lower one of a field that is quiet inside; the upper one is as its prior expects."""
    times = np.arange(16.0)
    values = 0.5 + 0.01 * np.random.default_rng(2).normal(size=(16, 1, 12))
    grid = Grid.interval(12, 0.0, 12.0, "open")
    forward = make_forward(Kind(2), Trajectory(values, times, grid, ("u",)), (), known_first=True)
    ends = forward.ends
    mean = np.full(ends.mean.shape, 0.5)
    mean[0, 0] += 0.1 * np.sin(2.0 * np.pi * times / 10.0)
    forward = dataclasses.replace(forward, ends=dataclasses.replace(ends, mean=mean))
    count = forward.size
    known = Estimate(forward, np.zeros(count), np.eye(count), np.ones(1), times, 0.0)
    found = with_end_scatter(known).forward
    before, (lower, upper) = ends.scatter[0, 0], found.ends.scatter[:, 0]
    # The changes of a sine are 0.1² (1 - cos(ωτ)), those of the prior 2 s² (1 - exp(-τ/ℓ)).
    lags = np.arange(1, 5)
    sine = 0.1**2 * (1.0 - np.cos(2.0 * np.pi * lags / 10.0))
    expected = np.sqrt(np.mean(sine / (2.0 * (1.0 - np.exp(-lags / ends.length)))))
    assert upper == before and lower == pytest.approx(expected, rel=0.15) and lower > 2.0 * before
    # It may come back to where it was but for the last two frames.
    mean[0, 0] = np.where(times < 14.0, 0.8, 0.5)
    away = dataclasses.replace(forward, ends=dataclasses.replace(ends, mean=mean))
    was = with_end_scatter(dataclasses.replace(known, forward=away)).forward.ends.scatter[0, 0]
    assert was == pytest.approx(0.3 * np.sqrt(14.0 / 16.0 / 2.0), rel=0.02)
    # What enters later varies as much.
    later = with_future(found, 60.0).ends.modes[len(ends.modes) :]
    at_last = np.sqrt(np.sum(later**2, axis=0))[:, 0, -1]
    np.testing.assert_allclose(at_last, np.sqrt(2.0) * np.array([lower, upper]), rtol=0.01)


@pytest.mark.usefixtures("x64")
def test_a_flux_that_the_measurements_leave_open():
    """Known up to a factor, with and without diffusion; the field is steep by .1 a cell."""
    values = 0.1 * np.arange(10.0)[None, None] * np.ones((5, 1, 1))
    measured = Trajectory(values, np.arange(5.0), Grid.interval(10, 0.0, 10.0, "outflow"), ("u",))
    for kind in (Kind(2), Kind(2, diffusion=1)):
        forward = make_forward(kind, measured, (), known_first=True)
        z = np.zeros(forward.size)
        z[0] = 0.3
        covariance = np.zeros((forward.size, forward.size))
        covariance[0, 0] = 0.2**2
        law = forward.law(z)
        if kind.diffusion:
            place = len(forward.shape.basis.names)
            z[place] = float(law.flux(np.array([[0.9]]))[0, 0] - law.flux(np.zeros((1, 1)))[0, 0])
            z[place] /= 0.1 * forward.spread[place]  # as large as the flux
        found = Estimate(forward, z, covariance, np.ones(1), np.zeros(1), 0.0)
        found.__dict__["_frames"] = values, values  # as if its run had reproduced them
        expected = 0.2 / 0.3 / (1 + kind.diffusion)
        assert flux_uncertainty(found, values) == pytest.approx(expected)
    assert joint_status(0.1, 1.0, UNKNOWN, uncertainty=0.6) == FitStatus.UNDETERMINED
    assert joint_status(0.1, 1.0, UNKNOWN, uncertainty=0.4) == FitStatus.OK
    assert "more sensors" in FitStatus.UNDETERMINED.sentence
    # More sensors do not help a law that leaves much of the data, and not for noise.
    for noise, status in ((0.01, "SYSTEMATIC_MISFIT"), (0.4, "UNDETERMINED")):
        shown = dataclasses.replace(UNKNOWN, size=0.42, noise=noise)
        assert joint_status(0.42, 3.5, shown, uncertainty=0.6) == FitStatus[status]


def test_fewer_values_than_unknowns_are_refused_with_the_number_that_is_needed(brief):
    values = np.full((4, 1, CELLS), np.nan)
    values[..., :8] = burgers(TIMES[:4], CELLS, **OPEN)[..., :8]
    with pytest.raises(
        ValueError,
        match=r"32 measured values for 42 unknowns \(4 of the law, 30 of the first state, 8 of the "
        r"ends\); give more",
    ):
        reconstruct(window(values, TIMES[:4]))


@pytest.mark.validation
def test_given_ends_are_carried_into_the_forecast(brief):
    times = np.linspace(0.0, 0.5, 201)
    ends = [burgers(times, 1, x, x + 1e-6)[:, :, 0].T for x in OPEN.values()]
    context = window(
        burgers(TIMES, CELLS, **OPEN), boundary=tuple(Given(times, end) for end in ends)
    )
    forecast = hfluxno.forecast(context, 3)
    later = burgers(TIMES[-1] + (TIMES[1] - TIMES[0]) * np.arange(1, 4), CELLS, **OPEN)
    assert int(forecast.status) == FitStatus.OK
    assert relative(forecast.trajectory.values, later) < 5e-3
    with pytest.raises(
        ValueError, match=r"lower end is given until 0[.]5, but the forecast goes on to"
    ):
        FittedLawForecaster().advance(context, forecast.identifications, 4)
    repeated = np.repeat(np.asarray(context.values)[-1:], 3, axis=0)
    assert relative(repeated, later) > 0.05


@pytest.mark.validation
def test_uneven_times(brief):
    rng = np.random.default_rng(1)
    times = np.sort(rng.uniform(0.0, 0.4, 12))
    # In single precision, as many files are; the estimate is in double.
    context = Trajectory.from_numpy(burgers(times, 64).astype(np.float32), np.arange(12))
    found = identify_all(dataclasses.replace(context, times=times))[0]
    assert found.status == FitStatus.OK
    u = np.linspace(0.3, 0.9, 7)
    np.testing.assert_allclose(np.asarray(found.law.jacobian(u)).ravel(), u, atol=0.01)


@pytest.mark.validation
def test_totals_and_the_total_variation_decide_at_uneven_times(brief):
    times = np.sort(np.random.default_rng(1).uniform(0.0, 0.4, 12))
    values = burgers(times, 64)
    mean, part = values.mean(), (times / 0.4)[:, None, None]

    def identified(changed):
        context = Trajectory.from_numpy(changed, np.arange(12))
        return identify_all(dataclasses.replace(context, times=times))[0]

    leak = identified(values * (1.0 - 0.004 * part))
    assert leak.status == FitStatus.SOURCE_OR_LEAK and "total changes" in leak.sentence
    gain = identified(mean + (values - mean) * (1.0 + 0.04 * part))
    assert gain.status == FitStatus.SYSTEMATIC_MISFIT and gain.misfit.varies_more


@pytest.mark.validation
def test_growth_is_found_where_no_law_without_a_source_explains_the_data(brief):
    """And the forecast goes on to grow: ∂t u + c ∂x u = r u (1 - u)."""
    times = np.linspace(0.0, 0.57, 20)
    context = Trajectory.from_numpy(logistic(times, 64), times)
    values = np.asarray(context.values)
    unexplained = dataclasses.replace(
        nothing_to_infer(values, context), status=FitStatus.SOURCE_OR_LEAK
    )
    before, better = (
        dataclasses.replace(unexplained, backtest_error=error) for error in (0.05, 1e-5)
    )
    with jax.enable_x64(True):
        richer = identify_jointly(context, (), (Kind(4), Kind(4, diffusion=1, by_state=3)))
    found = with_further_terms(before, richer)
    kept = with_further_terms(better, richer)
    assert kept is better  # what does not predict better is not worth its terms
    forecast = FittedLawForecaster().advance(context, (found,), 10)
    assert found.status == FitStatus.OK and "source that depends on the state" in str(
        found.candidate
    )
    u = np.linspace(0.2, 0.7, 6)
    with jax.enable_x64(True):
        states = jax.numpy.asarray(u[None])
        source = np.asarray(found.law.source(states, 0.0 * states, 0.0))[0]
    np.testing.assert_allclose(source, 2.0 * u * (1.0 - u), atol=0.01)
    np.testing.assert_allclose(np.asarray(found.law.jacobian(u)).ravel(), 0.7, atol=0.02)
    later = logistic(times[-1] + 0.03 * np.arange(1, 11), 64)
    assert relative(forecast.trajectory.values, later) < 1e-2
    # It grows beyond what was seen, and says what it does not know there.
    assert found.estimate is not None and forecast.predicted_error_90 is not None
    left = found.grid_law.is_left_by(np.asarray(forecast.trajectory.values))
    assert forecast.left_observed_range and left[-1] and not left[0]
    at_last = relative(np.asarray(forecast.trajectory.values)[-1], later[-1])
    assert at_last < forecast.predicted_error_90[-1]


@pytest.mark.parametrize("case", ["ends", "gaps", "explained", "sensors", "time", "dispersion"])
def test_further_terms_are_tried_for_frames_that_no_law_without_them_explains(case, monkeypatch):
    """At any ends and with gaps, for a few sensors a source of the state alone; they go beside the
    best law. Where the flux depends on time, or waves disperse, they would imitate that."""
    values = logistic(TIMES, CELLS)
    if case == "gaps":
        values[3:5, :, 4] = np.nan
    if case == "sensors":
        values[..., np.arange(CELLS) % 4 > 0] = np.nan
    context = window(values, boundary="periodic" if case == "gaps" else "open")
    best, asked = Kind(6, diffusion=1), []
    status = FitStatus.OK if case == "explained" else FitStatus.POOR_FIT
    poor = dataclasses.replace(
        nothing_to_infer(values, context), status=status, backtest_error=0.1, candidate=best
    )
    if case in ("time", "dispersion"):
        shown = {"timed": 0.8} if case == "time" else {"dispersing": 1.0}
        poor = dataclasses.replace(poor, misfit=dataclasses.replace(UNKNOWN, **shown))

    def estimated(context, negated, kinds=None, before=None):
        asked.append(kinds)
        return poor

    module = importlib.import_module("hfluxno.identify.identification")
    monkeypatch.setattr(module, "identify_jointly", estimated)
    monkeypatch.setattr(module, "report", lambda *_: poor)
    monkeypatch.setattr(module, "choose_with_gaps", lambda *_: (None, (), values))
    assert identify_all(context)[0].status == status
    further = [kinds for kinds in asked if kinds is not None]
    assert len(further) == (case in ("ends", "gaps", "sensors"))
    for base, *richer in further:
        assert base == best and any(kind.by_state for kind in richer)
        by_place = [kind for kind in richer if kind.source_modes or kind.stretches]
        assert bool(by_place) == (case != "sensors")
        assert all(kind.diffusion >= 1 for kind in richer)


@pytest.mark.validation
@pytest.mark.parametrize("seed", [1, 2])
def test_decay_is_found_by_a_few_sensors(seed):
    """Of ∂t u + c ∂x u = ν ∂xx u - r u on a part of a ring, at 12 uneven places, with 3 % noise and
    a tenth missing."""
    rng = np.random.default_rng(seed)
    times, fine, cells = 0.02 * np.arange(46), 1536, 48
    waves = 2.0 * np.pi * np.arange(fine // 2 + 1)
    x = (np.arange(fine) + 0.5) / fine
    first = sum(
        rng.normal() / k * np.cos(2.0 * np.pi * k * x + rng.uniform(0.0, 6.28)) for k in (1, 2, 3)
    )
    first = 0.15 + 0.6 * (first - first.min()) / np.ptp(first)
    rate = -0.8j * waves - 6e-4 * waves**2 - 0.8
    moved = np.fft.irfft(np.exp(np.outer(times, rate)) * np.fft.rfft(first), fine)
    truth = moved[:, None, : cells * 16].reshape(46, 1, cells, 16).mean(axis=-1)
    seen = np.full(truth.shape, np.nan)
    sensors = np.sort(rng.choice(cells, 12, replace=False))
    seen[..., sensors] = truth[..., sensors]
    seen += 0.03 * truth.std() * rng.normal(size=truth.shape)
    seen[rng.random(seen.shape) < 0.1] = np.nan
    grid = Grid.interval(cells, 0.0, 0.5, "open")
    context = Trajectory.from_numpy(seen, times, grid.centers())
    found = reconstruct(dataclasses.replace(context, grid=grid))
    assert found.identification.status == FitStatus.OK
    assert found.identification.candidate.by_state
    part = slice(sensors[0], sensors[-1] + 1)
    field, guess = (
        values[..., part] for values in (found.trajectory.values, interpolated(seen, False))
    )
    assert relative(field, truth[..., part]) < 0.5 * relative(guess, truth[..., part])
    low, high = (band[..., part] for band in found.bands)
    assert np.mean((low <= truth[..., part]) & (truth[..., part] <= high)) > 0.8


def test_a_source_by_place_has_a_mean(x64):
    """Modes of place have none, and more may enter than leave."""
    context = window(burgers(TIMES, CELLS))
    forward = make_forward(Kind(4, source_modes=4), context, (), known_first=True)
    names = forward.shape.sizes
    constant = names[0] + names[1]
    assert forward.spread[constant] > 0.0 and not np.any(forward.spread[constant + 1 :][:2])
    plain = make_forward(Kind(4, flux_modes=2), context, (), known_first=True)
    assert not np.any(plain.spread[constant:][: names[2]])


FREE, BACK = 0.7, 0.25


def triangular(times, cells, finer=16):
    """f = min(v u, w (1 - u)) on the circle of length 1, from 0.35 + 0.25 sin(2πx): what a cell
    sends or what the next one takes, whichever is less (Godunov's scheme as Daganzo writes it), in
    much finer cells."""
    count = cells * finer
    u = 0.35 + 0.25 * np.sin(2.0 * np.pi * (np.arange(count) + 0.5) / count)
    most, frames = FREE * BACK / (FREE + BACK), [u]
    for interval in np.diff(times):
        steps = int(np.ceil(interval * FREE * count))
        for _ in range(steps):
            sent = np.minimum(FREE * u, most)
            taken = np.minimum(most, BACK * (1.0 - u))
            flux = np.minimum(sent, np.roll(taken, -1))
            u = u - interval / steps * count * (flux - np.roll(flux, 1))
        frames.append(u)
    return np.stack(frames).reshape(len(frames), 1, cells, finer).mean(axis=-1)


@pytest.mark.validation
def test_a_triangular_flux_is_found_with_the_place_of_its_kink(brief):
    """And read as a triangle; no polynomial is nearly as good."""
    times = np.linspace(0.0, 0.57, 20)
    context = Trajectory.from_numpy(triangular(times, 64), times)
    with jax.enable_x64(True):
        found = identify_jointly(context, (), (Kind(4),))
    assert found is not None and found.status == FitStatus.OK and "a kink" in str(found.candidate)
    tried = dict(found.tried)
    assert tried["degree 2, a kink"] > max(tried["degree 4"], tried["degree 12"]) + 100.0
    kink = BACK / (FREE + BACK)
    low, high = np.asarray(found.law.lower)[0], np.asarray(found.law.upper)[0]
    place = 0.5 * (low + high) + 0.5 * (high - low) * found.coefficients["v[kink 1]"]
    assert place == pytest.approx(kink, abs=0.005)
    u = np.array([0.12, 0.17, 0.22, 0.31, 0.4, 0.5, 0.58])
    np.testing.assert_allclose(found.law.jacobian(u), np.where(u < kink, FREE, -BACK), atol=0.015)
    reading = found.readings.best
    assert reading.is_accepted and reading.form == "triangular" and reading.loss < 0.005
    # The covariance knows it about as well as it is.
    row = list(found.coefficients).index("v[kink 1]")
    assert 1e-5 < np.sqrt(found.covariance[row, row]) < 0.02


def test_what_cannot_be_reconstructed_is_said():
    batch = Trajectory.from_numpy(np.stack([burgers(TIMES, CELLS, **OPEN)] * 2), TIMES)
    with pytest.raises(ValueError, match="takes one trajectory; reconstruct them one by one"):
        reconstruct(batch)
    alone = np.full((13, 1, CELLS), np.nan)
    alone[..., 3] = 1.0
    with pytest.raises(ValueError, match="measurements in only 1 cell"):
        reconstruct(window(alone))


@pytest.mark.validation
def test_reaction_and_diffusion_are_found_together(brief):
    """Of two fronts of ∂t u = ν ∂xx u + r u (1 - u), which neither of them explains alone.

    Fronts of one shape, U(x - c t) with U′ = g(U), do not tell a diffusivity of the state from a
    source: every ν(u) has an s(u) with (ν g)′ g + c g + s = 0.
    """
    times = np.linspace(0.0, 5.7, 20)
    context = Trajectory.from_numpy(fronts(times, 64), times, np.arange(64) + 0.5)
    with jax.enable_x64(True):
        found = identify_jointly(context, (), (Kind(4), Kind(4, by_state=4)))
        u = np.linspace(0.05, 0.95, 181)
        states = jax.numpy.asarray(u[None])
        source = np.asarray(found.law.source(states, 0.0 * states, 0.0))[0]
    assert found.status == FitStatus.OK
    assert found.candidate.diffusion > 0 and found.candidate.by_state > 0
    speed, steep = 5.0 * np.sqrt(0.25 / 6.0), np.sqrt(1.0 / (6.0 * 0.25))
    g = -2.0 * steep * u * (1.0 - np.sqrt(u))
    spread = np.asarray(found.law.diffusivity(u[None]))[0] * g
    left = np.gradient(spread, u) * g + speed * g + source
    np.testing.assert_allclose(left, 0.0, atol=0.02)
    assert np.max(source) > 0.2
