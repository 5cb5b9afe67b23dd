"""The network of a run: as released weights, and as a forecaster."""

from pathlib import Path
from typing import Any

from hfluxno.models.forecaster import NetworkForecaster
from hfluxno.models.provenance import Training
from hfluxno.models.weights import load, save_pretrained
from hfluxno.plural import plural
from hfluxno.training.configuration import TrainConfig
from hfluxno.training.run_folder import EARLIER, Trained, is_run, load_best


def release(run: Path, folder: Path) -> None:
    """Writes the best network of a run as released weights (see `hfluxno.models.weights`). Raises
    `ValueError` if the checkpoint cannot be used; `OSError` if a file cannot be
    read or written.
    """
    trained = load_best(run)
    save_pretrained(folder, trained.network, trained.config.model, provenance(trained))


def any_weights(source: str) -> NetworkForecaster:
    """The network of a released name, folder or hub id, or the best one of a run. Raises
    `ValueError` if there is no such network, or this version cannot read its files; `OSError` if a
    file cannot be read.
    """
    folder = Path(source)
    if not is_run(folder):
        return load(source)
    trained = load_best(folder)
    return NetworkForecaster(
        trained.network, trained.config.model, folder.name, provenance(trained)
    )


def provenance(trained: Trained) -> Training:
    """Where the weights of a run come from."""
    config, validation = trained.config, trained.config.validation
    return Training(
        data=_data(config),
        **protocol(config),
        preset=config.name,
        seed=config.seed,
        steps=trained.step,
        earlier=int(trained.numbers.get(EARLIER, 0)),
        minutes=trained.numbers.get("minutes", 0.0),
        validation_error=trained.numbers["error"],
        measure=f"mean relative l2 over {plural(validation.steps, 'frame')}, each at most 1, of "
        f"{plural(validation.windows, 'window')} with a {validation.context_mode} context",
        limits=(
            "Trained on laws and initial states like those of the data set "
            f"{config.data.law} (see docs/data_format.md); on others its error is unknown.",
            f"Trained at times up to {config.data.limit:g}.",
        ),
    )


def protocol(config: TrainConfig) -> dict[str, Any]:
    """The training apart from the network and the number of updates, in words."""
    averaged = f", mean of the weights {config.average:g}" if config.average else ""
    return {
        "data_set": config.data.law,
        "batch": config.batch,
        "loss": config.loss.description,
        "augmentation": config.augment.description,
        "optimizer": config.optimizer.description + averaged,
    }


def _data(config: TrainConfig) -> str:
    data = config.data
    origin = "generated while training" if data.train is None else "from a file"
    before = "" if config.start is None else f"; from the weights {Path(config.start).name}"
    return (
        f"{data.law} with `{data.initial}` initial conditions, {origin}, windows with t ≤ "
        f"{data.limit:g}, {config.batch} a step{before}"
    )
