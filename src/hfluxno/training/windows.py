"""Windows of a file of trajectories by number, in an order that mixes laws but rarely reads a chunk
of the file.

A pass visits every solved trajectory once, with one of its windows. The trajectories are shuffled
within neighbourhoods as large as a chunk of the file, cut into groups of four, and the groups
are shuffled over the whole file. So neighbours in the order share a chunk, which is read once for
them, while a batch contains many groups and therefore many laws. From pass to pass the window of a
trajectory is shifted by one frame, from a random start, until it has covered all of it.
"""

import dataclasses
import functools
from collections.abc import Callable

import numpy as np
from jaxtyping import Int

from hfluxno.data import open_dataset
from hfluxno.training.batch_source import WindowSource, random, window_starts

_WITHOUT_CHUNKS = 32  # neighbours in a file that is not chunked
_GROUP = 4  # windows that are taken from a chunk at a time


@dataclasses.dataclass(frozen=True)
class WindowFile(WindowSource):
    """The windows of a data set of `hfluxno generate`. It stores the last chunk read, and an index
    of the trajectories.
    """

    def __getitem__(self, number: int) -> dict[str, np.ndarray]:
        number = int(number)
        file = self._file
        passed, place = divmod(number, len(file.solved))
        trajectory = int(self._order(passed)[place])
        first = (int(file.offsets[trajectory]) + passed) % file.starts
        frames = file.chunk(trajectory)[:, first : first + self.window]
        return {
            "frames": frames[trajectory % file.size],
            "coefficients": file.coefficients[trajectory],
        }

    @functools.cached_property
    def _file(self) -> "_OpenFile":
        return _OpenFile(self)

    @functools.cached_property
    def _order(self) -> Callable[[int], Int[np.ndarray, " place"]]:
        """From a pass to its trajectories; the last two passes are cached."""

        @functools.lru_cache(maxsize=2)
        def order(passed: int) -> np.ndarray:
            draw = random(self.seed, "order", passed)
            return _mixed(draw, self._file.solved, self._file.size)

        return order


class _OpenFile:
    """An open file: its index, and the last chunk read."""

    def __init__(self, windows: WindowFile):
        data = open_dataset(windows.path)
        values = data["values"]
        chunks = values.encoding.get("preferred_chunks") or {}
        self.size = int(chunks.get("trajectory", _WITHOUT_CHUNKS))
        self.solved = np.flatnonzero(data["status"].values == 0).astype(np.int32)
        if len(self.solved) == 0:
            raise ValueError(f"No trajectory of {windows.path} was solved; generate another set.")
        self.starts = window_starts(data["time"].values, windows.limit, windows.window)
        draw = random(windows.seed, "offsets")
        self.offsets = draw.integers(0, self.starts, values.sizes["trajectory"], np.int32)
        self.coefficients = data["coefficients"].values
        self._values = values
        self._held, self._chunk = -1, np.empty(0)

    def chunk(self, trajectory: int) -> np.ndarray:
        """All trajectories of the chunk with this one."""
        number = trajectory // self.size
        if number != self._held:
            part = slice(number * self.size, (number + 1) * self.size)
            self._held, self._chunk = number, self._values[part].values
        return self._chunk


def _mixed(
    draw: np.random.Generator, solved: Int[np.ndarray, " solved"], size: int
) -> Int[np.ndarray, " place"]:
    """The trajectories of one pass in order, each once."""
    # Sorting by (chunk, random number) shuffles within chunks.
    shuffled = solved[np.lexsort((draw.random(len(solved)), solved // size))]
    groups = np.array_split(shuffled, np.arange(_GROUP, len(shuffled), _GROUP))
    return np.concatenate([groups[i] for i in draw.permutation(len(groups))])
