"""Laws with the further term that the weak form asks for."""

import dataclasses
import importlib

import jax
import numpy as np
import pytest

from hfluxno import Trajectory
from hfluxno.identify import FitStatus, identify
from hfluxno.identify.by_cause import asked_for, identify_by_cause
from hfluxno.identify.identification import nothing_to_infer
from hfluxno.identify.joint.kind import Kind
from hfluxno.identify.residuals.misfit import UNKNOWN
from hfluxno.identify.residuals.missing import Cause
from tests.identify.exact import burgers, logistic

module = importlib.import_module("hfluxno.identify.by_cause")
CELLS = 64
TIMES = 0.05 * np.arange(16)
SHORT = 0.03 * np.arange(16)  # before waves break


def context(values, times=TIMES, **options):
    return Trajectory.from_numpy(values, times, **options)


def standing(values):
    """What moves at the speed 1, ∂t u + ∂x u = sin 2πx, from these `values` of u₀(x - t):
    u₀(x - t) + (cos 2π(x - t) - cos 2πx)/2π."""
    x, t = (np.arange(CELLS) + 0.5) / CELLS, TIMES[:, None]
    mean = np.sinc(1.0 / CELLS)  # of the cosine over a cell
    return values + mean * (np.cos(2 * np.pi * (x - t)) - np.cos(2 * np.pi * x)) / (2 * np.pi)


@pytest.fixture
def growing():
    return logistic(TIMES, CELLS)


def test_growth_asks_for_a_source(growing):
    assert asked_for(context(growing)) == (Kind(4, by_state=4),)


def test_what_stands_still_asks_for_a_source_by_place():
    x, t = (np.arange(CELLS) + 0.5) / CELLS, TIMES[:, None]
    moving = 0.5 + 0.3 * np.sin(4 * np.pi * (x - t))
    assert asked_for(context(standing(moving)[:, None])) == (Kind(4, source_modes=4),)


def test_terms_that_leave_as_little_are_all_asked_for(growing, monkeypatch):
    shares = {
        "dispersion": 0.05,
        "a source that depends on the state": 0.7,
        "a source that depends on place": 0.9995,
        "a flux that depends on place": 0.9979,
    }
    name = "a source that depends on place"
    cause = Cause("u", 0.58, shares, name)
    monkeypatch.setattr(module, "likely_cause", lambda *_: cause)
    both = (Kind(4, source_modes=4), Kind(4, flux_modes=2))
    assert asked_for(context(growing)) == both
    shares["dispersion"] = 0.99  # by one coefficient
    assert asked_for(context(growing)) == ()
    shares["dispersion"] = 0.05
    shares["a flux that depends on place"] = 0.99
    assert asked_for(context(growing)) == both[:1]
    shares[name] = 0.98
    assert asked_for(context(growing)) == ()


def test_a_conservation_law_asks_for_nothing():
    assert asked_for(context(burgers(SHORT, CELLS), SHORT)) == ()


def test_only_complete_frames_at_even_times_ask(growing):
    gap = growing.copy()
    gap[3, 0, 7] = np.nan
    assert asked_for(context(gap)) == ()
    uneven = TIMES + np.where(np.arange(len(TIMES)) == 5, 0.02, 0.0)
    assert asked_for(context(logistic(uneven, CELLS), uneven)) == ()


def test_noise_hides_it(growing):
    noise = 0.05 * np.random.default_rng(1).normal(size=growing.shape)
    assert asked_for(context(growing + noise)) == ()


@pytest.mark.parametrize("status", [FitStatus.OK, FitStatus.SYSTEMATIC_MISFIT])
def test_it_is_taken_if_it_explains_the_frames(growing, status, monkeypatch):
    asked = []
    values = np.asarray(context(growing).values)
    found = dataclasses.replace(
        nothing_to_infer(values, context(growing)),
        status=status,
        backtest_error=0.01,
        persistence_error=0.1,
        misfit=dataclasses.replace(UNKNOWN, shared=0.001),
    )

    def estimated(single, negated, kinds):
        asked.append(kinds)
        return found

    monkeypatch.setattr(module, "identify_jointly", estimated)
    taken = identify_by_cause(context(growing), ())
    assert asked == [(Kind(4), Kind(4, by_state=4))]
    assert taken is (found if status == FitStatus.OK else None)
    # No better than repeating the last frame.
    found = dataclasses.replace(found, persistence_error=0.015)
    assert identify_by_cause(context(growing), ()) is None


@pytest.mark.validation
def test_the_law_is_sought_with_that_term_alone(growing):
    found = identify(context(growing))
    assert found.status == FitStatus.OK
    tried = [label for label, _ in found.tried]
    assert not any("roe" in label or "place" in label for label in tried)
    assert any("a source that depends on the state" in label for label in tried)
    u = np.linspace(0.3, 0.6, 5)
    with jax.enable_x64(True):
        states = jax.numpy.asarray(u[None])
        source = np.asarray(found.law.source(states, 0.0 * states, 0.0))[0]
    np.testing.assert_allclose(source, 2.0 * u * (1.0 - u), rtol=0.02)


@pytest.mark.validation
def test_no_further_terms_are_tried_where_the_flux_depends_on_time():
    """A wave whose speed grows by half: sources and factors of place would imitate it."""
    x, late = (np.arange(CELLS) + 0.5) / CELLS, (TIMES + TIMES**2)[:, None]
    moved = 2.0 * np.pi * (x - 0.6 * late)
    wave = 0.5 + 0.2 * np.sin(moved) + 0.1 * np.sin(3.0 * moved)
    found = identify(context(wave[:, None]))
    assert found.status == FitStatus.SYSTEMATIC_MISFIT and found.law.terms is None
    assert found.misfit.timed > 0.7 and found.misfit.changes_in_weak_form
