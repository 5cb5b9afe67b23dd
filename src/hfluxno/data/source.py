"""What is read from a file: a trajectory, or a batch of them, and how the file has it."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import xarray as xr

from hfluxno.boundary import BoundaryName
from hfluxno.trajectory import Trajectory

LEAST_FRAMES = 4
LEAST_CELLS = 8


@dataclasses.dataclass(frozen=True)
class Part:
    """A variable as the file has it: its name, dimensions and attributes (units and the like)."""

    name: str
    dims: tuple[str, ...]
    attributes: Mapping[str, object]


@dataclasses.dataclass(frozen=True)
class Source:
    """What is read of a file, in the order (trajectory, time, field, x), and how the file has it.

    **Attributes:**

    - `path`: where it comes from.
    - `parts`: the one variable, or several, each of which is a field.
    - `values`: (time, field, x) or (trajectory, time, field, x), in float32 or float64; NaN in
      gaps.
    - `times`, `x`: the coordinates as float64, in the units of the file, uniform with the frames
      and cells that the file leaves out.
    - `fields`: one name per field.
    - `boundary`: a name for each side of the domain.
    - `coordinates`: the coordinates that the file has, by dimension, with their attributes.
    - `names`: what the file calls the axes time and x, where it is not that.
    - `falls`: whether x falls in the file.
    - `failed`: the number of trajectories that the file declares failed, which are left out.
    - `rows`: which of the `times` stand in the file; all where it is `None`.
    - `columns`: in which of the cells the entries of the file's x are; all where it is `None`.
    - `notes`: what was done to make times and places uniform, as sentences.
    """

    path: Path
    parts: tuple[Part, ...]
    values: np.ndarray
    times: np.ndarray
    x: np.ndarray
    fields: tuple[str, ...]
    boundary: tuple[BoundaryName, BoundaryName]
    coordinates: Mapping[str, xr.Variable]
    names: Mapping[str, str] = dataclasses.field(default_factory=dict)
    falls: bool = False
    failed: int = 0
    rows: tuple[int, ...] | None = None
    columns: tuple[int, ...] | None = None
    notes: tuple[str, ...] = ()

    @property
    def variable(self) -> str:
        """The name, or the names with commas between."""
        return ", ".join(part.name for part in self.parts)

    @property
    def dims(self) -> tuple[str, ...]:
        """The dimensions of each part in the order (trajectory, time or t, field, x)."""
        names = self.parts[0].dims
        return tuple(d for d in ("trajectory", "time", "t", "field", "x") if d in names)

    @property
    def field_attributes(self) -> tuple[Mapping[str, object], ...]:
        """For each field the attributes of its variable."""
        several = len(self.parts) > 1
        return tuple(self.parts[i if several else 0].attributes for i in range(len(self.fields)))

    @property
    def hints(self) -> tuple[str, ...]:
        """The notes, and what looks like an oversight, as sentences."""
        first, last = self.values[..., 0], self.values[..., -1]
        size = np.max(np.abs(self.values), initial=0.0, where=~np.isnan(self.values))
        rounding = 4.0 * np.finfo(self.values.dtype).eps * size
        moves = np.any(np.ptp(first, axis=-2) > 1e3 * rounding)
        same = np.all(np.abs(first - last) <= rounding)
        if self.boundary[0] != "periodic" or not same or not moves:
            return self.notes
        return (
            *self.notes,
            f"The first and the last cell of {self.path} are the same in every frame, as if the "
            "end of a periodic domain stood there twice; leave out the last one.",
        )

    @property
    def frames(self) -> int:
        """The number of frames in the file."""
        return len(self.times) if self.rows is None else len(self.rows)

    @property
    def trajectories(self) -> int:
        return self.values.shape[0] if self.values.ndim == 4 else 1

    @property
    def trajectory(self) -> Trajectory:
        """All frames as a `Trajectory`, whose times count from the first frame."""
        return self.window(0, len(self.times))

    def window(self, start: int, stop: int) -> Trajectory:
        """The frames start ≤ j < stop; its times count from the first frame of the file.

        Times that begin near zero survive single precision, in which a far origin would drown the
        spacing.
        """
        return Trajectory.from_numpy(
            self.values[..., start:stop, :, :],
            self.times[start:stop] - self.times[0],
            self.x,
            self.fields,
            self.boundary,
        )

    def context(self, frames: int | None = None) -> Trajectory:
        """The first `frames` frames of the file (all where it is `None`), fit to infer a law from,
        and what is missing between them.

        **Raises:**

        - `ValueError`, where there are fewer frames than asked for, or too few for any law, or
          where the values do not change.
        """
        frames = self.frames if frames is None else frames
        if frames > self.frames:
            raise ValueError(
                f"The context of {frames} frames is longer than {self.path}, which has "
                f"{self.frames}; choose --context {self.frames} or less."
            )
        if frames < LEAST_FRAMES:
            raise ValueError(
                f"A context of {frames} frames is too short to infer a law; choose --context "
                f"{LEAST_FRAMES} or more."
            )
        context = self.window(0, frames if self.rows is None else self.rows[frames - 1] + 1)
        values = np.asarray(context.values)
        known = ~np.isnan(values)
        high = np.max(values, axis=(-3, -1), initial=-np.inf, where=known)
        low = np.min(values, axis=(-3, -1), initial=np.inf, where=known)
        size = np.maximum(np.abs(high), np.abs(low))
        # Where nothing is known, the method says so.
        if (
            np.all(high - low <= 4.0 * np.finfo(values.dtype).eps * size)
            and np.isfinite(size).all()
        ):
            raise ValueError(
                f"The values of {self.variable} in {self.path} are constant (about "
                f"{float(low.flat[0]):g}) in the first {frames} frames: there is nothing to "
                "infer a law from; choose data in which something moves."
            )
        return context
