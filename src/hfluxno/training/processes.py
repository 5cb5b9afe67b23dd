"""Several processes that train together, on one machine or on many.

Each gets the same configuration, reads its own rows of every batch and computes their gradient; JAX
averages the gradients (on CPUs with Gloo), so all make the same update. The first process writes
the folder of the run, its metrics and the released weights.
"""

import atexit
import contextlib
import os
import re
import signal
from collections.abc import Iterator

import jax

_AUTO = "auto"
# JAX's messages about a process that does not answer.
_GONE = re.compile("gloo|nccl|coordination ?service|barrier", re.IGNORECASE)


def is_first() -> bool:
    """Whether this process is the first of its run, or the only one."""
    return jax.process_index() == 0


@contextlib.contextmanager
def joined(coordinator: str, process: int | None, processes: int) -> Iterator[None]:
    """A block in which this process is one of several. JAX must not have been used before.

    - `coordinator`: HOST:PORT, where the first process waits for the others; `auto`, to take it
      and `process` from SLURM, Open MPI or Kubernetes.
    - `process`: the number of this one of the `processes`, from 0.

    Raises `ConnectionError` if the others cannot be reached, or one of them is gone.
    """
    try:
        _connect(coordinator, process, processes)
        # JAX takes over the signal as a notice to save; the process would not end.
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        yield
    except BaseException as error:
        # At exit JAX would wait for the others, which wait for this one.
        atexit.register(os._exit, 2)
        if isinstance(error, Exception) and _GONE.search(str(error)):
            reason = _first_line(error.__cause__ or error)  # not that of what was being written
            raise ConnectionError(
                f"Another process of the run is gone ({reason}); start all of them again, with any "
                "number of processes, to resume from the last checkpoint."
            ) from error
        raise
    jax.distributed.shutdown()


def _connect(coordinator: str, process: int | None, processes: int) -> None:
    if coordinator == _AUTO:
        jax.distributed.initialize(num_processes=processes)
        return
    try:
        jax.distributed.initialize(
            coordinator,
            processes,
            process,
            cluster_detection_method="deactivate",
            # Processes on one machine need not be reachable from others.
            coordinator_bind_address=coordinator if coordinator.startswith("127.") else None,
        )
    except RuntimeError as error:
        raise ConnectionError(
            f"Process {process} of {processes} cannot reach the others at {coordinator} "
            f"({_first_line(error)}); choose another port."
        ) from error


def _first_line(error: BaseException) -> str:
    return str(error).strip().splitlines()[0][:200]
