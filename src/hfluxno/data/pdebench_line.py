"""The one-dimensional HDF5 files of PDEBench (Takamoto et al., NeurIPS 2022).

`tensor`, or `density`, `Vx` and `pressure` of a gas, are (trajectory, time, x). `t-coordinate` may
have one entry more than there are frames.

Other files of PDEBench (`2D_rdb`, `2D_diff-react`, `1D_diff-sorp`) have a group for each
trajectory, with `data` (time, x, y, field) and `grid`, and are not read.
"""

from collections.abc import Mapping
from pathlib import Path

import h5py
import xarray as xr

from hfluxno.data.axes import with_dims

_AXES = {"t-coordinate": "time", "x-coordinate": "x"}
_NAMES = {"Vx": "velocity"}
_DIMS = ("trajectory", "time", "x")


def of_pdebench(stored: Mapping[str, xr.Variable]) -> dict[str, xr.Variable] | None:
    """The variables of a file without dimension names by our names; `None` if it is another."""
    if not set(_AXES) <= set(stored) or "y-coordinate" in stored:
        return None
    fields = {
        _NAMES.get(name, name): with_dims(variable, _DIMS)
        for name, variable in stored.items()
        if variable.ndim == len(_DIMS)
    }
    frames = {variable.sizes["time"] for variable in fields.values()}
    found = {
        axis: xr.Variable(axis, stored[name].values, stored[name].attrs)
        for name, axis in _AXES.items()
        if stored[name].ndim == 1
    }
    if "time" in found and frames == {found["time"].size - 1}:
        found["time"] = found["time"][:-1]
    return found | fields


def of_groups(path: Path, group: str) -> str:
    """How to make a file of one of its groups readable, if they are those of PDEBench; else
    empty."""
    with h5py.File(path, "r") as file:
        data, grid = file.get(f"{group}/data"), file.get(f"{group}/grid")
        if not isinstance(data, h5py.Dataset) or not isinstance(grid, h5py.Group):
            return ""
        axes = [axis for axis in ("x", "y") if axis in grid]
        if "t" not in grid or data.ndim != len(axes) + 2:
            return ""
    places = "".join(f', {axis}=g["grid/{axis}"]' for axis in axes)
    return (
        f"{path} has a group for each trajectory, as some files of PDEBench; store one of them in "
        f'a separate file, in Python by g = h5py.File("{path.name}")["{group}"]; '
        f'np.savez("one.npz", values=np.moveaxis(g["data"][:], -1, 1), time=g["grid/t"]{places}).'
    )
