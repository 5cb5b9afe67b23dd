"""The law of fewer terms with the highest evidence, beside the evidence of every such law."""

import dataclasses
import importlib
import itertools

import numpy as np
import pytest

from hfluxno import Trajectory, forecast, identify
from hfluxno.boundary import Wall
from hfluxno.grid import Grid
from hfluxno.identify import FitStatus
from hfluxno.identify.joint.estimate import Estimate, _by_guess
from hfluxno.identify.joint.kind import Kind
from hfluxno.identify.joint.prior import make_forward
from hfluxno.identify.joint.simpler import misses_no_more, of_degree, reaching, simpler

KIND = Kind(4, diffusion=1, by_state=4)
GRID = Grid((0.0,), (1.0,), (16,), ((Wall(), Wall()),))


def a_linear_model(rng, kind: Kind):
    """Rows J and data y of a linear model with the coefficients of a kind, in units of the noise,
    and its forward model with those of `KIND`."""
    x = (np.arange(16) + 0.5) / 16
    values = np.stack([2.0 + np.cos(np.pi * x) * np.exp(-0.1 * k) for k in range(6)])[:, None]
    context = Trajectory(values, np.arange(6.0), GRID, ("u",))
    full, small = (make_forward(each, context, (), known_first=True) for each in (KIND, kind))
    rows = rng.normal(scale=10.0, size=(200, full.size))
    return full, rows, rows @ (small.spread > 0) + rng.normal(size=200)


def solved(rows, y, free):
    """The evidence of the coefficients `free`, without its constant, their estimate and their
    covariance."""
    J = rows[:, free]
    A = np.eye(len(free)) + J.T @ J
    z = np.linalg.solve(A, J.T @ y)
    cost = np.sum((J @ z - y) ** 2) + z @ z
    return -0.5 * cost - 0.5 * np.linalg.slogdet(A)[1], z, np.linalg.inv(A)


def estimated(forward, rows, y) -> Estimate:
    """The estimate of all free coefficients."""
    free = np.flatnonzero(forward.spread > 0.0)
    evidence, point, inner = solved(rows, y, free)
    z, covariance = np.zeros(forward.size), np.eye(forward.size)
    z[free], covariance[np.ix_(free, free)] = point, inner
    return Estimate(forward, z, covariance, np.ones(1), np.arange(6.0), evidence)


@pytest.mark.parametrize(
    "true", [Kind(0, diffusion=1, by_state=2), Kind(2, diffusion=1, by_state=1)]
)
def test_the_most_probable_simpler_law_and_its_estimate(true):
    rng = np.random.default_rng(5)
    forward, rows, y = a_linear_model(rng, true)
    found = estimated(forward, rows, y)
    every = {}
    for size, terms in itertools.product(range(5), range(1, 5)):
        kind = dataclasses.replace(KIND, size=size, by_state=terms)
        context = Trajectory(np.ones((6, 1, 16)) + np.arange(16.0), np.arange(6.0), GRID, ("u",))
        spread = make_forward(kind, context, (), known_first=True).spread
        kept = np.flatnonzero(spread > 0.0)
        every[kind] = (*solved(rows, y, kept)[:2], kept)
    best = max(every, key=lambda kind: every[kind][0])
    assert best == true
    answer = simpler(found, KIND, without_flux=True)
    assert answer is not None
    kind, start = answer
    assert kind == best
    _, exact, kept = every[best]
    np.testing.assert_allclose(start[kept], exact, atol=1e-10)
    assert np.all(np.delete(start, kept) == pytest.approx(0.0, abs=1e-10))


def test_a_flux_of_a_lower_degree_starts_from_its_own_minimum():
    rng = np.random.default_rng(7)
    forward, rows, y = a_linear_model(rng, KIND)
    kind, start = of_degree(estimated(forward, rows, y), KIND, 2)
    assert kind == dataclasses.replace(KIND, size=2)
    free = np.flatnonzero(forward.spread > 0.0)
    kept = np.setdiff1d(free, [2, 3])
    np.testing.assert_allclose(start[kept], solved(rows, y, kept)[1], atol=1e-10)
    np.testing.assert_allclose(start[[2, 3]], 0.0, atol=1e-10)


def test_errors_of_the_scheme_excuse_what_is_missed_where_they_are(x64):
    """Of a front that a constant speed moves by two cells a frame: one cell smears it more."""
    context = Trajectory(
        1.0 * (np.arange(24.0) > 6.5 + 2.0 * np.arange(6.0)[:, None, None]),
        np.arange(6.0),
        Grid.interval(24, 0.0, 24.0, "outflow"),
        ("u",),
    )
    forward = make_forward(Kind(2), context, (), known_first=True)
    z = np.zeros(forward.size)
    z[0] = 2.0 / forward.spread[0]
    found = Estimate(forward, z, np.eye(len(z)), np.ones(1), np.arange(6.0), 0.0)
    noise = 0.01 * np.random.default_rng(11).standard_normal(context.values.shape)
    seen = dataclasses.replace(context, values=found.observed(context.times) + noise)

    def judged(at, size):
        """Whether a law is as good as one that leaves the noise, if it misses `size` more there."""

        class Plain(Estimate):
            def observed(self, times, forward=None):
                return super().observed(times, forward) + np.where(at, size, 0.0)

        return misses_no_more(Plain(**vars(found)), found, seen)

    front = np.abs(np.arange(24.0) - 7.0 - 2.0 * np.arange(6.0)[:, None, None]) < 1.5
    front[0] = False  # which is known
    assert judged(front, 0.05)
    assert not judged(~front, 0.05)
    assert not judged(front, 2.0)


@pytest.mark.parametrize(
    ("enough", "sparse", "chosen"),
    [((2, 3), True, 2), ((3,), True, 3), ((), True, 4), ((2, 3), False, 4)],
)
def test_of_a_few_sensors_a_flux_must_explain_more_than_the_error_of_the_scheme(
    enough, sparse, chosen, monkeypatch
):
    module = importlib.import_module("hfluxno.identify.joint.search")
    x = (np.arange(16) + 0.5) / 16
    values = 2.0 + np.cos(np.pi * x) * np.exp(-0.1 * np.arange(6.0)[:, None, None])
    if sparse:
        values[..., 1::4] = values[..., 2::4] = values[..., 3::4] = np.nan
    search = module._Search(Trajectory(values, np.arange(6.0), GRID, ("u",)), (), (Kind(4),), True)
    forward = search.forward(Kind(4), 1)
    size = forward.size
    found = Estimate(forward, np.zeros(size), np.eye(size), np.ones(1), np.arange(6.0), 0.0)
    degrees = {id(found): 4}

    def estimated(_, start, source, target):
        each = dataclasses.replace(found, forward=target)
        degrees[id(each)] = int(np.sum(target.spread[:4] > 0.0))
        kept.append(each)
        return each

    kept: list[Estimate] = []
    monkeypatch.setattr(module._Search, "estimated", estimated)
    monkeypatch.setattr(module, "misses_no_more", lambda each, *_: degrees[id(each)] in enough)
    assert search.plainest(module.Option(found, Kind(4))).kind == Kind(chosen)


def test_what_every_term_needs_stays(x64):
    rng = np.random.default_rng(6)
    forward, rows, y = a_linear_model(rng, KIND)
    found = estimated(forward, rows, y)
    assert simpler(found, KIND, without_flux=True) is None


def test_a_parabola_goes_on_beyond_the_observed_range(x64):
    """Which every other flux does in a straight line; the difference between both counts there."""
    x = (np.arange(16) + 0.5) / 16
    values = np.stack([2.0 + np.cos(np.pi * x) * np.exp(-0.1 * k) for k in range(6)])[:, None]
    context = Trajectory(values, np.arange(6.0), GRID, ("u",))
    forward = make_forward(Kind(2), context, (), known_first=True)
    z = np.zeros(forward.size)
    z[1] = 1.0
    straight = Estimate(forward, z, np.eye(len(z)), np.ones(1), np.arange(6.0), 0.0)
    for other in (Kind(3), Kind(2, kinks=1), Kind(2, by_state=2), Kind(2, diffusion=3)):
        assert reaching(straight, other) is straight
    found = reaching(straight, Kind(2, diffusion=1, source_modes=4)).forward.law(z)
    (low,), (high,) = straight.forward.shape.lower, straight.forward.shape.upper
    u = np.linspace(high, high + 0.5 * (high - low), 7)
    np.testing.assert_allclose(np.diff(found.flux(u), 3), 0.0, atol=1e-12)
    assert np.all(np.abs(np.diff(found.flux(u), 2)) > 1e-3)
    within = np.full((6, 1, 16), 0.5 * (low + high))
    beyond = within + np.linspace(0.0, 0.75 * (high - low), 16)
    for each in (straight, reaching(straight, Kind(2))):
        assert np.all(_by_guess(each.forward, z, np.arange(6.0), within) == 0.0)
        assert np.all(_by_guess(each.forward, z, np.arange(6.0), beyond)[1:] > 0.0)


@pytest.mark.validation
def test_a_column_that_only_diffuses_produces_and_decays():
    """∂t u = D ∂xx u + p - k u between walls, exact in cosines, with half a percent of noise."""
    rng = np.random.default_rng(0)
    x, time, decay, supply = (np.arange(32) + 0.5) / 32, np.arange(41.0), 0.012, 0.15
    modes = np.pi * np.arange(8)
    amplitudes = np.array([-9.0, 1.5, -1.0, 0.8, 0.5, -0.4, 0.3, 0.2])
    rates = np.exp(-np.outer(time, 0.008 * modes**2 + decay))
    u = supply / decay + (rates * amplitudes) @ np.cos(np.outer(modes, x))
    seen = u[:20] * (1.0 + 0.005 * rng.normal(size=(20, 32)))
    found = identify(Trajectory(seen[:, None], time[:20], GRID_OF_32, ("u",)))
    assert found.status == FitStatus.OK
    assert str(found.candidate) == "no flux, diffusion, a source that depends on the state"
    assert len(found.coefficients) == 3
    assert float(found.law.diffusivity(np.array([5.0]))[0]) == pytest.approx(0.008, rel=0.01)


GRID_OF_32 = Grid((0.0,), (1.0,), (32,), ((Wall(), Wall()),))


@pytest.mark.validation
def test_a_conductivity_that_depends_on_temperature_is_not_a_flux():
    """∂t T = ∂x((1 + T) ∂x T/1000) in an insulated rod, by the method of lines on a fine grid."""
    fine, time = 256, np.linspace(0.0, 8.0, 54)
    x = (np.arange(fine) + 0.5) / fine
    u = np.exp(-(((x - 0.3) / 0.1) ** 2)) + 0.6 * np.exp(-(((x - 0.75) / 0.08) ** 2))
    frames, steps = [u], 400
    dt = (time[1] - time[0]) / steps
    for _ in time[1:]:
        for _ in range(steps):
            through = 1e-3 * (1.0 + 0.5 * (u[1:] + u[:-1])) * np.diff(u) * fine
            u = u + dt * fine * np.diff(np.concatenate([[0.0], through, [0.0]]))
        frames.append(u)
    truth = np.stack(frames).reshape(len(time), 32, -1).mean(axis=2)
    values = np.full((40, 32), np.nan)
    noise = 0.002 * np.random.default_rng(0).normal(size=(40, 32))
    values[:, 1::3] = (truth[:40] + noise)[:, 1::3]
    context = Trajectory.from_numpy(values, time[:40], (np.arange(32) + 0.5) / 32, boundary="wall")
    ahead = forecast(context, 14)
    assert "diffusion of degree 2" in str(ahead.identifications[0].candidate)
    away = np.asarray(ahead.trajectory.values)[-1, 0] - truth[-1]
    assert np.linalg.norm(away) < 0.01 * np.linalg.norm(truth[-1])
