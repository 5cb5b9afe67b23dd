"""Fields that follow measurements which no law explains."""

import dataclasses
import functools
import importlib

import numpy as np
import pytest

from hfluxno import Trajectory, reconstruct
from hfluxno.identify.status import FitStatus
from tests.identify.exact import burgers

TIMES = 0.04 * np.arange(9)
CELLS, SENSORS = 16, slice(0, None, 3)
NOISE = 1e-3


X = 0.1 + 0.6 * (np.arange(CELLS) + 0.5) / CELLS


def measured(field):
    seen = np.full(field.shape, np.nan)
    noise = NOISE * np.random.default_rng(0).normal(size=field.shape)
    seen[..., SENSORS] = (field + noise)[..., SENSORS]
    return Trajectory.from_numpy(seen, TIMES, X, boundary="open")


@functools.cache
def of_law():
    """A field that a law explains, and what is found of its measurements, `brief`ly."""
    field = burgers(TIMES, CELLS, 0.1, 0.7)
    return field, reconstruct(measured(field)).identification


def test_what_a_law_misses_is_interpolated_between_sensors(brief, monkeypatch):
    """A law found without a standing field beside it, which is smooth in space and time."""
    field, found = of_law()
    truth = field + 0.3 * np.sin(4.0 * X) * (1.0 + TIMES[:, None, None])
    module = importlib.import_module("hfluxno.identify.reconstruction")

    def reconstructed(status, **options):
        known = [dataclasses.replace(found, status=status)]
        monkeypatch.setattr(module, "identify_all", lambda *_, **__: known)
        return reconstruct(measured(truth), **options)

    def error(field):
        return np.linalg.norm(field.trajectory.values - truth) / np.linalg.norm(truth)

    run, following = reconstructed(FitStatus.OK), reconstructed(FitStatus.POOR_FIT)
    assert not run.interpolated and run.sentence == run.identification.sentence
    assert following.interpolated and "is interpolated" in following.sentence
    assert error(run) > 0.2 and error(following) < 0.01
    at = np.abs(following.trajectory.values - truth)[..., SENSORS]
    assert np.sqrt(np.mean(at**2)) < 2.0 * NOISE
    low, high = following.bands
    assert np.mean((low <= truth) & (truth <= high)) > 0.85
    # Known to the noise at sensors, and to less between them.
    at, between = following.deviation[..., SENSORS], following.deviation[..., 1::3]
    assert at.max() < 3.0 * NOISE and between.min() > at.max()

    even = reconstructed(FitStatus.POOR_FIT, every=0.02)
    common = even.trajectory.values[::2]
    np.testing.assert_allclose(common, following.trajectory.values, atol=2e-3)

    # A known noise that explains the misfit leaves nothing to interpolate.
    noisy = reconstructed(FitStatus.POOR_FIT, noise=1.0)
    np.testing.assert_allclose(noisy.trajectory.values, run.trajectory.values, atol=1e-12)


@pytest.mark.parametrize("suspect", [0, 1])
def test_values_that_were_left_out_are_not_followed(brief, monkeypatch, suspect):
    field, found = of_law()
    found = dataclasses.replace(found, status=FitStatus.POOR_FIT, suspect=suspect)
    module = importlib.import_module("hfluxno.identify.reconstruction")
    monkeypatch.setattr(module, "identify_all", lambda *_, **__: [found])
    wild = field.copy()
    wild[4, 0, 6] += 5.0
    values = reconstruct(measured(wild)).trajectory.values
    assert (abs(values[4, 0, 6] - field[4, 0, 6]) < 0.1) == (suspect == 1)
