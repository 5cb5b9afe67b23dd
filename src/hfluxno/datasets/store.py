"""The results of chunks in one Zarr store, with a mark for each chunk until all are written.

The chunks of Zarr are the chunks of work, so no two processes write the same file; a chunk written
twice, because a process was lost, gets the same numbers.
"""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
import zarr

from hfluxno.data.partial import Partial
from hfluxno.datasets.chunk import Layout

_DONE = "done"


@dataclasses.dataclass(frozen=True)
class ChunkStore:
    """A store that is being made; it can be sent to other processes."""

    partial: Partial

    @property
    def _store(self) -> Path:
        return self.partial.folder / "set.zarr"

    def write(self, members: slice, found: xr.Dataset) -> None:
        """Writes the results of a chunk, and then its mark."""
        group: Any = zarr.open_group(self._store, mode="r+")
        for name, variable in found.variables.items():
            if "trajectory" in variable.dims:
                place = tuple(members if d == "trajectory" else slice(None) for d in variable.dims)
                group[str(name)][place] = variable.values
        self._mark(members).touch()

    def is_done(self, members: slice) -> bool:
        return self._mark(members).exists()

    def start(self, layout: Layout, total: int, size: int, made_by: str) -> None:
        """Creates the folder, or resumes it if it was `made_by` the same data and options. Raises
        `OSError` if it contains something else, or cannot be created.
        """

        def begin() -> None:
            _skeleton(self._store, layout, total, size)
            (self.partial.folder / _DONE).mkdir()

        self.partial.start(
            {"made_by": made_by, "trajectories": total, "chunk": size},
            begin,
            "other data, options or version; finish it with its own, choose another output, or "
            "delete it to start again",
        )

    def finish(self, chunks: Sequence[slice]) -> None:
        """Renames the store to the output. Raises `OSError` if it cannot be renamed, or a chunk is
        not done."""
        missing = [members for members in chunks if not self.is_done(members)]
        if missing:
            raise OSError(
                f"{len(missing)} of {len(chunks)} chunks of {self.partial.output} are not written."
            )
        self.partial.finish(self._store)

    def _mark(self, members: slice) -> Path:
        return self.partial.folder / _DONE / f"{members.start:012d}-{members.stop:012d}"


def _skeleton(store: Path, layout: Layout, total: int, size: int) -> None:
    """A store with all variables, in which nothing is written yet."""
    empty = {name: c.empty(layout.sizes | {"trajectory": 1}) for name, c in layout.columns.items()}
    sizes = layout.sizes | {"trajectory": min(size, total)}
    chunks = {name: tuple(sizes[d] for d in c.dims) for name, c in layout.columns.items()}
    layout.dataset(empty).to_zarr(
        store,
        mode="w",
        consolidated=False,
        encoding={name: {"chunks": cut} for name, cut in chunks.items()},
    )
    group: Any = zarr.open_group(store, mode="r+")
    for name, column in layout.columns.items():
        whole = layout.sizes | {"trajectory": total}
        group[name].resize(tuple(whole[d] for d in column.dims))


def outcome(output: Path) -> dict:
    """The number of trajectories of each status in a finished output, the first that failed and
    why, and statistics of their back-test errors, if they have any."""
    group: Any = zarr.open_group(output, mode="r")
    name, sentence = (f"{n}_" if f"{n}_" in group else n for n in ("status", "status_sentence"))
    meanings = str(group[name].attrs["flag_meanings"]).split()
    values = np.asarray(group[name].attrs["flag_values"]).tolist()
    every = np.asarray(group[name][...])
    counts = {word: int(np.sum(every == v)) for word, v in zip(meanings, values, strict=True)}
    found: dict = {"contexts": len(every), "statuses": {w: n for w, n in counts.items() if n}}
    if counts.get("failed"):
        first = int(np.argmax(every == dict(zip(meanings, values, strict=True))["failed"]))
        found["first_failed"] = {"trajectory": first, "reason": str(group[sentence][first])}
    if "backtest_error" in group:
        errors = np.asarray(group["backtest_error"][...])
        errors = errors[np.isfinite(errors)]
        if errors.size:
            found["backtest_error"] = {
                "mean": float(errors.mean()),
                "median": float(np.median(errors)),
                "95th percentile": float(np.percentile(errors, 95)),
                "largest": float(errors.max()),
            }
    return found
