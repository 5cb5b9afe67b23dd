"""Checkpoints of a run: the best by validation error and the last ones.

Orbax writes a checkpoint under a temporary name and renames it, so a killed run or a full disk
leaves the earlier ones untouched.
"""

import math
from pathlib import Path
from typing import Any

import jax
import orbax.checkpoint as ocp
from orbax.checkpoint.checkpoint_managers import preservation_policy
from orbax.checkpoint.options import MultiprocessingOptions

from hfluxno.training.state import TrainState

# The tree of a state is part of the format: increase this when it changes.
VERSION = 1


class Checkpoints:
    """The checkpoints in a folder.

    All processes of a run use them together, and the first creates the folder and writes; or with
    `alone` this one reads them for itself.
    """

    def __init__(self, folder: Path, best: int = 1, latest: int = 2, alone: bool = False):
        if best < 1 or latest < 1:
            raise ValueError(f"Keep at least one checkpoint of each kind; got {best} and {latest}.")
        policy = preservation_policy
        kept = [
            policy.LatestN(latest),
            # Orbax keeps the largest.
            policy.BestN(get_metric_fn=lambda metrics: -metrics["error"], n=best),
        ]
        processes = MultiprocessingOptions()
        if alone:
            own = jax.process_index()
            prefix = f"process {own}"
            processes = MultiprocessingOptions(own, {own}, barrier_sync_key_prefix=prefix)
        self.folder = Path(folder).absolute()
        self._manager = ocp.CheckpointManager(
            self.folder,
            item_names=("state",),
            options=ocp.CheckpointManagerOptions(
                create=not alone,
                best_fn=lambda metrics: -metrics["error"],  # without it no metrics are written
                preservation_policy=policy.AnyPreservationPolicy(kept),
                enable_async_checkpointing=False,
                cleanup_tmp_directories=True,
                multiprocessing_options=processes,
            ),
        )

    @property
    def latest(self) -> int | None:
        """The step of the last checkpoint."""
        return self._manager.latest_step()

    @property
    def best(self) -> int | None:
        """The step of the checkpoint with the least error, the last among equals."""
        errors = {step: self.error(step) for step in self._manager.all_steps()}
        return min(errors, key=lambda step: (errors[step], -step)) if errors else None

    def error(self, step: int) -> float:
        """The validation error of a checkpoint."""
        return self.numbers(step)["error"]

    def numbers(self, step: int) -> dict[str, float]:
        """The metrics stored with a checkpoint."""
        return dict(self._manager.metrics(step) or {"error": math.inf})

    def save(self, state: TrainState, numbers: dict[str, float]) -> None:
        """Adds a checkpoint.

        - `numbers`: stored with it; `error` is the validation error.

        Raises `OSError` if it cannot be written; the earlier ones remain.
        """
        step, before = int(state.step), self.latest
        try:
            self._manager.save(
                step,
                args=ocp.args.Composite(state=ocp.args.StandardSave(_named(state))),
                metrics=numbers,
            )
            self._manager.wait_until_finished()
        except Exception as failure:  # Orbax and its storage raise nearly any exception
            survives = "no earlier one" if before is None else f"the one of step {before} is intact"
            raise OSError(
                f"The checkpoint of step {step} cannot be written to {self.folder} "
                f"({_reason(failure)}); {survives}. Make room and run the same command again."
            ) from failure

    def restore(self, like: TrainState, step: int) -> TrainState:
        """The state of a checkpoint.

        - `like`: a state of the same run, for its shapes, types and places on devices.

        Raises `ValueError` if it is damaged or belongs to another network.
        """
        wanted = jax.tree.map(ocp.utils.to_shape_dtype_struct, _named(like))
        try:
            restored = self._manager.restore(
                step, args=ocp.args.Composite(state=ocp.args.StandardRestore(wanted))
            )
        except Exception as failure:
            raise ValueError(
                f"The checkpoint {self.folder / str(step)} is damaged, or belongs to another "
                f"network ({_reason(failure)}); delete it to resume from the previous one."
            ) from failure
        leaves = jax.tree.leaves(restored["state"])
        return jax.tree.unflatten(jax.tree.structure(like), leaves)

    def close(self) -> None:
        self._manager.close()

    def __enter__(self) -> "Checkpoints":
        return self

    def __exit__(self, *failure) -> None:
        self.close()


def _named(state: TrainState) -> dict[str, Any]:
    """The leaves by their place in the tree: Orbax knows dictionaries, not Equinox modules."""
    leaves = jax.tree_util.tree_flatten_with_path(state)[0]
    return {f"{i:05d}{jax.tree_util.keystr(path)}": leaf for i, (path, leaf) in enumerate(leaves)}


def _reason(failure: Exception) -> str:
    text = " ".join(str(failure).split()) or type(failure).__name__
    return text if len(text) <= 200 else text[:200] + " …"
