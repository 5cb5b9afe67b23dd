"""Running one compiled fit over many contexts: lanes, chunks and cores.

A batched adaptive solver takes as long as its slowest lane. So lanes are sorted by the speed that
the weak form sees and cut into small chunks, which two threads feed to the cores.
"""

import concurrent.futures
import os
from collections.abc import Callable

import jax
import numpy as np
from jaxtyping import PyTree

LANES = 4


def stack(trees: list[PyTree]) -> PyTree:
    """Trees of equal structure as one tree with a leading lane axis."""
    return jax.tree.map(lambda *leaves: np.stack([np.asarray(leaf) for leaf in leaves]), *trees)


def take(tree: PyTree, lanes: np.ndarray) -> PyTree:
    return jax.tree.map(lambda leaf: np.asarray(leaf)[lanes], tree)


def run_lanes(function: Callable[[PyTree], PyTree], inputs: PyTree, cost: np.ndarray) -> PyTree:
    """`function` over all lanes of `inputs`, in chunks of lanes of similar `cost`.

    Every chunk has the same number of lanes (the last is filled up), so one program is compiled.
    """
    count = len(cost)
    lanes = 1 if count == 1 else LANES
    order = np.argsort(-cost, kind="stable")
    chunks = [np.resize(order[start : start + lanes], lanes) for start in range(0, count, lanes)]

    def one(chunk):
        # The setting belongs to a thread.
        with jax.enable_x64(True):
            return jax.tree.map(np.asarray, function(take(inputs, chunk)))

    if len(chunks) == 1:
        results = [one(chunks[0])]
    else:
        results = [one(chunks[0])]  # compiles once, before the threads start
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            results += list(pool.map(one, chunks[1:]))
    places = np.concatenate(chunks)
    first = np.zeros(count, int)
    first[places[::-1]] = np.arange(len(places))[::-1]
    return jax.tree.map(lambda *leaves: np.concatenate(leaves)[first], *results)
