"""Factors of units of length and time are told from other numbers."""

import pytest

from hfluxno.identify.recognition.unit_factor import unit_factor


@pytest.mark.parametrize("factor", [1e-3, 3.6, 1.0 / 3.6, 1.0 / 3600.0, 60.0, 1.0])
def test_a_fitted_factor_of_units_is_that(factor):
    assert unit_factor(1.008 * factor) == pytest.approx(factor)


@pytest.mark.parametrize("number", [1.05, 2.0, -1.0, 0.0, -1e-3, 0.7])
def test_another_number_is_no_factor(number):
    assert unit_factor(number) == 1.0
