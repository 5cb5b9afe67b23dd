"""Deviations of coefficients: with the error of the scheme, and of what the data determine."""

import importlib

import numpy as np
import pytest

from hfluxno.boundary import Periodic
from hfluxno.fv import StepControl
from hfluxno.grid import Grid
from hfluxno.identify.frames.candidate import Candidate
from hfluxno.identify.frames.refine import refine
from hfluxno.identify.frames.select import FittedCandidate
from hfluxno.identify.frames.track import gains, track
from hfluxno.law_uncertainty import flux_deviation, free_covariance
from hfluxno.parametric.basis import Chebyshev
from hfluxno.parametric.law_family import LawFamily
from hfluxno.parametric.solver_settings import SolverSettings
from hfluxno.trajectory import Trajectory

CELLS, FRAMES, SPEED = 32, 12, 0.4
GRID = Grid((0.0,), (float(CELLS),), (CELLS,), ((Periodic(), Periodic()),))
NAMES = ("f_u[T1]", "nu_u[T0]")


@pytest.fixture(scope="module")
def family():
    low, high = np.array([-1.5]), np.array([1.5])
    basis = Chebyshev(np.zeros(1), np.array([1.5]), 1)
    return LawFamily(basis, np.eye(2), low, high, 1, ("u",), ())


def waves(diffusivity):
    """Means over cells of two waves that travel and decay."""
    centers, times = np.arange(CELLS) + 0.5, np.arange(float(FRAMES))[:, None]
    total = 0.0
    for k in 2.0 * np.pi / CELLS * np.array([1.0, 2.0]):
        mean = np.sinc(0.5 * k / np.pi) * np.exp(-diffusivity * k**2 * times)
        total = total + 0.7 * mean * np.sin(k * (centers - SPEED * times))
    return total[:, None]


def reported(family, values, scheme):
    settings = SolverSettings(StepControl(0.5, 0.5), True, GRID, scheme, 1)
    start = np.array([SPEED, 0.1])
    fit = refine(family, settings, values, np.ones(FRAMES), start, 12)
    errors = np.zeros(3)
    trial = FittedCandidate(
        Candidate(diffusion="constant"), settings, family, fit, values[0], errors, 0
    )
    context = Trajectory(values, np.arange(float(FRAMES)), GRID, ("u",))
    return importlib.import_module("hfluxno.identify.report").report(trial, (), values, context, ())


@pytest.mark.parametrize("noise", [0.0, 0.003])
@pytest.mark.parametrize("scheme", ["rusanov", "roe"])
def test_what_makes_up_for_numerical_diffusion_is_within_its_deviation(x64, family, scheme, noise):
    values = waves(0.3) + noise * np.random.default_rng(1).normal(size=(FRAMES, 1, CELLS))
    found = reported(family, values, scheme)
    off = np.array([found.coefficients[name] for name in NAMES]) - [SPEED * 1.5, 0.3]
    off[0] = found.law.jacobian(np.zeros((1, 1)))[0, 0, 0] - SPEED
    deviation = np.sqrt(np.diag(found.covariance))
    assert abs(off[1]) < 2.0 * deviation[1] < max(10.0 * abs(off[1]), 0.05)
    by_flux = flux_deviation(found, np.ones((1, 1)), np.zeros((1, 1)))[1][0]
    assert abs(off[0]) < 2.0 * by_flux
    # A run with the same scheme has the errors that the coefficients make up for.
    known = np.sqrt(np.diag(free_covariance(found, without_scheme=True)[1]))
    assert np.all(known <= deviation)
    if scheme == "rusanov":
        assert abs(off[1]) > 0.05 and known[1] < 0.02 < deviation[1]


def test_what_the_scheme_of_the_data_finds_is_certain(x64, family):
    settings = SolverSettings(StepControl(0.5, 0.5), True, GRID, "rusanov", 1)
    law = family.law(np.array([SPEED / 1.5, 0.3]))
    values = waves(0.3)
    run, _, _ = track(law, settings, values, gains("continue", FRAMES, 0))
    found = reported(family, np.concatenate([values[:1], run]), "rusanov")
    assert found.coefficients["nu_u[T0]"] == pytest.approx(0.3, abs=1e-5)
    assert np.all(np.sqrt(np.diag(found.covariance)) < 1e-5)


def test_a_diffusivity_that_is_nowhere_positive_is_no_result(x64, family):
    """Waves that grow would need a negative one, which runs take for zero."""
    found = reported(family, waves(-0.4), "rusanov")
    assert [*found.coefficients] == ["f_u[T1]"] and found.covariance.shape == (1, 1)
    assert not np.any(found.law.diffusion_coefficients)
    assert not np.any(found.grid_law.diffusion_coefficients)
