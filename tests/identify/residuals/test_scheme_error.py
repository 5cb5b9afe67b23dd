"""What unknowns make up for of the error of a scheme."""

import numpy as np
import pytest

from hfluxno.identify.residuals.scheme_error import change_by_scheme, in_parts

CELLS = 400
X = (np.arange(CELLS) + 0.5) / CELLS
ROWS = np.stack([np.sin(2 * np.pi * X), np.cos(2 * np.pi * X), X**2])
INVERSE = np.linalg.inv(ROWS @ ROWS.T)
TRUTH = np.array([1.0, -0.5, 0.3])
# Most of an error of diffusion is what the unknowns change.
ERROR = 0.02 * ROWS[0] - 0.01 * ROWS[1] + 0.004 * np.sin(20 * np.pi * X)


def changes_by(differs, missed):
    parts = in_parts(differs[None, None])
    return change_by_scheme(parts.reshape(len(parts), -1), ROWS, INVERSE, missed)


@pytest.mark.parametrize("noise", [0.0, 0.001, 0.01])
def test_is_the_error_of_a_fit_with_the_errors_of_a_scheme(noise):
    """A run on cells of twice the length has the error and half of it more."""
    rng = np.random.default_rng(1)
    data = TRUTH @ ROWS - ERROR + noise * rng.normal(size=CELLS)
    found = INVERSE @ (ROWS @ data)
    by_scheme = changes_by(1.5 * ERROR, found @ ROWS - data)[0]
    off = np.linalg.norm(found - TRUTH)
    of_noise = noise * np.sqrt(np.trace(INVERSE))
    assert off > 0.015
    assert off < 1.001 * np.linalg.norm(by_scheme) + 2.0 * of_noise
    assert np.linalg.norm(by_scheme) < 2.0 * off + 2.0 * of_noise


def test_quarters_count_where_their_errors_cancel():
    """Errors of places hide one another only as far as they are known well."""
    opposite = 0.02 * ROWS[0] * np.where(np.abs(X - 0.5) < 0.25, 1.0, -1.0)
    whole, *quarters = changes_by(opposite, np.ones(CELLS))
    np.testing.assert_allclose(np.sum(quarters, axis=0), whole, atol=1e-15)
    assert abs(whole[0]) < 0.003 < 0.01 < np.linalg.norm(quarters, axis=0)[0]


def test_is_nothing_if_the_data_have_the_error_of_the_scheme_too():
    """Then the misfit lacks what no unknowns make up for."""
    data = TRUTH @ ROWS
    missed = 1e-6 * np.sin(20 * np.pi * X)
    by_scheme = changes_by(ERROR, missed)
    assert np.linalg.norm(by_scheme) < 2e-5
    assert not np.any(changes_by(0.0 * data, missed))


def test_is_not_known_where_a_run_could_not_be_solved():
    missed = np.ones(CELLS)
    assert not np.any(changes_by(np.where(X > 0.5, np.nan, ERROR), missed))
    assert not np.any(changes_by(np.where(X > 0.5, np.inf, ERROR), missed))
