"""The diffusivity with which diffusion alone would explain one field."""

import numpy as np
import pytest
from numpy.polynomial import chebyshev

from hfluxno.identify.joint.diffusion_alone import diffusion_alone
from tests.identify.exact import burgers

CELLS = 80
TIMES = np.arange(16.0)


def nu_of(found, values, field):
    lower, upper = np.min(field), np.max(field)
    return chebyshev.chebval((2.0 * values - lower - upper) / (upper - lower), found.coefficients)


def alone(field, terms, periodic=True):
    return diffusion_alone(field, periodic, float(np.min(field)), float(np.max(field)), terms)


def test_heat():
    """u = 2 + cos(kx) exp(-νk²t) + ½ sin(3kx) exp(-9νk²t) on a circle."""
    nu, k = 2.5, 2.0 * np.pi / CELLS
    x, t = np.arange(CELLS) + 0.5, TIMES[:, None]
    field = 2.0 + np.cos(k * x) * np.exp(-nu * k**2 * t)
    field += 0.5 * np.sin(3 * k * x) * np.exp(-9.0 * nu * k**2 * t)
    found = alone(field, 3)
    assert found is not None
    np.testing.assert_allclose(nu_of(found, np.linspace(1.2, 3.0, 5), field), nu, rtol=1e-3)
    assert found.size == pytest.approx(nu, rel=1e-3)


def test_a_porous_medium_that_ends_in_a_front():
    """∂t u = ∂xx u², so ν = 2u: u = τ^-⅓ max(0, 1 - ξ²/12) with ξ = x τ^-⅓ (Barenblatt)."""
    fine = (np.arange(20 * CELLS) + 0.5) / 20 - 0.5 * CELLS
    tau = (200.0 + 40.0 * TIMES)[:, None]
    field = np.maximum(0.0, 50.0 * tau ** (-1 / 3) * (1.0 - (fine * tau ** (-1 / 3)) ** 2 / 12.0))
    # 50 times as high, so 50 times as fast.
    field = field.reshape(len(TIMES), CELLS, 20).mean(axis=-1)
    found = alone(field, 3, periodic=False)
    assert found is not None
    height = np.max(field)
    states = np.linspace(0.2, 0.9, 5) * height
    np.testing.assert_allclose(nu_of(found, states, field), 40.0 / 50.0 * 2.0 * states, rtol=0.03)
    # Second differences at the front would have hidden it.
    change = np.sqrt(np.mean(np.diff(field, axis=0) ** 2))
    bend = np.sqrt(np.mean(np.diff(field, n=2, axis=-1) ** 2))
    assert found.size > 2.0 * change / bend


def test_waves_are_not_explained():
    field = burgers(0.02 * TIMES, CELLS)[:, 0]
    assert alone(field, 3) is None


def test_too_little_tells_nothing():
    assert alone(np.random.default_rng(0).normal(size=(5, CELLS)), 1) is None
    assert alone(np.ones((16, CELLS)), 1) is None


def test_the_first_frames_of_many_tell_enough():
    nu, k = 0.2, 2.0 * np.pi / CELLS
    x, t = np.arange(CELLS) + 0.5, np.arange(260.0)[:, None]
    field = np.cos(k * x) * np.exp(-nu * k**2 * t) + np.sin(2 * k * x) * np.exp(-4 * nu * k**2 * t)
    many, few = (diffusion_alone(frames, True, -2.0, 2.0, 1) for frames in (field, field[:200]))
    assert many is not None and few is not None
    np.testing.assert_array_equal(many.coefficients, few.coefficients)
    assert many.size == pytest.approx(nu, rel=1e-3)
