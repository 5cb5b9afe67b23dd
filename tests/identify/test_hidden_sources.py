"""Sources that are so weak that fluxes of other coefficients hide them from the misfit."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import hfluxno
from hfluxno.fv import MUSCL, solve
from hfluxno.grid import Grid
from hfluxno.identify import FitStatus, identify_plane
from hfluxno.identify.frames.select import needs_sources
from hfluxno.laws import ShallowWater2D
from hfluxno.trajectory import Trajectory
from tests.identify.limited import run

CELLS, FINE, FRAMES, STEPS, INTERVAL = 64, 8, 12, 10, 0.05
FRICTION = 0.354


@pytest.fixture(scope="module")
def flume():
    """Water that sloshes between walls, with friction .3 q|q|/h²."""
    x = (np.arange(CELLS * FINE) + 0.5) / (CELLS * FINE)
    first = np.stack([1.1 - 0.35 * np.tanh(12.0 * (x - 0.45)), 0.0 * x])

    def flux(u):
        h, q = u
        return np.stack([q, q * q / h + 0.5 * h * h])

    def speed(u):
        return np.abs(u[1] / u[0]) + np.sqrt(u[0])

    def friction(u):
        return np.stack([0.0 * u[0], -0.3 * u[1] * np.abs(u[1]) / u[0] ** 2])

    frames = run(first, flux, speed, FRAMES + STEPS, INTERVAL, 100, walls=True, source=friction)
    return frames.reshape(-1, 2, CELLS, FINE).mean(axis=-1)


def test_the_weak_form_sees_a_friction(flume, x64):
    walls = Grid.interval(CELLS, boundary="wall")
    assert needs_sources(flume[:FRAMES], walls, ("u0", "u1"), (1,))


@pytest.mark.validation
def test_a_friction_that_fluxes_hide_is_found(flume):
    times = INTERVAL * np.arange(FRAMES)
    walls = Grid.interval(CELLS, boundary="wall")
    context = Trajectory(flume[:FRAMES], times, walls, ("h", "q"))
    found = hfluxno.identify(context, momentum="q")
    assert found.status == FitStatus.OK and found.candidate.sources
    ahead = hfluxno.forecast(context, STEPS, momentum="q")
    away = np.asarray(ahead.trajectory.values)[-STEPS:] - flume[FRAMES:]
    errors = np.linalg.norm(away, axis=(1, 2)) / np.linalg.norm(flume[FRAMES:], axis=(1, 2))
    assert errors.max() < 0.005
    assert np.all(errors < ahead.predicted_error_90)


class Rough(ShallowWater2D):
    def source(self, u, x, t):
        return jnp.stack([jnp.zeros_like(u[0]), -FRICTION * u[1], -FRICTION * u[2]])


@pytest.mark.validation
def test_a_friction_that_fluxes_hide_is_found_on_a_plane():
    cells, fine = 32, 3
    grid = Grid.rectangle((cells * fine,) * 2, boundary="wall")
    x, y = np.meshgrid(*[grid.centers(axis) for axis in (0, 1)], indexing="ij")
    hill = 0.5 * np.exp(-60.0 * ((x - 0.4) ** 2 + (y - 0.55) ** 2))
    with jax.enable_x64(True):
        start = jnp.asarray(np.stack([1.0 + hill, 0.0 * x, 0.0 * x]))
        times = 0.06 * np.arange(10)
        run = solve(MUSCL(Rough(g=1.0)), start, times, grid)
        values = np.asarray(run.values)
    means = values.reshape(10, 3, cells, fine, cells, fine).mean(axis=(3, 5))
    plane = Grid.rectangle((cells, cells), boundary="wall")
    found = identify_plane(Trajectory(means, times, plane, ("h", "m", "n")))
    assert found.status == FitStatus.OK and found.recognised.name == "shallow water"
    friction = [term.value for term in found.terms if term.name in ("source: m", "source: n")]
    assert friction == pytest.approx([-FRICTION] * 2, rel=0.05)
