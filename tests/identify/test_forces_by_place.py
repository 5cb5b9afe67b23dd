"""A force that depends on place, such as that of a bed on water, in laws of two fields."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest

import hfluxno
from hfluxno import Trajectory
from hfluxno.fv import MUSCL, StepControl, solve
from hfluxno.grid import Grid
from hfluxno.identify import FitStatus
from hfluxno.identify.frames.candidate import Candidate
from hfluxno.identify.frames.candidate_functions import carrier_of_force
from hfluxno.identify.frames.select import has_force, make_settings
from hfluxno.identify.saved.law import in_cells
from tests.compiled import compiled
from tests.identify import runge_kutta
from tests.identify.laws import river_over_a_bed

CELLS, FRAMES, LATER, INTERVAL, GRAVITY, FRICTION = 64, 16, 12, 0.012, 9.81, 0.3


def water(bed_height: float, friction: float = 0.0, cells: int = 512) -> np.ndarray:
    """Smooth waves on a lake of length 1 over a sinusoidal bed, by a Fourier method and the
    classical Runge-Kutta scheme; averages over cells, frames (time, field, cells)."""
    x = np.arange(cells) / cells
    waves = 2j * np.pi * np.fft.rfftfreq(cells, 1.0 / cells)
    bed = bed_height * (np.cos(2 * np.pi * x) + 0.5 * np.sin(4 * np.pi * x))

    def slope(u):
        return np.fft.irfft(waves * np.fft.rfft(u), cells)

    def change(u):
        h, m = u
        drag = friction * m * np.abs(m) / h**2
        return -np.stack([slope(m), slope(m * m / h) + GRAVITY * h * slope(h + bed) + drag])

    surface = 1.0 + 0.05 * np.sin(2 * np.pi * x + 0.5) + 0.03 * np.cos(4 * np.pi * x)
    u = np.stack([surface - bed, 0.3 + 0.1 * np.sin(2 * np.pi * x)])
    steps = 60
    dt, found = INTERVAL / steps, [u]
    for _ in range(FRAMES + LATER - 1):
        for _ in range(steps):
            u = runge_kutta.step(change, u, dt)
        found.append(u)
    # At the centres of the points' intervals, whose averages those of cells are.
    middles = np.fft.irfft(np.fft.rfft(np.stack(found)) * np.exp(0.5 * waves / cells), cells)
    return middles.reshape(len(found), 2, CELLS, -1).mean(axis=-1)


def context_of(frames: np.ndarray) -> Trajectory:
    x, times = (np.arange(CELLS) + 0.5) / CELLS, INTERVAL * np.arange(FRAMES)
    return Trajectory.from_numpy(frames[:FRAMES], times, x, fields=("h", "m"))


@pytest.fixture(scope="module")
def lake():
    return water(0.2, FRICTION)


def test_the_weak_form_shows_the_force_of_a_bed_and_no_other(lake, x64):
    grid = context_of(lake).grid
    assert has_force(lake[:FRAMES], grid, ("u0", "u1"), ())
    flat = water(0.0, FRICTION)[:FRAMES]
    assert not has_force(flat, grid, ("u0", "u1"), ())
    rng = np.random.default_rng(0)
    noise = 0.01 * np.std(lake, axis=(0, 2), keepdims=True)
    assert has_force((lake + noise * rng.normal(size=lake.shape))[:FRAMES], grid, ("a", "b"), ())
    assert not has_force((flat + noise * rng.normal(size=flat.shape)), grid, ("a", "b"), ())


def test_a_force_acts_on_the_density_of_a_momentum(lake):
    """Which is the field that the other one carries, in any order; without one there is none."""
    forced = Candidate("dictionary", 0, sources=True, force=True)
    assert carrier_of_force(forced, lake) == 0
    assert carrier_of_force(forced, lake[:, ::-1]) == 1
    assert carrier_of_force(Candidate("dictionary", 0, sources=True), lake) is None
    waves = np.sin(np.arange(CELLS) + np.arange(FRAMES)[:, None, None] * [[1.0], [-1.3]])
    assert carrier_of_force(forced, waves) is None


def test_the_force_is_multiplied_by_what_it_acts_on(x64):
    """Also where the solver evaluates what depends on place once."""
    law = river_over_a_bed()
    u, x = jnp.asarray([[1.0, 1.5, 1.2], [0.2, -0.1, 0.4]]), jnp.asarray([0.1, 0.35, 0.8])
    still = river_over_a_bed().without_place()
    force = 0.4 * np.cos(2 * np.pi * x) - 0.7 * np.sin(2 * np.pi * x) + 0.2 * np.cos(4 * np.pi * x)
    more = np.asarray(law.source(u, x[None], 0.0)) - np.asarray(still.source(u, x[None], 0.0))
    np.testing.assert_allclose(more, [np.zeros(3), force * u[0]], rtol=1e-12, atol=1e-12)
    grid = Grid.interval(24, 0.0, 1.0)
    settings = make_settings(Candidate("dictionary", 0, scheme="muscl"), grid)
    law = in_cells(law, grid, 0.01)
    evaluated = settings.numerical_flux(law).law
    places = jnp.asarray(settings.grid.centers())[None]
    states = jnp.stack([1.0 + 0.3 * jnp.cos(0.3 * places[0]), 0.2 * jnp.sin(0.2 * places[0])])
    mine = evaluated.source(states, places, jnp.zeros(()))
    np.testing.assert_allclose(mine, law.source(states, places, jnp.zeros(())), rtol=1e-12)


def test_water_over_a_bed_in_balance_stays_at_rest(x64):
    """h (g h' + p) = 0: to second order, since the scheme does not know the balance."""
    errors = []
    for cells in (32, 64, 128):
        grid = Grid.interval(cells, 0.0, 1.0)
        edges = np.linspace(0.0, 1.0, cells + 1)
        bed = np.diff(np.sin(2 * np.pi * edges)) / (2 * np.pi) * cells * 0.2
        law = river_over_a_bed()
        force = np.zeros((2, 3))
        force[1, 1] = 9.8 * 0.2 * 2 * np.pi  # -g b'(x) of b = .2 cos(2πx)
        terms = dataclasses.replace(
            law.terms, source_by_place=force, by_state=0.0 * law.terms.by_state
        )
        law = dataclasses.replace(law, terms=terms)
        rest = jnp.asarray(np.stack([1.0 - bed, np.zeros(cells)]))
        run = compiled(
            solve, MUSCL(law), rest, jnp.array([0.0, 0.2]), grid, StepControl(0.4, 0.4, False)
        )
        errors.append(float(np.max(np.abs(run.values[-1] - rest))))
    orders = np.log2(np.array(errors[:-1]) / errors[1:])
    assert errors[-1] < 1e-3 and np.all(orders > 1.6), (errors, orders)


@pytest.mark.validation
def test_the_law_and_the_bed_of_a_lake_are_found(lake):
    found = hfluxno.forecast(context_of(lake), LATER)
    (item,) = found.identifications
    assert item.status == FitStatus.OK and item.candidate.force
    c = item.coefficients
    assert c["f_h[m]"] == pytest.approx(1.0, abs=2e-3)
    assert c["f_m[h²]"] == pytest.approx(0.5 * GRAVITY, rel=5e-3)
    # p = -g b' has the waves sin(2πx) and cos(4πx).
    steepest = 0.2 * 2 * np.pi * GRAVITY
    assert c["s_m[h·mode 2]"] == pytest.approx(steepest, rel=0.02)
    assert c["s_m[h·mode 3]"] == pytest.approx(-steepest, rel=0.02)
    assert c["s_m[m·|m|/h²]"] == pytest.approx(-FRICTION, rel=0.05)
    away = np.asarray(found.trajectory.values) - lake[FRAMES:]
    error = np.sqrt(np.sum(away**2, axis=(1, 2)) / np.sum(lake[FRAMES:] ** 2, axis=(1, 2)))
    assert np.all(error < found.predicted_error_90) and error[-1] < 2e-3
    assert any("h p(x)" in line for line in item.formulas)
