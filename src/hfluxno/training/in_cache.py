"""The derivative with respect to an operator, computed while its states are still in the cache.

A batch of operators is a batch of different networks. Differentiated as a batch, all their
activations are written to memory and read again, which takes most of the time on a CPU. Here the
error and its derivative with respect to the operator are computed window by window; the derivative
with respect to the network that wrote the operator then uses it.
"""

from collections.abc import Callable

import equinox as eqx
import jax
from jaxtyping import Array, Float

from hfluxno.models.network import Operator


def with_gradient(
    error: Callable[[Operator, Array, Array], Float[Array, ""]],
) -> Callable[[Operator, Array, Array], Float[Array, ""]]:
    """The same function, whose derivative with respect to the operator is computed with the value.

    It has no derivatives with respect to the other arguments, which are data. On an accelerator,
    which needs large batches, it is the function itself.
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
