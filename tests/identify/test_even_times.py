"""A field reconstructed at even times, between those of its measurements."""

import dataclasses
import importlib

import numpy as np
import pytest

from hfluxno import Trajectory, reconstruct
from hfluxno.boundary import Given
from hfluxno.grid import Grid
from hfluxno.reconstruction import count_of_even_times, even_times
from tests.errors import error_of
from tests.identify.exact import burgers
from tests.slow import slow

UNEVEN = 2.0 + np.cumsum([0.0, 0.04, 0.02, 0.05, 0.03, 0.04, 0.02, 0.04, 0.06])
CELLS = 16


def test_even_times_go_from_the_first_to_the_last():
    np.testing.assert_allclose(even_times(UNEVEN, 0.1), [2.0, 2.1, 2.2, 2.3])
    assert even_times(UNEVEN, 0.3)[-1] == UNEVEN[-1] and len(even_times(UNEVEN, 0.31 / 3)) == 3
    np.testing.assert_allclose(even_times(UNEVEN, 0.1 * (1.0 + 1e-12))[-1], UNEVEN[-1])
    for wrong in (0.0, -1.0, np.nan, np.inf, "1", None, [0.1]):
        with pytest.raises(ValueError, match="every must be a positive time; got"):
            count_of_even_times(UNEVEN, wrong)
    with pytest.raises(ValueError, match=r"Times 0\.4 apart are farther than .* is 0\.3; choose a"):
        even_times(UNEVEN, 0.4)
    with pytest.raises(ValueError, match=r"Times 1e-17 apart cannot be told from each other"):
        even_times(UNEVEN, 1e-17)


def given():
    ends = [burgers(UNEVEN - 2.0, 1, x, x + 1e-6)[:, 0].T for x in (0.1, 0.7)]
    return Grid((0.1,), (0.7,), (CELLS,), ((Given(UNEVEN, ends[0]), Given(UNEVEN, ends[1])),))


GRIDS = {"open": lambda: Grid.interval(CELLS, 0.1, 0.7, "open"), "given": given}


@pytest.mark.parametrize("boundary", ["open", slow("given")])
def test_a_field_is_the_same_at_common_times_and_right_between(brief, monkeypatch, boundary):
    grid = GRIDS[boundary]()
    seen = burgers(UNEVEN - 2.0, CELLS, 0.1, 0.7)
    seen[:, 0, 1::4] = np.nan
    context = Trajectory.from_numpy(seen, np.arange(len(UNEVEN)), grid.centers())
    context = dataclasses.replace(context, times=UNEVEN, grid=grid)
    plain = reconstruct(context)
    known = [plain.identification]  # which is not sought again
    module = importlib.import_module("hfluxno.identify.reconstruction")
    monkeypatch.setattr(module, "identify_all", lambda *_, **__: known)
    even = reconstruct(context, every=0.01)
    times = np.asarray(even.trajectory.times)
    np.testing.assert_allclose(times, 2.0 + 0.01 * np.arange(31))
    common = np.round((UNEVEN - 2.0) / 0.01).astype(int)
    # The steps of the solver are shorter on so few cells, and so is its error another.
    away = even.trajectory.values[common] - plain.trajectory.values
    assert np.all(np.abs(away) <= plain.deviation)
    assert np.sqrt(np.mean(away**2)) < 0.01 * np.std(plain.trajectory.values)
    np.testing.assert_allclose(even.deviation[common], plain.deviation, rtol=0.4)
    truth = burgers(times - 2.0, CELLS, 0.1, 0.7)
    error = error_of(even, truth)
    assert error < 0.01
    low, high = even.bands
    assert np.mean((low < truth) & (truth < high)) > 0.8
    for one, other in zip(plain.ends, even.ends, strict=True):
        assert (one is None) == (other is None) == (boundary == "given")
        if one is not None:
            np.testing.assert_allclose(other[:, common], one, rtol=1e-9)
