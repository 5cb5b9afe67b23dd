"""Compiled programs run over many members of a batch: threads, chunks and precision.

A batched adaptive solver takes as long as the slowest member of the batch, and a large batch of any
kind does not fit in the cache. So the members are sorted by expected cost and cut into small
chunks, which are processed by one thread per core. Programs that gain nothing from batching run on
one member at a time. Whatever runs in parallel in one process gets its threads here; in a process
of a cluster (`hfluxno.datasets.cluster`) there is one.

`WIDE_VECTORS` are compiler options for programs that run often, and `QUICKLY` those for programs
whose compilation someone waits for.
"""

import collections
import contextlib
import contextvars
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PyTree
from threadpoolctl import threadpool_limits

Item = TypeVar("Item")
Result = TypeVar("Result")

# By default XLA uses half of the vector registers of a CPU with AVX-512; others ignore this.
WIDE_VECTORS = {"xla_cpu_prefer_vector_width": 512}
# With all of LLVM's optimisations a run of two fields with its derivatives takes 39 s to compile
# instead of 8, and is 4 % faster.
QUICKLY = WIDE_VECTORS | {"xla_backend_optimization_level": 1}

_alone = contextvars.ContextVar("alone", default=False)


@contextlib.contextmanager
def on_one_core() -> Iterator[None]:
    """Inside the block `on_all_cores` stays in the calling thread: the other cores are busy."""
    before = _alone.set(True)
    try:
        yield
    finally:
        _alone.reset(before)


def cores() -> int:
    """How many cores this process may use, by its affinity or by JAX's setting `PJRT_NPROC`."""
    if number := os.environ.get("PJRT_NPROC"):
        return int(number)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def free_cores() -> int:
    """How many threads `on_all_cores` would use here."""
    return 1 if _alone.get() else cores()


def take(tree: PyTree, members: np.ndarray) -> PyTree:
    return jax.tree.map(lambda leaf: np.asarray(leaf)[members], tree)


def map_in_chunks(
    function: Callable[[PyTree], PyTree], inputs: PyTree, cost: np.ndarray, size: int
) -> PyTree:
    """`function` of all members of the batch `inputs`, in chunks of members of similar `cost`.

    Every chunk has `size` members (the last is filled up), so only one program is compiled; a batch
    of one is run alone.
    """
    count = len(cost)
    size = 1 if count == 1 else size
    order = np.argsort(-cost, kind="stable")
    chunks = [np.resize(order[start : start + size], size) for start in range(0, count, size)]
    results = on_all_cores(
        lambda chunk: jax.tree.map(np.asarray, function(take(inputs, chunk))), chunks
    )
    places = np.concatenate(chunks)
    first = np.zeros(count, int)
    first[places[::-1]] = np.arange(len(places))[::-1]
    return jax.tree.map(lambda *leaves: np.concatenate(leaves)[first], *results)


def on_all_cores(function: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    """`function` of each item, in one thread per core, at the caller's precision."""
    precise = jnp.result_type(float) == jnp.float64
    busy = len(items) >= cores()

    def run(item: Item) -> Result:
        # Both settings are per thread.
        with jax.enable_x64(precise), on_one_core() if busy else contextlib.nullcontext():
            return function(item)

    with _blas:
        if len(items) == 1 or _alone.get():
            return [function(item) for item in items]
        # JAX compiles a program only once, even if several threads ask for it.
        with ThreadPoolExecutor(cores()) as pool:
            return list(pool.map(run, items))


class _OneThread:
    """Inside the block NumPy's BLAS has one thread. Its matrices are small here, and its threads
    wait for each other and for those of XLA: with two, a joint estimate of 145 unknowns took 1.2
    times as long on two free cores, and more beside other programs. The block may be entered again,
    and by several threads."""

    def __init__(self) -> None:
        self._lock, self._inside = threading.Lock(), 0
        self._limits: threadpool_limits | None = None

    def __enter__(self) -> None:
        with self._lock:
            if self._inside == 0:
                self._limits = threadpool_limits(1, "blas")
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0 and self._limits is not None:
                self._limits.restore_original_limits()


_blas = _OneThread()


def ahead(submit: Callable[[Item], Result], items: Iterable[Item], most: int) -> Iterator[Result]:
    """What `submit` returns for each item, in order: pending results, of which at most `most` are
    submitted before the first of them is taken."""
    pending: collections.deque[Result] = collections.deque()
    for item in items:
        while len(pending) >= most:
            yield pending.popleft()
        pending.append(submit(item))
    while pending:
        yield pending.popleft()
