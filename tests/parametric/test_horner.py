import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from hfluxno.parametric.horner import horner
from tests.slow import slow

POINTS = np.linspace(-1.2, 1.3, 7)


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("powers", [slow([0.3]), slow([0.3, -1.0]), [0.3, -1.0, 2.0, 0.7, -0.2]])
def test_values_and_derivatives_of_all_orders(powers):
    """By the numbers and by the place, forward and in reverse."""
    arguments = (jnp.asarray(powers), jnp.asarray(POINTS))
    np.testing.assert_allclose(horner(*arguments), np.polyval(powers[::-1], POINTS), rtol=1e-14)

    def of_arrays(powers, v):  # check_grads moves its arguments in NumPy
        return horner(jnp.asarray(powers), jnp.asarray(v))

    # Derivatives are polynomials again, by the same lines; those of a constant are constants.
    check_grads(jax.jit(of_arrays), arguments, order=1 if len(powers) == 1 else 2)


@pytest.mark.usefixtures("x64")
def test_the_derivative_is_as_long_as_two_polynomials():
    powers, v = jnp.arange(1.0, 10.0), jnp.asarray(POINTS)

    def along(dv):
        return jax.jvp(lambda v: horner(powers, v), (v,), (dv,))[1]

    def products(function, *arguments):
        text = str(jax.make_jaxpr(function)(*arguments))
        return text.count(" mul ")

    assert products(along, v) <= 2 * products(horner, powers, v) + 2
