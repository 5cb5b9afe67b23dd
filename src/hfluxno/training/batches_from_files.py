"""Batches from a file of trajectories, through Grain.

Grain maps the number of a batch to its windows, so a run can be resumed at any batch, and it reads
ahead: in a thread, or in several processes that take turns, which does not affect the batches.
"""

import dataclasses
from collections.abc import Generator
from pathlib import Path

import numpy as np

from hfluxno.data import open_dataset
from hfluxno.models.configuration import ModelConfig
from hfluxno.training.batch import Batch, batch_of
from hfluxno.training.batch_source import BatchSource, WindowSource
from hfluxno.training.plane_windows import PlaneWindows, plane_files
from hfluxno.training.windows import WindowFile


@dataclasses.dataclass(frozen=True)
class BatchesFromFiles(BatchSource):
    """Windows of the solved trajectories of a file.

    - `law`: their law.
    - `path`: a data set of `hfluxno generate`, or external files (see `PlaneWindows`).
    - `window`, `limit`, `seed`: as in `WindowSource`.
    - `batch`: the number of windows of a batch.
    - `workers`: how many processes read; with 0 a thread of this one does. It affects the speed,
      never a batch.
    - `rows`: which windows of each batch are read.
    - `cells`: those to which external files are averaged.
    """

    law: str
    path: Path
    window: int
    batch: int
    limit: float
    seed: int
    workers: int = 0
    # Python 3.11 takes a slice for a default that could change.
    rows: slice = dataclasses.field(default_factory=lambda: slice(None))
    cells: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.workers < 0:
            raise ValueError(f"The number of workers must not be negative; got {self.workers}.")
        self._windows[0]  # an unusable file is rejected before anything is computed

    @property
    def _windows(self) -> WindowSource:
        return windows_of(Path(self.path), self.window, self.limit, self.seed, self.cells)

    def batches(self, start: int) -> Generator[Batch, None, None]:
        import grain
        from absl import flags

        mine = _Rows(self._windows, self.batch, range(self.batch)[self.rows])
        numbered = grain.MapDataset.source(mine).batch(len(mine.rows), batch_fn=_stacked)
        # One thread: consecutive windows use the last chunk read.
        reading = grain.ReadOptions(num_threads=1, prefetch_buffer_size=2)
        dataset = numbered.slice(slice(start, None)).to_iter_dataset(reading)
        if self.workers:
            if not flags.FLAGS.is_parsed():  # Grain reads a command-line flag
                flags.FLAGS.mark_as_parsed()
            dataset = dataset.mp_prefetch(grain.MultiprocessingOptions(num_workers=self.workers))
        iterator = iter(dataset)
        try:
            for sample in iterator:
                # A copy: a worker sends data in shared memory.
                yield batch_of(self.law, np.array(sample["frames"]), sample["coefficients"])
        finally:
            iterator.close()


@dataclasses.dataclass(frozen=True)
class _Rows:
    """Those of `windows` that are in these rows of their batch, in the same order."""

    windows: WindowSource
    batch: int
    rows: range

    def __len__(self) -> int:
        return len(self.windows) // self.batch * len(self.rows)

    def __getitem__(self, number: int) -> dict[str, np.ndarray]:
        batch, row = divmod(int(number), len(self.rows))
        return self.windows[batch * self.batch + self.rows[row]]


def windows_of(
    path: Path, window: int, limit: float, seed: int, cells: tuple[int, ...]
) -> WindowSource:
    """The windows of a data set of `hfluxno generate`, or of external two-dimensional files,
    averaged to this number of cells."""
    if plane_files(path):
        return PlaneWindows(path, window, limit, seed, cells)
    return WindowFile(path, window, limit, seed)


def check_file(path: Path, law: str, model: ModelConfig) -> None:
    """Checks that data fit a network. Raises `OSError` if they cannot be read; `ValueError` if
    their law, fields, cells or times do not fit."""
    if plane_files(path):
        lengths = tuple(n * dx for n, dx in zip(model.cells, model.spacing, strict=True))
        windows = PlaneWindows(path, 1, np.inf, 0, model.cells)
        windows.check(model.fields, model.cells, lengths, model.interval)
        return
    with open_dataset(path) as data:
        times = data["time"].values
        cells = tuple(data.sizes[axis] for axis in ("x", "y") if axis in data.sizes)
        expected = {
            "law": law,
            "fields": ", ".join(model.fields),
            "cells": "×".join(map(str, model.cells)),
            "time between frames": f"{model.interval:g}",
        }
        found = {
            "law": data.attrs["law"],
            "fields": ", ".join(map(str, data["field"].values)),
            "cells": "×".join(map(str, cells)),
            "time between frames": f"{(times[-1] - times[0]) / (len(times) - 1):g}",
        }
    for name, value in expected.items():
        if found[name] != value:
            raise ValueError(
                f"{path} does not fit the model: its {name} is {found[name]} where {value} is "
                "needed; choose another preset or another file."
            )


def _stacked(samples: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    return {name: np.stack([sample[name] for sample in samples]) for name in samples[0]}
