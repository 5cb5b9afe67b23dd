"""Batches in chunks, by the processes of a cluster: the option `--scheduler` of several commands.

Each worker reads, processes and writes its own chunks, so no process holds more than a chunk.
"""

import dataclasses
import functools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from hfluxno.cli.input import MeasuredConfig, bounds_of
from hfluxno.extras import require

if TYPE_CHECKING:
    from hfluxno.data.readers import ReadOptions
    from hfluxno.data.source import Source
    from hfluxno.datasets.work import Work

_CHUNK = 64  # trajectories


@dataclasses.dataclass(frozen=True, kw_only=True)
class SchedulerConfig:
    """Which processes do the work."""

    scheduler: Annotated[str | None, tyro.conf.arg(metavar="ADDRESS")] = None
    """Use the processes of a Dask cluster: local (on this machine) or the address of a scheduler.
    Repeating the command resumes an interrupted run."""
    workers: Annotated[int | None, tyro.conf.arg(metavar="N")] = None
    """The number of processes of the scheduler local; by default one per core."""

    def check_scheduler(self, *single: str) -> None:
        """Checks the number of workers, the packages of a scheduler, and that no option is given
        with it that is for a `single` trajectory. Raises `ValueError` if the options are not valid.
        """
        for name in single:
            if self.scheduler is not None and getattr(self, name) is not None:
                raise ValueError(
                    f"--{name} shows a single trajectory and cannot be combined with --scheduler; "
                    "leave one of them out."
                )
        if self.workers is not None and self.workers < 1:
            raise ValueError(f"--workers must be at least 1; got {self.workers}.")
        if self.workers is not None and self.scheduler != "local":
            raise ValueError(
                "--workers belongs to --scheduler local; add that, or leave out --workers."
            )
        if self.scheduler is not None:
            require("A scheduler", "cluster", otherwise="or leave out --scheduler")


@dataclasses.dataclass(frozen=True, kw_only=True)
class ClusterConfig(SchedulerConfig, MeasuredConfig):
    """Which processes do the work; `context` and `output` are those of the command."""

    context: int | None = None
    output: Path | None = None
    json: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Print the report as one JSON object, and nothing else."""
    chunk: Annotated[int | None, tyro.conf.arg(metavar="N")] = None
    """With --scheduler, how many trajectories a process holds and writes at a time, by default 64;
    the workers must see the same files, and the output is a Zarr store."""

    def check_scheduler(self, *single: str) -> None:
        super().check_scheduler(*single)
        if self.chunk is not None and self.scheduler is None:
            raise ValueError("--chunk belongs to --scheduler; leave it out.")
        if self.chunk is not None and self.chunk < 1:
            raise ValueError(f"--chunk must be at least 1; got {self.chunk}.")


def _check_options(config: ClusterConfig, others: tuple[str, ...]) -> None:
    """Checks that no option needs a single process. Raises `ValueError` if the options are not
    valid."""
    config.check_line()
    config.check_scheduler("trajectory", *others)
    if config.flow is not None:
        raise ValueError("--flow is not read in chunks; leave out --scheduler.")
    if config.gamma is not None:
        raise ValueError(
            "--gamma computes no energy in chunks on a line; leave out --scheduler, or store the "
            "momentum and the energy in the file."
        )


def main(
    config: ClusterConfig,
    name: str,
    task: str,
    work_on: "Callable[[Source], Work]",
    single: tuple[str, ...],
    **own,
) -> int:
    """Has all chunks of the input processed into an output, and reports on it.

    - `name`: what the output is called after the name of the input, if the user does not say.
    - `task`: what is being done, for the progress line.
    - `work_on`: makes the work, given the first usable trajectory.
    - `single`: options of the command that are for a single trajectory.
    - `own`: what else the command reports.

    Raises `ValueError` if an option or the input is at fault; `OSError` if something cannot be read
    or written; the message says what remains.
    """
    from hfluxno.cli import report, runtime
    from hfluxno.cli.forecast_parts import resumed
    from hfluxno.cli.given_law import with_fields
    from hfluxno.data.partial import Partial
    from hfluxno.data.parts import file_fingerprint
    from hfluxno.data.replacing import check_writable
    from hfluxno.datasets.chunk import prepared, usable
    from hfluxno.datasets.cluster import chunk_of, count_of, processed
    from hfluxno.datasets.store import ChunkStore

    _check_options(config, single)
    asked, config = config, with_fields(config, axes=1)
    assert config.scheduler is not None
    output = config.output or Path(f"{config.input.stem}_{name}.zarr")
    for read in (config.input, config.ends):
        check_writable(output, (".zarr",), read)
    runtime.prepared()
    axes = config.axes
    total, size = count_of(config.input, config.variable, axes), config.chunk or _CHUNK
    chunks = [slice(i, min(i + size, total)) for i in range(0, total, size)]
    first, names = chunk_of(config.input, config.variable, axes, chunks[0])
    reading = dataclasses.replace(_reading(config), names=names)
    source = usable(reading, first)
    report.hint(source)
    reading = dataclasses.replace(
        reading,
        variable=config.variable or source.variable,
        cells=len(source.x),
        noise=config.one_noise_of(source),
    )
    chunk = prepared(reading, work_on(source), first)
    store = ChunkStore(Partial(output.absolute()))
    made_by = file_fingerprint(reading.path, asked.deciding())
    store.start(chunk.layout, total, size, made_by)
    left = [members for members in chunks if not store.is_done(members)]
    work = functools.partial(processed, chunk, axes, store)
    finish = functools.partial(store.finish, chunks)
    cluster = config.scheduler, config.workers
    resumed(store.partial, chunks, left, work, finish, task, "context", *cluster)
    _show(config, output, source, own)
    return 0


def _reading(config: ClusterConfig) -> "ReadOptions":
    """How the variables of the file become the input of the work."""
    from hfluxno.data.boundary_pair import boundary_pair
    from hfluxno.data.marks import marks_of
    from hfluxno.data.readers import ReadOptions
    from hfluxno.data.uneven import domain_of

    domain = None if config.domain is None else domain_of(config.domain)
    ends = None if config.ends is None else config.ends.absolute()
    return ReadOptions(
        path=config.input.absolute(),
        variable=config.variable,
        boundary=boundary_pair(config.boundary),
        assumed=config.boundary is None,
        cells=config.cells,
        domain=domain,
        ends=ends,
        average=config.average,
        missing=marks_of(config.missing),
        bounds=None if config.bounds is None else bounds_of(config.bounds),
    )


def _show(config: ClusterConfig, output: Path, source: "Source", own: dict) -> None:
    """Reports on all trajectories of a finished output: their statuses and back-test errors."""
    from hfluxno.cli import report
    from hfluxno.datasets.store import outcome

    summary = {
        "input": str(source.path),
        "variable": source.variable,
        "fields": list(source.fields),
        "boundary": list(source.boundary),
        "cells": len(source.x),
        "context_frames": source.frames if config.context is None else config.context,
        **own,
        **outcome(output),
        "files": [str(output)],
    }
    if config.json:
        report.print_json(summary)
    else:
        report.show_outcome(summary)
