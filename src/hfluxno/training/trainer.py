"""The training loop: it feeds batches to the compiled step and validates now and then.

Everything that determines the result is in the configuration and the state; the loop adds the
validations, the checkpoints and the reports, and gives up a run that makes no progress.
"""

import contextlib
import dataclasses
import time
from collections.abc import Sequence
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp

from hfluxno.models.network import Network
from hfluxno.plural import plural
from hfluxno.training.batch_source import BatchSource
from hfluxno.training.batches_from_files import BatchesFromFiles, check_file
from hfluxno.training.batches_from_solver import BatchesFromSolver
from hfluxno.training.checkpoint import Checkpoints
from hfluxno.training.configuration import TrainConfig
from hfluxno.training.losses import make_loss
from hfluxno.training.optimizer import make_optimizer
from hfluxno.training.release import any_weights
from hfluxno.training.run_folder import EARLIER, checkpoints_of, open_together
from hfluxno.training.sharding import Placement
from hfluxno.training.state import TrainState, first_state, named_key, split_network
from hfluxno.training.step import Metrics, Step, make_step
from hfluxno.training.trackers import Tracker
from hfluxno.training.validation import Validation


class Diverged(Exception):
    """A run was given up; the message is one sentence."""


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How a run ended.

    - `steps`: the number of steps.
    - `best_step`, `best_error`: the checkpoint with the least validation error.
    - `skipped`: the number of updates that were skipped.
    """

    steps: int
    best_step: int
    best_error: float
    skipped: int


def train(
    config: TrainConfig,
    folder: Path,
    *,
    trackers: Sequence[Tracker] = (),
    device: str | None = None,
    workers: int = 0,
    log_every: int = 20,
) -> Outcome:
    """Trains to the end, from the last checkpoint in `folder` if there is one; together with the
    other processes of the run if this one has joined any (`hfluxno.training.processes`).

    - `folder`: of the run; created if it does not exist.
    - `trackers`: receive the metrics, which are those of all processes; they are closed at the end.
    - `device`: `cpu` or `gpu`; all devices of that kind are used.
    - `workers`: the number of processes that read files.
    - `log_every`: the number of steps between two reports of the loss.

    Raises `ValueError` if the configuration, the data or a checkpoint cannot be used; `OSError` if
    a file cannot be read or written; `Diverged` if the run is given up.
    """
    placement = Placement.on(device)
    placement.check(config.batch)
    source = make_batch_source(config, workers, placement.rows(config.batch))
    step, state, static = beginning(config, placement)
    open_together(folder, config)
    run = _Run(config, state, step, placement, trackers)
    with contextlib.ExitStack() as stack:
        checkpoints = stack.enter_context(checkpoints_of(folder, config))
        if checkpoints.latest is not None:
            run.state = checkpoints.restore(run.state, checkpoints.latest)
            run.minutes = checkpoints.numbers(checkpoints.latest).get("minutes", 0.0)
        for tracker in trackers:
            stack.callback(tracker.close)
            tracker.start(int(run.state.step), config.steps)
        if int(run.state.step) < config.steps:
            validation = Validation(config, static, placement)
            run.to_the_end(source, validation, checkpoints, log_every)
        best = checkpoints.best
        assert best is not None
        return Outcome(int(run.state.step), best, checkpoints.error(best), int(run.state.skipped))


def beginning(config: TrainConfig, placement: Placement) -> tuple[Step, TrainState, eqx.Module]:
    """The compiled step of a configuration, the initial state, and the network without its
    trainable arrays."""
    network = _first_network(config)
    optimizer = make_optimizer(config.optimizer, config.steps)
    static = split_network(network)[1]
    loss = make_loss(config.loss, config.model.context)
    step = make_step(loss, optimizer, static, config.augment, config.average, placement)
    return step, placement.everywhere(first_state(network, optimizer, config.seed)), static


def _first_network(config: TrainConfig) -> Network:
    """A random network, or the one that the run starts from. Raises `ValueError` or `OSError` if
    the weights cannot be read or belong to another network."""
    if config.start is None:
        return config.model.build(named_key(config.seed, "model"))
    found = any_weights(config.start)
    if found.config != config.model:
        raise ValueError(
            f"The weights {config.start} belong to another network than {config.name}; start from "
            "weights of the same preset, or set what differs with --set model.…."
        )
    return found.network


def _updates_before(config: TrainConfig) -> int:
    """Those of the weights that the run starts from."""
    training = None if config.start is None else any_weights(config.start).training
    return 0 if training is None else training.earlier + training.steps


def make_batch_source(
    config: TrainConfig, workers: int = 0, rows: slice = slice(None)
) -> BatchSource:
    """The source of the training windows of a configuration, or of those `rows` of each batch.
    Raises `ValueError` if a file does not fit the model."""
    files = [Path(file) for file in (config.data.train, config.data.validation) if file is not None]
    for file in files:
        check_file(file, config.data.law, config.model)
    if config.data.train is None:
        trajectories = config.trajectories("train")
        windows, pairs = config.data.windows, config.model.pairs
        return BatchesFromSolver(trajectories, config.window, config.batch, windows, pairs, rows)
    return BatchesFromFiles(
        config.data.law,
        files[0],
        config.window,
        config.batch,
        config.data.limit,
        config.seed,
        workers,
        rows,
        config.model.cells,
    )


class _Run:
    """The state of a run and the step that advances it."""

    def __init__(self, config: TrainConfig, state: TrainState, step, placement, trackers):
        self.config = config
        self.state = state
        self.minutes = 0.0  # of earlier runs and this one
        earlier = _updates_before(config)
        self._earlier = {EARLIER: float(earlier)} if earlier else {}
        self._step = step
        self._placement = placement
        self._trackers = trackers

    def to_the_end(
        self, source: BatchSource, validation: Validation, checkpoints: Checkpoints, log_every: int
    ) -> None:
        config, done = self.config, int(self.state.step)
        before, started = self.minutes, time.perf_counter()
        began, first = started, done
        with contextlib.closing(source.batches(done)) as batches:
            for batch in batches:
                self.state, metrics = self._step(self.state, self._placement.batch(batch))
                done += 1
                looks = done % config.validation.every == 0 or done == config.steps
                if looks or done % log_every == 0:
                    # Reading the metrics waits for the device, so it is not done at each step.
                    self._report(done, metrics, done - first, began)
                    began, first = time.perf_counter(), done
                if looks:
                    self.minutes = before + (time.perf_counter() - started) / 60.0
                    self._validate(validation, checkpoints)
                    began = time.perf_counter()
                if done == config.steps:
                    return

    def _report(self, done: int, metrics: Metrics, steps: int, began: float) -> None:
        loss, norm, skipped, in_row = jax.device_get(
            (
                metrics["loss"],
                metrics["gradient_norm"],
                self.state.skipped,
                self.state.skipped_in_row,
            )
        )
        seconds = time.perf_counter() - began  # the numbers are there, so the steps are done
        self._log(
            done,
            {
                "loss": float(loss),
                "gradient_norm": float(norm),
                "skipped": float(skipped),
                "samples_per_second": steps * self.config.batch / seconds,
            },
        )
        if in_row >= self.config.stop.skipped:
            raise Diverged(
                f"The run was given up at step {done}: loss or gradient were not finite in "
                f"the last {plural(int(in_row), 'step')}; lower the learning rate or clip the "
                "gradient."
            )

    def _validate(self, validation: Validation, checkpoints: Checkpoints) -> None:
        errors = validation.errors(self.state.average)
        step = int(self.state.step)
        hopeless = errors["error"] >= validation.persistence
        in_row = int(self.state.hopeless_in_row) + 1 if hopeless else 0
        self.state = eqx.tree_at(
            lambda state: state.hopeless_in_row,
            self.state,
            self._placement.everywhere(jnp.asarray(in_row, jnp.int32)),
        )
        numbers = errors | {"minutes": self.minutes} | self._earlier
        self._log(step, numbers)
        checkpoints.save(self.state, numbers)
        if in_row >= self.config.stop.validations:
            raise Diverged(
                f"The run was given up at step {step}: in {in_row} validations in a row its "
                f"forecasts were no better than repeating a frame (error {errors['error']:.3g} "
                f"against {validation.persistence:.3g}); lower the learning rate."
            )

    def _log(self, step: int, numbers: dict[str, float]) -> None:
        for tracker in self._trackers:
            tracker.log(step, numbers)
