"""Source terms, and ends that change in time, against exact solutions."""

import dataclasses
from typing import ClassVar

import jax.numpy as jnp
import numpy as np
import pytest

from hfluxno.boundary import Given, Inflow
from hfluxno.fv import MUSCL, Roe, Rusanov, StepControl, solve
from hfluxno.fv.step import limiting_speed
from hfluxno.grid import Grid
from hfluxno.laws import ViscousBurgers
from hfluxno.laws.base import ConservationLaw
from hfluxno.laws.place import PlaceModes
from hfluxno.parametric.basis import Chebyshev
from hfluxno.parametric.fitted_law import FittedLaw, Terms
from tests.compiled import compiled
from tests.slow import slow

pytestmark = pytest.mark.usefixtures("x64")


class Decay(ConservationLaw):
    """∂t u + ∂x u = -r u + g cos(x) cos(t), on the circle of length 2π."""

    fields: ClassVar[tuple[str, ...]] = ("u",)
    rate: float
    forcing: float = 0.0

    def flux(self, u):
        return u

    def source(self, u, x, t):
        return -self.rate * u + self.forcing * (jnp.cos(x) * jnp.cos(t))[:1]


def averages(grid, antiderivative):
    edges = np.linspace(grid.lower[0], grid.upper[0], grid.shape[0] + 1)
    return np.diff(antiderivative(edges))[None] / grid.spacing[0]


def error(scheme, law, cells, exact, boundary="periodic", cfl=0.4, end=1.0):
    grid = Grid.interval(cells, 0.0, 2 * np.pi, boundary)
    control = StepControl(cfl, cfl, False)
    times, first = np.array([0.0, end]), averages(grid, lambda x: exact(x, 0.0))
    run = compiled(solve, scheme(law), first, times, grid, control)
    last = averages(grid, lambda x: exact(x, end))
    return np.mean(np.abs(np.asarray(run.values)[-1] - last))


def decaying(x, t):
    """An antiderivative of e^{-t/2} (2 + sin(x - t))."""
    return np.exp(-0.5 * t) * (2.0 * x - np.cos(x - t))


def test_the_second_order_scheme_keeps_its_order_with_a_source():
    errors = [error(MUSCL, Decay(0.5), n, decaying) for n in (200, 400)]
    assert np.log2(errors[0] / errors[1]) > 1.8
    assert errors[-1] < 1e-4


@pytest.mark.parametrize("scheme", [slow(Roe), Rusanov])
def test_schemes_of_one_stage_are_of_first_order_with_a_source(scheme):
    errors = [error(scheme, Decay(0.5), n, decaying) for n in (100, 200)]
    assert np.log2(errors[0] / errors[1]) > 0.8
    assert errors[1] < 0.03


def test_a_source_that_depends_on_place_and_time():
    """u = sin(x) cos(t) solves ∂t u + ∂x u = cos(x + t)."""

    class Driven(ConservationLaw):
        fields: ClassVar[tuple[str, ...]] = ("u",)

        def flux(self, u):
            return u

        def source(self, u, x, t):
            return jnp.cos(x + t) * jnp.ones_like(u)

    def exact(x, t):
        return -np.cos(x) * np.cos(t)  # an antiderivative

    errors = [error(MUSCL, Driven(), n, exact) for n in (100, 200)]
    assert np.log2(errors[0] / errors[1]) > 1.8


@pytest.mark.parametrize("scheme", [Roe, Rusanov, MUSCL])
def test_a_total_changes_by_what_arises(scheme):
    """d/dt of the total is -r times it, whatever the flux; Euler steps of known length."""
    grid = Grid.interval(40, 0.0, 2 * np.pi)
    first = jnp.asarray(averages(grid, lambda x: decaying(x, 0.0)))
    run = compiled(
        lambda: solve(scheme(Decay(0.5)), first, np.array([0.0, 0.5]), grid, substeps=10)
    )
    factor = (1 - 0.025 + (0.025**2 / 2 if scheme is MUSCL else 0.0)) ** 10
    np.testing.assert_allclose(run.values[-1].sum(), factor * first.sum(), rtol=1e-13)


def test_a_fast_source_limits_the_step():
    grid = Grid.interval(10, 0.0, 10.0)
    u = jnp.ones((1, 10))
    for rate, expected in ((50.0, 50.0), (0.1, 1.0)):
        speed = compiled(limiting_speed, Rusanov(Decay(rate)), u, grid)
        assert float(speed) == pytest.approx(expected)


@pytest.mark.parametrize(("scheme", "order"), [slow(Roe, 0.9), (MUSCL, 1.8)])
def test_what_a_given_end_says_is_carried_in(scheme, order):
    """∂t u + ∂x u = 0 with u(0, t) = sin(t): u = sin(t - x) once the first state has left."""
    times = np.linspace(0.0, 8.0, 4001)

    def at(cells):
        given = Given(times, np.sin(times)[None])
        return error(
            scheme,
            Decay(0.0),
            cells,
            lambda x, t: np.cos(t - x),
            (given, "outflow"),
            end=7.0,
        )

    errors = [at(100), at(200)]
    assert np.log2(errors[0] / errors[1]) > order and errors[1] < 2e-2


@pytest.mark.parametrize(
    ("scheme", "changing"),
    [slow(Roe, True), (MUSCL, True), slow(Rusanov, True), slow(MUSCL, False), slow(Roe, False)],
)
def test_diffusion_from_an_end_is_of_second_order(scheme, changing):
    """∂t u = ν ∂xx u with u(0, t) = cos ωt, or 1, and u(1, t) = 0: the wave of skin depth
    (2ν/ω)^½, or 1 - x + ½ sin(πx) exp(-νπ²t)."""
    nu, omega, end = 0.05, 4.0, 2.0
    times = np.linspace(0.0, end, 801)
    k = np.sqrt(1j * omega / nu)

    def integral(x, t):
        if changing:  # of the real part of sinh(k (1 - x))/sinh(k) exp(iωt)
            return np.real(-np.cosh(k * (1.0 - x)) / (k * np.sinh(k)) * np.exp(1j * omega * t))
        return x - 0.5 * x**2 - 0.5 * np.cos(np.pi * x) / np.pi * np.exp(-nu * np.pi**2 * t)

    def error(cells):
        edges = np.linspace(0.0, 1.0, cells + 1)
        first, last = (np.diff(integral(edges, t)) * cells for t in (0.0, end))
        states = np.cos(omega * times) if changing else np.ones_like(times)
        ends = (Given(times, states[None]), Inflow(np.zeros(1)))
        grid = Grid.interval(cells, boundary=ends)
        flux = scheme(ViscousBurgers(a=0.0, nu=nu))
        control = StepControl(0.4, 0.4, False)
        run = compiled(solve, flux, first[None], np.array([0.0, end]), grid, control)
        return np.max(np.abs(np.asarray(run.values)[-1, 0] - last))

    coarse, fine = error(20), error(40)
    assert np.log2(coarse / fine) > 1.8 and fine < 1e-2


@pytest.mark.parametrize("rate", [-3.0, 3.0])
def test_a_source_leads_no_state_beyond_the_bounds_of_a_law(rate):
    """∂t u + ∂x u²/2 = r between the bounds 0 and 1, with states that begin within or beyond."""
    zero, basis = np.zeros(1), Chebyshev(np.array([0.5]), np.array([0.5]), 2)
    terms = Terms(
        np.array([[rate]]), np.zeros((1, 0)), np.zeros(0), zero, PlaceModes(0.0, 1.0, 1, True)
    )
    law = FittedLaw(
        ("u",),
        basis,
        np.array([[0.25, 0.0625]]),
        np.zeros((1, 0)),
        zero,
        np.ones(1),
        terms=terms,
    )
    bounded = dataclasses.replace(law, least=np.asarray(0.0), most=np.asarray(1.0))
    grid = Grid.interval(40)
    first = 0.5 + 0.4 * np.sin(2 * np.pi * grid.centers())[None]
    beyond = first.copy()
    beyond[0, 7], beyond[0, 25] = 1.2, -0.3
    times = np.array([0.0, 0.1, 0.6])

    def run(law, first):
        control = StepControl(0.4, 0.4, False)
        return np.asarray(compiled(solve, MUSCL(law), first, times, grid, control).values)

    free, kept = run(law, first), run(bounded, first)
    assert np.any((free < 0.0) | (free > 1.0))
    assert np.all((kept >= 0.0) & (kept <= 1.0))
    # Everywhere near the bound, which the others passed.
    np.testing.assert_allclose(kept[-1], float(rate > 0.0), atol=0.03)
    from_beyond = run(bounded, beyond)
    assert from_beyond.max() <= 1.2 and from_beyond.min() >= -0.3
