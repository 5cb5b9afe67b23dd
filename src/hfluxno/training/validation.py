"""A fixed set of windows on which a network is evaluated during training.

The windows come from the validation split, whose laws and initial states differ from those in
training, and are the same at every validation and in every run with the same data and seed. The
error of a window is that of the published evaluation,

    ‖forecast - truth‖₂ / ‖truth‖₂

over all frames of the forecast, and over only the first. Each is capped at 1, so that one exploding
forecast counts as wrong but does not hide the others.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from hfluxno.batching import WIDE_VECTORS
from hfluxno.data import blocks
from hfluxno.forecast_checks import relative_l2
from hfluxno.models.rollout import rollout
from hfluxno.training.batch import Batch
from hfluxno.training.batches_from_files import windows_of
from hfluxno.training.configuration import TrainConfig
from hfluxno.training.examples import fixed
from hfluxno.training.sharding import Placement


def validation_windows(config: TrainConfig) -> Batch:
    """The windows: a context and the frames after it, each from a different trajectory; and the
    examples for a network that needs them.

    Raises `ValueError` if no trajectory could be solved.
    """
    window = config.model.context + config.validation.steps
    count = config.validation.windows
    if config.data.validation is not None:
        path, limit = Path(config.data.validation), config.data.limit
        windows = windows_of(path, window, limit, config.seed, config.model.cells)
        return Batch(np.stack([windows[i]["frames"] for i in range(count)]))
    trajectories = config.trajectories("validation")
    parts = list(blocks(trajectories, threads=1))
    status = np.concatenate([part.status for part in parts])
    values = np.concatenate([part.values for part in parts])[status == 0]
    if len(values) == 0 or values.shape[1] < window:
        raise ValueError(
            f"The validation needs {window} frames of solved trajectories with t ≤ "
            f"{config.data.limit:g}; use fewer steps, a shorter context or another law."
        )
    # Spread evenly over the times at which a window can start.
    starts = np.arange(len(values)) % (values.shape[1] - window + 1)
    frames = np.stack([v[i : i + window] for v, i in zip(values, starts, strict=True)])
    if config.model.pairs is None:
        return Batch(frames)
    laws = np.flatnonzero(status == 0)  # each has one trajectory
    coefficients = np.concatenate([part.coefficients for part in parts])[laws]
    limit = config.data.limit
    return Batch(
        frames, examples=fixed(trajectories, laws, coefficients, config.model.pairs, limit)
    )


class Validation:
    """The validation of a run: `errors(parameters)` are those of the network."""

    def __init__(self, config: TrainConfig, static: eqx.Module, placement: Placement):
        windows, context = validation_windows(config), config.model.context
        frames = np.asarray(windows.frames)
        whole = tuple(range(1, frames.ndim))
        errors = relative_l2(frames[:, context - 1 : context], frames[:, context:], whole)
        self._persistence = np.minimum(errors, 1.0)
        self._count = len(frames)
        size = placement.multiple(min(config.batch, self._count))
        places = np.arange(self._count)
        rows = placement.rows(size)
        chunks = [np.resize(places[i : i + size], size)[rows] for i in range(0, self._count, size)]
        self._chunks = [
            placement.batch(jax.tree.map(lambda leaf, chunk=chunk: leaf[chunk], windows))
            for chunk in chunks
        ]
        self._errors = _compiled(config, static, placement)

    @property
    def persistence(self) -> float:
        """The error of forecasts that repeat the last frame of the context."""
        return float(np.mean(self._persistence))

    def errors(self, parameters: Any) -> dict[str, float]:
        """`error` over all steps and `error_one_step`, means over the windows."""
        pairs = [np.asarray(self._errors(parameters, chunk)) for chunk in self._chunks]
        whole, first = np.concatenate(pairs, axis=1)[:, : self._count].astype(float).mean(axis=1)
        return {"error": float(whole), "error_one_step": float(first)}


def _compiled(
    config: TrainConfig, static: eqx.Module, placement: Placement
) -> Callable[[Any, Any], Array]:
    context, steps = config.model.context, config.validation.steps
    mode = config.validation.context_mode

    def one(network, frames, examples):
        if examples is not None:
            network = network.shown(examples)
        forecast = rollout(network, frames[:context], steps, mode)
        truth = frames[context:]
        return jnp.stack([_capped(forecast, truth), _capped(forecast[:1], truth[:1])])

    def errors(parameters, windows):
        network = eqx.combine(parameters, static)
        samples = (windows.frames, windows.examples)
        return jax.vmap(lambda *sample: one(network, *sample), out_axes=1)(*samples)

    return jax.jit(errors, compiler_options=WIDE_VECTORS, out_shardings=placement.whole)


def _capped(forecast, truth) -> Float[Array, ""]:
    error = relative_l2(forecast, truth, tuple(range(truth.ndim)))
    return jnp.where(jnp.isfinite(error), jnp.minimum(error, 1.0), 1.0)
