"""Errors and their summaries against numbers computed by hand."""

import itertools

import jax.numpy as jnp
import numpy as np
import pytest

from hfluxno.evaluation import Summary, errors_where_measured, relative_l2, relative_linf, summarize

# Two times, two fields, two cells.
TRUTH = np.array([[[3.0, 0.0], [0.0, 4.0]], [[1.0, 1.0], [1.0, -1.0]]])
FORECAST = TRUTH + np.array([[[0.0, 0.3], [0.4, 0.0]], [[0.0, 0.0], [-1.0, 0.0]]])


def test_l2_is_over_fields_and_cells_at_each_time():
    # √(0.3² + 0.4²)/√(3² + 4²) = 0.5/5 and √1/√4.
    assert relative_l2(FORECAST, TRUTH) == pytest.approx([0.1, 0.5], rel=1e-14)


@pytest.mark.parametrize("error", [relative_l2, relative_linf, errors_where_measured])
def test_solutions_which_are_jax_arrays_are_compared_too(error):
    given = FORECAST.astype(np.float32), TRUTH.astype(np.float32)
    for jaxed in itertools.product(*((one, jnp.asarray(one)) for one in given)):
        found = error(*jaxed)
        assert isinstance(found, np.ndarray)
        np.testing.assert_array_equal(found, error(*given))


def test_linf_is_over_fields_and_cells_at_each_time():
    assert relative_linf(FORECAST, TRUTH) == pytest.approx([0.4 / 4.0, 1.0 / 1.0], rel=1e-14)


@pytest.mark.parametrize("error", [relative_l2, relative_linf])
def test_the_errors_do_not_depend_on_units_or_batch(error):
    batch = np.stack([FORECAST, TRUTH]), np.stack([TRUTH, TRUTH])
    expected = [error(FORECAST, TRUTH), [0.0, 0.0]]
    np.testing.assert_allclose(error(*batch), expected, rtol=1e-14)
    np.testing.assert_allclose(error(1e-3 * FORECAST, 1e-3 * TRUTH), expected[0], rtol=1e-12)


@pytest.mark.parametrize("error", [relative_l2, relative_linf])
@pytest.mark.parametrize("broken", [np.nan, np.inf, -np.inf])
def test_a_forecast_that_is_not_finite_has_an_infinite_error_at_that_time_only(error, broken):
    forecast = FORECAST.copy()
    forecast[1, 0, 0] = broken
    found = error(forecast, TRUTH)
    assert found[0] == error(FORECAST, TRUTH)[0]
    assert found[1] == np.inf


def test_a_forecast_that_explodes_has_an_infinite_l2_error():
    assert relative_l2(FORECAST * 1e300, TRUTH)[0] == np.inf


@pytest.mark.parametrize("error", [relative_l2, relative_linf])
def test_where_the_truth_vanishes_only_an_exact_forecast_has_no_error(error):
    zero = np.zeros((2, 1, 3))
    forecast = zero.copy()
    forecast[1, 0, 2] = 1e-9
    np.testing.assert_array_equal(error(forecast, zero), [0.0, np.inf])


def test_float32_is_compared_in_float64():
    truth = np.full((1, 1, 100), 1.0, np.float32)
    forecast = truth + np.float32(2**-20)
    assert relative_l2(forecast, truth)[0] == pytest.approx(2.0**-20, rel=1e-12)


@pytest.mark.parametrize("error", [relative_l2, relative_linf])
def test_different_shapes_are_not_broadcast(error):
    # The annotations say so where they are checked (in tests), the function says so elsewhere.
    with pytest.raises((ValueError, TypeError), match=r"the same shape|Actual value: f64\[2,2,2\]"):
        error(FORECAST[:, :1], TRUTH)


def test_a_summary():
    errors = np.arange(100.0, 0.0, -1.0)  # 1, …, 100
    assert summarize(errors) == Summary(count=100, failures=0, mean=50.5, median=50.5, p95=95.0)
    # Of three numbers only the largest is not exceeded by 95 %.
    assert summarize(np.array([1.0, 6.0, 2.0])) == Summary(3, 0, 3.0, 2.0, 6.0)


def test_failures_are_counted_and_not_left_out():
    errors = np.array([1.0, 2.0, np.inf, 3.0])
    failed = np.array([False, True, True, False])
    assert summarize(errors, failed) == Summary(4, 2, np.inf, 2.5, np.inf)
    assert summarize(errors).failures == 1
    assert summarize(np.full(2, np.inf)) == Summary(2, 2, np.inf, np.inf, np.inf)


@pytest.mark.parametrize("errors", [np.array([]), np.array([1.0, np.nan])])
def test_a_summary_needs_errors(errors):
    with pytest.raises(ValueError, match="at least one error"):
        summarize(errors)


def uncertainty(errors, groups):
    return summarize(np.asarray(errors, float), None, np.asarray(groups)).standard_error


def test_the_standard_error_of_single_errors_is_that_of_textbooks():
    errors = np.random.default_rng(0).exponential(size=50)
    expected = np.std(errors, ddof=1) / np.sqrt(50)
    assert uncertainty(errors, np.arange(50)) == pytest.approx(expected, rel=1e-12)


def test_repeating_an_error_makes_the_mean_no_surer():
    each = np.random.default_rng(1).exponential(size=7)
    for copies in (1, 2, 30):
        found = uncertainty(np.tile(each, copies), np.tile(np.arange(7), copies))
        assert found == pytest.approx(np.std(each, ddof=1) / np.sqrt(7), rel=1e-12)


def test_of_groups_of_one_size_it_is_that_of_their_means():
    errors = np.random.default_rng(2).exponential(size=(6, 5))
    labels = np.array([40, 3, 3000, 7, 1, 2])  # any numbers, in any order
    order = np.random.default_rng(3).permutation(30)
    found = uncertainty(errors.ravel()[order], np.repeat(labels, 5)[order])
    expected = np.std(errors.mean(axis=1), ddof=1) / np.sqrt(6)
    assert found == pytest.approx(expected, rel=1e-12)


def test_of_unequal_groups():
    # The mean is 3; the groups' sums about it are -2 - 1 = -3 and 3.
    assert uncertainty([1.0, 2.0, 6.0], [0, 0, 1]) == pytest.approx(np.sqrt(2 * 18) / 3)


def test_where_there_is_no_standard_error():
    assert summarize(np.array([1.0, 2.0])).standard_error is None
    assert uncertainty([1.0, 2.0, 6.0], [4, 4, 4]) is None
    assert uncertainty([1.0, np.inf, 6.0], [0, 1, 2]) == np.inf
