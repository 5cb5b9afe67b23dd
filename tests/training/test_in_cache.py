"""The derivative that is computed window by window is the derivative."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hfluxno.training.in_cache import with_gradient
from tests.compiled import compiled
from tests.models import small
from tests.slow import slow

NAMES = ("weak form", "fourier")  # told the law; complex, and its rows meet
# The rows of a flux that sees no places are independent: all states are rows of one.
FREE = dataclasses.replace(small.CONFIGURATIONS["flux no"], coordinates=False)


def _error(operator, initial, truth):
    return jnp.mean(jnp.square(operator.together(initial) - truth))


@pytest.mark.validation
@pytest.mark.parametrize("name", NAMES)
def test_a_batch_has_the_plain_derivative(name, x64):
    config = small.CONFIGURATIONS[name]
    network = small.network(config)
    contexts = 2.0 + jnp.stack([small.context(config), small.context(config)[..., ::-1]])
    operators = compiled(eqx.filter_vmap(network.read), contexts)
    parameters, static = eqx.partition(operators, eqx.is_inexact_array)

    def loss(parameters, function):
        def one(parameters, context, weight):
            operator = eqx.combine(parameters, static)
            return weight * function(operator, context[:2], context[1:3])

        return jnp.sum(jax.vmap(one)(parameters, contexts, jnp.asarray([1.0, -3.0])))

    both = jax.value_and_grad(loss)
    value, gradient = compiled(lambda p: both(p, with_gradient(_error)), parameters)
    expected_value, expected = compiled(lambda p: both(p, _error), parameters)
    np.testing.assert_allclose(value, expected_value, rtol=1e-12)
    for found, wanted in zip(jax.tree.leaves(gradient), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize("name", ("free", "fourier", slow("weak form"), slow("plane")))
def test_states_that_are_advanced_together_are_advanced_each_by_itself(name, x64):
    config = FREE if name == "free" else small.CONFIGURATIONS[name]
    context = 2.0 + small.context(config)
    operator = compiled(small.network(config).read, context)
    states = context[:3]
    expected = jnp.stack([compiled(operator, u) for u in states])
    together = compiled(operator.together, states)
    np.testing.assert_allclose(together, expected, rtol=1e-10, atol=1e-12)
