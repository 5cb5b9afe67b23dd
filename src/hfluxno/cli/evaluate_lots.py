"""The lots of an evaluation, measured by the processes of a Dask cluster.

What comes back is a few numbers for each window. The client keeps those of every lot beside the
output, so an interrupted evaluation goes on, and puts them together in their order: the errors are
those of one process, whoever measured them.
"""

import contextlib
import dataclasses
import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from hfluxno.batching import on_one_core
from hfluxno.compilation_cache import cache_in_use, use_cache
from hfluxno.data import open_dataset
from hfluxno.data.parts import Parts, file_fingerprint
from hfluxno.data.replacing import replacing
from hfluxno.data.writers import version_name
from hfluxno.datasets.cluster import connected, done
from hfluxno.evaluation.windows import Errors, Lot, Measured, Windows
from hfluxno.models.forecaster import NetworkForecaster


@dataclasses.dataclass(frozen=True)
class Named:
    """A network by its weights, which takes less to send than the network."""

    weights: str
    refinement: int | None = None


@functools.lru_cache(maxsize=2)
def loaded(named: Named) -> NetworkForecaster:
    """**Raises:**

    - `ValueError`, `OSError`, where there is no such network.
    """
    from hfluxno.training.release import any_weights  # an extra

    found = any_weights(named.weights)
    return found if named.refinement is None else found.refined(named.refinement)


@dataclasses.dataclass(frozen=True)
class _Task:
    windows: Windows
    network: Named
    data: Path
    programs: str | None

    def __call__(self, lot: Lot) -> tuple[Lot, Measured]:
        use_cache(self.programs)
        with on_one_core(), open_dataset(self.data) as data:
            return lot, self.windows.measured(loaded(self.network), data, lot)


def evaluate_on(
    scheduler: str,
    workers: int | None,
    windows: Windows,
    network: Named,
    data: Path,
    output: Path,
    advance: Callable[[int, int], None],
) -> Errors:
    """The errors of a set, as [`evaluate`][hfluxno.evaluation.windows.evaluate] finds them.

    **Raises:**

    - `OSError`, where something cannot be read or written, or the scheduler ends; it says what
      stays.
    """
    lots = windows.lots
    total = sum(lot.count for lot in lots)
    parts = Parts(output, total, _fingerprint(windows, network, data))
    there = [lot for lot in lots if _file(parts, lot).exists()]
    left = [lot for lot in lots if lot not in there]
    count = sum(lot.count for lot in there)
    with parts.finished(there, len(lots), "lot"), contextlib.ExitStack() as stack:
        advance(count, total)
        if left:
            client = stack.enter_context(connected(scheduler, workers))
            task = _Task(windows, network, data.absolute(), cache_in_use())
            for lot, measured in done(client, task, left):
                _write(_file(parts, lot), measured)
                there.append(lot)
                count += lot.count
                advance(count, total)
        return windows.errors([_read(_file(parts, lot)) for lot in lots])


def _fingerprint(windows: Windows, network: Named, data: Path) -> str:
    """What decides the errors; of weights in a folder, what tells its files from others."""
    folder = Path(network.weights)
    files = sorted(file for file in folder.rglob("*") if file.is_file()) if folder.is_dir() else []
    stamps = [(str(f), f.stat().st_size, f.stat().st_mtime_ns) for f in files]
    asked = (windows.steps, windows.starts.tolist(), len(windows.used))
    return file_fingerprint(data, (version_name(), network, stamps, asked))


def _file(parts: Parts, lot: Lot) -> Path:
    return parts.folder / f"{'whole' if lot.whole else 'windows'}-{lot.first:012d}.npz"


def _write(file: Path, measured: Measured) -> None:
    arrays: dict[str, Any] = {f"error {name}": v for name, v in measured.errors.items()}
    arrays |= {"failed": measured.failed, "sentences": np.asarray(measured.sentences)}
    with replacing(file) as (temporary,):
        np.savez(temporary, **arrays)


def _read(file: Path) -> Measured:
    with np.load(file, allow_pickle=False) as found:
        errors = {n.removeprefix("error "): found[n] for n in found if n.startswith("error ")}
        return Measured(errors, found["failed"], tuple(map(str, found["sentences"])))
