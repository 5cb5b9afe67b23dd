"""The weak form against integrals that are known."""

import jax.numpy as jnp
import numpy as np
import pytest

from hfluxno.fv import MUSCL, Roe, StepControl, solve
from hfluxno.grid import Grid
from hfluxno.laws import Cubic, ViscousBurgers
from hfluxno.parametric.basis import Chebyshev
from hfluxno.parametric.weak_form import antiderivatives, bump, weak_equations, weak_start
from tests.compiled import compiled

FRAMES, CELLS = 20, 100


def _start(values, size, terms, periodic=True, weights=None):
    lower, upper = values.min(axis=(0, 2)), values.max(axis=(0, 2))
    basis = Chebyshev(0.5 * (lower + upper), 0.5 * (upper - lower), size)
    mask = jnp.ones(size + terms)
    weights = jnp.ones(values.shape[0]) if weights is None else weights

    def found(values):
        system = weak_equations(basis, mask, lower, upper, terms, values, weights, periodic)
        return weak_start(*system, terms)

    flux, nu = compiled(found, values)
    return basis, flux, nu


def _frames(law, initial, grid, interval, control=None, scheme=Roe):
    times = np.arange(FRAMES) * interval
    return compiled(solve, scheme(law), initial, times, grid, control).values


@pytest.mark.parametrize("derivative", [1, 2])
def test_bump_derivative_is_that_of_the_bump(derivative):
    # On 2001 points central differences of the bump are accurate to 1e-5 of its size.
    fine = 2001
    before, now = bump(fine, derivative - 1), bump(fine, derivative)
    differences = 0.5 * (before[2:] - before[:-2])
    assert np.max(np.abs(differences - now[1:-1])) < 1e-5 * np.max(np.abs(now))


def test_flux_of_a_smooth_solution_is_found(x64):
    """Before shocks form the only errors are the quadrature's and the solver's."""
    grid = Grid.interval(CELLS)
    law = Cubic(a=0.3, b=-0.4, c=0.7)
    initial = (0.5 * np.sin(2 * np.pi * grid.centers()))[None]
    values = _frames(law, initial, grid, 0.005)
    basis, flux, _ = _start(values, 3, 0)
    slope, exact = compiled(
        lambda u, c: (basis.gradient(c, u)[0, 0], law.jacobian(u)[0, 0]), values[0], flux
    )
    speed, exact = np.asarray(slope) * (grid.spacing[0] / 0.005), np.asarray(exact)
    assert np.max(np.abs(speed - exact)) < 0.02 * np.max(np.abs(exact))


def test_values_beyond_the_range_of_the_law_count_as_they_are(x64):
    """A guess of a field between sensors may leave the measured range."""
    values = jnp.asarray(np.random.default_rng(0).normal(size=(FRAMES, 1, CELLS)))
    basis, mask, weights = Chebyshev(jnp.zeros(1), jnp.ones(1), 3), jnp.ones(3), jnp.ones(FRAMES)

    def system(values, far):
        ends = -far * jnp.ones(1), far * jnp.ones(1)
        return weak_equations(basis, mask, *ends, 0, values, weights, True)

    near, wide = (compiled(system, values, far) for far in (0.5, 10.0))
    np.testing.assert_array_equal(near[0], wide[0])


def test_diffusivity_is_found(x64):
    grid = Grid.interval(CELLS)
    x = grid.centers()
    law = ViscousBurgers(a=0.5, nu=0.02)
    initial = (np.sin(2 * np.pi * x) + 0.3 * np.cos(6 * np.pi * x))[None]
    values = _frames(law, initial, grid, 0.005, StepControl(0.4, 0.4, False), MUSCL)
    _, _, nu = _start(values, 3, 1)
    assert float(nu[0, 0]) * grid.spacing[0] ** 2 / 0.005 == pytest.approx(0.02, rel=0.05)


def test_without_diffusion_terms_there_are_no_columns(x64):
    phase = np.arange(FRAMES)[:, None, None] + np.linspace(0, 6, CELLS)[None, None]
    values = jnp.asarray(np.sin(phase))
    _, flux, nu = _start(values, 4, 0)
    assert flux.shape == (1, 4)
    assert nu.shape == (1, 0)


def test_frames_of_weight_zero_are_not_seen(x64):
    grid = Grid.interval(CELLS)
    first = np.sin(2 * np.pi * grid.centers())[None]
    values = _frames(Cubic(a=0.2, b=0.5, c=0.3), first, grid, 0.005)
    weights = jnp.asarray((np.arange(FRAMES) < 15).astype(float))
    _, seen, _ = _start(values, 4, 0, weights=weights)
    # Within the observed range, so that the basis stays the same.
    spoilt = np.array(values)
    spoilt[15:] = 0.1 * np.cos(spoilt[15:])
    _, blind, _ = _start(jnp.asarray(spoilt), 4, 0, weights=weights)
    np.testing.assert_allclose(seen, blind, rtol=1e-12)


@pytest.mark.parametrize("terms", [1, 2, 3])
def test_antiderivatives(x64, terms):
    half = 1.7
    v = jnp.linspace(-1.0, 1.0, 4001)
    integrals = antiderivatives(v, jnp.full(v.shape, half), terms)
    polynomials = [np.polynomial.chebyshev.Chebyshev.basis(k)(np.asarray(v)) for k in range(terms)]
    for integral, polynomial in zip(integrals, polynomials, strict=True):
        slope = np.gradient(np.asarray(integral), np.asarray(v) * half)
        np.testing.assert_allclose(slope[1:-1], polynomial[1:-1], atol=1e-6)
