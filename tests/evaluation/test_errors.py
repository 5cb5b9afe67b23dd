"""The data set of errors, against norms taken by hand."""

import numpy as np
import pytest
import xarray as xr

from hfluxno.evaluation.errors import errors_of, summary

RANDOM = np.random.default_rng(0)
TRUTH = RANDOM.normal(size=(4, 3, 2, 5))
FORECAST = TRUTH + 0.1 * RANDOM.normal(size=TRUTH.shape)


def test_each_frame_and_all_frames_up_to_it():
    errors = errors_of(FORECAST, TRUTH, np.zeros(4, bool))
    assert dict(errors.sizes) == {"window": 4, "step": 3}
    for window in range(4):
        for step in (1, 2, 3):
            one = errors.isel(window=window).sel(step=step)
            for name, frames in (("", slice(step - 1, step)), ("_joint", slice(0, step))):
                u, v = FORECAST[window, frames].ravel(), TRUTH[window, frames].ravel()
                for norm, order in (("l2", 2), ("linf", np.inf)):
                    expected = np.linalg.norm(u - v, order) / np.linalg.norm(v, order)
                    assert float(one[norm + name]) == pytest.approx(expected, rel=1e-13)


def test_a_plane_has_the_errors_of_its_cells_in_a_row():
    plane = errors_of(*(v.reshape(4, 3, 2, 5, 1) for v in (FORECAST, TRUTH)), np.zeros(4, bool))
    assert plane.equals(errors_of(FORECAST, TRUTH, np.zeros(4, bool)))


def test_what_is_not_finite_is_infinitely_wrong_from_there_on():
    broken = FORECAST.copy()
    broken[1, 1, 0, 2], broken[2, 2] = np.nan, 1e300
    errors = errors_of(broken, TRUTH, np.array([False, False, False, True]))
    assert np.isinf(errors["l2"].values[1]).tolist() == [False, True, False]
    assert np.isinf(errors["l2_joint"].values[1]).tolist() == [False, True, True]
    assert np.isinf(errors["linf_joint"].values[2, 2]) == (1e300 / np.abs(TRUTH[2]).max() > 1.8e308)
    found = summary(errors, "l2_joint", 3)
    assert (found.count, found.failures, found.mean) == (4, 3, np.inf)


def test_parts_are_one_set_and_laws_are_counted_once():
    whole = errors_of(FORECAST, TRUTH, np.zeros(4, bool), law=np.array([0, 0, 1, 1]))
    parts = [whole.isel(window=slice(0, 1)), whole.isel(window=slice(1, 4))]
    joined = xr.concat(parts, "window")
    assert joined.equals(whole)
    found = summary(joined, "l2", 2)
    values = whole["l2"].sel(step=2).values
    of_laws = values.reshape(2, 2).mean(axis=1)
    assert found.standard_error == pytest.approx(of_laws.std(ddof=1) / np.sqrt(2.0))
    with pytest.raises(ValueError, match="at least one error"):
        summary(whole.assign(none=("window", np.full(4, np.nan))), "none")
