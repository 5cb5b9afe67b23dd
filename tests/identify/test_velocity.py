"""Water and gases of which the velocity was measured instead of the momentum."""

import numpy as np
import pytest

import hfluxno
from hfluxno import Grid, Trajectory
from hfluxno.identify import FitStatus
from hfluxno.identify.acting import acting
from hfluxno.identify.frames.momentum import negated_fields, velocity
from tests.identify import runge_kutta
from tests.identify.limited import run

CELLS, FINE, STEPS = 80, 6, 50
X = (np.arange(CELLS * FINE) + 0.5) / (CELLS * FINE)


def means(u):
    return u.reshape(*u.shape[:-1], CELLS, FINE).mean(axis=-1)


def water(frames, interval, walls=False):
    """Depth, velocity and discharge: smooth waves that become shocks."""
    h = 1.0 + 0.3 * np.sin(2 * np.pi * X) + 0.1 * np.cos(4 * np.pi * X)
    v = 0.3 * np.cos(2 * np.pi * X + 1.0)
    if walls:
        h, v = 1.1 - 0.35 * np.tanh(12.0 * (X - 0.45)), 0.0 * X

    def flux(u):
        return np.stack([u[1], u[1] ** 2 / u[0] + 0.5 * u[0] ** 2])

    def speed(u):
        return np.abs(u[1] / u[0]) + np.sqrt(u[0])

    found = run(np.stack([h, h * v]), flux, speed, frames, interval, STEPS, walls=walls)
    return means(np.stack([found[:, 0], found[:, 1] / found[:, 0], found[:, 1]], axis=1))


def pressure(u, gamma):
    return (gamma - 1.0) * (u[2] - 0.5 * u[1] ** 2 / u[0])


def gas(gamma, walls=False):
    """Density, momentum, pressure, energy and velocity; between walls Sod's tube."""
    rho, v = 1.0 + 0.4 * np.sin(2 * np.pi * X), 0.4 * np.cos(2 * np.pi * X + 1.0)
    p = 1.0 + 0.3 * np.sin(4 * np.pi * X + 2.0)
    if walls:
        rho, v, p = np.where(X < 0.5, 1.0, 0.125), 0.0 * X, np.where(X < 0.5, 1.0, 0.1)

    def flux(u):
        p = pressure(u, gamma)
        return np.stack([u[1], u[1] ** 2 / u[0] + p, (u[2] + p) * u[1] / u[0]])

    def speed(u):
        return np.abs(u[1] / u[0]) + np.sqrt(gamma * pressure(u, gamma) / u[0])

    start = np.stack([rho, rho * v, p / (gamma - 1.0) + 0.5 * rho * v**2])
    u = run(start, flux, speed, 12, 0.02, STEPS, walls=walls).swapaxes(0, 1)
    every = np.stack([u[0], u[1], pressure(u, gamma), u[2], u[1] / u[0]], axis=1)
    return means(every)


def context(values, fields, interval, boundary="periodic", **more):
    grid = Grid.interval(CELLS, boundary=boundary)
    return Trajectory(values, interval * np.arange(len(values)), grid, fields, **more)


@pytest.fixture(scope="module")
def waves():
    return water(10, 0.03)


@pytest.mark.parametrize("noise", [0.0, 0.03])
def test_a_velocity_is_told_from_a_momentum(waves, noise):
    size = np.std(waves, axis=(0, 2))[:, None]
    seen = waves + noise * size * np.random.default_rng(0).normal(size=waves.shape)
    assert velocity(seen[None, :, :2]) == (1, 0)
    assert velocity(seen[None, :, 1::-1] * [[1e-3], [30.0]]) == (0, 1)
    assert velocity(seen[None, :, ::2]) is None
    assert velocity(seen[None, :, ::-2]) is None


def test_a_constant_is_no_velocity():
    """With a second field that hardly varies the product is the first one, which moves."""
    phase = X[None, ::FINE] - 0.02 * np.arange(10)[:, None]
    first = 2.0 + np.sin(2 * np.pi * phase)
    other = 1.0 + 1e-3 * np.random.default_rng(0).normal(size=first.shape)
    assert velocity(np.stack([first, other], axis=1)[None]) is None


def test_no_velocity_carries_what_has_both_signs(waves):
    assert velocity(waves[None, :, :2] - [[1.0], [0.0]]) is None


def test_a_wall_negates_the_velocity():
    seen = water(8, 0.03, walls=True)[:, :2]
    between = context(seen, ("h", "u"), 0.03, "wall")
    assert negated_fields(between, None, np.ones(1, bool)) == (1,)
    assert acting(between).is_used


def test_what_fields_act_as(waves):
    found = acting(context(waves[:, :2], ("h", "u"), 0.03))
    assert str(found.momentum) == "m = h·u" and found.is_used and found.pressure is None
    assert acting(context(waves[:, ::2], ("h", "q"), 0.03)).momentum is None
    measured = context(waves[:, :2], ("h", "u"), 0.03).with_deviation(0.01)
    assert not acting(measured).is_used  # a joint estimate is that of the fields themselves
    assert acting(context(waves[:3, :2], ("h", "u"), 0.03)).momentum is None


@pytest.mark.parametrize(("gamma", "walls"), [(1.4, False), (1.67, False), (1.4, True)])
def test_a_pressure_in_the_place_of_the_energy(gamma, walls):
    seen, ends = gas(gamma, walls), "wall" if walls else "periodic"
    found = acting(context(seen[:, [2, 0, 1]], ("p", "rho", "m"), 0.02, ends))
    assert found.pressure == "p" and found.gamma == pytest.approx(gamma, rel=0.01)
    assert acting(context(seen[:, [0, 1, 3]], ("rho", "m", "E"), 0.02, ends)).pressure is None
    primitive = acting(context(seen[:, [0, 4, 2]], ("rho", "u", "p"), 0.02, ends))
    assert str(primitive.momentum) == "m = rho·u" and not primitive.is_used


@pytest.mark.validation
@pytest.mark.parametrize("walls", [False, True])
def test_shocks_that_form_after_the_context_move_as_they_should(walls):
    """A law of the velocity explains the smooth waves as well, and is .1 off afterwards."""
    every = water(32, 0.03, walls)[:, :2]
    seen = context(every[:12], ("h", "u"), 0.03, "wall" if walls else "periodic")
    made = hfluxno.forecast(seen, 20)
    found = made.identifications[0]
    assert found.status == FitStatus.OK and found.formulas[-1] == "m = h·u"
    assert found.recognised.name == "shallow water"
    assert found.recognised.value == pytest.approx(1.0, abs=2e-3)
    away = np.asarray(made.trajectory.values) - every[12:]
    errors = np.linalg.norm(away, axis=(1, 2)) / np.linalg.norm(every[12:], axis=(1, 2))
    assert made.trajectory.fields == ("h", "u") and errors.max() < 0.006
    assert np.all(errors < made.predicted_error_90)


@pytest.mark.validation
def test_shocks_within_the_context():
    """Means of products are not products of means where a shock divides cells."""
    every = water(24, 0.05)[:, :2]
    made = hfluxno.forecast(context(every[:16], ("h", "u"), 0.05), 8)
    found = made.identifications[0]
    assert found.status == FitStatus.OK and found.change is not None
    away = np.asarray(made.trajectory.values) - every[16:]
    errors = np.linalg.norm(away, axis=(1, 2)) / np.linalg.norm(every[16:], axis=(1, 2))
    assert np.all(errors < np.minimum(made.predicted_error_90, 0.01))


def long_waves(d, frames, interval, steps=25):
    """Depth and velocity of Peregrine's equations over an even bed,

        ∂t h + ∂x (h v) = 0,   ∂t v + ∂x (v²/2 + h) = d ∂xxt v,

    by a spectral method and the classical Runge-Kutta scheme: means over cells."""
    k = 2j * np.pi * np.fft.rfftfreq(X.size, 1 / X.size)
    k = np.where(np.arange(k.size) < X.size // 3, k, 0.0)  # no aliases
    h = 1.15 + 0.12 * np.sin(2 * np.pi * X) + 0.05 * np.cos(6 * np.pi * X)
    u = np.stack([h, 0.1 * np.cos(4 * np.pi * X + 1.0)])

    def slope(u):
        flux = np.stack([u[0] * u[1], 0.5 * u[1] ** 2 + u[0]])
        damped = np.stack([np.ones_like(k), 1.0 - d * k**2])
        return np.fft.irfft(-k / damped * np.fft.rfft(flux), X.size)

    seen = []
    for _ in range(frames):
        seen.append(means(u))
        for _ in range(steps):
            u = runge_kutta.step(slope, u, interval / steps)
    return np.stack(seen)


@pytest.mark.validation
def test_waves_of_two_fields_that_disperse_under_noise_are_no_law():
    """And those without dispersion are one."""
    for d, status in ((4e-5, FitStatus.SYSTEMATIC_MISFIT), (0.0, FitStatus.OK)):
        values = long_waves(d, 18, 0.018)
        noise = np.random.default_rng(5).normal(size=values.shape)
        values = values + 0.01 * np.std(values, axis=(0, 2))[:, None] * noise
        found = hfluxno.identify(Trajectory.from_numpy(values, fields=("h", "v")))
        assert found.status == status and found.misfit.disperses is (d > 0.0)
        assert ("dispersion explains" in found.sentence) is (d > 0.0)
