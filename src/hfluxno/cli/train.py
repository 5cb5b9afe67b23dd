"""`hfluxno train`: trains a network from a preset."""

import dataclasses
from pathlib import Path
from typing import Annotated

import tyro

from hfluxno.extras import require


@dataclasses.dataclass(frozen=True)
class TrainCommand:
    """Train a network from a preset.

    The folder of the run gets the whole configuration, checkpoints, the numbers of the run as JSON
    lines, and in the end the weights, for `hfluxno forecast --weights` and `hfluxno evaluate`. The
    same command takes a run that was interrupted up from its last checkpoint.

    Example: hfluxno train cpu-hfluxno-small-cubic --output runs/cubic --set optimizer.peak=1e-3
    """

    preset: tyro.conf.Positional[Annotated[str, tyro.conf.arg(metavar="PRESET")]]
    """What to train, METHOD-SET with a prefix: paper- is the published protocol, of hfluxno, dpot,
    disco and fno; cpu- is for two cores: hfluxno-base (the published architecture and size),
    hfluxno-small (half as wide), its variants hfluxno-weak-form and hfluxno-law, dpot, disco, fno,
    flux-no and icon. ablation-ENCODER-FLUX (trecvit, vit or dpot; local or fourier) and
    ablation-loss-LOSS (one-step, pushforward or denoising) take ten minutes of one core. A wrong
    name lists all. tiny is for trying the command."""
    output: Annotated[Path | None, tyro.conf.arg(metavar="FOLDER", aliases=["-o"])] = None
    """The folder of the run; runs/PRESET where it is left out."""
    seed: int | None = None
    """The seed of everything: data, order, first weights, augmentation."""
    steps: int | None = None
    """The number of updates."""
    start: Annotated[str | None, tyro.conf.arg(metavar="WEIGHTS")] = None
    """Go on from these weights in place of random ones: the name of a network that ships, a folder,
    a run or a hub id. With the same --seed it sees the same windows again."""
    train: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Take training windows from this data set of `hfluxno generate`; without it they are solved
    while the training runs."""
    validation: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Take the validation windows from this data set."""
    set: Annotated[tuple[str, ...], tyro.conf.arg(metavar="KEY=VALUE")] = ()
    """Other values of the configuration, by their place in it: optimizer.peak=1e-3 loss.steps=4."""
    device: Annotated[str | None, tyro.conf.arg(metavar="NAME")] = None
    """cpu, gpu or tpu; all of that kind are used. By default the best that is there."""
    workers: int = 0
    """How many processes read files; it changes the speed, never a number."""
    log_every: int = 20
    """The number of steps between two reports of the loss."""
    tensorboard: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Also write TensorBoard's files to the folder."""
    wandb: Annotated[str | None, tyro.conf.arg(metavar="PROJECT")] = None
    """Also report to this project of Weights & Biases."""


def main(config: TrainCommand) -> int:
    """Trains and writes the weights; returns 1 where the run was given up.

    **Raises:**

    - `ValueError`, where an option, the data or a checkpoint cannot be used.
    - `OSError`, where a file cannot be read or written.
    """
    import sys

    require("hfluxno train", "train")
    from rich.console import Console
    from rich.markup import escape

    from hfluxno.cli import runtime
    from hfluxno.training.progress import ProgressBar
    from hfluxno.training.release import release
    from hfluxno.training.run_folder import METRICS
    from hfluxno.training.sharding import use_cores
    from hfluxno.training.trackers import JsonLines, TensorBoard, Tracker, WeightsAndBiases
    from hfluxno.training.trainer import Diverged, train

    if config.log_every < 1:
        raise ValueError(f"--log-every must be at least 1; got {config.log_every}.")
    resolved = resolve(config)
    folder = config.output or Path("runs") / config.preset
    console = Console()
    trackers: list[Tracker] = [
        JsonLines(folder / METRICS),
        ProgressBar(resolved.name, Console(stderr=True)),
    ]
    if config.tensorboard:
        trackers.append(TensorBoard(folder / "tensorboard"))
    if config.wandb is not None:
        trackers.append(WeightsAndBiases(config.wandb, folder, dataclasses.asdict(resolved)))
    use_cores(resolved.batch)
    with runtime.prepared():
        try:
            outcome = train(
                resolved,
                folder,
                trackers=trackers,
                device=config.device,
                workers=config.workers,
                log_every=config.log_every,
            )
        except Diverged as given_up:
            sys.stderr.write(f"hfluxno: {given_up}\n")
            return 1
        weights = folder / resolved.name
        release(folder, weights)
    console.print(
        f"{outcome.steps} steps; the best validation error is {outcome.best_error:.4g}, at step "
        f"{outcome.best_step}.",
        highlight=False,
    )
    if outcome.skipped:
        console.print(f"{outcome.skipped} updates were not finite and left out.", highlight=False)
    console.print(f"wrote {escape(str(weights))}", soft_wrap=True, highlight=False)
    return 0


def resolve(config: TrainCommand):
    """The training configuration that the options ask for, a `TrainConfig`.

    **Raises:**

    - `ValueError`, where a name is unknown or a value is impossible.
    """
    from hfluxno.training.overrides import override
    from hfluxno.training.presets import preset

    changes = [change.partition("=") for change in config.set]
    for text, (key, sign, value) in zip(config.set, changes, strict=True):
        if not (key and sign and value):
            raise ValueError(f"--set takes KEY=VALUE, as in optimizer.peak=1e-3; got {text!r}.")
    values = {key: value for key, _, value in changes}
    for key, given in (
        ("seed", config.seed),
        ("steps", config.steps),
        ("start", config.start),
        ("data.train", config.train),
        ("data.validation", config.validation),
    ):
        if given is not None:
            values[key] = str(given)
    return override(preset(config.preset), values)
