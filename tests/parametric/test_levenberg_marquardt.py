"""The minimiser against a library's, and on problems with known minima."""

import jax
import jax.numpy as jnp
import numpy as np
import optimistix

from hfluxno.parametric.levenberg_marquardt import levenberg_marquardt


def _rosenbrock(x):
    return jnp.array([10.0 * (x[1] - x[0] ** 2), 1.0 - x[0]])


def _decay(x):
    t = jnp.linspace(0.0, 3.0, 40)
    data = 2.0 * jnp.exp(-1.3 * t) + 0.05 * jnp.sin(37.0 * t)
    return x[0] * jnp.exp(-x[1] * t) - data


def _with_derivatives(function):
    """r, ∂r/∂x with one row for each parameter, and x as what is to be returned besides."""
    both = jax.jit(lambda x: (function(x), jax.jacfwd(function)(x).T))
    return lambda x: (*map(np.asarray, both(x)), x)


def test_exact_minimum(x64):
    residual = _with_derivatives(_rosenbrock)
    found = levenberg_marquardt(residual, np.array([-1.2, 1.0]), 1e-10, 200)
    np.testing.assert_allclose(found.point, [1.0, 1.0], atol=1e-9)
    np.testing.assert_array_equal(found.aux, found.point)
    assert found.evaluations < 50
    assert levenberg_marquardt(residual, np.array([-1.2, 1.0]), 1e-10, 3).evaluations == 3


def test_agrees_with_optimistix(x64):
    """The point at which a least-squares problem with a residual ends, and JᵀJ there."""
    start = np.array([1.0, 0.5])
    found = levenberg_marquardt(_with_derivatives(_decay), start, 1e-12, 200)
    solver = optimistix.LevenbergMarquardt(rtol=1e-10, atol=1e-10)
    other = optimistix.least_squares(lambda x, _: _decay(x), solver, jnp.asarray(start)).value
    # Both stop by how much the sum of squares still falls, which is flat at the minimum.
    np.testing.assert_allclose(found.point, other, rtol=2e-3)
    value, rows, _ = _with_derivatives(_decay)(found.point)
    np.testing.assert_allclose(found.normal, rows @ rows.T, rtol=1e-10)
    np.testing.assert_allclose(found.cost, np.sum(value**2), rtol=1e-12)


def test_a_point_where_the_residual_is_not_finite_is_not_taken(x64):
    residual = _with_derivatives(lambda x: jnp.where(x > 2.0, jnp.nan, jnp.log(x) - jnp.log(1.5)))
    found = levenberg_marquardt(residual, np.array([0.05]), 1e-9, 60)
    np.testing.assert_allclose(found.point, [1.5], rtol=1e-8)
    nowhere = levenberg_marquardt(residual, np.array([3.0]), 1e-9, 60)
    assert nowhere.cost == np.inf and nowhere.aux is None and nowhere.evaluations == 1


def test_derivatives_whose_squares_are_no_numbers_are_as_bad_as_none():
    """Warnings are errors here."""
    found = levenberg_marquardt(
        lambda x: (x - 1.0, np.array([[1e200]]), None), np.array([3.0]), 1e-9, 60
    )
    assert found.cost == np.inf and found.evaluations == 1


def test_directions_that_change_nothing_are_left_alone():
    def residual(x):
        return np.array([x[0] - 2.0, 1.0]), np.array([[1.0, 0.0], [0.0, 0.0]]), None

    found = levenberg_marquardt(residual, np.array([0.0, 5.0]), 1e-9, 20, 1e-9)
    np.testing.assert_allclose(found.point, [2.0, 5.0], rtol=1e-5)


def test_a_residual_that_nothing_changes_ends_where_it_starts():
    found = levenberg_marquardt(lambda x: (np.ones(3), np.zeros((2, 3)), x), np.ones(2), 1e-9, 20)
    np.testing.assert_array_equal(found.point, np.ones(2))
    assert found.cost == 3.0


def test_nothing_unknown_is_at_its_minimum():
    rest = np.array([3.0, 4.0])
    found = levenberg_marquardt(lambda z: (rest, np.zeros((0, 2)), "x"), np.zeros(0), 0.0, 5)
    assert (found.cost, found.aux, found.evaluations) == (25.0, "x", 1)


def test_a_step_that_changes_hardly_anything_ends_it():
    """Also one that does not help: near a kink, or with derivatives that are not exact, shorter and
    shorter steps would only be rejected."""

    def residual(x):
        return np.array([1.0, 0.02 * x[0]]), np.array([[0.0, -0.02]]), None

    found = levenberg_marquardt(residual, np.array([0.8]), 1e-9, 20)
    assert found.evaluations == 2
    np.testing.assert_array_equal(found.point, [0.8])


def test_derivatives_of_a_similar_residual_lead_to_the_same_minimum(x64):
    """Those of a fit come from fewer cells than the states. Where a multiple of each derivative
    leaves the minimum where it is, it is found, whether or not steps are looked for."""
    right, start = _with_derivatives(_decay), np.array([1.0, 0.5])

    def similar(x):
        value, rows, aux = right(x)
        return value, rows * np.array([[1.3], [0.8]]), aux

    plain = levenberg_marquardt(right, start, 1e-12, 200, 1e-8)
    found = levenberg_marquardt(similar, start, 1e-12, 200, 1e-8)
    looked = levenberg_marquardt(similar, start, 1e-12, 200, 1e-8, alone=lambda x: right(x)[0])
    np.testing.assert_allclose(found.point, plain.point, rtol=1e-3)
    np.testing.assert_allclose(looked.point, plain.point, rtol=1e-3)
    np.testing.assert_allclose(found.normal, similar(found.point)[1] @ similar(found.point)[1].T)


def test_a_step_that_promises_nothing_is_not_taken():
    def residual(x):
        calls.append(x)
        return np.array([1.0, 1e-3 * x[0]]), np.array([[0.0, 1e-3]]), None

    calls: list = []
    assert levenberg_marquardt(residual, np.array([1.0]), 1e-9, 20).evaluations == 1
    assert len(calls) == 1


def test_steps_are_looked_for_without_derivatives(x64):
    """Each evaluation with derivatives is one that helps, and fewer of them are needed."""
    residual, start = _with_derivatives(_rosenbrock), np.array([-1.2, 1.0])
    derived, looked = [], []

    def both(x):
        derived.append(float(np.sum(residual(x)[0] ** 2)))
        return residual(x)

    def alone(x):
        looked.append(x)
        return residual(x)[0]

    plain = levenberg_marquardt(residual, start, 1e-10, 200)
    found = levenberg_marquardt(both, start, 1e-10, 200, alone=alone)
    np.testing.assert_allclose(found.point, plain.point, rtol=1e-9)
    assert np.all(np.diff(derived) < 0.0) and found.evaluations == len(derived)
    assert len(derived) < 0.5 * plain.evaluations < len(looked)


def test_where_no_step_helps_it_ends_without_a_further_derivative():
    def residual(x):
        calls.append(x)
        return np.array([1.0 + abs(x[0])]), np.array([[1.0]]), None

    calls: list = []
    found = levenberg_marquardt(
        residual, np.zeros(1), 0.0, 20, alone=lambda x: np.array([1.0 + abs(x[0])])
    )
    assert len(calls) == found.evaluations == 1
    np.testing.assert_array_equal(found.point, [0.0])
