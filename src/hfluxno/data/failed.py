"""Trajectories that a file itself declares failed."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import xarray as xr

from hfluxno.data.reading import NotRead
from hfluxno.plural import plural


def failed_ones(variables: Mapping[str, xr.Variable], found: xr.Variable) -> np.ndarray:
    """Which trajectories have NaN, and a `status` that is not 0. Raises `NotRead` if that has no
    names of dimensions and not one entry for each."""
    if "trajectory" not in found.dims:
        return np.zeros(1, bool)
    count = found.sizes["trajectory"]
    status = variables.get("status")
    if status is None or found.dtype.kind != "f":
        return np.zeros(count, bool)
    unnamed = status.ndim == 1 and str(status.dims[0]).startswith(("dimension ", "phony_dim"))
    if unnamed and status.size != count:
        raise NotRead(
            f"The array status has {plural(status.size, 'entry')}, but there are "
            f"{plural(count, 'trajectory')}; give one for each, or leave it out."
        )
    if not unnamed and status.dims != ("trajectory",):
        return np.zeros(count, bool)
    others = tuple(axis for axis, d in enumerate(found.dims) if d != "trajectory")
    return (np.asarray(status.values) != 0) & ~np.isfinite(found.values).all(axis=others)


def without_failed(
    found: xr.Variable, coordinates: Mapping[str, xr.Variable], failed: np.ndarray, path: Path
) -> tuple[xr.Variable, dict[str, xr.Variable]]:
    """The trajectories that have not failed, and their coordinates. Raises `ValueError` if the
    file has another number of them than numbers of trajectories."""
    numbers = coordinates.get("trajectory")
    if numbers is not None and numbers.shape != (found.sizes["trajectory"],):
        raise ValueError(
            f"The coordinate trajectory of {path} has the shape {numbers.shape}, but there are "
            f"{plural(found.sizes['trajectory'], 'trajectory')}; give one entry for each, or "
            "leave it out."
        )
    if not failed.any():
        return found, dict(coordinates)
    kept = np.flatnonzero(~failed)
    if numbers is None:
        numbers = xr.Variable("trajectory", np.arange(len(failed)))
    own = {"trajectory": numbers.isel(trajectory=kept)}
    return found.isel(trajectory=kept), {**coordinates, **own}
