"""The interfaces of sources of batches and of windows, and random numbers by purpose."""

import abc
import dataclasses
import zlib
from collections.abc import Generator
from pathlib import Path
from typing import Any

import numpy as np

from hfluxno.plural import plural
from hfluxno.training.batch import Batch


class BatchSource(abc.ABC):
    """An endless sequence of batches that can be started anywhere.

    Batch number n depends only on the source and n, so a run only has to remember the number.
    """

    @abc.abstractmethod
    def batches(self, start: int) -> Generator[Batch, None, None]:
        """The batches number `start`, `start` + 1, …"""


@dataclasses.dataclass(frozen=True)
class WindowSource(abc.ABC):
    """Random access to an endless sequence of windows; what Grain calls a data source.

    Files are opened when they are first read, so an object can be sent to another process.

    - `path`: the data.
    - `window`: the number of frames of a window.
    - `limit`: no window reaches beyond this time.
    - `seed`: determines the order.
    """

    path: Path
    window: int
    limit: float
    seed: int

    def __len__(self) -> int:
        return 2**40

    @abc.abstractmethod
    def __getitem__(self, number: int) -> dict[str, np.ndarray]: ...

    def __getstate__(self) -> dict[str, Any]:
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}


def random(seed: int, purpose: str, *index: int) -> np.random.Generator:
    """A separate generator for each purpose and index."""
    stream = zlib.crc32(f"training/{purpose}".encode())
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(stream, *index)))


def last_frame(times: np.ndarray, limit: float) -> int:
    """The index of the last time that does not exceed `limit`, up to rounding."""
    tolerance = 1e-6 * float(times[1] - times[0])
    return int(np.searchsorted(times, limit + tolerance, side="right")) - 1


def window_starts(times: np.ndarray, limit: float, window: int) -> int:
    """The number of starting frames for a window of `window` frames that ends by the time `limit`.
    Raises `ValueError` if there is none."""
    starts = last_frame(times, limit) + 2 - window
    if starts < 1:
        raise ValueError(
            f"A window of {window} frames is longer than the "
            f"{plural(last_frame(times, limit) + 1, 'frame')} "
            f"with t ≤ {limit:g}; use a shorter context, a loss over fewer steps or longer data."
        )
    return starts
