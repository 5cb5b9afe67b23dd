"""Runs with derivatives of a fit: on few and on many internal cells, of few and of many laws."""

import numpy as np
import pytest

from hfluxno.fv.solve import MOST_STEPS
from hfluxno.grid import Grid
from hfluxno.identify.frames.candidate import Candidate
from hfluxno.identify.frames.candidate_family import family_of
from hfluxno.identify.frames.refine import _Runs
from hfluxno.identify.frames.select import make_settings
from hfluxno.identify.frames.track import gains, padded_intervals, track
from tests.slow import slow

GRID = Grid.interval(96, 0.0, 1.0)
VALUES = np.stack([1.0 + 0.4 * np.sin(2 * np.pi * (GRID.centers() - 0.01 * k)) for k in range(5)])


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize(("refinement", "error"), [(2, 1e-5), (4, 0.1), slow(8, 0.15)])
def test_states_and_derivatives_are_those_of_the_run(refinement, error):
    """Derivatives on more than two internal cells a cell are those of a run on two. There are more
    directions than one program takes, and a diffusivity among them."""
    values = VALUES[:, None]
    candidate = Candidate(
        size=6, scheme="roe-entropy-fix", diffusion="constant", refinement=refinement
    )
    settings = make_settings(candidate, GRID)
    family, _ = family_of(candidate, values, ("u",), (), None, np.ones(5), settings.grid)
    free = len(family.directions)
    assert free == 7 and settings.refinement == refinement
    start = np.asarray(family.mask) * 0.01
    start[0] = 0.8
    run = _Runs(family, settings, values[0], padded_intervals(4, 4))

    states, changes, steps = run(start, MOST_STEPS)
    assert changes.shape == (16, free, 1, 96) and 0 < steps < 50 * refinement
    alone = track(family.law(start), settings, values, gains("continue", 5, 4))[0]
    np.testing.assert_allclose(states[:4], alone, rtol=0.0, atol=1e-13)
    for direction, change in zip(family.directions, changes[:4].swapaxes(0, 1), strict=True):
        above, below = (run(start + e * direction, MOST_STEPS)[0][:4] for e in (1e-6, -1e-6))
        wanted = (above - below) / 2e-6
        assert np.linalg.norm(change - wanted) < error * np.linalg.norm(wanted)
