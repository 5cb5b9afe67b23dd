"""One training step: a compiled function of the state and a batch.

    θ ← θ + AdamW(∇L),   θ̄ ← d θ̄ + (1 - d) θ,   d = min(decay, (1 + n)/(10 + n))

An update whose loss or gradient is not finite is skipped; the state counts it. The mean θ̄ of the
weights is shorter at the beginning, so that it forgets the start.

The gradient is a mean over windows: every device computes that of its share, in chunks on
a CPU, and the means of the devices are averaged.
"""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jax.sharding import PartitionSpec
from jaxtyping import Array, Float

from hfluxno.batching import WIDE_VECTORS
from hfluxno.training.augment import AugmentConfig, augment
from hfluxno.training.batch import Batch
from hfluxno.training.losses import Loss
from hfluxno.training.sharding import Placement
from hfluxno.training.state import TrainState

Metrics = dict[str, Float[Array, ""]]
Step = Callable[[TrainState, Batch], tuple[TrainState, Metrics]]


def make_step(
    loss: Loss,
    optimizer: optax.GradientTransformation,
    static: eqx.Module,
    augmentation: AugmentConfig,
    decay: float,
    placement: Placement,
) -> Step:
    """The compiled step.

    - `static`: the network without its trainable arrays.
    - `decay`: of the mean of the weights; with 0 it is the weights themselves.
    - `placement`: the devices that share a batch.
    """

    def loss_of(parameters, batch: Batch, keys):
        return loss(eqx.combine(parameters, static), batch, keys)

    def gradient_of_share(parameters, *share):
        both = jax.value_and_grad(loss_of)
        windows = share[1].shape[0]
        count = windows // placement.windows_at_once(windows)
        if count == 1:
            return jax.lax.pmean(both(parameters, *share), "batch")
        chunks = jax.tree.map(lambda leaf: leaf.reshape(count, -1, *leaf.shape[1:]), share)

        def add(total, chunk):
            found = both(parameters, *chunk)
            return jax.tree.map(lambda a, b: a + b / count, total, found), None

        shapes = jax.eval_shape(both, parameters, *share)
        zero = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), shapes)
        return jax.lax.pmean(jax.lax.scan(add, zero, chunks)[0], "batch")

    split, whole = PartitionSpec("batch"), PartitionSpec()
    gradient_of = jax.shard_map(
        gradient_of_share,
        mesh=placement.mesh,
        in_specs=(whole, split, split),
        out_specs=whole,
        check_vma=False,  # a check would sum over the devices in every chunk
    )

    def step(state: TrainState, batch: Batch) -> tuple[TrainState, Metrics]:
        key = jax.random.fold_in(jax.random.wrap_key_data(state.key), state.step)
        augment_key, loss_key = jax.random.split(key)
        if augmentation.active:
            batch = augment(augmentation, batch, augment_key)
        keys = jax.random.split(loss_key, batch.frames.shape[0])
        value, gradient = gradient_of(state.parameters, batch, keys)
        # JAX returns the conjugate of the direction as the derivative with respect to a complex
        # number.
        gradient = optax.tree.conj(gradient)
        norm = optax.tree.norm(gradient)
        finite = jnp.isfinite(value) & jnp.isfinite(norm)
        # Optax mixes integers and reals, which a user of JAX may have forbidden.
        with jax.numpy_dtype_promotion("standard"):
            updates, optimizer_state = optimizer.update(gradient, state.optimizer, state.parameters)
        updated = optax.apply_updates(state.parameters, updates)
        parameters = optax.tree.where(finite, updated, state.parameters)
        n = state.step.astype(jnp.float32)
        kept = jnp.minimum(decay, (1.0 + n) / (10.0 + n))
        average = jax.tree.map(
            lambda mean, new: new + kept.astype(new.dtype) * (mean - new), state.average, parameters
        )
        failed = (~finite).astype(jnp.int32)
        new = TrainState(
            parameters=parameters,
            average=average,
            optimizer=optax.tree.where(finite, optimizer_state, state.optimizer),
            step=state.step + 1,
            key=state.key,
            skipped=state.skipped + failed,
            skipped_in_row=jnp.where(finite, 0, state.skipped_in_row + 1),
            hopeless_in_row=state.hopeless_in_row,
        )
        return new, {"loss": value, "gradient_norm": norm}

    return jax.jit(step, donate_argnums=0, compiler_options=WIDE_VECTORS)
