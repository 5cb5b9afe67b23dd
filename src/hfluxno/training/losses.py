"""The losses by name.

Every loss is an error of one window, averaged over the batch. The network sees the first K frames
(`hfluxno.models.network`). Frames count from 0.

- `one-step`: frame K against the prediction from the context; the published loss.
- `pushforward`: frame K + 1 against the prediction from a context whose last frame was predicted,
  without the derivative of that prediction (Brandstetter, Worrall and Welling, ICLR 2022).
- `denoising`: frame K against the prediction from a context with noise.
- `many-targets`: n steps from frames all over the window and after it, with one operator. Reading
  the context is by far the most expensive part, so one reading is used for many comparisons.
- `speed`: the inferred f′ and ν against the true ones (see `hfluxno.training.speed_loss`).
"""

import dataclasses
from collections.abc import Callable
from typing import Literal

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from hfluxno.models.network import ContextNetwork, Network, Operator
from hfluxno.plural import plural
from hfluxno.training.batch import Batch
from hfluxno.training.in_cache import with_gradient
from hfluxno.training.speed_loss import speed_error

Measure = Literal["mse", "relative", "vrmse"]
_MEASURES = {
    "mse": "mean square error",
    "relative": "relative l2 error",
    "vrmse": "error of each field relative to its deviation",
}

_NETWORK = 1  # splits the random numbers of the network from those of the loss

# Of a network, a batch, and a key for each of its windows.
Loss = Callable[[Network, Batch, Key[Array, " batch"]], Float[Array, ""]]


@dataclasses.dataclass(frozen=True)
class LossConfig:
    """A loss and its settings; a loss ignores settings that it does not have.

    - `name`: a key of `LOSSES`.
    - `measure`: `mse`, the mean square error, or `relative`, ‖error‖₂/‖truth‖₂ of each window:
      what an evaluation reports, in which no window outweighs the others; or `vrmse`, the mean over
      fields of ‖error‖₂/‖truth - its mean‖₂, in which no field does (The Well's measure).
    - `steps`: n of `many-targets`.
    - `targets`: the number of frames from which `many-targets` starts, spread over the window with
      a random offset; 0 for all.
    - `after`: how many frames after the context `many-targets` uses.
    - `noise`: the standard deviation of the noise of `denoising`, relative to the root mean square
      of each field and frame. On 100 cells the authors' 1e-5 ‖u‖₂ is 1e-4 of it.
    """

    name: str = "one-step"
    measure: Measure = "mse"
    steps: int = 1
    targets: int = 0
    after: int = 1
    noise: float = 1e-4

    @property
    def description(self) -> str:
        """The loss in a few words."""
        return f"{self.name}, {_MEASURES[self.measure]}"

    def __post_init__(self) -> None:
        if self.name not in LOSSES:
            raise ValueError(f"Unknown loss {self.name!r}; choose one of {', '.join(LOSSES)}.")
        if self.steps < 1 or self.targets < 0 or self.after < 0:
            raise ValueError(
                "A loss needs steps ≥ 1, targets ≥ 0 and after ≥ 0; got "
                f"{self.steps}, {self.targets} and {self.after}."
            )
        if self.noise < 0.0:
            raise ValueError(f"The noise must not be negative; got {self.noise}.")

    def frames(self, context: int) -> int:
        """How many frames a window needs if the context has `context`."""
        after = LOSSES[self.name][1](self)
        if context + after <= self.steps and self.name == "many-targets":
            raise ValueError(
                f"A window of {context + after} frames has no room for "
                f"{plural(self.steps, 'step')}; use a larger `after` or fewer steps."
            )
        return context + after


def make_loss(config: LossConfig, context: int) -> Loss:
    """The loss of a batch whose windows begin with `context` frames of context."""
    error = LOSSES[config.name][0]

    def one(network, frames, law, examples, key):
        network = network.while_training(jax.random.fold_in(key, _NETWORK))
        if examples is not None:
            network = network.shown(examples)
        return error(config, context, network, frames, law, key)

    def loss(network: Network, batch: Batch, keys: Key[Array, " batch"]) -> Float[Array, ""]:
        examples = None if batch.examples is None else jnp.asarray(batch.examples)
        samples = (jnp.asarray(batch.frames), batch.law, examples, keys)
        return jnp.mean(jax.vmap(lambda *sample: one(network, *sample))(*samples))

    return loss


def _measured(config: LossConfig, forecast, truth, axes: int) -> Float[Array, ""]:
    """The error of frames (…, field, *space) with this number of space axes."""
    if config.measure == "vrmse":
        cells = tuple(range(-axes, 0))
        square = jnp.mean(jnp.square(forecast - truth), axis=cells)
        return jnp.mean(jnp.sqrt(square / (jnp.var(truth, axis=cells) + 1e-7) + 1e-12))
    square = jnp.mean(jnp.square(forecast - truth))
    if config.measure == "mse":
        return square
    # The small number keeps the derivative of the root finite if the error vanishes.
    return jnp.sqrt(square / (jnp.mean(jnp.square(truth)) + 1e-12) + 1e-12)


def _operator(network, context) -> Operator:
    if not isinstance(network, ContextNetwork):
        raise ValueError(
            f"{type(network).__name__} has no operator that advances any state; use the loss "
            "one-step, pushforward or denoising."
        )
    return network.read(context)


def _one_step(config, context, network, frames, law, key):
    forecast = network.predict(frames[:context])
    return _measured(config, forecast, frames[context], frames.ndim - 2)


def _pushforward(config, context, network, frames, law, key):
    predicted = network.predict(frames[:context])
    pushed = jnp.concatenate([frames[1:context], jax.lax.stop_gradient(predicted)[None]])
    return _measured(config, network.predict(pushed), frames[context + 1], frames.ndim - 2)


def _denoising(config, context, network, frames, law, key):
    seen = frames[:context]
    axes = tuple(range(2, seen.ndim))
    size = jnp.sqrt(jnp.mean(jnp.square(seen), axis=axes, keepdims=True))
    noisy = seen + config.noise * size * jax.random.normal(key, seen.shape, seen.dtype)
    return _measured(config, network.predict(noisy), frames[context], frames.ndim - 2)


def _many_targets(config, context, network, frames, law, key):
    operator = _operator(network, frames[:context])
    if operator.stride != 1:
        raise ValueError(
            f"The loss many-targets is for operators that advance by one frame; this one advances "
            f"by {operator.stride}. Use the loss one-step."
        )
    possible = context + config.after - config.steps
    count = min(config.targets or possible, possible)
    # Evenly spread with one random offset: each start is equally likely, none is drawn twice.
    offset = jax.random.uniform(key, (), frames.dtype)
    spread = (jnp.arange(count, dtype=frames.dtype) + offset) * (possible / count)
    starts = jnp.minimum(jnp.floor(spread).astype(jnp.int32), possible - 1)

    reached = starts[None] + jnp.arange(1, config.steps + 1, dtype=jnp.int32)[:, None]

    def error(operator, initial, truth):
        def advance(states, _):
            states = operator.together(states)
            return states, states

        forecast = jax.lax.scan(advance, initial, None, length=config.steps)[1]
        return _measured(config, forecast, truth, frames.ndim - 2)

    return with_gradient(error)(operator, frames[starts], frames[reached])


def _speed(config, context, network, frames, law, key):
    return speed_error(network, frames[:context], law, config.measure == "relative")


# The error of one window, and how many frames after the context it uses.
LOSSES: dict[str, tuple[Callable, Callable[[LossConfig], int]]] = {
    "one-step": (_one_step, lambda config: 1),
    "pushforward": (_pushforward, lambda config: 2),
    "denoising": (_denoising, lambda config: 1),
    "many-targets": (_many_targets, lambda config: config.after),
    "speed": (_speed, lambda config: 0),
}
