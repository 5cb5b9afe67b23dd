"""Distributes the chunks of a file to the processes of a Dask cluster, on one machine or many.

A task reads its chunk, processes it on one core, writes it to its place in the output and leaves a
mark there; the client only learns that it is done. If a worker or the client is lost, so are the
chunks it was working on, and they are done again.
"""

import contextlib
import functools
import logging
import os
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from hfluxno.batching import ahead, cores, on_one_core
from hfluxno.compilation_cache import cache_in_use, use_cache
from hfluxno.data.opening import opened
from hfluxno.data.reading import reading
from hfluxno.datasets.chunk import Chunk, Variables, needed, some, trajectories
from hfluxno.datasets.store import ChunkStore

if TYPE_CHECKING:
    import distributed

Item = TypeVar("Item")
Result = TypeVar("Result")

# A worker on this machine has one core and no accelerator, which several could not share.
_ENVIRONMENT = {"PJRT_NPROC": "1", "JAX_PLATFORMS": os.environ.get("JAX_PLATFORMS", "cpu")}
_LOCAL = "local"


def processed(chunk: Chunk, axes: dict[str, str], store: ChunkStore, members: slice) -> slice:
    """What is done to some trajectories of a file: `chunk` makes their results, and `store` keeps
    them. `axes` are the names that the user gives for time and x."""
    if not store.is_done(members):
        own = chunk.reading
        variables, _ = chunk_of(own.path, own.variable, axes, members)
        store.write(members, chunk(variables, members.start))
    return members


def chunk_of(
    path: Path, variable: str | None, axes: dict[str, str], members: slice
) -> tuple[Variables, dict[str, str]]:
    """The variables of some trajectories of a file, in memory, and what it calls its axes."""
    with opened(path, variable, dict(axes)) as (whole, names):
        along = some(needed(whole, variable), members)
        with reading(path):
            return {name: v.load() for name, v in along.items()}, dict(names)


def count_of(path: Path, variable: str | None, axes: dict[str, str]) -> int:
    """How many trajectories a file has. Raises `ValueError` or `OSError` if it is a single one,
    without an axis of its own, or cannot be read."""
    with opened(path, variable, dict(axes)) as (whole, _):
        if not any("trajectory" in v.dims for v in whole.values()):
            raise ValueError(
                f"{path} holds a single trajectory, for which one process is enough; leave out "
                "--scheduler."
            )
        return trajectories(whole)


@contextlib.contextmanager
def connected(scheduler: str, workers: int | None = None) -> "Iterator[distributed.Client]":
    """A client of the scheduler at this address; for `local`, of new processes on this machine, by
    default one per core.

    Raises `OSError` if no scheduler answers.
    """
    import dask
    import distributed

    with contextlib.ExitStack() as stack:
        # A process that has used JAX has threads, and a fork of it would wait for them forever.
        spawn = {"distributed.worker.multiprocessing-method": "spawn"}
        stack.enter_context(dask.config.set(spawn))
        if scheduler != _LOCAL:
            yield stack.enter_context(_client(distributed, scheduler))
            return
        with warnings.catch_warnings():
            # Without a dashboard it listens on its port all the same, or on another one.
            warnings.filterwarnings("ignore", r"Port \d+ is already in use", UserWarning)
            cluster = distributed.LocalCluster(
                n_workers=cores() if workers is None else workers,
                threads_per_worker=1,
                processes=True,
                dashboard_address=None,
                silence_logs=logging.CRITICAL,
                env=_ENVIRONMENT,
            )
        stack.enter_context(cluster)
        yield stack.enter_context(_client(distributed, cluster))


def _client(distributed, address) -> "distributed.Client":
    try:
        return distributed.Client(address)
    except (OSError, TimeoutError, ValueError) as error:
        raise OSError(
            f"No scheduler answers at {address}; give the address that dask scheduler shows, such "
            "as tcp://HOST:8786, or --scheduler local."
        ) from error


def _on_worker(task: Callable, programs: str | None, item: Any) -> Any:
    """A task in a process of a cluster: on one core, with the compiled programs of the client in
    the folder `programs`."""
    use_cache(programs)
    with on_one_core():
        return task(item)


def done(
    client: "distributed.Client", task: Callable[[Item], Result], chunks: Sequence[Item]
) -> Iterator[Result]:
    """Has the chunks processed, and yields what the task returns for each, in any order. Raises
    `OSError` if a worker cannot write, a chunk kills every worker, or the scheduler ends.
    """
    import distributed

    ours = functools.partial(_on_worker, task, cache_in_use())
    futures = client.map(ours, chunks, pure=False)
    for future in distributed.as_completed(futures):
        yield result(future, "choose a smaller --chunk, or fewer workers on a machine")
        future.release()


def in_order(
    client: "distributed.Client",
    task: Callable[[Item], Result],
    items: Iterable[Item],
    in_flight: int,
) -> Iterator[Result]:
    """What the task returns for each item, in their order; at most `in_flight` of them are being
    computed, or wait to be taken.

    Raises `OSError` as `done` does.
    """
    ours = functools.partial(_on_worker, task, cache_in_use())
    for future in ahead(lambda item: client.submit(ours, item, pure=False), items, in_flight):
        yield result(future)


def result(future: "distributed.Future", mend: str = "choose fewer workers on a machine") -> Any:
    """The result of a worker; `mend` is the advice if it lacks memory. Raises `OSError` if the task
    kills every worker, or the scheduler ends."""
    import distributed
    from distributed.utils import CancelledError

    try:
        return future.result()
    except CancelledError as error:
        raise OSError("The scheduler is gone, and its workers with it.") from error
    except distributed.KilledWorker as error:
        raise OSError(
            "Four workers ended while working on the same chunk, perhaps for lack of "
            f"memory; {mend}."
        ) from error
