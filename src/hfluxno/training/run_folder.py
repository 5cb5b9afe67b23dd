"""The folder of a run: its configuration, checkpoints and numbers.

RUN/config.json      the whole configuration and what made it
RUN/checkpoints/     one folder for each step that is kept
RUN/metrics.jsonl    the numbers, one JSON object a line
"""

import dataclasses
import json
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
from jax.experimental.multihost_utils import sync_global_devices

from hfluxno.data.replacing import replace_text
from hfluxno.models.network import Network
from hfluxno.strict_json import from_dict, to_dict
from hfluxno.training.checkpoint import VERSION, Checkpoints
from hfluxno.training.configuration import TrainConfig
from hfluxno.training.optimizer import make_optimizer
from hfluxno.training.state import first_state, named_key, split_network
from hfluxno.version import version_name

_CONFIG, _CHECKPOINTS, METRICS = "config.json", "checkpoints", "metrics.jsonl"
EARLIER = "earlier_updates"  # the number of a checkpoint, if the run started from weights


@dataclasses.dataclass(frozen=True)
class Trained:
    """The result of a run.

    - `config`: its configuration.
    - `network`: that of the best checkpoint, with the mean of its weights.
    - `step`: the step of that checkpoint.
    - `numbers`: its metrics: `error` is the validation error, `minutes` the time taken.
    """

    config: TrainConfig
    network: Network
    step: int
    numbers: dict[str, float]


def open_run(folder: Path, config: TrainConfig) -> None:
    """Creates the folder of a run, or checks that it contains a run of this configuration. Raises
    `ValueError` if it contains another run; `OSError` if it cannot be written, or contains
    something else.
    """
    if not folder.exists() or not any(folder.iterdir()):
        folder.mkdir(parents=True, exist_ok=True)
        made_by = {"hfluxno": version_name(), "jax": jax.__version__}
        text = json.dumps(
            {"format": VERSION, "made_by": made_by, "config": to_dict(config)}, indent=2
        )
        replace_text(folder / _CONFIG, text + "\n")
        return
    found = to_dict(read_config(folder))
    different = _differences(found, to_dict(config))
    if different:
        raise ValueError(
            f"{folder} holds a run with another configuration (it differs in "
            f"{', '.join(different)}); continue with its own, or choose another --output."
        )


def open_together(folder: Path, config: TrainConfig) -> None:
    """Like `open_run`, for several processes: the first creates the folder that all use. Raises
    `ValueError` or `OSError` as in `open_run`.
    """
    if jax.process_index() == 0:
        open_run(folder, config)
    if jax.process_count() == 1:
        return
    sync_global_devices("the folder of the run")
    if not (folder / _CONFIG).exists():
        raise FileNotFoundError(
            f"Process {jax.process_index()} does not see what the first one wrote to {folder}; "
            "give an --output on a file system that all processes share."
        )


def is_run(folder: Path) -> bool:
    """Whether a folder is that of a run with checkpoints."""
    return (folder / _CHECKPOINTS).is_dir()


def read_config(folder: Path) -> TrainConfig:
    """The configuration of a run. Raises `OSError` if the folder is not that of a run; `ValueError`
    if it was written by another version, or by hand."""
    path = folder / _CONFIG
    try:
        written = json.loads(path.read_text())
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f"{folder} is not the folder of a run: it has no {_CONFIG}."
        ) from error
    except ValueError as error:
        raise ValueError(f"{path} is damaged ({error}); choose another folder.") from error
    if not isinstance(written, dict) or written.get("format") != VERSION:
        found = written.get("format") if isinstance(written, dict) else None
        raise ValueError(
            f"{folder} is a run in the format {found}, this hfluxno reads the format {VERSION}; "
            "use the version that made it, or train again."
        )
    return from_dict(TrainConfig, written.get("config"), str(path))


def checkpoints_of(folder: Path, config: TrainConfig, alone: bool = False) -> Checkpoints:
    return Checkpoints(folder / _CHECKPOINTS, config.best, config.latest, alone)


def load_best(folder: Path) -> Trained:
    """The best network of a run, for this process only. Raises `OSError` if the folder is not that
    of a run, or has no checkpoint yet; `ValueError` if the checkpoint cannot be used."""
    config = read_config(folder)
    none = FileNotFoundError(f"{folder} has no checkpoint yet; train for longer.")
    if not is_run(folder):
        raise none
    network = config.model.build(named_key(config.seed, "model"))
    like = first_state(network, make_optimizer(config.optimizer, config.steps), config.seed)
    with checkpoints_of(folder, config, alone=True) as checkpoints:
        step = checkpoints.best
        if step is None:
            raise none
        state = checkpoints.restore(like, step)
        numbers = checkpoints.numbers(step)
    return Trained(config, eqx.combine(state.average, split_network(network)[1]), step, numbers)


def _differences(found: Any, wanted: Any, where: str = "") -> list[str]:
    """The dotted keys in which two trees of dictionaries differ."""
    if not (isinstance(found, dict) and isinstance(wanted, dict)):
        return [] if found == wanted else [where]
    keys = dict.fromkeys([*found, *wanted])
    paths = [(key, f"{where}.{key}" if where else key) for key in keys]
    return [d for key, path in paths for d in _differences(found.get(key), wanted.get(key), path)]
