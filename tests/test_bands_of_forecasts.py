"""The width of the bands of a forecast."""

import numpy as np
import pytest

from hfluxno.forecaster import (
    NINETY,
    NINETY_OF_SEVERAL,
    NINETY_OF_VALUES,
    NINETY_ON_A_PLANE,
    Forecast,
    bound_of,
)
from hfluxno.grid import Grid
from hfluxno.trajectory import Trajectory


@pytest.mark.parametrize(
    ("fields", "shape", "sound"),
    [
        (1, (8,), NINETY_OF_VALUES),
        (2, (8,), NINETY_OF_SEVERAL),
        (1, (4, 5), NINETY_ON_A_PLANE),
        (3, (4, 5), NINETY_ON_A_PLANE),
    ],
)
def test_bands_are_those_of_forecasts_that_are_ok(fields, shape, sound):
    """A warning promises nothing, and has those of a normal distribution."""
    values, below = np.ones((3, 2, fields, *shape)), (3, *[1] * (2 + len(shape)))
    on_line = len(shape) == 1
    grid = Grid.interval(shape[0]) if on_line else Grid.rectangle(shape)
    ahead = Trajectory(values, np.arange(2.0), grid, ("u", "v", "w")[:fields])
    status, nothing = np.array([0, 5, 0]), np.zeros(3)
    deviation = values * np.arange(1.0, 4.0).reshape(below)
    made = Forecast(ahead, status, ("",) * 3, nothing, nothing, nothing, deviation=deviation)
    widths = np.array([sound, 2.0 * NINETY, 3.0 * sound]).reshape(below)
    np.testing.assert_allclose(made.half_width, widths * values)
    np.testing.assert_allclose(made.members(slice(1, 2)).single().half_width, 2.0 * NINETY)
    assert (alone := made.single()).members(slice(0, 1)) is alone  # as Trajectory.members
    assert Forecast(ahead, status, ("",) * 3, nothing, nothing, nothing).half_width is None


def test_what_enters_at_open_ends_is_as_wide_as_its_prior():
    """Of a deviation of 5 the part 3 enters, and 4 is that of the unknowns of the context."""
    ahead = Trajectory(np.ones((2, 1, 8)), np.arange(2.0), Grid.interval(8), ("u",))
    status, nothing = np.array(0), np.zeros(())
    deviation, normal = 5.0 * np.ones((2, 1, 8)), 3.0 * np.ones((2, 1, 8))
    made = Forecast(
        ahead, status, ("",), nothing, nothing, nothing, deviation=deviation, normal=normal
    )
    expected = np.hypot(3.0 * NINETY, 4.0 * NINETY_OF_VALUES)
    np.testing.assert_allclose(made.half_width, expected)


def test_the_bound_holds_beside_a_true_frame_that_is_smaller_than_the_predicted_one():
    """A jam fills the end of the road in the forecast, and comes or not: what is there instead is
    off by one deviation, and the error is relative to that."""
    ahead = np.array([20.0] * 60 + [120.0] * 40)
    away = np.array([0.0] * 60 + [60.0] * 40)
    grid = Grid.interval(100)
    made = Forecast(
        Trajectory(ahead[None, None], np.array([1.0]), grid, ("density",)),
        np.array(0),
        ("",),
        *[np.zeros(())] * 3,
        deviation=away[None, None],
    )
    for truth in (ahead - away, ahead + away):
        error = np.linalg.norm(ahead - truth) / np.linalg.norm(truth)
        assert error < made.predicted_error_90[0] < 2.0
    relative = np.linalg.norm(away) / np.linalg.norm(ahead)
    np.testing.assert_allclose(made.predicted_error, relative)
    # Nothing may be there: no number is a bound. What is unknown stays so.
    np.testing.assert_array_equal(bound_of(np.array([1.0, 1e13, np.nan])), [np.inf, np.inf, np.nan])
    assert bound_of(np.array([0.01])) == pytest.approx(0.0185, rel=0.02)
