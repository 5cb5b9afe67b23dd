"""The derivative by an operator while its states are still in the cache.

A batch of operators is a batch of different networks. Differentiated as a batch, all activations of
all of them are written to memory and read again, and on a CPU that takes most of the time. Here the
error and its derivative by the operator are computed for one window after another; what follows,
the derivative by the network that wrote the operator, uses the latter.
"""

from collections.abc import Callable

import equinox as eqx
import jax
from jaxtyping import Array, Float

from hfluxno.models.network import Operator


def with_gradient(
    error: Callable[[Operator, Array, Array], Float[Array, ""]],
) -> Callable[[Operator, Array, Array], Float[Array, ""]]:
    """The same function, whose derivative by the operator is computed with the value.

    Its derivatives by the other arguments are not there: they are data. On an accelerator, which
    wants large batches, it is the function itself.
    """
    if jax.default_backend() != "cpu":
        return error

    def differentiable(operator: Operator, *data: Array) -> Float[Array, ""]:
        arrays, static = eqx.partition(operator, eqx.is_inexact_array)

        def of(arrays, *data):
            return error(eqx.combine(arrays, static), *data)

        both = jax.custom_batching.sequential_vmap(jax.value_and_grad(of))

        @jax.custom_vjp
        def value(arrays, *data):
            return of(arrays, *data)

        value.defvjp(
            lambda arrays, *data: both(arrays, *data),
            lambda gradient, seed: (
                jax.tree.map(lambda g: seed.astype(g.dtype) * g, gradient),
                *(None for _ in data),
            ),
        )
        return value(arrays, *data)

    return differentiable
