"""`hfluxno generate`: makes a data set of solved trajectories."""

import contextlib
import dataclasses
import functools
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import tyro
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from hfluxno.cli.clustered import SchedulerConfig
from hfluxno.data import Block, Configuration, Writer, block_size, blocks, recipe
from hfluxno.data.generate import block, block_starts
from hfluxno.fv import Status
from hfluxno.memory import check_memory
from hfluxno.plural import plural

# Defaults of two-dimensional sets that differ, as the networks need them.
_ON_A_PLANE: dict[str, Any] = {
    "initials": 1,
    "initial": "steps",
    "cells": 64,
    "frames": 41,
    "final_time": 0.6,
}
_AHEAD = 2  # blocks per core of a cluster, so that none waits for the client to write


@dataclasses.dataclass(frozen=True)
class GenerateConfig(SchedulerConfig):
    """Make a data set: many trajectories of one law with random coefficients.

    The file appears when it is complete. An interrupted run leaves a folder OUTPUT.partial;
    repeating the command resumes it.
    """

    law: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="LAW")]
    """The set: cubic, sine, shallow-water, shallow-water-authors, burgers, lwr,
    buckley-leverett, or euler-2d (gases that meet on a square)."""
    output: Annotated[Path, tyro.conf.arg(metavar="FILE", aliases=["-o"])]
    """Where to write: FILE.nc (NetCDF, for small sets), FILE.zarr (Zarr, for large ones) or, in two
    dimensions, FILE.hdf5 (The Well's layout)."""
    split: str = "train"
    """train, validation or test; each has its own random numbers."""
    laws: int | None = None
    """The number of coefficient draws; by default 1000 for the train split, 100 for the others."""
    initials: int | None = None
    """The number of initial conditions for each of them; by default 100, in two dimensions 1."""
    initial: str | None = None
    """The kind of initial condition: grf (a smooth random field) or steps (the default in two
    dimensions)."""
    cells: int | None = None
    """The number of cells on [0, 1], in two dimensions along each axis; by default 100, in two
    dimensions 64."""
    frames: int | None = None
    """The number of times, including the initial one; by default 101, in two dimensions 41."""
    final_time: float | None = None
    """The last time; by default 0.5, in two dimensions 0.6."""
    seed: int = 0
    """The seed; the same seed gives the same file."""
    float64: bool = False
    """Solve and store in double precision."""
    thinning: int = 1
    """Keep every N-th of the frames that the solver lands on: 10 as in the authors' cubic and sine
    sets, whose solver steps are therefore at most a tenth of the time between two frames."""
    batch: int = 2048
    """About how many trajectories are held in memory; it affects the speed, never the file."""
    overwrite: bool = False
    """Replace an existing file, or an interrupted run with another configuration."""


def main(config: GenerateConfig) -> int:
    """Makes the data set and reports how many trajectories failed. Raises `ValueError` if an option
    has an unknown or impossible value; `OSError` if the output exists or cannot be written."""
    if config.batch < 1:
        raise ValueError(f"batch must be at least 1; got {config.batch}.")
    configuration = _configuration(config)
    config.check_scheduler()
    _check_memory(configuration)
    writer = Writer(configuration, config.output, config.overwrite)
    console = Console()
    resumed, began = writer.written, time.perf_counter()
    if resumed:
        console.print(f"Resuming after {plural(resumed, 'trajectory')} of an interrupted run.")
    with _progress(console) as bar:
        task = bar.add_task(
            config.law, total=configuration.trajectories, completed=resumed, speed=""
        )
        with _blocks(config, configuration, resumed) as solved:
            for block in solved:
                writer.write(block)
                speed = (writer.written - resumed) / (time.perf_counter() - began)
                bar.update(task, completed=writer.written, speed=f"{speed:.0f}/s")
    counts = writer.finish()
    console.print(
        f"{plural(configuration.trajectories, 'trajectory')} of {config.law} in {config.output}.",
        style="bold",
    )
    failed = sum(number for status, number in counts.items() if status != Status.OK)
    if failed:
        share = 100.0 * failed / configuration.trajectories
        console.print(f"{failed} of them ({share:.2g} %) failed and are NaN from there on:")
        for status, number in counts.items():
            if status != Status.OK:
                console.print(f"  status {status}: {number}, {_reason(Status(status))}")
    return 0


def _configuration(config: GenerateConfig) -> Configuration:
    on_a_plane = recipe(config.law).axes == 2
    asked = {
        name: value
        for name in ("initials", "initial", "cells", "frames", "final_time")
        if (value := getattr(config, name)) is not None
    }
    laws = config.laws
    return Configuration(
        law=config.law,
        split=config.split,
        laws=laws if laws is not None else (1000 if config.split == "train" else 100),
        seed=config.seed,
        float64=config.float64,
        thinning=config.thinning,
        **((_ON_A_PLANE if on_a_plane else {}) | asked),
    )


def _check_memory(configuration: Configuration) -> None:
    """Checks that a block of trajectories fits in memory. Raises `ValueError` if it does not."""
    made = recipe(configuration.law)
    of_block = min(block_size(configuration), configuration.trajectories)
    numbers = len(configuration.fields) * configuration.cells**made.axes
    check_memory(
        configuration.frames,
        # One trajectory is solved on finer cells, and all of a block are kept.
        numbers * max(of_block, made.finer**made.axes),
        f"A set of {configuration.cells} cells along each axis and {configuration.frames} frames",
        "choose fewer with --cells and --frames",
    )


@contextlib.contextmanager
def _blocks(
    config: GenerateConfig, configuration: Configuration, start: int
) -> Iterator[Iterator[Block]]:
    """The blocks from `start` on, solved by this process or by those of a cluster."""
    from hfluxno.cli import runtime

    runtime.prepared()
    if config.scheduler is None:
        in_flight = max(1, config.batch // block_size(configuration))
        yield blocks(configuration, start, in_flight=in_flight)
        return
    from hfluxno.datasets.cluster import connected, in_order, result

    with connected(config.scheduler, config.workers) as client:
        threads = sum(client.nthreads().values())
        in_flight = max(1, config.batch // block_size(configuration), _AHEAD * threads)
        # Workers may have another kind of device than the client, and so other blocks.
        size = result(client.submit(block_size, configuration))
        solve = functools.partial(block, configuration)
        yield in_order(client, solve, block_starts(configuration, start, size), in_flight)


def _reason(status: Status) -> str:
    return {
        Status.NON_FINITE: "the state became non-finite",
        Status.TOO_MANY_STEPS: "too many steps were needed between two frames",
    }[status]


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[speed]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
    )
