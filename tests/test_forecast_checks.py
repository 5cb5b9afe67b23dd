"""What is said of every forecast."""

import jax.numpy as jnp
import numpy as np

from hfluxno.forecast_checks import (
    change_of_totals,
    conservation_drift,
    left_observed_range,
    relative_l2,
)


def test_relative_l2_is_that_of_numpy_and_jax_arrays_alike():
    truth = np.array([[3.0, 4.0], [0.0, 0.0]])
    forecast = truth + np.array([[0.0, 0.5], [3.0, 4.0]])
    for array in (np.asarray, jnp.asarray):
        np.testing.assert_allclose(relative_l2(array(forecast), array(truth), (1,)), [0.1, 5.0])


def test_totals_count_from_the_state_before_the_first_frame():
    start, frames = np.full((1, 1, 8), 1.5), np.full((1, 3, 1, 8), 2.0)
    np.testing.assert_allclose(conservation_drift(start, frames), 0.25)
    # What comes and goes counts as well, and so does the worst field.
    frames = np.stack([np.ones((1, 3, 8)), np.full((1, 3, 8), 2.0)], axis=2)
    frames[0, 1, 1, :4] += 1.0
    np.testing.assert_allclose(change_of_totals(frames[:, 2], frames), [[0.0, 0.5]])
    size = (2.0 + 2.5 + 2.0) / 3
    np.testing.assert_allclose(conservation_drift(frames[:, 2], frames), 0.5 / size)


def test_the_range_is_left_beyond_one_percent_of_it():
    frames = np.zeros((3, 2, 1, 4))
    frames[0, 1, 0, 2], frames[1, 1, 0, 2], frames[2, 0, 0, 1] = 1.009, 1.011, -1.03
    lower, upper = np.array([[-1.0]] * 3), np.array([[1.0]] * 3)
    upper[:2] = 0.99
    found = left_observed_range(frames, lower, upper)
    np.testing.assert_array_equal(found, [False, True, True])
