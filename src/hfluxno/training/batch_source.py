"""Where batches come from: the interface of a source, and random numbers by purpose."""

import abc
import zlib
from collections.abc import Generator

import numpy as np

from hfluxno.plural import plural
from hfluxno.training.batch import Batch


class BatchSource(abc.ABC):
    """An endless sequence of batches that can be entered anywhere.

    Batch number n is a function of the source and of n alone, so the number is all that a run has
    to remember of its place in the data.
    """

    @abc.abstractmethod
    def batches(self, start: int) -> Generator[Batch, None, None]:
        """The batches number `start`, `start` + 1, …"""


def random(seed: int, purpose: str, *index: int) -> np.random.Generator:
    """An own generator for each purpose and index."""
    stream = zlib.crc32(f"training/{purpose}".encode())
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(stream, *index)))


def last_frame(times: np.ndarray, limit: float) -> int:
    """The index of the last time that does not exceed `limit`, except for rounding."""
    tolerance = 1e-6 * float(times[1] - times[0])
    return int(np.searchsorted(times, limit + tolerance, side="right")) - 1


def window_starts(times: np.ndarray, limit: float, window: int) -> int:
    """At how many frames a window of `window` frames can start that ends by the time `limit`.

    **Raises:**

    - `ValueError`, if there is none.
    """
    starts = last_frame(times, limit) + 2 - window
    if starts < 1:
        raise ValueError(
            f"A window of {window} frames is longer than the "
            f"{plural(last_frame(times, limit) + 1, 'frame')} "
            f"with t ≤ {limit:g}; use a shorter context, a loss over fewer steps or longer data."
        )
    return starts
