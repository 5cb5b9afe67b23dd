"""Systems with ends that are not known: the law from the cells between them, then the ends."""

import jax.numpy as jnp
import numpy as np
import pytest

import hfluxno
from benchmarks.independent.schemes import INTERVAL, weno
from hfluxno.boundary import Given, Open
from hfluxno.fv import StepControl
from hfluxno.grid import Grid
from hfluxno.identify.frames.track import MODES, gains, track
from hfluxno.identify.identification import nothing_to_infer
from hfluxno.identify.inside import identify_inside
from hfluxno.identify.status import FitStatus
from hfluxno.parametric.basis import Chebyshev
from hfluxno.parametric.fitted_law import FittedLaw
from hfluxno.parametric.solver_settings import SolverSettings
from hfluxno.trajectory import Trajectory

CELLS, FRAMES, STEPS = 100, 20, 20
G = 1.0 / 24.0


def test_the_law_is_sought_between_the_outermost_cells():
    """With the means of the two outermost cells given there, at whole frames."""
    values = np.random.default_rng(0).normal(size=(5, 2, 12))
    known = Given(np.array([3.0, 7.0]), np.zeros((2, 2)))
    grid = Grid((1.0,), (7.0,), (12,), ((Open(), known),))
    context = Trajectory(values, 3.0 + 2.0 * np.arange(5), grid, ("h", "hu"))
    seen = []

    def fitted(inside, units):
        seen.append((inside, units))
        return nothing_to_infer(np.asarray(inside.values), inside)

    assert identify_inside(context, fitted) is None
    ((inside, units),) = seen
    np.testing.assert_array_equal(inside.values, values[:, :, 1:])
    assert inside.grid.lower == (1.5,) and inside.grid.upper == (7.0,)
    lower, upper = units.boundary[0]
    assert units.shape == (11,) and units.upper == (11.0,)
    np.testing.assert_array_equal(lower.times, np.arange(5.0))
    np.testing.assert_array_equal(lower.values, values[:, :, :2].mean(axis=2).T)
    np.testing.assert_array_equal(upper.times, [0.0, 2.0])


@pytest.mark.parametrize("mode", MODES)
def test_what_enters_does_so_at_its_time(mode, x64):
    """A wave that enters at a given end is followed over all frames: u = sin(.2 (.4 t - x))."""
    cells, frames = 40, 30
    x, t = np.arange(cells) + 0.5, np.arange(float(frames))

    def wave(t, x):
        return np.sin(0.2 * (0.4 * t - x))

    fine = np.linspace(0.0, frames - 1.0, 8 * frames)
    entering, leaving = (Given(fine, wave(fine, end)[None]) for end in (0.0, cells))
    grid = Grid((0.0,), (float(cells),), (cells,), ((entering, leaving),))
    one = jnp.ones(1)
    basis = Chebyshev(0.0 * one, 2.0 * one, 1)
    law = FittedLaw(("u",), basis, jnp.array([[0.8]]), jnp.zeros((1, 0)), -2.0 * one, 2.0 * one)
    control = StepControl(jnp.asarray(0.45), jnp.asarray(0.9), jnp.asarray(True))
    settings = SolverSettings(control, jnp.asarray(True), grid, "muscl", 2)
    truth = wave(t[:, None], x)[:, None]
    predicted, _, _ = track(law, settings, truth, gains(mode, frames, frames - 6))
    assert np.max(np.abs(predicted - truth[1:])) < 0.02


def river(seed: int) -> np.ndarray:
    """The middle third of a ring of shallow water (g = G), so that waves enter and leave."""
    rng, fine = np.random.default_rng(seed), 12 * CELLS
    angle = 2.0 * np.pi * (np.arange(fine) + 0.5) / fine

    def smooth(low, high):
        waves = [rng.normal() / k * np.cos(k * angle + rng.uniform(0.0, 6.3)) for k in range(1, 9)]
        total = np.sum(waves, axis=0)
        return low + (high - low) * (total - total.min()) / np.ptp(total)

    state = np.array([smooth(0.6, 1.4), 0.05 * smooth(-1.0, 1.0)])[None]

    def flux(u):
        h, m = u[:, :1], u[:, 1:]
        return np.concatenate([m, m**2 / h + 0.5 * G * h**2], axis=1)

    def speed(u):
        return np.abs(u[:, 1:] / u[:, :1]) + np.sqrt(G * u[:, :1])

    return weno(flux, speed, state, FRAMES + STEPS, 3 * CELLS)[0][..., CELLS : 2 * CELLS]


@pytest.mark.validation
def test_a_river_between_unknown_ends_is_known():
    """Errors are mostly what enters later, and the bound says so."""
    truth = river(3)
    context = hfluxno.Trajectory.from_numpy(
        truth[:FRAMES],
        INTERVAL * np.arange(FRAMES),
        (np.arange(CELLS) + 0.5) / (3 * CELLS),
        fields=("h", "hu"),
        boundary="open",
    )
    ahead = hfluxno.forecast(context, STEPS)
    found, after = ahead.identifications[0], truth[FRAMES:]
    assert found.status == FitStatus.OK and found.recognised.name == "shallow water"
    assert found.recognised.value == pytest.approx(G, rel=0.01)
    errors = np.linalg.norm(ahead.trajectory.values - after, axis=(1, 2))
    errors /= np.linalg.norm(after, axis=(1, 2))
    assert errors[0] < 0.005
    assert np.mean(errors < ahead.predicted_error_90) > 0.8
    assert ahead.predicted_error_90[-1] < 0.4
