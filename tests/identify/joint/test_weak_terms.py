"""Starts of laws with sources and factors of place, on exact solutions."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hfluxno import Trajectory
from hfluxno.identify.joint.kind import Kind
from hfluxno.identify.joint.prior import make_forward
from hfluxno.identify.joint.weak_terms import weak_terms
from tests.identify.exact import burgers, logistic, through_a_factor

CELLS = 96
TIMES = 0.02 * np.arange(20)
X = (np.arange(CELLS) + 0.5) / CELLS


def start(values, kind):
    """The law, per unit of the field, of cells and frames."""
    context = Trajectory.from_numpy(values, TIMES)
    forward = make_forward(kind, context, (), known_first=True)
    found = weak_terms(forward, values)
    if found is None:
        return None
    return forward.shape.law(found * forward.spread)


def in_units(speed):
    """A speed in cells per frame as one in lengths per time."""
    return speed / CELLS / TIMES[1]


def test_a_factor_of_place():
    change = 0.4
    values = through_a_factor(TIMES, CELLS, change)
    law = start(values, Kind(2, flux_modes=8))
    k = np.asarray(law.factor(jnp.arange(CELLS, dtype=float) + 0.5))
    expected = 1.0 / (1.0 + change * np.cos(2 * np.pi * X))
    np.testing.assert_allclose(k / k.mean(), expected / expected.mean(), atol=0.01)
    u = np.linspace(values.min(), values.max(), 5)
    offset = np.asarray(law.terms.flux_offset)[0]
    flow = in_units(k.mean() * (law.flux(u) + offset)) / expected.mean()
    np.testing.assert_allclose(flow, u, rtol=0.02)


def test_growth():
    values = logistic(TIMES, CELLS, rate=2.0, speed=0.7)
    law = start(values, Kind(2, by_state=3))
    u = np.linspace(values.min(), values.max(), 5)
    places, time = jnp.zeros((1, 5)), jnp.zeros(())
    grown = jax.jit(lambda law, u: law.source(u, places, time))(law, jnp.asarray(u)[None])[0]
    np.testing.assert_allclose(grown / TIMES[1], 2.0 * u * (1.0 - u), rtol=0.01)
    slope = law.jacobian(u)
    np.testing.assert_allclose(in_units(slope), 0.7, rtol=0.01)


def test_without_a_flux_what_decays_and_diffuses():
    """∂t u = ν ∂xx u - r u of one wave on the circle."""
    nu, rate, wave = 0.004, 0.8, 4 * np.pi
    decay = np.exp(-(nu * wave**2 + rate) * TIMES)[:, None]
    values = (np.exp(-rate * TIMES)[:, None] + 0.5 * decay * np.cos(wave * X))[:, None]
    law = start(values, Kind(0, diffusion=1, by_state=2))
    found = np.asarray(law.diffusion_coefficients)[0, 0] / CELLS**2 / TIMES[1]
    assert found == pytest.approx(nu, rel=0.02)
    places, time = jnp.zeros((1, 3)), jnp.zeros(())
    lost = jax.jit(lambda law, u: law.source(u, places, time))(law, jnp.asarray([[0.5, 0.9, 1.3]]))
    np.testing.assert_allclose(np.asarray(lost)[0] / TIMES[1], [-0.4, -0.72, -1.04], rtol=0.02)


def test_what_arises_at_a_place():
    """∂t u + ∂x u = sin 2πx from 1 + 0.3 cos 4πx: what moves, and (cos 2π(x - t) - cos 2πx)/2π."""
    t = TIMES[:, None]
    moving = 1.0 + 0.3 * np.cos(4 * np.pi * (X - t))
    moving += (np.cos(2 * np.pi * (X - t)) - np.cos(2 * np.pi * X)) / (2 * np.pi)
    law = start(moving[:, None], Kind(2, source_modes=4))
    place = np.asarray(law.arising(jnp.arange(CELLS, dtype=float) + 0.5))[0] / TIMES[1]
    mean = np.asarray(law.terms.by_state)[0, 0] / TIMES[1]
    np.testing.assert_allclose(place + mean, np.sin(2 * np.pi * X), atol=0.02)


def test_none_without_such_terms_or_with_kinks_or_for_few_frames():
    values = burgers(TIMES, CELLS)
    assert start(values, Kind(4)) is None
    assert start(values, Kind(2, diffusion=1, kinks=1)) is None
    context = Trajectory.from_numpy(values, TIMES)
    forward = make_forward(Kind(4, by_state=4), context, (), known_first=True)
    assert weak_terms(forward, values[:5]) is None
    # So few equations that they do not determine the terms.
    few = Trajectory.from_numpy(values[:6, :, :12], TIMES[:6])
    by_place = Kind(6, source_modes=32, flux_modes=32)
    forward = make_forward(by_place, few, (), known_first=True)
    assert weak_terms(forward, np.asarray(few.values)) is None
