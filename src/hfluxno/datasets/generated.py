"""Blocks of a data set, solved by the processes of a Dask cluster.

Blocks return to the client, which writes them in order: the file does not depend on which process
solved what, and an interrupted run resumes like that of a single process.
"""

import collections
import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING

from hfluxno.compilation_cache import use_cache
from hfluxno.data.configuration import Configuration
from hfluxno.data.generate import Block, block, block_size, block_starts
from hfluxno.datasets.cluster import result

if TYPE_CHECKING:
    import distributed


@dataclasses.dataclass(frozen=True)
class _Solve:
    configuration: Configuration
    programs: str | None

    def __call__(self, start: int) -> Block:
        use_cache(self.programs)
        return block(self.configuration, start)


def blocks_by(
    client: "distributed.Client",
    configuration: Configuration,
    start: int = 0,
    *,
    in_flight: int,
    programs: str | None = None,
) -> Iterator[Block]:
    """The blocks from `start` to the end in order, as
    [`blocks`][hfluxno.data.generate.blocks] yields them.

    **Arguments:**

    - `in_flight`: the largest number of blocks being solved or waiting to be written.
    - `programs`: the folder of compiled programs, which workers share.

    **Raises:**

    - `ValueError`, if `start` is not the beginning of a block.
    - `OSError`, if a block kills every worker, or the scheduler ends.
    """
    solve = _Solve(configuration, programs)
    # Workers may have another kind of device than the client, and so other blocks.
    size = result(client.submit(block_size, configuration))
    pending: collections.deque[distributed.Future] = collections.deque()
    for first in block_starts(configuration, start, size):
        while len(pending) >= in_flight:
            yield result(pending.popleft())
        pending.append(client.submit(solve, first, pure=False))
    while pending:
        yield result(pending.popleft())
