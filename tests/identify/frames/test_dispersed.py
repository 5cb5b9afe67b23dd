"""The response of a run to dispersion, beside exact solutions."""

import dataclasses

import numpy as np
import pytest

from hfluxno.identify.frames.candidate import Candidate
from hfluxno.identify.frames.dispersed import by_dispersion, by_other_cells
from hfluxno.identify.frames.first_frame import noise_carried, unknown_beside
from hfluxno.identify.frames.refine import refine
from hfluxno.identify.frames.select import FittedCandidate
from hfluxno.identify.frames.track import gains, track
from hfluxno.identify.residuals.dispersing import dispersing_together
from hfluxno.identify.residuals.explained import Unexplained
from hfluxno.identify.residuals.measured import beside_unknowns, measure
from hfluxno.parametric.basis import TensorChebyshev
from hfluxno.parametric.law_family import LawFamily
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


def two_fields(d, stiff=4.0):
    """Waves that run both ways by ∂t a + ∂x b = 0 and ∂t b + c² ∂x a = 0, in different units, with
    ω = ±c k (1 - d k²)."""
    t, a, b = np.arange(FRAMES)[:, None], 0.0, 0.0
    for n, size, way in ((2, 0.6, 1.0), (3, 0.4, -1.0), (4, 0.3, 1.0)):
        k = 2.0 * np.pi * n / CELLS
        wave = size * np.sin(n * X - way * SPEED * k * (1.0 - d * k**2) * t + n)
        a, b = a + wave, b + way * SPEED * wave
    return np.stack([a, stiff * b], axis=1)


def fitted_to_two(values, stiff=4.0):
    """The coefficients of T₁(a) and T₁(b) in each flux, in cells per frame of each half range."""
    basis = TensorChebyshev(np.zeros(2), np.ones(2), 1, 2)
    own = np.array([[0.0, 1.0 / stiff], [stiff * SPEED**2, 0.0]])
    order = [name.index("v1") if "v1" in name else -1 for name in basis.names]
    flux = own if order[0] == -1 else own[:, ::-1]
    high = np.ones(2)
    family = LawFamily(basis, np.eye(4), -high, high, 0, ("a", "b"), ())
    fit = refine(family, SETTINGS, values, np.ones(FRAMES), flux.ravel(), 12)
    candidate = Candidate("tensor", 1)
    return FittedCandidate(candidate, SETTINGS, family, fit, values[0], np.zeros(3), 0)


def test_waves_of_two_fields_disperse_both_ways_alike(x64):
    exact = (two_fields(1e-4) - two_fields(-1e-4))[1:] / 2e-4
    found = by_dispersion(fitted_to_two(two_fields(0.0)), two_fields(0.0))
    assert np.sum(found * exact) == pytest.approx(np.sum(exact**2), rel=0.2)
    for i in range(2):
        error = np.linalg.norm(found[:, i] - exact[:, i])
        assert error < 0.4 * np.linalg.norm(exact[:, i])
    assert not np.any(by_dispersion(fitted_to_two(two_fields(0.0)), 0.0 * two_fields(0.0)))


def test_dispersion_of_two_fields_is_told_from_noise_and_errors_of_the_scheme(x64):
    noise = 0.01 * np.random.default_rng(3).normal(size=two_fields(0.0).shape)
    noise *= np.std(two_fields(0.0), axis=(0, 2))[:, None]
    alone = gains("continue", FRAMES, 0)
    law = fitted_to_two(two_fields(0.0))
    followed = track(law.family.law(law.fit.parameters), SETTINGS, two_fields(0.0), alone)[0]
    steady = np.concatenate([two_fields(0.0)[:1], followed])
    exact = two_fields(0.0)  # of which the scheme makes errors
    dispersing = steady + two_fields(0.3) - exact
    for values, expected in ((dispersing, True), (steady, False), (exact, False)):
        seen = values + noise
        trial = fitted_to_two(seen)
        misfit = measure(trial.fit.frames, seen)
        beside = np.concatenate([unknown_beside(trial, seen), by_other_cells(trial, seen)[None]])
        by, carried = by_dispersion(trial, seen), noise_carried(trial, seen, misfit)
        found = dispersing_together(trial.fit.frames, seen, beside, by, carried)
        assert (found > 0.5) is expected and (found == 0.0) is not expected
        assert dataclasses.replace(misfit, dispersing=found).systematic is expected


def test_noise_that_a_run_carries_along_makes_a_number_less_certain():
    """By its variance over many draws, if the noise of all values is alike."""
    rng = np.random.default_rng(4)
    direction = rng.normal(size=60)
    alike = np.repeat(rng.normal(size=(400, 1)), 60, axis=1) * direction
    found = [
        Unexplained(own + each, np.zeros((1, 60)), 0.0).by(direction, alike[:8])
        for own, each in zip(rng.normal(size=(400, 60)), alike, strict=True)
    ]
    plain = Unexplained(rng.normal(size=60) + alike[0], np.zeros((1, 60)), 0.0).by(direction)
    assert np.median([each.certainty for each in found]) < 2.0
    assert plain.certainty > 10.0 * found[0].certainty
