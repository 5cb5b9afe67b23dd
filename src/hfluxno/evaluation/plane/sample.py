"""The windows of a gas in two dimensions that every method forecasts.

Each is from a different trajectory of the set `euler-2d`, whose gas has its own γ, or from external
files. A window has ten frames of context and twelve to forecast; they start at all times of the
trajectories equally.
"""

import dataclasses
from pathlib import Path

import numpy as np
from jaxtyping import Float

from hfluxno.data import Configuration, blocks
from hfluxno.grid import Grid
from hfluxno.training.batches_from_files import windows_of
from hfluxno.training.plane_windows import PlaneWindows
from hfluxno.trajectory import Trajectory

LAW = "euler-2d"
CONTEXT, STEPS = 10, 12
INTERVAL, _FRAMES = 0.015, 41
FIELDS = ("density", "momentum_x", "momentum_y", "energy")


@dataclasses.dataclass(frozen=True)
class PlaneSample:
    """Which windows are used.

    - `trajectories`: how many.
    - `cells`: along each axis.
    - `seed`: of the trajectories, or of the choice of windows of a file.
    - `file`: a data set of `hfluxno generate`, HDF5 of The Well or NPZ, or a folder of such;
      trajectories are solved if it is `None`.
    """

    trajectories: int = 16
    cells: int = 32
    seed: int = 0
    file: Path | None = None

    def __post_init__(self) -> None:
        if self.trajectories < 1:
            raise ValueError(f"laws must be at least 1; got {self.trajectories}.")

    def conditions(self) -> dict:
        """The description of the sample in a results file."""
        return {
            "benchmark": "euler2d",
            "trajectories": self.trajectories,
            "cells": self.cells,
            "seed": self.seed,
            "file": None if self.file is None else str(self.file),
        }

    def windows(self) -> Float[np.ndarray, "window time field x y"]:
        """The frames. Raises `OSError` if a file cannot be read; `ValueError` if it has other cells
        or intervals, or no trajectory could be solved."""
        length = CONTEXT + STEPS
        if self.file is not None:
            shape = (self.cells,) * 2
            found = windows_of(self.file, length, np.inf, self.seed, shape)
            if isinstance(found, PlaneWindows):
                found.check(FIELDS, shape, (1.0, 1.0), INTERVAL)
            frames = [found[i]["frames"] for i in range(self.trajectories)]
            if frames[0].shape[2:] != shape:
                raise ValueError(
                    f"The frames of {self.file} are of the shape {frames[0].shape[2:]}; choose "
                    f"--cells for them."
                )
            return np.stack(frames)
        configuration = Configuration(
            LAW,
            split="test",
            laws=self.trajectories,
            initials=1,
            initial="steps",
            cells=self.cells,
            seed=self.seed,
            frames=_FRAMES,
            final_time=(_FRAMES - 1) * INTERVAL,
        )
        values = np.concatenate([b.values[b.status == 0] for b in blocks(configuration)])
        if not len(values):
            raise ValueError("No trajectory could be solved; choose another --seed or more --laws.")
        starts = np.arange(len(values)) % (_FRAMES - length + 1)
        return np.stack([v[i : i + length] for v, i in zip(values, starts, strict=True)])


def context_of(window: Float[np.ndarray, "time field x y"]) -> Trajectory:
    """The context of a window."""
    grid = Grid.rectangle(window.shape[2:])
    return Trajectory(window[:CONTEXT], INTERVAL * np.arange(CONTEXT), grid, FIELDS)
