"""The width of the bands of a forecast."""

import numpy as np
import pytest

from hfluxno.forecaster import NINETY, NINETY_OF_VALUES, Forecast
from hfluxno.grid import Grid
from hfluxno.trajectory import Trajectory


@pytest.mark.parametrize("shape", [(8,), (4, 5)])
def test_bands_are_those_of_forecasts_that_are_ok(shape):
    """A warning promises nothing, and has those of a normal distribution."""
    values, below = np.ones((3, 2, 1, *shape)), (3, *[1] * (2 + len(shape)))
    on_line = len(shape) == 1
    grid = Grid.interval(shape[0]) if on_line else Grid.rectangle(shape)
    ahead = Trajectory(values, np.arange(2.0), grid, ("u",))
    status, nothing = np.array([0, 5, 0]), np.zeros(3)
    deviation = values * np.arange(1.0, 4.0).reshape(below)
    made = Forecast(ahead, status, ("",) * 3, nothing, nothing, nothing, deviation=deviation)
    sound = NINETY_OF_VALUES[len(shape)]
    widths = np.array([sound, 2.0 * NINETY, 3.0 * sound]).reshape(below)
    np.testing.assert_allclose(made.half_width, widths * values)
    np.testing.assert_allclose(made.members(slice(1, 2)).single().half_width, 2.0 * NINETY)
    assert (alone := made.single()).members(slice(0, 1)) is alone  # as Trajectory.members
    assert Forecast(ahead, status, ("",) * 3, nothing, nothing, nothing).half_width is None
