"""Where the stretches of a flux end."""

import numpy as np
import pytest

from hfluxno import Trajectory
from hfluxno.identify.joint.fit import distance
from hfluxno.identify.joint.kind import Kind
from hfluxno.identify.joint.prior import make_forward
from hfluxno.identify.joint.stretch_ends import moved
from tests.identify.joint.test_stretches import CELLS, road, started

pytestmark = pytest.mark.usefixtures("x64")
BEGIN, END = 20, 34


def seen():
    return Trajectory.from_numpy(road(BEGIN / CELLS, END / CELLS, -0.5), 0.025 * np.arange(16))


@pytest.mark.validation
def test_ends_that_are_a_cell_away_are_moved_back():
    context = seen()
    forward = make_forward(Kind(4, stretches=1), context, (), known_first=True)
    z = started(forward, context)
    first, noise = sum(forward.shape.sizes[:6]), np.array([0.01])
    z[first : first + 2] = np.array([BEGIN, END]) / forward.spread[first : first + 2]
    away = z.copy()
    away[first : first + 2] += np.array([1.0, -1.0]) / forward.spread[first : first + 2]
    found = forward.coefficients(moved(away, forward, context, noise))
    np.testing.assert_allclose(found[first : first + 2], [BEGIN, END], atol=0.6)
    left = distance(forward, context, noise, moved(away, forward, context, noise))
    assert left < 0.5 * distance(forward, context, noise, away)
    # Without stretches nothing is moved.
    plain = make_forward(Kind(4), context, (), known_first=True)
    nothing = np.zeros(plain.size)
    assert moved(nothing, plain, context, noise) is nothing


@pytest.mark.validation
def test_ends_outside_of_the_domain_change_nothing():
    """Neither are they moved, nor are they uncertain."""
    context = seen()
    forward = make_forward(Kind(4, stretches=1), context, (), known_first=True)
    assert len(forward.shape.outside(forward.coefficients(np.zeros(forward.size)))) == 0
    road_with_ends = Trajectory.from_numpy(
        road(BEGIN / CELLS, END / CELLS, -0.5), 0.025 * np.arange(16), boundary="outflow"
    )
    forward = make_forward(Kind(4, stretches=1), road_with_ends, (), known_first=True)
    first = sum(forward.shape.sizes[:6])
    z = np.zeros(forward.size)
    z[first : first + 3] = np.array([0.0, END, -0.5]) / forward.spread[first : first + 3]
    outside = forward.shape.outside(forward.coefficients(z))
    assert first in outside and first + 1 not in outside
    again = forward.coefficients(moved(z, forward, road_with_ends, np.array([0.01])))
    assert again[first] == 0.0
