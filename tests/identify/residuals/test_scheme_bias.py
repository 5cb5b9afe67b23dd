"""The bias of a joint estimate by errors of the scheme."""

import numpy as np
import pytest

from hfluxno.identify.residuals.scheme_bias import change_by_weights, shortened

FRAMES, CELLS, WIDE = 8, 40, 1e3  # and the deviation of the prior of each unknown
X = (np.arange(CELLS) + 0.5) / CELLS


@pytest.fixture
def rng():
    return np.random.default_rng(3)


@pytest.fixture
def rows():
    """The derivatives by two unknowns: a constant and a slope."""
    one = np.broadcast_to(np.stack([np.ones(CELLS), X])[:, None], (FRAMES, 2, 1, CELLS))
    return WIDE * one


def fitted(rows, data, sigma):
    """The best z of a linear run with these derivatives, and its misfit."""
    weights = np.broadcast_to(1.0 / sigma, data.shape)
    jacobian = (rows * weights[:, None]).swapaxes(0, 1).reshape(2, -1)
    z = np.linalg.solve(np.eye(2) + jacobian @ jacobian.T, jacobian @ (weights * data).ravel())
    return z, np.einsum("tzqc,z->tqc", rows, z) - data


def with_scheme_errors(rng, size=0.01):
    """Values of 1 + x with noise, and the errors of a scheme in three cells, always of one sign."""
    differs = np.zeros((FRAMES, 1, CELLS))
    differs[:, :, 30:33] = 0.5
    noise = size * rng.normal(size=differs.shape)
    return 1.0 + X + noise + differs * rng.uniform(0.5, 1.0, differs.shape), differs


def test_leads_to_what_is_right_away_from_jumps(rows, rng):
    data, differs = with_scheme_errors(rng)
    z, away = fitted(rows, data, np.array([[[0.1]]]))
    changed = z + change_by_weights(away, rows, differs, np.full(data.shape, 0.1), z)
    wrong, right = np.abs(WIDE * z - 1.0), np.abs(WIDE * changed - 1.0)
    assert np.all(wrong > 0.015)
    assert np.all(right < 0.006)


def test_is_the_change_to_the_weighted_fit(rows, rng):
    """A linear run is at the minimum after one step, here with weights by which cells with errors
    of the scheme hardly count."""
    data, differs = with_scheme_errors(rng, 1e-4)
    z, away = fitted(rows, data, np.array([[[0.1]]]))
    changed = z + change_by_weights(away, rows, differs, np.full(data.shape, 0.1), z)
    alone, _ = fitted(rows, data, np.where(differs > 0.0, 1e3, 1e-4))
    assert np.all(np.abs(z - alone) > 0.015 / WIDE)
    np.testing.assert_allclose(changed, alone, rtol=0.0, atol=0.003 / WIDE)


def test_the_unit_of_the_noise_does_not_matter(rows, rng):
    data, differs = with_scheme_errors(rng)
    z, away = fitted(rows, data, np.array([[[0.1]]]))
    found = [
        change_by_weights(away, rows, differs, np.full(data.shape, noise), z)
        for noise in (0.001, 0.1)
    ]
    np.testing.assert_allclose(found[0], found[1], rtol=1e-3)


def test_is_small_if_noise_hides_the_scheme(rows, rng):
    noise = 0.2 * rng.normal(size=(FRAMES, 1, CELLS))
    differs = np.full(noise.shape, 1e-3)
    differs[:, :, 30:33] = 5e-3
    z, away = fitted(rows, 1.0 + X + noise, np.array([[[0.2]]]))
    change = change_by_weights(away, rows, differs, np.full(noise.shape, 0.2), z)
    assert np.all(np.abs(WIDE * change) < 0.01)  # a third of the standard error


def test_gaps_do_not_count(rows, rng):
    data, differs = with_scheme_errors(rng)
    z, away = fitted(rows, data, np.array([[[0.1]]]))
    seen = rng.uniform(size=data.shape) < 0.9
    noise = np.full(data.shape, 0.1)
    found = change_by_weights(np.where(seen, away, np.nan), rows, differs, noise, z)
    wild = np.where(seen, differs, 1e6)
    again = change_by_weights(np.where(seen, away, np.nan), rows, wild, noise, z)
    np.testing.assert_array_equal(found, again)
    assert np.all(np.isfinite(found))


def test_nothing_without_a_difference_of_grids(rows, rng):
    data, differs = with_scheme_errors(rng)
    z, away = fitted(rows, data, np.array([[[0.1]]]))
    change = change_by_weights(away, rows, 0.0 * differs, np.full(data.shape, 0.1), z)
    np.testing.assert_array_equal(change, np.zeros(2))


@pytest.mark.parametrize(("power", "least"), [(1, 0.8), (2, 0.4), (0, 0.0)])
def test_is_no_longer_a_step_than_the_misfit(power, least):
    """A run that moves by 7, linearly or not, or whatever the step is."""

    def moved(change):
        return 7.0 * float(change[0]) ** power

    found = shortened(np.ones(2), moved, 2.0)
    assert moved(found) <= 2.0 or power == 0
    np.testing.assert_array_equal(found, found[0])
    assert least * 2.0 / 7.0 <= found[0] < 1.0
    np.testing.assert_array_equal(shortened(np.ones(2), moved, 8.0), np.ones(2))


def test_no_step_to_where_nothing_can_be_solved():
    np.testing.assert_array_equal(shortened(np.ones(1), lambda _: np.inf, 2.0), np.zeros(1))
