"""The trust table: its truths, by schemes that are not the library's, and how it counts."""

import numpy as np
import pytest

from benchmarks.independent import others
from benchmarks.independent.kinds import KINDS, Kind
from benchmarks.independent.schemes import INTERVAL, godunov, outflow, spectral, weno
from benchmarks.trust import Row, _crps, calibration, summary, table

CELLS = 16


def _sine(n, shift=0.0):
    """Means over n cells of sin 2π(x - shift)."""
    edges = np.arange(n + 1) / n - shift
    return (-np.diff(np.cos(2 * np.pi * edges)) * n / (2 * np.pi))[None, None]


def test_weno_moves_a_wave_with_fifth_order():
    """The time step is that of the finest grid, so that only the error in space is seen."""

    def error(n):
        found = weno(lambda u: u, lambda u: np.full_like(u, 64 / n), _sine(n), 6, CELLS)
        return np.max(np.abs(found[:, -1] - _sine(CELLS, 5 * INTERVAL)))

    errors = error(32), error(64)
    assert errors[1] < errors[0] / 16 and errors[1] < 1e-4


def test_godunov_has_the_speed_of_a_shock_and_a_fan():
    """Greenshields' flux: the shock from .2 to .6 moves at 1 - .2 - .6 = .2."""
    x = (np.arange(800) + 0.5) / 800
    state = np.where(x < 0.5, 0.2, 0.6)[None, None]
    found = godunov(lambda u: u * (1 - u), lambda u: 1 + 0 * u, 0.5, state, 26, 100, pad=outflow)[
        0, -1, 0
    ]
    place = np.interp(0.4, found, (np.arange(100) + 0.5) / 100)
    assert place == pytest.approx(0.5 + 0.2 * 25 * INTERVAL, abs=0.01)
    fan = godunov(
        lambda u: u * (1 - u), lambda u: 1 + 0 * u, 0.5, state[..., ::-1], 26, 100, pad=outflow
    )[0, -1, 0]
    # Between the speeds -.2 and .6 the state is (1 - x/t)/2, at the jump ½.
    assert fan[49:51].mean() == pytest.approx(0.5, abs=0.01)


def test_the_spectral_scheme_decays_disperses_and_steepens():
    nu, c = 0.01, 0.5
    found = spectral(lambda k: -nu * k**2 - 1j * c * k, None, _sine(64), 6, CELLS)[0, -1]
    t = 5 * INTERVAL
    np.testing.assert_allclose(
        found, np.exp(-nu * (2 * np.pi) ** 2 * t) * _sine(CELLS, c * t)[0], atol=1e-3
    )
    # KdV's soliton 3c sech²(√(c/4d) (x - ct)) keeps its shape.
    d, x = 1e-4, (np.arange(512) + 0.5) / 512

    def soliton(x):
        return 3 * c / np.cosh(np.sqrt(c / (4 * d)) * ((x + 0.5) % 1 - 0.5)) ** 2

    moved = spectral(
        lambda k: 1j * d * k**3, lambda u: u**2 / 2, soliton(x - 0.3)[None, None], 6, 512
    )[0, -1, 0]
    np.testing.assert_allclose(moved, soliton(x - 0.3 - c * t), atol=2e-3)


def test_what_is_a_law_keeps_its_totals_and_what_leaks_does_not():
    rngs = [np.random.default_rng(0)]
    by_name = {kind.name: kind for kind in KINDS}
    kept = by_name["traffic steps"].truth(rngs)
    np.testing.assert_allclose(np.ptp(kept.mean(axis=-1)), 0.0, atol=1e-12)
    opened = others.open_as_periodic(rngs)
    assert np.ptp(opened.mean(axis=-1)) > 1e-3
    assert len({kind.label for kind in KINDS}) == len(KINDS)


def half(errors):
    """Predicted errors of half the size, bounds above the first error alone, and the rest."""
    return (
        tuple(0.5 * e for e in errors),
        (1.5 * errors[0], 0.9 * errors[1]),
        (0.9, 0.8),
        (0.7, 0.7),
    )


def test_predicted_errors_are_counted_where_the_status_is_ok():
    law = Kind("law", True, lambda rngs: np.zeros(0))
    errors = ((0.01, 0.02), (0.02, 0.08), (0.04, 0.05))
    rows = [Row(law, each, "OK", "", *half(each)) for each in errors]
    rows.append(Row(law, (1.0, 1.0), "POOR_FIT", "", *half((0.0, 0.0))))
    found = calibration(rows)
    assert "3 forecasts with the status OK" in found
    assert "| share of errors below the 90 % bound | 1.00 / 0.00 |" in found
    assert "| median bound over median error | 1.50 / 0.90 |" in found
    assert "| rank correlation of predicted and true error | 1.00 / 1.00 |" in found
    assert "| share of values within the 90 % bands | 0.90 / 0.80 |" in found


def test_the_score_is_that_of_samples():
    """E|X - y| - ½ E|X - X′| of a normal variable X, by many samples."""
    sample = np.random.default_rng(0).normal(0.0, 0.3, (2, 200_000))
    for away in (0.0, 0.2, 1.0):
        score = np.mean(np.abs(sample[0] - away)) - 0.5 * np.mean(np.abs(sample[0] - sample[1]))
        assert _crps(np.array(away), np.array(0.3)) == pytest.approx(score, rel=0.01)


def test_the_table_counts_by_kind_and_the_summary_by_error():
    law = Kind("law", True, lambda rngs: np.zeros(0))
    other = Kind("other", False, lambda rngs: np.zeros(0), noise=0.05)
    rows = [
        Row(law, (0.01, 0.02), "OK", "", *half((0.01, 0.02))),
        Row(law, (0.015, 0.02), "POOR_FIT", "", *half((0.015, 0.02))),
        Row(other, (0.2, 0.4), "SYSTEMATIC_MISFIT", "", *half((0.2, 0.4))),
        Row(other, (0.06, 0.1), "OK", "", *half((0.06, 0.1))),
        Row(other, (0.03, 0.1), "OK", "", *half((0.03, 0.1))),
    ]
    assert "| law | 2 | 0.013 / 0.02 | 0.015 | 50 % | 1 POOR_FIT |" in table(rows)
    assert "| other, 5 % noise | 3 | 0.06 / 0.1 | 0.2 | 67 % | 1 SYSTEMATIC_MISFIT |" in table(rows)
    said = summary(rows)
    assert "No conservation laws: all: 1 of 3 flagged; error at 20 steps above 0.05: 1 of 2" in said
    assert "Conservation laws: all: 1 of 2 flagged" in said and "below 0.02: 1 of 2 flagged" in said
