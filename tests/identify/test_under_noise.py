"""Laws of noisy frames, fitted together with their first state."""

import dataclasses
import importlib

import numpy as np
import pytest

from benchmarks.independent.laws import cubic
from benchmarks.independent.schemes import INTERVAL
from hfluxno import Trajectory, forecast
from hfluxno.identify import FitStatus
from hfluxno.identify.frames.candidate import Candidate
from hfluxno.identify.joint.kind import Kind
from hfluxno.identify.under_noise import with_first_state
from tests.identify.laws import identification, polynomial

under_noise = importlib.import_module("hfluxno.identify.under_noise")
TIMES, X = np.arange(12.0), (np.arange(32) + 0.5) / 32
WAVE = np.sin(2 * np.pi * (X - 0.02 * TIMES[:, None]))


def noisy(noise: float, missing: float = 0.0) -> Trajectory:
    rng = np.random.default_rng(2)
    values = WAVE + noise * rng.normal(size=WAVE.shape)
    values[1:][rng.random(WAVE[1:].shape) < missing] = np.nan
    return Trajectory.from_numpy(values, TIMES)


def found(candidate: Candidate, error: float, status=FitStatus.OK):
    of_frames = identification(polynomial(0.0, 1.0, 1.0), interval=1.0)
    return dataclasses.replace(of_frames, candidate=candidate, backtest_error=error, status=status)


@pytest.fixture
def asked(monkeypatch):
    """The kinds of law that are estimated jointly; what is found misses the last frames by .1."""
    kinds: list[Kind] = []

    def estimated(_, __, wanted):
        kinds.extend(wanted)
        return found(Candidate(), 0.1)

    monkeypatch.setattr(under_noise, "identify_jointly", estimated)
    return kinds


def test_dispersion_that_noise_hides_is_a_warning(asked):
    """Two waves of which the shorter one is slower; both are as fast in the second context."""
    times, x = 0.5 * np.arange(20.0), (np.arange(128) + 0.5) / 128
    noise = 0.02 * np.random.default_rng(5).normal(size=(20, 128))
    for slower, status in ((0.6, FitStatus.SYSTEMATIC_MISFIT), (1.0, FitStatus.OK)):
        waves = [
            np.sin(2 * np.pi * k * (x - 0.02 * part * times[:, None]))
            for k, part in ((1, 1.0), (4, slower))
        ]
        context = Trajectory.from_numpy(1.5 + sum(waves) + noise, times)
        assert with_first_state(found(Candidate(), 0.05), context, ()).status == status
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("candidate", "kind"),
    [
        (Candidate(size=4), Kind(4)),
        (Candidate(size=9), Kind(9)),
        (Candidate(size=2), Kind(4)),
        (Candidate(size=2, kinks=1), Kind(4)),
        (Candidate(size=6, diffusion="constant"), Kind(6, diffusion=1)),
    ],
)
def test_the_law_of_the_frames_says_which_kind(candidate, kind, asked):
    richer = with_first_state(found(candidate, 0.1), noisy(0.05, missing=0.2), ())
    assert asked == [kind]
    assert richer.candidate == Candidate()


@pytest.mark.parametrize(("error", "taken"), [(0.096, True), (0.094, False)])
def test_it_is_taken_if_it_predicts_the_last_frames_as_well(error, taken, asked):
    before = found(Candidate(size=4), error)
    assert (with_first_state(before, noisy(0.05), ()) is not before) == taken


@pytest.mark.parametrize(
    ("candidate", "status", "context"),
    [
        (Candidate(size=4), FitStatus.OK, noisy(0.0)),
        (Candidate(size=4), FitStatus.OK, noisy(0.05, missing=0.6)),
        (Candidate(size=4), FitStatus.SYSTEMATIC_MISFIT, noisy(0.05)),
    ],
)
def test_other_laws_stay(candidate, status, context, asked):
    before = found(candidate, 1.0, status)
    assert with_first_state(before, context, ()) is before
    assert not asked


@pytest.mark.validation
def test_the_errors_of_another_solvers_noisy_frames_are_smaller(monkeypatch):
    """A cubic flux by WENO, with 1 % noise; of more contexts at once each is left as it is.
    Errors are those of all later frames, as in one of them chance decides."""
    truth = cubic([np.random.default_rng(seed) for seed in range(4)])
    values = truth[:, :20, 0]
    size = 0.01 * np.std(values, axis=(1, 2), keepdims=True)
    seen = values + size * np.random.default_rng(3).normal(size=values.shape)
    context = Trajectory.from_numpy(seen[:, :, None], INTERVAL * np.arange(20.0))

    def errors():
        after = np.asarray(forecast(context, 20).trajectory.values)[:, :, 0]
        away = np.linalg.norm(after - truth[:, 20:40, 0], axis=(1, 2))
        return away / np.linalg.norm(truth[:, 20:40, 0], axis=(1, 2))

    together = errors()
    monkeypatch.setattr(importlib.import_module("hfluxno.identify.identification"), "FEW", 3)
    assert np.median(together) < 0.008
    ratios = together / errors()
    assert np.median(ratios) < 0.85
    assert np.max(ratios) < 1.05
