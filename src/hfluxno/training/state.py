"""The complete state of a run, as one pytree.

A run resumed from its state continues bit for bit as if it had not been interrupted: batches and
random numbers depend only on the seed and the number of steps.
"""

import zlib
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Int, UInt32

from hfluxno.models.network import Network


class TrainState(eqx.Module):
    """The state of a run after a number of steps.

    - `parameters`: the network's arrays, `None` in place of other leaves.
    - `average`: the exponential mean of them, which is evaluated and released.
    - `optimizer`: the optimiser's state.
    - `step`: how many batches were used, and so also the position in the data.
    - `key`: the key of the training's random numbers, folded with `step` for each step.
    - `skipped`: how many updates were skipped because loss or gradient was not finite.
    - `skipped_in_row`: how many in a row, up to the last update.
    - `hopeless_in_row`: how many of the last validations in a row were no better than repeating a
      frame.
    """

    parameters: Any
    average: Any
    optimizer: Any
    step: Int[Array, ""]
    key: UInt32[Array, " words"]
    skipped: Int[Array, ""]
    skipped_in_row: Int[Array, ""]
    hopeless_in_row: Int[Array, ""]


def named_key(seed: int, name: str) -> jax.Array:
    """Keys by name from the seed: draws for one purpose do not depend on the others."""
    return jax.random.fold_in(jax.random.key(seed), zlib.crc32(name.encode()))


def split_network(network: Network) -> tuple[Any, Any]:
    """(trainable arrays, the rest); `eqx.combine` puts them together again."""
    return eqx.partition(network, lambda leaf: eqx.is_array(leaf) and eqx.is_inexact_array(leaf))


def first_state(network: Network, optimizer: optax.GradientTransformation, seed: int) -> TrainState:
    """The state before the first step."""
    parameters, _ = split_network(network)
    # A weak type (from a Python number) would be strong after the first step, and the step would be
    # compiled again.
    parameters = jax.tree.map(lambda p: jax.lax.convert_element_type(p, p.dtype), parameters)
    return TrainState(
        parameters=parameters,
        # A second copy: the step donates the memory of its state, each array once.
        average=jax.tree.map(jnp.copy, parameters),
        optimizer=optimizer.init(parameters),
        step=jnp.zeros((), jnp.int32),
        key=jax.random.key_data(named_key(seed, "training")),
        skipped=jnp.zeros((), jnp.int32),
        skipped_in_row=jnp.zeros((), jnp.int32),
        hopeless_in_row=jnp.zeros((), jnp.int32),
    )
