"""Running compiled programs over many contexts: lanes, chunks and cores.

A batched adaptive solver takes as long as its slowest lane, and a large batch of any kind leaves
the cache. So lanes are sorted by what they are expected to take and cut into small chunks, which
one thread for each core works off. Programs that gain nothing from lanes run alone, a context each.

`WIDE_VECTORS` are options for the compilation of what runs often.
"""

import concurrent.futures
import contextlib
import contextvars
import os
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PyTree

Item = TypeVar("Item")
Result = TypeVar("Result")

# By default XLA uses half of the vector registers of a CPU with AVX-512. Others don't mind.
WIDE_VECTORS = {"xla_cpu_prefer_vector_width": 512}

_alone = contextvars.ContextVar("alone", default=False)


@contextlib.contextmanager
def on_one_core() -> Iterator[None]:
    """Within it `on_all_cores` stays in the thread that calls it: others occupy the other cores."""
    before = _alone.set(True)
    try:
        yield
    finally:
        _alone.reset(before)


def cores() -> int:
    """How many cores this process may use, by its affinity or by JAX's setting `PJRT_NPROC`."""
    if told := os.environ.get("PJRT_NPROC"):
        return int(told)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def take(tree: PyTree, lanes: np.ndarray) -> PyTree:
    return jax.tree.map(lambda leaf: np.asarray(leaf)[lanes], tree)


def run_lanes(
    function: Callable[[PyTree], PyTree], inputs: PyTree, cost: np.ndarray, lanes: int
) -> PyTree:
    """`function` over all lanes of `inputs`, in chunks of lanes of similar `cost`.

    Every chunk has the same number of `lanes` (the last is filled up), so one program is compiled;
    a single lane is run alone.
    """
    count = len(cost)
    lanes = 1 if count == 1 else lanes
    order = np.argsort(-cost, kind="stable")
    chunks = [np.resize(order[start : start + lanes], lanes) for start in range(0, count, lanes)]
    results = on_all_cores(
        lambda chunk: jax.tree.map(np.asarray, function(take(inputs, chunk))), chunks
    )
    places = np.concatenate(chunks)
    first = np.zeros(count, int)
    first[places[::-1]] = np.arange(len(places))[::-1]
    return jax.tree.map(lambda *leaves: np.concatenate(leaves)[first], *results)


def on_all_cores(function: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    """`function` of each item, in one thread for each core, at the precision of the caller."""
    if len(items) == 1 or _alone.get():
        return [function(item) for item in items]
    precise = jnp.result_type(float) == jnp.float64

    def run(item: Item) -> Result:
        # The setting belongs to a thread.
        with jax.enable_x64(precise):
            return function(item)

    # JAX compiles a program once, also where several threads ask for it.
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(run, items))
