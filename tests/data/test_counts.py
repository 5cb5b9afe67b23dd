"""Counts, which accumulate or scatter by themselves."""

import numpy as np
import pytest

from hfluxno.data.counts import cumulative_hint, looks_cumulative, scatter_hint, where_it_is
from hfluxno.rounding import error_size
from hfluxno.wild_values import noise_alone

X, T = (np.arange(64) + 0.5) / 64, np.arange(20)[:, None] / 20
ONE = (1, 20, 64)


def test_counts_that_only_grow_are_cumulative():
    flow = 0.2 + 0.05 * np.sin(2 * np.pi * (X - T))
    passed = np.round(1000.0 * np.cumsum(flow, axis=0) / 20.0)[None]
    assert looks_cumulative(passed, "N", "") and looks_cumulative(passed, "N", "veh")
    assert looks_cumulative(1e-3 * passed + 1e-6, "cumulative_flow", "km")
    holes = np.where(np.random.default_rng(0).uniform(size=ONE) < 0.2, np.nan, passed)
    assert looks_cumulative(holes, "N", "")
    assert "a density (or its change since they began)" in cumulative_hint("N")
    # What is warmed, what grows as a population, what falls somewhere, and what is no integer.
    assert not looks_cumulative(passed, "T", "K") and not looks_cumulative(passed, "temp", "")
    start = np.exp(-((X - 0.2) ** 2) / 0.02)
    people = np.round(1e4 * start / (start + 0.05 * np.exp(-6.0 * T)))
    assert not looks_cumulative(people[None], "people", "")
    assert not looks_cumulative(np.round(1e3 * np.exp(3.0 * T) * (1 + 0.1 * X))[None], "n", "")
    assert not looks_cumulative(passed + 0.5, "N", "") and not looks_cumulative(-passed, "N", "")
    assert not looks_cumulative(np.full(ONE, 3.0), "N", "")


@pytest.mark.parametrize("most", [30, 300])
def test_counts_in_mostly_empty_cells_scatter_where_they_are(most):
    expected = most * np.exp(-(((X - 0.15 - 0.2 * T) / 0.07) ** 2))
    counts = np.random.default_rng(1).poisson(expected).astype(float)[None]
    usual = np.median(np.sqrt(expected[expected > 0.3]))
    assert np.mean(counts == 0.0) > 0.6
    assert error_size(counts, noise_alone) < 0.2 * usual
    assert error_size(where_it_is(counts), noise_alone) == pytest.approx(usual, rel=0.5)
    shares = 0.002 * counts  # per length
    assert error_size(where_it_is(shares), noise_alone) > 0.4 * 0.002 * usual
    # Numbers of any size are no counts, and a full line shows its noise.
    for other in (expected[None], counts + 1.0):
        np.testing.assert_array_equal(where_it_is(other), other)


def test_counts_scatter_by_their_root():
    counts = np.random.default_rng(1).poisson(9.0, size=ONE).astype(float)
    counts[0, 3, 4] = 25.0
    for name, units in (("count", ""), ("number", "1"), ("n", "vehicles")):
        assert "here by up to 5;" in scatter_hint(counts, name, units)
    for u, name in ((counts, "u"), (counts + 0.5, "count"), (-counts, "count"), (0 * counts, "n")):
        assert not scatter_hint(u, name, "")
