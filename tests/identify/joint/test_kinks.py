"""Starts of fluxes with kinks: straight lines near a smooth flux."""

import jax.numpy as jnp
import numpy as np
import pytest
from numpy.polynomial import chebyshev

from hfluxno import Trajectory
from hfluxno.identify.joint.estimate import Estimate
from hfluxno.identify.joint.kind import Kind
from hfluxno.identify.joint.kinks import straight_lines, turns_at_once
from hfluxno.identify.joint.prior import make_forward

CELLS, TIMES = 32, np.arange(12.0)
LOW, HIGH = 10.0, 90.0


def context(**ends) -> Trajectory:
    x = (np.arange(CELLS) + 0.5) / CELLS
    u = 50.0 + 40.0 * np.sin(2 * np.pi * (x - 0.02 * TIMES[:, None]))
    return Trajectory.from_numpy(u[:, None], TIMES, x, **ends)


def trapezoid(v):
    """Rises, is level, and falls; with kinks at -.5 and .6."""
    return np.minimum(np.minimum(v + 0.5, 0.0), 1.5 * (0.6 - v))


def triangle(v):
    return np.minimum(0.5 + v, 0.4 * (1.0 - v))


def parabola(v):
    return 1.0 - (v - 0.2) ** 2


def cubic(v):
    """With a slope at an end that is four times that at the other."""
    return 1.0 - (v + 0.1) ** 2 * (1.0 + 0.3 * v)


def smooth(seen: Trajectory, degree: int, *, known_first: bool, flux=trapezoid) -> Estimate:
    """An estimate whose flux is the polynomial nearest to this one."""
    forward = make_forward(Kind(degree), seen, (), known_first=known_first)
    v = np.linspace(-1.0, 1.0, 201)
    series = chebyshev.chebfit(v, flux(v), degree)[1:]
    z = np.zeros(forward.size)
    free = np.flatnonzero(forward.spread[:degree])
    z[free] = series[free] / forward.spread[free]
    z[len(forward.spread) :] = 0.01 * np.arange(forward.size - len(forward.spread))
    found = object.__new__(Estimate)
    found.__dict__.update(forward=forward, z=z)
    return found


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("known_first", [True, False])
def test_kinks_begin_where_a_smooth_flux_turns(known_first):
    seen = context()
    target = make_forward(Kind(2, kinks=2), seen, (), known_first=False)
    found = smooth(seen, 12, known_first=known_first)
    z = straight_lines(found, target)
    law = target.law(z)
    np.testing.assert_allclose(law.basis.at, [-0.5, 0.6], atol=0.11)
    low, high = float(target.shape.lower[0]), float(target.shape.upper[0])
    v = np.linspace(-0.9, 0.9, 50)
    u = jnp.asarray(0.5 * (low + high) + 0.5 * (high - low) * v)[None]
    flux = np.asarray(law.flux(u))[0] / (0.5 * (high - low))
    away = flux - trapezoid(v)
    assert np.max(np.abs(away - away.mean())) < 0.06
    rest = z[len(target.spread) :]
    expected = 0.0 if known_first else found.z[len(found.forward.spread) :]
    np.testing.assert_array_equal(rest, expected)


@pytest.mark.usefixtures("x64")
def test_between_walls_the_constant_comes_along():
    """There the flux itself counts, not only how it changes."""
    seen = context(boundary="wall")
    found = smooth(seen, 12, known_first=True)
    target = make_forward(Kind(2, kinks=1), seen, (), known_first=False)
    offset = sum(target.shape.sizes[:4])
    assert target.spread[offset] > 0.0
    other = found.z.copy()
    source = sum(found.forward.shape.sizes[:4])
    other[source] += 0.2 / found.forward.spread[source]
    raised = object.__new__(Estimate)
    raised.__dict__.update(forward=found.forward, z=other)
    before, after = (target.coefficients(straight_lines(each, target)) for each in (found, raised))
    np.testing.assert_allclose(np.asarray(after - before)[offset], 0.2, atol=1e-9)


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize(
    ("flux", "degree", "expected"),
    [(triangle, 6, True), (triangle, 9, True), (parabola, 6, False), (cubic, 6, False)],
)
def test_a_smooth_flux_tells_of_a_kink(flux, degree, expected):
    seen = context()
    assert turns_at_once(smooth(seen, degree, known_first=True, flux=flux), seen) == expected
