"""`hfluxno train`: trains a network from a preset."""

import contextlib
import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from hfluxno.extras import require
from hfluxno.plural import plural

if TYPE_CHECKING:
    from hfluxno.training.trainer import Outcome


@dataclasses.dataclass(frozen=True)
class TrainCommand:
    """Train a network from a preset.

    The folder of the run gets the whole configuration, checkpoints, the metrics as JSON lines and,
    at the end, the weights, for `hfluxno forecast --weights` and `hfluxno evaluate`. Repeating the
    command resumes an interrupted run from its last checkpoint.

    Example: hfluxno train cpu-hfluxno-small-cubic --output runs/cubic --set optimizer.peak=1e-3
    """

    preset: tyro.conf.Positional[Annotated[str, tyro.conf.arg(metavar="PRESET")]]
    """What to train, METHOD-SET with a prefix: paper- is the published protocol, of hfluxno, dpot,
    disco and fno; cpu- is for two cores: hfluxno-base (the published architecture and size),
    hfluxno-small (half as wide), its variants hfluxno-weak-form and hfluxno-law, dpot, disco, fno,
    flux-no and icon. ablation-ENCODER-FLUX (trecvit, vit or dpot; local or fourier) and
    ablation-loss-LOSS (one-step, pushforward or denoising) take ten minutes on one core. tiny is
    for trying the command. list prints the names of all."""
    output: Annotated[Path | None, tyro.conf.arg(metavar="FOLDER", aliases=["-o"])] = None
    """The folder of the run; by default runs/PRESET."""
    seed: int | None = None
    """The seed of everything: data, order, initial weights, augmentation."""
    steps: int | None = None
    """The number of updates."""
    start: Annotated[str | None, tyro.conf.arg(metavar="WEIGHTS")] = None
    """Start from these weights instead of random ones: the name of a shipped network, a folder, a
    run or a hub id. With the same --seed it sees the same windows again."""
    train: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Take training windows from this data set of `hfluxno generate`; by default they are solved
    during training."""
    validation: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Take the validation windows from this data set."""
    set: Annotated[tuple[str, ...], tyro.conf.arg(metavar="KEY=VALUE")] = ()
    """Change values of the configuration: optimizer.peak=1e-3 loss.steps=4."""
    device: Annotated[str | None, tyro.conf.arg(metavar="NAME")] = None
    """cpu, gpu or tpu; all devices of that kind are used. By default the best available kind."""
    workers: int = 0
    """How many processes read files; it affects the speed, never a result."""
    processes: Annotated[int | None, tyro.conf.arg(metavar="N")] = None
    """Train with N processes, which share every batch. Without --coordinator they are started here
    and share the cores of this machine; with it this is one of them, and all must get the same
    command and the same folder on a shared file system."""
    coordinator: Annotated[str | None, tyro.conf.arg(metavar="HOST:PORT")] = None
    """Where process 0 waits for the others: its host and a free port; auto if SLURM, Open MPI or
    Kubernetes provide it, and the number of this process. The traffic is not encrypted."""
    process: Annotated[int | None, tyro.conf.arg(metavar="I")] = None
    """With --coordinator, the number of this process, from 0."""
    log_every: int = 20
    """The number of steps between two reports of the loss."""
    tensorboard: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Also write TensorBoard's files to the folder."""
    wandb: Annotated[str | None, tyro.conf.arg(metavar="PROJECT")] = None
    """Also report to this project of Weights & Biases."""


def main(config: TrainCommand) -> int:
    """Trains and writes the weights; returns 1 if the run was given up. Of several processes the
    first writes and reports.

    Raises `ValueError` if an option, the data or a checkpoint cannot be used; `OSError` if a file
    cannot be read or written.
    """
    import functools
    import sys

    require("hfluxno train", "train")
    from rich.console import Console
    from rich.markup import escape

    from hfluxno.cli.processes import together
    from hfluxno.training.presets import PRESETS
    from hfluxno.training.trainer import Diverged

    if config.preset == "list":
        sys.stdout.write("\n".join(PRESETS) + "\n")
        return 0
    _check_processes(config)
    if config.log_every < 1:
        raise ValueError(f"--log-every must be at least 1; got {config.log_every}.")
    resolved = resolve(config)
    count = config.processes or 1
    try:
        if config.coordinator is None and count > 1:
            outcome = together(functools.partial(one_of, config), count)
        else:
            outcome = one_of(config, config.coordinator, config.process, count)
    except Diverged as given_up:
        sys.stderr.write(f"hfluxno: {given_up}\n")
        return 1
    if outcome is None:
        return 0
    console = Console()
    weights = _folder(config) / resolved.name
    console.print(
        f"{plural(outcome.steps, 'step')}; the best validation error is {outcome.best_error:.4g}, "
        f"at step {outcome.best_step}.",
        highlight=False,
    )
    if outcome.skipped:
        console.print(f"{outcome.skipped} updates were skipped as not finite.", highlight=False)
    console.print(f"wrote {escape(str(weights))}", soft_wrap=True, highlight=False)
    return 0


def one_of(
    config: TrainCommand, coordinator: str | None, process: int | None, processes: int
) -> "Outcome | None":
    """Trains in this process; with a `coordinator` it is one of several, see
    `hfluxno.training.processes.joined`."""
    from hfluxno.training.processes import joined
    from hfluxno.training.sharding import use_cores

    use_cores(resolve(config).batch // processes)
    with joined(coordinator, process, processes) if coordinator else contextlib.nullcontext():
        return _train(config)


def _train(config: TrainCommand) -> "Outcome | None":
    """How the run ended, in its first process."""
    from rich.console import Console

    from hfluxno.cli import runtime
    from hfluxno.training.processes import is_first
    from hfluxno.training.progress import ProgressBar
    from hfluxno.training.release import release
    from hfluxno.training.run_folder import METRICS
    from hfluxno.training.trackers import JsonLines, TensorBoard, Tracker, WeightsAndBiases
    from hfluxno.training.trainer import train

    runtime.prepared()
    resolved, folder = resolve(config), _folder(config)
    trackers: list[Tracker] = []
    if is_first():
        trackers += [JsonLines(folder / METRICS), ProgressBar(resolved.name, Console(stderr=True))]
        if config.tensorboard:
            trackers.append(TensorBoard(folder / "tensorboard"))
        if config.wandb is not None:
            trackers.append(WeightsAndBiases(config.wandb, folder, dataclasses.asdict(resolved)))
    outcome = train(
        resolved,
        folder,
        trackers=trackers,
        device=config.device,
        workers=config.workers,
        log_every=config.log_every,
    )
    if not is_first():
        return None
    release(folder, folder / resolved.name)
    return outcome


def _folder(config: TrainCommand) -> Path:
    return config.output or Path("runs") / config.preset


def _check_processes(config: TrainCommand) -> None:
    """Checks the options for several processes. Raises `ValueError` if they are not valid."""
    count, process, coordinator = config.processes, config.process, config.coordinator
    if count is not None and count < 1:
        raise ValueError(f"--processes must be at least 1; got {count}.")
    if coordinator is None:
        if process is not None:
            raise ValueError("--process belongs to --coordinator HOST:PORT; leave it out.")
        if count not in (None, 1) and config.device not in (None, "cpu"):
            raise ValueError(
                f"The processes that --processes starts compute on the CPU, not on a "
                f"{config.device}; leave it out, since one process uses all devices of a machine."
            )
    elif count is None:
        raise ValueError("--coordinator also needs --processes N: how many there are.")
    elif coordinator == "auto":
        if process is not None:
            raise ValueError("--coordinator auto knows which process this is; leave out --process.")
    elif ":" not in coordinator:
        raise ValueError(f"--coordinator takes HOST:PORT or auto; got {coordinator!r}.")
    elif process is None or not 0 <= process < count:
        raise ValueError(
            f"--coordinator {coordinator} also needs --process I, from 0 to {count - 1}; got "
            f"{process}."
        )


def resolve(config: TrainCommand):
    """The training configuration that the options ask for, a `TrainConfig`. Raises `ValueError` if
    a name is unknown or a value is impossible."""
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
