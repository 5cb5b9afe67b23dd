"""Trajectories that a file itself declares failed."""

from collections.abc import Mapping

import numpy as np
import xarray as xr


def failed_ones(variables: Mapping[str, xr.Variable], found: xr.Variable) -> np.ndarray:
    """Which trajectories have NaN, and a `status` that is not 0."""
    if "trajectory" not in found.dims:
        return np.zeros(1, bool)
    count = found.sizes["trajectory"]
    status = variables.get("status")
    if status is None or status.dims != ("trajectory",) or found.dtype.kind != "f":
        return np.zeros(count, bool)
    others = tuple(axis for axis, d in enumerate(found.dims) if d != "trajectory")
    return (np.asarray(status.values) != 0) & ~np.isfinite(found.values).all(axis=others)
