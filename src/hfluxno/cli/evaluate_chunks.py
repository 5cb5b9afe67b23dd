"""The chunks of an evaluation, measured by the processes of a Dask cluster.

The workers return a few numbers per window. The client stores those of each chunk beside the
output, so an interrupted evaluation can be resumed, and joins them in order: the errors are the
same as in a single process.
"""

import contextlib
import functools
from collections.abc import Callable
from pathlib import Path

import xarray as xr

from hfluxno.data import open_dataset
from hfluxno.data.partial import Partial
from hfluxno.data.parts import NamedWeights, file_fingerprint
from hfluxno.data.replacing import replacing
from hfluxno.datasets import cluster
from hfluxno.evaluation.windows import Errors, WindowChunk, Windows
from hfluxno.models.forecaster import NetworkForecaster


@functools.lru_cache(maxsize=2)
def loaded(network: NamedWeights) -> NetworkForecaster:
    """Raises `ValueError` or `OSError` if there is no such network."""
    from hfluxno.training.release import any_weights  # an extra

    found = any_weights(network.name)
    return found if network.refinement is None else found.refined(network.refinement)


def _measured(
    windows: Windows, network: NamedWeights, path: Path, chunk: WindowChunk
) -> tuple[WindowChunk, xr.Dataset]:
    with open_dataset(path) as data:
        return chunk, windows.measured(loaded(network), data, chunk)


def evaluate_on(
    scheduler: str,
    workers: int | None,
    windows: Windows,
    network: NamedWeights,
    data: Path,
    output: Path,
    advance: Callable[[int, int], None],
) -> Errors:
    """The errors of a set, as one process finds them. Raises `OSError` if something cannot be read
    or written, or the scheduler ends; the message says what remains."""
    chunks = windows.chunks
    total = sum(chunk.count for chunk in chunks)
    partial = Partial(output)
    partial.start({"made_by": _fingerprint(windows, network, data), "windows": total})
    there = [chunk for chunk in chunks if _file(partial, chunk).exists()]
    left = [chunk for chunk in chunks if chunk not in there]
    count = sum(chunk.count for chunk in there)
    with partial.making(lambda: len(there), len(chunks), "chunk"), contextlib.ExitStack() as stack:
        advance(count, total)
        if left:
            client = stack.enter_context(cluster.connected(scheduler, workers))
            task = functools.partial(_measured, windows, network, data.absolute())
            for chunk, measured in cluster.done(client, task, left):
                with replacing(_file(partial, chunk)) as (temporary,):
                    measured.to_netcdf(temporary, engine="h5netcdf")
                there.append(chunk)
                count += chunk.count
                advance(count, total)
        files = (_file(partial, chunk) for chunk in chunks)
        errors = windows.errors([xr.load_dataset(file, engine="h5netcdf") for file in files])
    partial.finish()
    return errors


def _fingerprint(windows: Windows, network: NamedWeights, data: Path) -> str:
    """What determines the errors."""
    asked = (windows.steps, windows.starts.tolist(), len(windows.used))
    return file_fingerprint(data, (network, asked))


def _file(partial: Partial, chunk: WindowChunk) -> Path:
    return partial.folder / f"{'whole' if chunk.whole else 'windows'}-{chunk.first:012d}.nc"
