"""The schemes of fits."""

import numpy as np
import pytest

from hfluxno.fv import StepControl, solve
from hfluxno.grid import Grid
from hfluxno.parametric.solver_settings import SolverSettings
from tests.compiled import compiled
from tests.identify.laws import polynomial


def jump_of_a_cubic(x, t):
    """The flux u³ from 1 to -1: a shock of speed 3/4 to -1/2, where a rarefaction begins."""
    behind = np.where(x < 3.0 * t, -np.sqrt(np.clip(x / t, 0.0, None) / 3.0), -1.0)
    return np.where(x < 0.75 * t, 1.0, behind)


@pytest.mark.usefixtures("x64")
def test_a_shock_beside_a_rarefaction_is_not_sharpened_on_fine_cells():
    """The integral of the error is .017 on four internal cells, and would be .034 with MC."""
    grid, control = Grid.interval(50, -1.0, 4.0, "outflow"), StepControl(0.9, 1.0, True)
    settings = SolverSettings(control, True, grid, "roe-entropy-fix", 4)
    law, fine = polynomial(-1.0, 1.0, 0.0, 0.0, 0.0, 1.0), grid.refine(4)
    first = np.where(fine.centers() < 0.0, 1.0, -1.0)[None]
    flux = settings.numerical_flux(law)
    found = np.asarray(compiled(solve, flux, first, np.arange(2.0), fine, control).values)[-1, 0]
    points = fine.refine(16).centers()
    exact = jump_of_a_cubic(points, 1.0).reshape(-1, 16).mean(axis=1)
    assert 5.0 * np.mean(np.abs(found - exact)) < 0.02
