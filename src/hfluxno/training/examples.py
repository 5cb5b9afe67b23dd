"""Examples of a law, for networks that are shown them: pairs of states of its trajectories.

A pair is (u(t), u(t + τ)) with a random t. The pairs of one window are of different trajectories,
as far as possible, and never of the window's own.
"""

import jax
import numpy as np
from jaxtyping import Float, Int

from hfluxno.batching import map_in_chunks
from hfluxno.data import Block, Configuration, solver
from hfluxno.data.generate import chunk_size
from hfluxno.models.configuration import Pairs
from hfluxno.training.batch_source import last_frame, random

PairsOfWindows = Float[np.ndarray, "window pair 2 field x"]


def drawn(
    draw: np.random.Generator, block: Block, windows: Int[np.ndarray, " window"], pairs: Pairs
) -> PairsOfWindows:
    """Pairs for windows of these trajectories of a block, from the other solved trajectories that
    the block has of their laws."""
    frames = block.values.shape[1]
    found = []
    for window in windows:
        same = np.flatnonzero((block.law == block.law[window]) & (block.status == 0))
        chosen = np.resize(draw.permutation(same[same != window]), pairs.count)
        first = draw.integers(0, frames - pairs.ahead, pairs.count)
        found.append([block.values[chosen, first], block.values[chosen, first + pairs.ahead]])
    return np.asarray(found).swapaxes(1, 2)


def fixed(
    configuration: Configuration,
    laws: Int[np.ndarray, " law"],
    coefficients: Float[np.ndarray, "law parameter"],
    pairs: Pairs,
    limit: float,
) -> Float[np.ndarray, "law pair 2 field x"]:
    """The pairs for evaluating networks on a set, always the same for a law. Their initial
    conditions are the next ones after those of the set, and t ≤ `limit`.

    - `laws`, `coefficients`: which laws of the set, and what they are.

    Raises `ValueError` if none of the trajectories of a law could be solved.
    """
    starts = min(last_frame(configuration.times, limit) + 1, configuration.frames - pairs.ahead)
    own = [
        [configuration.initial_state(int(law), configuration.initials + i) for law in laws]
        for i in range(pairs.count)
    ]
    initial = np.asarray(own, configuration.dtype).swapaxes(0, 1)
    purpose = f"examples/{configuration.split}/{configuration.initial}"
    draws = (random(configuration.seed, purpose, int(law)) for law in laws)
    first = np.stack([draw.integers(0, starts, pairs.count) for draw in draws])
    found, solved = _solved(configuration, coefficients, initial, first, pairs.ahead)
    for law, good in enumerate(solved):
        if not np.any(good):
            raise ValueError(
                f"No trajectory of law {laws[law]} of {configuration.law} could be solved for "
                "examples; use another seed or another grid."
            )
        found[law] = found[law][np.resize(np.flatnonzero(good), pairs.count)]
    return found


def _solved(configuration, coefficients, initial, first, ahead):
    """(pairs, which were solved) from these states, at these frames: (law, pair, …)."""
    run = solver(configuration)

    def pairs_of(chunk):
        of_law, states, frame = chunk
        with jax.enable_x64(configuration.float64):
            values, status = map(np.asarray, run(of_law, states))
        row = np.arange(len(frame))
        return np.stack([values[row, frame], values[row, frame + ahead]], axis=1), status == 0

    of_law = np.repeat(np.asarray(coefficients, configuration.dtype), first.shape[1], axis=0)
    inputs = (of_law, initial.reshape(first.size, *initial.shape[2:]), first.ravel())
    found = map_in_chunks(pairs_of, inputs, np.zeros(first.size), chunk_size(configuration))
    return tuple(part.reshape(*first.shape, *part.shape[1:]) for part in found)
