"""The minimiser against a library's, and on problems with known minima."""

import jax
import jax.numpy as jnp
import numpy as np
import optimistix

from hfluxno.identify.levenberg_marquardt import levenberg_marquardt


def _rosenbrock(x):
    return jnp.array([10.0 * (x[1] - x[0] ** 2), 1.0 - x[0]])


def _decay(x):
    t = jnp.linspace(0.0, 3.0, 40)
    data = 2.0 * jnp.exp(-1.3 * t) + 0.05 * jnp.sin(37.0 * t)
    return x[0] * jnp.exp(-x[1] * t) - data


def test_exact_minimum(x64):
    found = levenberg_marquardt(lambda x: (_rosenbrock(x), x), jnp.array([-1.2, 1.0]), 1e-10, 200)
    np.testing.assert_allclose(found.point, [1.0, 1.0], atol=1e-9)
    np.testing.assert_array_equal(found.aux, found.point)


def test_agrees_with_optimistix(x64):
    """The point at which a least-squares problem with a residual ends, and JᵀJ there."""
    start = jnp.array([1.0, 0.5])
    found = levenberg_marquardt(lambda x: (_decay(x), None), start, 1e-12, 200)
    solver = optimistix.LevenbergMarquardt(rtol=1e-10, atol=1e-10)
    other = optimistix.least_squares(lambda x, _: _decay(x), solver, start).value
    # Both stop by how much the sum of squares still falls, which is flat at the minimum.
    np.testing.assert_allclose(found.point, other, rtol=2e-3)
    jacobian = jax.jacfwd(_decay)(found.point)
    np.testing.assert_allclose(found.normal, jacobian.T @ jacobian, rtol=1e-10)
    np.testing.assert_allclose(found.cost, jnp.sum(_decay(found.point) ** 2), rtol=1e-12)


def test_a_point_where_the_residual_is_not_finite_is_not_taken(x64):
    def residual(x):
        return jnp.where(x > 2.0, jnp.nan, jnp.log(x) - jnp.log(1.5)), None

    found = levenberg_marquardt(residual, jnp.array([0.05]), 1e-9, 60)
    np.testing.assert_allclose(found.point, [1.5], rtol=1e-8)


def test_batched_runs_equal_single_ones(x64):
    starts = jnp.array([[-1.2, 1.0], [0.5, 2.0], [1.0, 1.0]])

    def run(start):
        return levenberg_marquardt(lambda x: (_rosenbrock(x), None), start, 1e-10, 200)

    together = jax.vmap(run)(starts)
    for lane, start in enumerate(starts):
        alone = run(start)
        np.testing.assert_allclose(together.point[lane], alone.point, rtol=1e-12)
        assert together.evaluations[lane] == alone.evaluations
