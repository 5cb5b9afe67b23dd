"""Solves the trajectories of a data set, in blocks and in bounded memory.

A block is a fixed range of trajectories. Within a block they are sorted by their initial speed and
solved in chunks of fixed size, because trajectories that are solved together wait for the one that
needs the most steps. Neither blocks nor chunks depend on how many blocks are in memory or on the
number of threads, so neither can change a result.
"""

import contextlib
import dataclasses
import functools
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor

import jax
import numpy as np
from jaxtyping import Array, Float, Int

from hfluxno.batching import ahead, cores
from hfluxno.data.configuration import Configuration
from hfluxno.data.recipes import SPLITS, recipe
from hfluxno.fv import NumericalFlux, Status, solve
from hfluxno.fv.step import limiting_speed
from hfluxno.grid import averaged

# On a CPU the arrays of a chunk stay in a core's cache; an accelerator needs more at a time.
_LARGEST_CHUNK = {"cpu": 32}
_LARGEST_CHUNK_ELSEWHERE = 1024
_CHUNKS_PER_BLOCK = 32

UNSOLVED = -1


@dataclasses.dataclass(frozen=True)
class Block:
    """Trajectories start ≤ i < start + n of a data set.

    - `start`: the index of the first.
    - `law`, `initial`: the indices of the law and of the initial condition.
    - `coefficients`: shape (trajectory, parameter).
    - `values`: shape (trajectory, time, field, *space). Frames that a failed run did not reach are
      NaN, so that no frozen state is mistaken for data; the frame at time 0 is always present.
    - `status`: `hfluxno.fv.Status` as an integer; `UNSOLVED` for trajectories of other shares.
    """

    start: int
    law: Int[np.ndarray, " trajectory"]
    initial: Int[np.ndarray, " trajectory"]
    coefficients: Float[np.ndarray, "trajectory parameter"]
    values: Float[np.ndarray, "trajectory time field *space"]
    status: Int[np.ndarray, " trajectory"]

    @property
    def stop(self) -> int:
        return self.start + len(self.status)


def chunk_size(configuration: Configuration) -> int:
    """How many trajectories are solved together: fewer if they have more than 100 cells."""
    most = _LARGEST_CHUNK.get(jax.default_backend(), _LARGEST_CHUNK_ELSEWHERE)
    made = recipe(configuration.law)
    return max(1, min(most, 100 * most // (made.finer * configuration.cells) ** made.axes))


def block_size(configuration: Configuration) -> int:
    """How many trajectories are sorted and written together."""
    return _CHUNKS_PER_BLOCK * chunk_size(configuration)


def blocks(
    configuration: Configuration,
    start: int = 0,
    *,
    in_flight: int = 2,
    threads: int | None = None,
    share: tuple[int, int] = (0, 1),
) -> Generator[Block, None, None]:
    """Solves the trajectories from `start` to the end, block after block.

    - `configuration`: the data set.
    - `start`: the first trajectory, a multiple of the block size, or the end.
    - `in_flight`: the largest number of blocks in memory at a time.
    - `threads`: how many chunks are solved at a time; by default one per core.
    - `share`: (i, n), to solve only every n-th chunk of a block from the i-th on.

    Raises `ValueError` if `start` is not the beginning of a block.
    """
    starts = block_starts(configuration, start, block_size(configuration))
    run = solver(configuration)
    pool = ThreadPoolExecutor(threads or cores(), thread_name_prefix="hfluxno-solve")
    submit = functools.partial(_submit, configuration, run=run, pool=pool, share=share)
    try:
        for pending, chunks in ahead(submit, starts, in_flight):
            for chunk in chunks:
                chunk.result()
            yield pending
    finally:
        pool.shutdown(cancel_futures=True)


def block_starts(configuration: Configuration, start: int, size: int) -> range:
    """The first trajectories of the blocks of size `size` from `start` on. Raises `ValueError` if
    `start` is not the beginning of a block."""
    if start % size and start != configuration.trajectories:
        raise ValueError(f"A run can be resumed at a multiple of {size}; got {start}.")
    return range(start, configuration.trajectories, size)


def block(configuration: Configuration, start: int) -> Block:
    """The block that begins at `start`, solved in a single thread."""
    with contextlib.closing(blocks(configuration, start, in_flight=1, threads=1)) as found:
        return next(found)


def solver(configuration: Configuration) -> Callable:
    """The solver of a set from any states: compiled (coefficients, initial) ↦ (values, status),
    each with a leading axis of trajectories."""
    initial = next(iter(recipe(configuration.law).initials))
    # All sets that one program solves have the same key.
    of_any_draws = dataclasses.replace(
        configuration, split=SPLITS[0], laws=1, initials=1, initial=initial, seed=0
    )
    return _solver(of_any_draws, _most_steps(configuration.cells))


def _most_steps(cells: int) -> int:
    """The largest number of steps between two frames of a trajectory."""
    return max(2000, 20 * cells)


def _submit(
    configuration: Configuration,
    start: int,
    run: Callable,
    pool: ThreadPoolExecutor,
    share: tuple[int, int],
) -> tuple[Block, list[Future]]:
    """Draws the samples of a block and queues its chunks, or a share of them, which fill it."""
    count = min(block_size(configuration), configuration.trajectories - start)
    pairs = [configuration.indices(start + i) for i in range(count)]
    dtype = configuration.dtype
    draws = {law: configuration.coefficients(law) for law in {law for law, _ in pairs}}
    coefficients = np.stack([draws[law] for law, _ in pairs]).astype(dtype)
    initial = np.stack([configuration.initial_state(*pair) for pair in pairs]).astype(dtype)
    shape = (count, configuration.frames, len(configuration.fields), *configuration.grid.shape)
    block = Block(
        start=start,
        law=np.asarray([law for law, _ in pairs], np.int32),
        initial=np.asarray([index for _, index in pairs], np.int32),
        coefficients=coefficients,
        values=np.empty(shape, dtype),
        status=np.full(count, UNSOLVED, np.int8),
    )
    width = chunk_size(configuration)
    # The fastest first: they take longest, and the others fill the gaps at the end.
    order = np.argsort(-_initial_rates(configuration, coefficients, initial), kind="stable")
    chunks = [
        pool.submit(_solve_chunk, configuration, run, block, initial, order[i : i + width])
        for i in range(share[0] * width, count, share[1] * width)
    ]
    return block, chunks


def _initial_rates(
    configuration: Configuration, coefficients: np.ndarray, initial: np.ndarray
) -> np.ndarray:
    rate = _rate(configuration.law, configuration.cells, configuration.float64)
    padded = np.resize(np.arange(len(initial)), block_size(configuration))
    with jax.enable_x64(configuration.float64):
        return np.asarray(rate(coefficients[padded], initial[padded]))[: len(initial)]


def _solve_chunk(
    configuration: Configuration,
    run: Callable,
    block: Block,
    initial: np.ndarray,
    members: np.ndarray,
) -> None:
    """Solves the trajectories `members` of a block and stores them in it."""
    padded = np.resize(members, chunk_size(configuration))
    with jax.enable_x64(configuration.float64):
        values, status = run(block.coefficients[padded], initial[padded])
        block.values[members] = np.asarray(values)[: len(members)]
        block.status[members] = np.asarray(status)[: len(members)]
    for trajectory in members[block.status[members] != Status.OK]:
        frames = block.values[trajectory]
        frames[_reached(frames) :] = np.nan


def _reached(values: Float[np.ndarray, "time field *space"]) -> int:
    """How many frames a failed run reached: the frames from the last change on are frozen."""
    changes = np.any(values[1:] != values[:-1], axis=tuple(range(1, values.ndim)))
    return max(1, len(changes) - int(np.argmax(changes[::-1])) if np.any(changes) else 1)


@functools.lru_cache(maxsize=16)
def _solver(configuration: Configuration, max_steps: int) -> Callable:
    """Compiled (coefficients, initial) ↦ (values, status) of a batch."""
    law, every, made = configuration.law, configuration.thinning, recipe(configuration.law)
    times = np.linspace(0.0, configuration.final_time, (configuration.frames - 1) * every + 1)
    grid = made.grid(made.finer * configuration.cells)

    def one(coefficients, initial):
        scheme = _scheme(law, coefficients)
        solution = solve(scheme, initial, times, grid, made.control, max_steps=max_steps)
        return averaged(solution.values[::every], configuration.grid.shape), solution.status

    return jax.jit(jax.vmap(one))


@functools.lru_cache(maxsize=16)
def _rate(law: str, cells: int, float64: bool) -> Callable:
    """Compiled (coefficients, initial) ↦ speed/Δx of a batch."""
    grid = recipe(law).grid(recipe(law).finer * cells)

    def one(coefficients, initial):
        return limiting_speed(_scheme(law, coefficients), initial, grid)

    return jax.jit(jax.vmap(one))


def _scheme(law: str, coefficients: Float[Array, " parameter"]) -> NumericalFlux:
    named = {name: coefficients[i] for i, name in enumerate(recipe(law).ranges)}
    return recipe(law).scheme(recipe(law).law(**named))
