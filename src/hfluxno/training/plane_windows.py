"""Windows of two-dimensional frames from external files: HDF5 of The Well, or NPZ.

If a file has a multiple of the wanted cells, windows are averages over squares of them. (The
authors of HFluxNO take every eighth value of The Well's; averages are what a conservative step
advances.) As in `WindowFile`, a pass visits every trajectory once, in its own order, with one of
its windows, which moves by a frame from pass to pass.
"""

import dataclasses
import functools
from collections.abc import Sequence
from pathlib import Path

import h5py
import numpy as np

from hfluxno.data.numbers import listed
from hfluxno.data.plane import PlaneSource, read_plane
from hfluxno.grid import averaged
from hfluxno.training.batch_source import WindowSource, random, window_starts

_SUFFIXES = (".hdf5", ".h5", ".npz")
_SAME = 1e-3  # of an interval


def plane_files(path: Path) -> tuple[Path, ...]:
    """The HDF5 and NPZ files at a path or in a folder, in the order of their names; none for
    anything else."""
    found = sorted(path.iterdir()) if path.is_dir() and path.suffix != ".zarr" else [path]
    return tuple(file for file in found if file.suffix in _SUFFIXES and file.is_file())


@dataclasses.dataclass(frozen=True)
class PlaneWindows(WindowSource):
    """The windows of a file, or of a folder of files with the same fields and times.

    - `cells`: the number of cells along each axis to which frames are averaged; if empty, they are
      not.
    """

    cells: tuple[int, ...] = ()

    def __getitem__(self, number: int) -> dict[str, np.ndarray]:
        passed, place = divmod(int(number), len(self._members))
        order = random(self.seed, "order", passed).permutation(len(self._members))
        member = int(order[place])
        source, inside = self._members[member]
        starts = window_starts(source.times - source.times[0], self.limit, self.window)
        first = (int(random(self.seed, "offset", member).integers(starts)) + passed) % starts
        frames = source.whole(inside, first, first + self.window)
        frames = averaged(frames, self.cells) if self.cells else frames
        return {"frames": frames, "coefficients": self._coefficients(source)}

    def check(
        self,
        fields: tuple[str, ...],
        cells: tuple[int, ...],
        lengths: tuple[float, ...],
        interval: float,
    ) -> None:
        """Checks that the files fit. Raises `ValueError` if their fields, cells, domain or times do
        not fit."""
        for source in self._sources:
            shape, grid = (len(source.x), len(source.y)), source.grid
            sides = [high - low for low, high in zip(grid.lower, grid.upper, strict=True)]
            apart = float(source.times[-1] - source.times[0]) / (source.frames - 1)
            if source.fields != fields:
                fault = f"its fields are {', '.join(source.fields)}, not {', '.join(fields)}"
            elif len(cells) != 2 or any(n % m for n, m in zip(shape, cells, strict=True)):
                fault = f"its {_by(shape)} cells are no multiple of {_by(cells)}"
            elif not np.allclose(sides, lengths, rtol=1e-2):
                fault = f"its domain is {_by(sides)}, not {_by(lengths)}"
            elif abs(apart - interval) > _SAME * interval:
                fault = f"its frames are {apart:g} apart, not {interval:g}"
            elif source.boundary != (("periodic",) * 2,) * 2:
                fault = "it is not periodic"
            else:
                continue
            raise ValueError(f"{source.path} does not fit: {fault}; choose another file.")

    @functools.cached_property
    def _sources(self) -> tuple[PlaneSource, ...]:
        return tuple(read_plane(file) for file in plane_files(Path(self.path)))

    @functools.cached_property
    def _members(self) -> tuple[tuple[PlaneSource, int], ...]:
        found = tuple((source, i) for source in self._sources for i in range(source.count))
        fields = {source.fields for source in self._sources}
        if len(fields) > 1:
            first, second = sorted(map(list, fields))[:2]
            raise ValueError(
                f"The files of {self.path} have different fields ({listed(first)}; "
                f"{listed(second)}); keep those of one kind in a folder."
            )
        return found

    def _coefficients(self, source: PlaneSource) -> np.ndarray:
        """γ if the file has it, as those of The Well do; two-dimensional losses do not need it."""
        if source.path.suffix == ".npz":
            return np.array([np.nan])
        with h5py.File(source.path, "r") as file:
            return np.array([float(np.ravel(file.attrs.get("gamma", np.nan))[0])])


def _by(numbers: Sequence[int | float]) -> str:
    return " × ".join(f"{number:g}" for number in numbers)
