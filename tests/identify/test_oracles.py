"""Laplace's approximation and scores against other programs: `pip install 'hfluxno[oracles]'`."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from benchmarks.trust import _crps
from hfluxno import Trajectory
from hfluxno.fv import solve
from hfluxno.grid import Grid
from hfluxno.identify.joint.fit import estimate
from hfluxno.identify.joint.kind import Kind
from hfluxno.identify.joint.prior import make_forward
from hfluxno.parametric.subgrid import restrict
from tests.identify.exact import burgers

pytestmark = pytest.mark.validation


def test_the_score_of_a_normal_distribution():
    scoringrules = pytest.importorskip("scoringrules")
    rng = np.random.default_rng(0)
    away, deviation = rng.exponential(size=100), rng.uniform(0.1, 3.0, size=100)
    np.testing.assert_allclose(
        _crps(away, deviation), scoringrules.crps_normal(away, 0.0, deviation), rtol=1e-12
    )


@pytest.mark.usefixtures("x64")
def test_the_uncertainty_of_a_law_is_that_of_its_posterior():
    """Of two coefficients, from 5 % noise of known size, by a random walk of Metropolis."""
    blackjax = pytest.importorskip("blackjax")
    times, noise = np.linspace(0.0, 0.3, 6), 0.03
    exact = burgers(times, 16, 0.1, 0.6)
    seen = exact + noise * np.random.default_rng(1).normal(size=exact.shape)
    seen[0] = exact[0]
    grid = Grid.interval(16, 0.0, 16.0, "outflow")
    context = Trajectory(seen, np.arange(6.0), grid, ("u",)).with_deviation(noise)
    forward = make_forward(Kind(2), context, (), known_first=True)
    found = estimate(forward, context, (6,), np.array([noise]))
    free = forward.free
    assert len(free) == 2

    def log_density(part):
        z = jnp.zeros(forward.size).at[free].set(part)
        problem, start = forward.problem(z)
        run = solve(
            problem.numerical_flux, start, context.times, problem.grid, forward.settings.control
        )
        rest = (restrict(run.values, forward.settings.refinement) - seen) / noise
        return -0.5 * jnp.sum(rest**2) - 0.5 * jnp.sum(part**2)

    step = 0.7 * np.linalg.cholesky(found.covariance[np.ix_(free, free)])
    walk = blackjax.additive_step_random_walk(
        log_density, lambda key, at: step @ jax.random.normal(key, at.shape)
    )

    def advance(state, key):
        state, _ = walk.step(key, state)
        return state, state.position

    @jax.jit
    def sampled(keys):
        return jax.lax.scan(advance, walk.init(jnp.asarray(found.z[free])), keys)[1]

    every = np.asarray(sampled(jax.random.split(jax.random.key(0), 20_000)))[1000:]
    expected = np.sqrt(np.diag(found.covariance)[free])
    np.testing.assert_allclose(every.std(axis=0), expected, rtol=0.15)
    np.testing.assert_allclose(every.mean(axis=0), found.z[free], atol=0.3 * expected.max())
