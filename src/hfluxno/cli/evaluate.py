"""`hfluxno evaluate`: the errors of a network on a data set."""

import dataclasses
import sys
from pathlib import Path
from typing import Annotated

import tyro

from hfluxno.cli.clustered import SchedulerConfig
from hfluxno.extras import require
from hfluxno.plural import plural


@dataclasses.dataclass(frozen=True)
class EvaluateConfig(SchedulerConfig):
    """Measure a network on a data set of `hfluxno generate`.

    All windows of the set are forecast for one step and for --steps steps, and each trajectory from
    its first frames to its end. Errors are relative, in the norms l2 and l∞.

    Example: hfluxno evaluate --weights hfluxno-small-cubic --data cubic-test.nc --output cubic.json
    """

    weights: Annotated[str, tyro.conf.arg(metavar="NAME")]
    """Shipped weights (hfluxno-small-cubic), a folder with weights, the folder of a run of `hfluxno
    train` (its best checkpoint), or an id of the Hugging Face hub."""
    data: Annotated[Path, tyro.conf.arg(metavar="FILE")]
    """The data set, usually a test split."""
    refinement: Annotated[int | None, tyro.conf.arg(metavar="N")] = None
    """How many Levenberg-Marquardt steps, 0 to 3, an inferred law takes on each context."""
    steps: int = 20
    """The number of frames to forecast from each window."""
    every: int = 1
    """Use windows that start at every N-th frame; 1 for all."""
    trajectories: int | None = None
    """Use only the first N trajectories."""
    output: Annotated[Path | None, tyro.conf.arg(metavar="FILE", aliases=["-o"])] = None
    """Where to write all numbers as .json; by default NAME_DATA.json in the current folder."""
    json: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Print the numbers as one JSON object, and nothing else."""


def main(config: EvaluateConfig) -> int:
    """Evaluates, writes and shows. Raises `ValueError` if an option, the weights or the data are at
    fault; `OSError` if a file cannot be read or written."""
    require("hfluxno evaluate", "train")
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import Progress

    from hfluxno.cli import report, runtime
    from hfluxno.cli.evaluate_chunks import evaluate_on, loaded
    from hfluxno.data.parts import NamedWeights
    from hfluxno.data.replacing import check_writable, replace_text
    from hfluxno.evaluation.windows import Windows

    config.check_scheduler()
    name = Path(config.weights).name
    output = config.output or Path(f"{name}_{config.data.stem}.json")
    check_writable(output, (".json",), config.data)
    network = NamedWeights.of(config.weights, config.refinement)
    with runtime.prepared():
        asked = config.steps, config.every, config.trajectories
        windows = Windows.of(loaded(network), config.data, *asked)
        with Progress(console=Console(stderr=True)) as bar:
            task = bar.add_task(name, total=None)

            def advance(done: int, total: int) -> None:
                bar.update(task, completed=done, total=total)

            if config.scheduler is None:
                errors = windows.evaluated(loaded(network), config.data, advance)
            else:
                cluster = config.scheduler, config.workers
                errors = evaluate_on(*cluster, windows, network, config.data, output, advance)
    described = {
        "weights": config.weights,
        "data": str(config.data),
        "refinement": config.refinement,
        "every": config.every,
    }
    text = report.as_json(described | dataclasses.asdict(errors))
    replace_text(output, text + "\n")
    if config.json:
        sys.stdout.write(text + "\n")
        return 0
    console = Console(highlight=False)
    console.print(
        f"[bold]{escape(name)}[/bold] on {escape(str(config.data))}: "
        f"{plural(errors.windows, 'window')} of {plural(errors.trajectories, 'trajectory')}, "
        f"context {plural(errors.context, 'frame')}"
    )
    console.print(_table(errors))
    if errors.left_out:
        console.print(f"Left out because unsolved: {plural(errors.left_out, 'trajectory')}.")
    for sentence, count in errors.statuses.items():
        console.print(f"{count:>7}  {escape(sentence)}", soft_wrap=True)
    console.print(f"wrote {escape(str(output))}", soft_wrap=True)
    return 0


def _table(errors):
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    table.add_column("relative error", style="dim", no_wrap=True)
    for column in ("mean", "median", "95th percentile", "failures"):
        table.add_column(column, justify="right")
    steps = errors.steps
    last = len(errors.times)
    rows = [
        *(("1 step", norm, summary) for norm, summary in errors.one_step.items()),
        *((f"{steps} steps", norm, summary) for norm, summary in errors.all_steps.items()),
    ]
    for j in sorted({0, last // 4, last // 2, (3 * last) // 4, last - 1}):
        rows.append((f"roll-out, t = {errors.times[j]:g}", "l2", errors.over_time["l2"][j]))
    for what, norm, summary in rows:
        numbers = (f"{value:.3g}" for value in (summary.mean, summary.median, summary.p95))
        label = f"{what}, {norm.replace('linf', 'l∞')}"
        table.add_row(label, *numbers, str(summary.failures))
    return table
