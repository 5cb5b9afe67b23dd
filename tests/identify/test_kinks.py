"""Fluxes with kinks from whole frames, on exact solutions."""

import dataclasses
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hfluxno import Trajectory
from hfluxno.identify import FittedLawForecaster
from hfluxno.identify.frames.candidate import Candidate
from hfluxno.identify.frames.select import choose
from hfluxno.identify.frames.stages import Stage, stages
from hfluxno.identify.recognition.reading import read_flux
from hfluxno.identify.report import _kink_prior, report
from hfluxno.identify.status import FitStatus
from hfluxno.law_uncertainty import free_covariance
from hfluxno.parametric.basis import Chebyshev, Kinked
from hfluxno.parametric.law_family import LawFamily
from tests.compiled import compiled
from tests.errors import error_of

CELLS, FRAMES, INTERVAL = 64, 20, 0.03
FREE, BACK = 0.7, 0.25
TOP = BACK / (FREE + BACK)


def exact(frames: int, cells: int = CELLS) -> np.ndarray:
    """∂t u + ∂x min(v u, w (1 - u)) = 0 on the circle, from 0.35 + 0.25 sin(2πx).

    Of the cumulative count N, u = -∂x N, the formula of Lax and Hopf:
    N(x, t) = min N(y, 0) + t f(c) - (x - y) c over x - v t ≤ y ≤ x + w t, c where f is largest.
    """

    def lifted(y):
        return 0.25 / (2.0 * np.pi) * (np.cos(2.0 * np.pi * y) - 1.0) + (TOP - 0.35) * y

    x = np.linspace(0.0, 1.0, cells + 1)
    found = []
    for t in INTERVAL * np.arange(frames):
        least = np.min(lifted(np.linspace(x - FREE * t, x + BACK * t, 20_001)), axis=0)
        found.append(-np.diff(least + t * FREE * TOP - x * TOP) * cells)
    return np.stack(found)[:, None]


def test_the_exact_solution_is_one():
    """It conserves what there is, and with few vehicles everywhere they just drive."""
    values = exact(40)
    np.testing.assert_allclose(values.sum(axis=-1), 0.35 * CELLS, rtol=1e-12)
    assert np.min(values) > 0.09 and np.max(values) < 0.61


@pytest.fixture(scope="module")
def fitted():
    values = exact(FRAMES)
    context = Trajectory.from_numpy(values, INTERVAL * np.arange(FRAMES))
    kinked = Candidate(size=2, kinks=1, scheme="roe-entropy-fix", refinement=2)
    plan = (Stage(lambda best: (kinked,), 0.0),)
    with jax.enable_x64(True):
        return context, *choose(values, context.grid, ("u0",), (), plan=plan)


@pytest.fixture(scope="module")
def found(fitted):
    context, trial, tried = fitted
    with jax.enable_x64(True):
        return context, report(trial, tried, np.asarray(context.values), context, ())


@pytest.mark.validation
def test_the_place_of_a_kink_and_both_slopes_are_found(found):
    _, found = found
    assert found.status == FitStatus.OK
    assert str(found.candidate).startswith("chebyshev-2 with a kink, no diffusion")
    low, high = np.asarray(found.law.lower)[0], np.asarray(found.law.upper)[0]
    place = 0.5 * (low + high) + 0.5 * (high - low) * found.coefficients["v[kink 1]"]
    assert place == pytest.approx(TOP, abs=0.003)
    assert float(found.law.basis.width) < 0.02
    u = np.array([0.12, 0.17, 0.22, 0.31, 0.4, 0.5, 0.58])
    np.testing.assert_allclose(found.law.jacobian(u), np.where(u < TOP, FREE, -BACK), atol=0.01)
    reading = found.readings.best
    assert reading.is_accepted and reading.form == "triangular" and reading.loss < 0.005


@pytest.mark.validation
def test_the_forecast_is_near_the_exact_solution(found):
    context, found = found
    forecast = FittedLawForecaster().advance(context, (found,), 20)
    truth = exact(FRAMES + 20)[FRAMES:]
    error = error_of(forecast, truth)
    assert error < 0.02
    assert np.ravel(forecast.predicted_error_90)[-1] < 0.05


@pytest.mark.validation
def test_what_is_not_known_of_the_place_widens_the_bands(found):
    _, found = found
    places, covariance = free_covariance(found)
    names = list(found.coefficients)
    assert places[-1] == 3 and names[3] == "v[kink 1]"  # after T1, T2 and |v - kink 1|
    row = names.index("v[kink 1]")
    assert covariance[-1, -1] == found.covariance[row, row] > 0.0


@pytest.mark.validation
def test_a_rounded_kink_is_not_read_as_a_sharp_one(found):
    _, found = found
    basis = dataclasses.replace(found.law.basis, width=0.5)
    law = dataclasses.replace(found.law, basis=basis)
    sharp, rounded = (
        read_flux(each, found.coefficients, found.covariance) for each in (found.law, law)
    )
    assert sharp.best.form == "triangular" and sharp.best.is_accepted
    assert rounded.best.form != "triangular" or not rounded.best.is_accepted


def test_only_what_no_polynomial_explains_is_searched_for_kinks():
    plan = stages(1)
    proposed = [
        (stage, before, each)
        for before, stage in itertools.pairwise(plan)
        for each in stage.propose(Candidate())
        if each.kinks
    ]
    (_, before, kinked), *_ = proposed
    assert before.good_enough == 1e-3
    assert (kinked.size, kinked.kinks, kinked.diffusion) == (2, 1, "none")
    assert kinked.unknowns == 5
    assert proposed[1][0].beyond_noise > 1.0 and proposed[1][2].kinks == 2  # of a trapezoid
    later = [each for stage in plan for each in stage.propose(kinked) if each.kinks]
    assert {each.kinks for each in later} == {1, 2} and {each.size for each in later} == {2, 4}
    assert {each.refinement for each in later} == {1, 2}


def test_a_kink_that_has_got_sharp_has_a_slope_in_single_precision():
    one = jnp.ones(1)
    basis = Kinked(Chebyshev(0.0 * one, one, 2), 0.0 * one)
    family = LawFamily(basis, jnp.eye(5), -one, one, 0, ("u",), ())
    unknowns, u = jnp.array([0.0, 0.0, 1.0, 0.25, -70.0]), jnp.array([[0.0, 0.25, 0.5]])

    def slope_of(unknowns):
        law = family.law(unknowns)
        return law.basis.gradient(law.flux_coefficients, u)

    slope = compiled(slope_of, unknowns)
    np.testing.assert_allclose(slope[0, 0], [-1.0, 0.0, 1.0], atol=1e-6)


def test_a_kink_that_the_data_do_not_need_stays_in_sight():
    """Its place and its width have no part in the normal matrix."""
    normal, variance = np.diag([4.0, 9.0, 0.0, 0.0]), 0.01
    covariance = variance * np.linalg.inv(normal + variance * _kink_prior(4, 2))
    expected = np.diag([0.01 / 4.0, 0.01 / 9.0, 1.0, np.log(10.0) ** 2])
    np.testing.assert_allclose(covariance, expected, rtol=0.01)
    assert not np.any(_kink_prior(4, 0))


@pytest.mark.validation
def test_frames_whose_variation_grows_are_not_of_a_law_of_one_field(fitted):
    """The same fit beside frames that swing further and further about their mean."""
    context, trial, tried = fitted
    values, swing = exact(FRAMES), np.linspace(1.0, 1.2, FRAMES)[:, None, None]
    values = 0.35 + swing * (values - 0.35)
    with jax.enable_x64(True):
        found = report(trial, tried, values, context, ())
    assert found.misfit.variation > 0.1 and found.status == FitStatus.SYSTEMATIC_MISFIT
    assert "the total variation grows by" in found.sentence
