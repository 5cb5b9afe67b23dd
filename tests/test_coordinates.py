"""Checks of numbers from outside (those of axes are tested through what uses them)."""

import numpy as np

from hfluxno.coordinates import is_vacuum


def test_a_density_is_nothing_beside_its_mean_in_any_units():
    density = np.array([1.0, 3.0, 1e-6, 1e-10, 0.0, -1.0, np.nan, np.inf])
    for unit in (1e-12, 1.0, 1e12):
        np.testing.assert_array_equal(
            is_vacuum(unit * density), [False, False, False, True, True, True, False, False]
        )
    assert is_vacuum(np.zeros(3)).all() and not is_vacuum(np.full(3, np.nan)).any()
