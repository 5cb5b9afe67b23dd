"""The search on averages over cells, for contexts of many cells."""

import importlib

import numpy as np
import pytest

from hfluxno import Trajectory
from hfluxno.grid import Grid
from hfluxno.identify import identify
from hfluxno.identify.frames.candidate import Candidate
from hfluxno.identify.frames.coarser import averaged, averaged_context, coarsening, on_all_cells
from hfluxno.identify.frames.stages import Stage


@pytest.mark.parametrize(
    ("cells", "factor"),
    [(128, 1), (511, 1), (512, 2), (600, 3), (1000, 4), (1024, 4), (1021, 1), (4096, 16)],
)
def test_averages_have_at_most_256_cells(cells, factor):
    assert coarsening(cells) == factor


def test_averages_conserve_and_need_all_their_cells():
    values = np.arange(24.0).reshape(2, 1, 12)
    seen = np.ones((2, 1, 12), bool)
    seen[0, 0, 4] = False
    grid = Grid.interval(12, 0.0, 3.0)
    mean, coarse, known = averaged(values, grid, seen, 3)
    np.testing.assert_allclose(mean.sum(-1) * coarse.spacing[0], values.sum(-1) * grid.spacing[0])
    assert coarse.shape == (4,)
    assert coarse.lower == grid.lower and coarse.upper == grid.upper
    np.testing.assert_array_equal(known[:, 0], [[True, False, True, True], [True] * 4])


def test_the_average_of_a_context_has_its_noise():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(5, 1, 1024))
    values[2, 0, 7] = np.nan
    x = np.arange(1024) + 0.5
    context = Trajectory.from_numpy(values, x=x, deviation=np.ones_like(values))
    coarse = averaged_context(context)
    assert coarse is not None and coarse.grid.shape == (256,)
    np.testing.assert_allclose(coarse.deviation, 0.5)
    assert abs(np.nanstd(coarse.values) - 0.5) < 0.05
    assert np.argwhere(np.isnan(np.asarray(coarse.values))).tolist() == [[2, 0, 1]]
    np.testing.assert_allclose(coarse.values[0, 0, 3], values[0, 0, 12:16].mean())
    assert averaged_context(coarse) is None


def test_what_is_fitted_to_all_cells_starts_from_what_it_needs():
    sparse = Candidate("dictionary", 0, sparse="fit", refinement=4)
    full, same = on_all_cells(sparse, 2)
    assert (full.sparse, full.refinement) == (None, 2)
    assert (same.sparse, same.refinement) == ("fit", 2)
    assert on_all_cells(Candidate(refinement=2), 4) == (Candidate(),)


def test_a_law_found_on_averages_is_fitted_to_all_cells(monkeypatch):
    """Burgers with the exact solution before its shock, u = u0(x - u t)."""
    module = importlib.import_module("hfluxno.identify.frames.coarser")
    monkeypatch.setattr(module, "_MOST", 32)
    monkeypatch.setattr(module, "_FEWEST", 16)
    select = importlib.import_module("hfluxno.identify.frames.select")
    quick = Stage(lambda best: (Candidate(),), 1.0)
    monkeypatch.setattr(select, "stages", lambda fields: (quick,))
    x = (np.arange(64) + 0.5) / 64
    times = 0.02 * np.arange(12)
    values = np.empty((len(times), 1, 64))
    for i, t in enumerate(times):
        u = 1.0 + 0.3 * np.sin(2 * np.pi * x)
        for _ in range(60):
            u = 1.0 + 0.3 * np.sin(2 * np.pi * (x - u * t))
        values[i, 0] = u
    found = identify(Trajectory.from_numpy(values, times, x))
    low, middle, high = np.asarray(found.law.flux(np.array([[0.8, 1.0, 1.2]])))[0]
    np.testing.assert_allclose([high - low, high - middle], [0.4, 0.22], rtol=2e-3)
    chosen, on_averages = str(Candidate()), f"{Candidate()}, on averages"
    assert [label for label, _ in found.tried] == [on_averages, chosen]
