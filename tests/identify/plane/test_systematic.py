"""Errors of a law that are none of the scheme."""

import numpy as np
import pytest

from hfluxno.grid import Grid
from hfluxno.identify.plane import systematic
from hfluxno.identify.plane.frames import frames_of
from hfluxno.identify.plane.run import Followed, Start
from hfluxno.trajectory import Trajectory
from tests.identify.plane.laws import one_field


@pytest.mark.parametrize(
    ("error", "by_scheme", "found"), [(0.1, 0.02, True), (0.1, 0.08, False), (0.02, 0.002, False)]
)
def test_an_error_beyond_that_of_the_scheme_is_one_of_the_law(monkeypatch, error, by_scheme, found):
    x = 2.0 * np.pi * np.arange(16) / 16
    values = np.repeat((np.sin(x)[:, None] + np.cos(x))[None, None], 9, axis=0)
    seen = frames_of(Trajectory(values, np.arange(9.0), Grid.rectangle((16, 16)), ("u",)))

    def predicted(law, seen, start, last):
        off = error + (by_scheme if start.refinement == 1 else 0.0)
        return Followed(seen.values[last + 1 :] + off, seen.values[-1], True)

    monkeypatch.setattr(systematic, "predicted", predicted)
    assert systematic.is_systematic(one_field(), seen, Start("restart", 2)) is found
    monkeypatch.setattr(systematic, "REFINEMENTS", (2,))
    assert not systematic.is_systematic(one_field(), seen, Start("restart", 2))
