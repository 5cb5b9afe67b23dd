"""The total variation of cell means: transport does not make it grow, and dispersion does."""

import dataclasses

import numpy as np
import pytest

from hfluxno.identify.joint_report import with_further_terms
from hfluxno.identify.residuals.misfit import UNKNOWN
from hfluxno.identify.residuals.variation import growth_of_variation
from hfluxno.identify.status import FitStatus
from tests.identify.laws import identification, one_field

CELLS, FRAMES = 64, 12


def means_of(wave, phases):
    """Cell means (time, cells) of a function on the unit circle, at so many phases."""
    x = (np.arange(64 * CELLS) + 0.5) / (64 * CELLS)
    return np.stack([wave((x - p) % 1.0).reshape(CELLS, -1).mean(axis=1) for p in phases])


@pytest.mark.parametrize(
    "wave",
    [
        lambda x: np.sin(2 * np.pi * x),
        lambda x: np.exp(-(((x - 0.5) * CELLS / 2.0) ** 2)),  # four cells wide
        lambda x: np.where((x > 0.3) & (x < 0.6), 1.0, 0.0),
    ],
)
def test_what_is_only_moved_varies_as_before(wave):
    """Wherever in a cell the peak of the first frame is."""
    for first in np.linspace(0.0, 1.0, 7) / CELLS:
        values = means_of(wave, first + 0.37 * np.arange(FRAMES) / CELLS)
        assert growth_of_variation(values, periodic=True, noise=0.0) < 1e-3


def test_a_peak_at_the_seam_counts():
    values = means_of(lambda x: np.where(x < 0.5, 1.0, 0.0), [0.25, 0.5, 0.6])
    assert growth_of_variation(values, periodic=True, noise=0.0) == 0.0
    assert growth_of_variation(values, periodic=False, noise=0.0) == 0.0
    inside = means_of(lambda x: np.where(x < 0.2, 1.0, 0.0), [0.9, 0.3, 0.4])
    assert growth_of_variation(inside, periodic=True, noise=0.0) < 1e-12
    assert growth_of_variation(inside, periodic=False, noise=0.0) == pytest.approx(0.0)


def test_dispersion_makes_extremes_beyond_noise():
    """∂t u + ∂xxx u = 0 from a step with soft edges."""
    k = 2 * np.pi * np.fft.rfftfreq(CELLS, 1.0 / CELLS)
    soft = np.fft.rfft(means_of(lambda x: np.where(x < 0.5, 1.0, 0.0), [0.2])[0])
    times = 1e-6 * np.arange(FRAMES)
    spectra = soft * np.exp(-((k / 100.0) ** 2)) * np.exp(1j * k**3 * times[:, None])
    values = np.fft.irfft(spectra, CELLS)
    grown = growth_of_variation(values, periodic=True, noise=0.0)
    assert grown > 0.3
    noise = 0.01 * np.random.default_rng(0).normal(size=values.shape)
    still = np.repeat(values[:1], FRAMES, axis=0)
    assert growth_of_variation(still + noise, periodic=True, noise=0.01) == 0.0
    assert growth_of_variation(values + noise, periodic=True, noise=0.01) > 0.05
    spike = still.copy()
    spike[5, 7] += 1.0  # one outlier
    assert growth_of_variation(spike, periodic=True, noise=0.0) == 0.0


def test_growth_makes_a_misfit_systematic_and_is_said():
    small = dataclasses.replace(UNKNOWN, variation=0.01)
    assert not small.systematic and "total variation" not in str(small)
    large = dataclasses.replace(UNKNOWN, variation=0.31)
    assert large.systematic
    assert str(large).startswith("the total variation grows by 31 %, which transport and")


def test_only_a_further_term_explains_growth():
    """Not another law that cannot make it, whose own report says so too."""
    grown, still = (dataclasses.replace(UNKNOWN, shared=0.0, variation=v) for v in (0.3, 0.0))
    systematic = FitStatus.SYSTEMATIC_MISFIT
    found = identification(one_field(), misfit=grown, backtest_error=0.1, status=systematic)
    richer = identification(one_field(terms=True), misfit=still)
    assert with_further_terms(found, richer).status == FitStatus.OK
    kept = with_further_terms(found, identification(one_field(), misfit=grown, status=systematic))
    assert kept.status == systematic and "grows by 30 %" in kept.sentence


def test_of_too_few_frames_for_a_back_test_the_misfit_decides():
    """Then both errors are NaN, and comparing those had refused every further term."""
    unknown = {"backtest_error": np.nan, "misfit": dataclasses.replace(UNKNOWN, shared=0.0)}
    poor = identification(one_field(), residual=0.6, status=FitStatus.POOR_FIT, **unknown)
    assert "nan" not in poor.sentence.replace("correlation in time nan", "").split("misfit")[0]
    for residual, status in ((0.2, FitStatus.OK), (0.4, FitStatus.SYSTEMATIC_MISFIT)):
        richer = identification(one_field(terms=True), residual=residual, **unknown)
        assert with_further_terms(poor, richer).status == status
    assert with_further_terms(poor, dataclasses.replace(richer, residual=0.55)) is poor


def test_the_noise_of_the_last_frames_is_no_error_of_a_law():
    """Where .034 become .021, of which .02 are noise, .028 have become .006; but only if what is
    left is nothing but noise, and not if that is what the plain law has, too."""
    white = dataclasses.replace(UNKNOWN, in_time=0.03, in_space=-0.02, shared=0.0)
    systematic = FitStatus.SYSTEMATIC_MISFIT
    found = identification(one_field(), status=systematic, backtest_error=0.034)
    richer = identification(one_field(terms=True), misfit=white, backtest_error=0.021)
    assert with_further_terms(found, richer, 0.02).status == FitStatus.OK
    assert with_further_terms(found, richer).status == systematic
    shared = dataclasses.replace(white, in_space=0.2)
    alike = dataclasses.replace(richer, misfit=shared)
    assert with_further_terms(found, alike, 0.02).status == systematic
    little = dataclasses.replace(found, backtest_error=0.029)
    less = dataclasses.replace(richer, backtest_error=0.0229)
    assert with_further_terms(little, less, 0.02).status == systematic
    # Of .023 and .0185, with .0172 of noise, the excess is less than half, and of less than that
    # noise nothing is left to explain.
    noisy, seen = (dataclasses.replace(found, backtest_error=e) for e in (0.0226, 0.0171))
    right = dataclasses.replace(richer, backtest_error=0.0185)
    assert with_further_terms(noisy, right, 0.0172).status == FitStatus.OK
    assert (
        with_further_terms(seen, dataclasses.replace(right, backtest_error=0.012), 0.0172) is seen
    )
