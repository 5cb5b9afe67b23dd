"""What a law does without is part of its uncertainty."""

import dataclasses

import numpy as np
import pytest

from hfluxno import Trajectory
from hfluxno.grid import Grid
from hfluxno.identify.joint.beyond import covariance_and_change, terms_beyond, with_terms
from hfluxno.identify.joint.estimate import Estimate, values_of
from hfluxno.identify.joint.kind import Kind
from hfluxno.identify.joint.prior import make_forward
from hfluxno.identify.joint.shared_errors import with_shared_errors

TIMES, CELLS, NOISE = np.arange(5.0), 16, 0.01


def of(kind, boundary="periodic", **settings):
    wave = np.sin(2 * np.pi * np.arange(CELLS) / CELLS) + 0.03 * TIMES[:, None, None]
    grid = Grid.interval(CELLS, 0.0, 1.0, boundary)
    measured = Trajectory(wave, TIMES, grid, ("u",))
    return measured, make_forward(kind, measured, (), known_first=True, **settings)


@pytest.mark.parametrize("size", [1, 2, 4, 6, 9, 10])
def test_two_terms_are_beyond_a_flux_with_the_spreads_that_they_would_have(size):
    forward = of(Kind(size))[1]
    terms = terms_beyond(forward)
    np.testing.assert_array_equal(terms, [size, size + 1])
    wanted = make_forward(Kind(size + 2), of(Kind(size))[0], (), known_first=True).spread
    wider = with_terms(forward, terms)
    np.testing.assert_allclose(wider.spread[: size + 2], wanted[: size + 2])
    np.testing.assert_array_equal(wider.spread[size + 2 :], forward.spread[size + 2 :])


@pytest.mark.parametrize("kind", [Kind(12), Kind(2, kinks=1), Kind(4, stretches=1)])
def test_none_are_beyond_the_highest_degree_nor_beyond_kinks_and_stretches(kind):
    assert not len(terms_beyond(of(kind)[1]))


def test_the_change_is_that_of_the_least_squares():
    """Of values that are linear in the unknowns, with the prior; a share of 1/4 doubles the
    noise."""
    rng = np.random.default_rng(0)
    rows, away, z = rng.normal(size=(3, 40)), rng.normal(size=40), rng.normal(size=3)
    covariance, change = covariance_and_change(rows, away, 0.25, z)
    both = np.concatenate([0.5 * rows, np.eye(3)], axis=1).T
    wanted = np.linalg.lstsq(both, -np.concatenate([0.5 * away, z]), rcond=None)[0]
    np.testing.assert_allclose(change, wanted, rtol=1e-10)
    np.testing.assert_allclose(covariance, np.linalg.inv(both.T @ both), rtol=1e-10)


@pytest.mark.usefixtures("x64")
def test_a_term_that_the_misfit_asks_for_widens_coefficients_and_forecasts():
    """The measurements have a third term that a law of two does without; the law stays."""
    measured, forward = of(Kind(2))
    z = np.zeros(forward.size)
    z[0] = 0.3
    wider = with_terms(forward, terms_beyond(forward))
    values, rows, _ = values_of(wider, z, TIMES, 1000)
    noise = NOISE * np.random.default_rng(1).normal(size=values.shape)
    found = {}
    for part in (0.0, 0.3):
        seen = dataclasses.replace(measured, values=values + part * rows[:, 2] + noise)
        mine = (rows[:, forward.free] / NOISE).swapaxes(0, 1).reshape(len(forward.free), -1)
        covariance = np.eye(forward.size)
        covariance[np.ix_(forward.free, forward.free)] = np.linalg.inv(
            np.eye(len(mine)) + mine @ mine.T
        )
        plain = Estimate(forward, z, covariance, np.array([NOISE]), TIMES, 0.0)
        found[part] = with_shared_errors(plain, seen)
    with_it, without = found[0.3], found[0.0]
    assert np.sqrt(with_it.uncertain.covariance[2, 2]) > 0.25
    assert np.sqrt(without.uncertain.covariance[2, 2]) < 0.1
    # The law itself has no such term, and its coefficients are less certain than without.
    np.testing.assert_array_equal(with_it.z, z)
    for k in (0, 1):
        assert with_it.uncertain.covariance[k, k] >= 0.999 * with_it.covariance[k, k]
    later = np.arange(5.0, 9.0)
    bare = dataclasses.replace(with_it, uncertain=None).continued(later)
    states, deviation, _, normal = with_it.continued(later)
    np.testing.assert_allclose(states, bare.states, atol=1e-12)
    assert np.mean(deviation) > 1.5 * np.mean(bare.deviation)
    # What the law would change by is no scatter of the unknowns, of which alone errors are normal.
    assert np.all(normal <= deviation) and np.mean(normal) < 0.6 * np.mean(deviation)
