"""The response of a run to dispersion, beside exact solutions."""

import dataclasses

import numpy as np
import pytest

from hfluxno.identify.frames.candidate import Candidate
from hfluxno.identify.frames.dispersed import by_dispersion
from hfluxno.identify.frames.first_frame import unknown_beside
from hfluxno.identify.frames.refine import refine
from hfluxno.identify.frames.select import FittedCandidate
from hfluxno.identify.frames.track import gains, track
from hfluxno.identify.residuals.measured import beside_unknowns, measure
from tests.identify.frames.test_first_frame import CELLS, FRAMES, SETTINGS, a_family
from tests.slow import slow

SPEED = 0.5
X = 2.0 * np.pi * np.arange(CELLS) / CELLS


def waves(d):
    """sin(k x - ω t) with ω = c k - d k³ for two wave numbers."""
    t, found = np.arange(FRAMES)[:, None], 0.0
    for n, size in ((2, 0.6), (4, 0.3)):
        k = 2.0 * np.pi * n / CELLS
        found = found + size * np.sin(n * X - (SPEED * k - d * k**3) * t)
    return found[:, None]


def fitted(values, refinement=1):
    family, start = a_family(), np.array([SPEED, 0.0])
    settings = dataclasses.replace(SETTINGS, refinement=refinement)
    fit = refine(family, settings, values, np.ones(FRAMES), start, 12)
    return FittedCandidate(Candidate(), settings, family, fit, values[0], np.zeros(3), 0)


@pytest.mark.parametrize(("refinement", "error"), [slow(1, 0.3), (2, 0.12)])
def test_the_derivative_is_that_of_dispersive_waves(x64, refinement, error):
    """Up to what the limiter of the scheme does at crests."""
    exact = (waves(1e-4) - waves(-1e-4))[1:] / 2e-4
    found = by_dispersion(fitted(waves(0.0), refinement), waves(0.0))
    assert np.sum(found * exact) == pytest.approx(np.sum(exact**2), rel=0.12)
    assert np.linalg.norm(found - exact) < error * np.linalg.norm(exact)


def test_nothing_disperses_where_nothing_varies(x64):
    values = np.full((FRAMES, 1, CELLS), 0.3)
    assert not np.any(by_dispersion(fitted(values), values))


def test_dispersion_is_told_from_the_flux_and_the_first_state_under_noise(x64):
    noise = 0.01 * np.random.default_rng(2).normal(size=waves(0.0).shape)
    law, _, _ = track(
        a_family().law(np.array([SPEED, 0.0])), SETTINGS, waves(0.0), gains("continue", FRAMES, 0)
    )
    steady = np.concatenate([waves(0.0)[:1], law])  # the errors of the scheme included
    for values, disperses in ((steady + waves(0.8) - waves(0.0), True), (steady, False)):
        seen = values + noise
        trial = fitted(seen)
        plain = measure(trial.fit.frames, seen)
        beside, by = unknown_beside(trial, seen), by_dispersion(trial, seen)
        found = beside_unknowns(plain, trial.fit.frames, seen, beside, by)
        assert found.disperses is disperses
        assert ("beyond noise; misfit" in str(found)) is disperses
