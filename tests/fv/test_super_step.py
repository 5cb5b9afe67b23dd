"""Diffusion in steps of many stages, beside the solution of the equation of the cells."""

import jax.numpy as jnp
import numpy as np
import pytest

from hfluxno.boundary import Given
from hfluxno.fv import MUSCL, StepControl, solve
from hfluxno.fv.super_step import _COUNTS, _NUMBERS, stages, super_step
from hfluxno.grid import Grid
from hfluxno.laws import ViscousBurgers
from tests.compiled import compiled

pytestmark = pytest.mark.usefixtures("x64")

CELLS = 64
CENTERS = (np.arange(CELLS) + 0.5) / CELLS
WAVE = 0.5 + 0.3 * np.sin(2 * np.pi * CENTERS) + 0.1 * np.cos(6 * np.pi * CENTERS)
CONTROL = StepControl(0.45, 0.45, False)


def second_difference(held: bool) -> np.ndarray:
    """Δx² ∂xx on cells that form a circle, or with a value of zero held half a cell outside."""
    matrix = np.eye(CELLS, k=1) + np.eye(CELLS, k=-1) - 2.0 * np.eye(CELLS)
    if held:
        matrix[0, 0] = matrix[-1, -1] = -3.0
    else:
        matrix[0, -1] = matrix[-1, 0] = 1.0
    return matrix


def after(number: float, matrix: np.ndarray, u: np.ndarray) -> np.ndarray:
    """A step of this diffusion number of ∂t u = ν ∂xx u."""
    return np.asarray(compiled(stepped, u, np.asarray(number), 0.5 * number * matrix))


def stepped(u, number, by):
    return super_step(lambda v, _: by @ v, u, number)


def exact(number: float, matrix: np.ndarray, u: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eigh(matrix)
    return vectors @ (np.exp(0.5 * number * values) * (vectors.T @ u))


@pytest.mark.parametrize("number", _NUMBERS[1:])
def test_a_step_is_of_third_order_with_any_number_of_stages(number):
    """The error of one step, so a run is of second order."""
    slow = np.sin(2 * np.pi * CENTERS)
    matrix = second_difference(False)

    def error(n):
        return np.max(np.abs(after(n, matrix, slow) - exact(n, matrix, slow)))

    assert 2.8 < np.log(error(number) / error(0.8 * number)) / np.log(1.0 / 0.8) < 3.3


@pytest.mark.parametrize("held", [True, False])
def test_all_waves_are_damped_up_to_the_longest_step(held):
    matrix = second_difference(held)
    for number in (*_NUMBERS, *np.linspace(0.6, _NUMBERS[-1], 7)):
        every = after(float(number), matrix, np.eye(CELLS))
        radius = np.max(np.abs(np.linalg.eigvalsh(0.5 * (every + every.T))))
        assert radius <= 1.0 + 1e-12
        shortest = np.where(np.arange(CELLS) % 2, 1.0, -1.0)
        inside = slice(8, -8)
        assert np.max(np.abs(after(float(number), matrix, shortest)[inside])) < 0.8
        if not held:  # what leaves a cell enters its neighbours
            np.testing.assert_allclose(every.sum(axis=0), 1.0, rtol=0, atol=1e-13)


def test_as_many_stages_as_the_diffusion_number_needs():
    for number, expected in zip(_NUMBERS, (2, *_COUNTS), strict=True):
        assert int(stages(jnp.asarray(number))[0]) == expected
        assert int(stages(jnp.asarray(number * 1.01))[0]) == min(expected + 1 + (expected > 2), 7)


def solved(nu: float, times: np.ndarray, least_rate: float | None, ends="periodic", first=WAVE):
    def run(nu):
        scheme = MUSCL(ViscousBurgers(a=0.5, nu=nu), least_rate=least_rate)
        return solve(scheme, first[None], times, Grid.interval(CELLS, 0.0, 1.0, ends), CONTROL)

    return compiled(run, np.asarray(nu))


def test_a_run_takes_fewer_steps_and_is_the_same_to_second_order():
    times = np.array([0.0, 0.02, 0.04])
    usual, longer = solved(0.2, times, None), solved(0.2, times, 4.0)
    assert int(longer.steps) * 15 < int(usual.steps)
    away = np.abs(np.asarray(longer.values - usual.values))
    assert 1e-9 < away.max() < 6e-4
    np.testing.assert_allclose(longer.values.sum(axis=-1), WAVE.sum(), rtol=1e-13)
    # A rate below which that of diffusion is not reduced keeps steps short.
    shorter = solved(0.2, times, 400.0)
    assert np.abs(np.asarray(shorter.values - usual.values)).max() < 0.25 * away.max()


def test_where_diffusion_limits_no_step_nothing_changes():
    times = np.array([0.0, 0.05, 0.1])
    usual, longer = solved(0.002, times, None), solved(0.002, times, 4.0)
    assert int(longer.steps) == int(usual.steps)
    np.testing.assert_allclose(longer.values, usual.values, rtol=0, atol=1e-14)


def test_ends_that_are_given_in_time_are_followed():
    """The exact state is a wave that enters from the left, u = exp(-kx) sin(ωt - kx) + 2, with
    k² = ω/2ν; the flux is too small to matter."""
    nu, omega = 0.5, 20.0
    k, t = np.sqrt(omega / (2.0 * nu)), np.linspace(0.0, 0.4, 801)

    def wave(x, t):
        return 2.0 + np.exp(-k * x) * np.sin(omega * t - k * x)

    ends = tuple(Given(t, wave(x, t)[None]) for x in (0.0, 1.0))
    grid = Grid.interval(CELLS, 0.0, 1.0, ends)
    scheme = MUSCL(ViscousBurgers(a=0.0, nu=nu), least_rate=40.0)
    run = solve(scheme, wave(CENTERS, 0.0)[None], np.array([0.0, 0.2, 0.4]), grid, CONTROL)
    np.testing.assert_allclose(run.values[-1, 0], wave(CENTERS, 0.4), rtol=0, atol=1e-3)
