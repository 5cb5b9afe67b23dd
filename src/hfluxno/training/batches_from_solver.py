"""Batches of trajectories that are solved during training.

The samples are those of the data set that `hfluxno generate` would make with one initial condition
for each law, continued without end: the same draws, the same solver, the same CFL rule. They are
solved block by block in a separate thread, so a block is ready when the previous one is used up.
Drawing an initial state takes about 20 µs and solving it in chunks of similar speed 0.3 to 0.9 ms,
little compared with an update; a sampler on the device would gain nothing.

Each trajectory gives a few windows. They are shuffled within their block, in which every trajectory
has its own law, and failed trajectories are replaced by more windows of the others.

If several processes train together, each solves a share of the chunks of a block, and all receive
the block: its windows depend on which trajectories could be solved.

For networks that are shown examples 32 trajectories share a law, and a window gets pairs of the
others. Half of such a batch runs backwards in time, windows and pairs alike: in ICON's study the
inverse of a step is another operator to learn.
"""

import contextlib
import dataclasses
from collections.abc import Generator

import jax
import numpy as np
from jax.experimental.multihost_utils import process_allgather
from jaxtyping import Int

from hfluxno.data import Block, Configuration, block_size, blocks
from hfluxno.data.generate import UNSOLVED
from hfluxno.models.configuration import Pairs
from hfluxno.plural import plural
from hfluxno.training.batch import Batch, batch_of
from hfluxno.training.batch_source import BatchSource, random, window_starts
from hfluxno.training.examples import drawn

_ENDLESS = 2**31 - 1  # laws, counted in 32 bits
_OF_A_LAW = 32  # trajectories, if they are examples of each other; divides every block


@dataclasses.dataclass(frozen=True)
class BatchesFromSolver(BatchSource):
    """Windows of trajectories that are solved on the fly.

    - `configuration`: the set that the samples belong to; its number of laws does not matter.
    - `window`: the number of frames of a window.
    - `batch`: the number of windows of a batch.
    - `windows`: the number of windows of each trajectory.
    - `pairs`: the examples of each window, or `None`.
    - `rows`: which windows of each batch are made.
    """

    configuration: Configuration
    window: int
    batch: int
    windows: int = 2
    pairs: Pairs | None = None
    # Python 3.11 takes a slice for a default that could change.
    rows: slice = dataclasses.field(default_factory=lambda: slice(None))

    def __post_init__(self) -> None:
        times = self.configuration.times
        window_starts(times, float(times[-1]), self.window)
        if self.batch > self._block * self.windows:
            raise ValueError(
                f"A batch of {self.batch} windows is larger than a block of {self._block} "
                f"trajectories with {self.windows} windows each; take more windows of each."
            )

    @property
    def _block(self) -> int:
        return block_size(self.configuration)

    def batches(self, start: int) -> Generator[Batch, None, None]:
        initials = 1 if self.pairs is None else _OF_A_LAW
        endless = dataclasses.replace(self.configuration, laws=_ENDLESS, initials=initials)
        per_block = self._block * self.windows // self.batch
        number, within = divmod(start, per_block)
        share = (jax.process_index(), jax.process_count())
        generator = blocks(endless, number * self._block, threads=1, share=share)
        with contextlib.closing(generator) as solved:
            for part in solved:
                block = _gathered(part)
                chosen = self._choose(block)
                for i in range(within, per_block):
                    yield self._cut(block, chosen[i * self.batch : (i + 1) * self.batch], i)
                within = 0

    def _choose(self, block: Block) -> Int[np.ndarray, "window 2"]:
        """(trajectory, start) of the windows of a block, in the order of use."""
        draw = random(self.configuration.seed, "windows", block.start // self._block)
        usable = np.flatnonzero(block.status == 0)
        if self.pairs is not None:  # others with the same law are needed
            laws, solved = np.unique(block.law[usable], return_counts=True)
            usable = usable[np.isin(block.law[usable], laws[solved > 1])]
        if len(usable) == 0:
            raise ValueError(
                f"None of {plural(len(block.status), 'trajectory')} of {self.configuration.law} "
                "could be solved; use another range of coefficients or another grid."
            )
        count = len(block.status) * self.windows
        rounds = -(-count // len(usable))
        order = np.concatenate([draw.permutation(usable) for _ in range(rounds)])[:count]
        starts = draw.integers(0, block.values.shape[1] - self.window + 1, count)
        return np.stack([order, starts], axis=1)

    def _cut(self, block: Block, chosen: Int[np.ndarray, "window 2"], place: int) -> Batch:
        """The windows of the batch with this place in a block."""
        mine = chosen[self.rows]
        frames = np.stack([block.values[i, first : first + self.window] for i, first in mine])
        if self.pairs is None:
            return batch_of(self.configuration.law, frames, block.coefficients[mine[:, 0]])
        draw = random(self.configuration.seed, "examples", block.start // self._block, place)
        examples = drawn(draw, block, chosen[:, 0], self.pairs)[self.rows]
        backwards = (draw.permutation(len(chosen)) < len(chosen) // 2)[self.rows]
        frames[backwards] = frames[backwards, ::-1]
        examples[backwards] = examples[backwards][:, :, ::-1]
        # Backward in time they are not solutions of a law, so there is none.
        return Batch(frames.astype(np.float32), examples=examples.astype(np.float32))


def _gathered(part: Block) -> Block:
    """A block whose trajectories were each solved by one of the processes."""
    if jax.process_count() == 1:
        return part
    values, status = process_allgather((part.values, part.status))
    owner = np.argmax(status != UNSOLVED, axis=0)
    rows = np.arange(len(owner))
    return dataclasses.replace(part, values=values[owner, rows], status=status[owner, rows])
