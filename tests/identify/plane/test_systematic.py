"""Errors of a law that are none of the scheme."""

import numpy as np
import pytest

from hfluxno.grid import Grid
from hfluxno.identify import FitStatus
from hfluxno.identify.plane import identification, systematic
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


@pytest.mark.parametrize(("share", "status"), [(3.0, FitStatus.POOR_FIT), (0.1, FitStatus.OK)])
def test_frames_of_noise_show_no_law(monkeypatch, share, status):
    """Their back-test is no worse than that of repeating a frame, and noise explains all of it."""
    monkeypatch.setattr(identification, "is_systematic", lambda *_: False)
    x = 2.0 * np.pi * np.arange(16) / 16
    wave = np.sin(x[:, None] + x - 0.3 * np.arange(9.0)[:, None, None])[:, None]
    values = wave + share * np.random.default_rng(0).normal(size=wave.shape)
    seen = frames_of(Trajectory(values, np.arange(9.0), Grid.rectangle((16, 16)), ("u",)))
    error, persistence = 1.01 * seen.relative_noise, 1.5 * seen.relative_noise
    found = identification.status_of(
        one_field(), seen, Start("restart", 2), error, persistence, misfit=0.0
    )
    assert found == status
