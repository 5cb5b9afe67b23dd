"""The one-dimensional HDF5 files of PDEBench (Takamoto et al., NeurIPS 2022).

`tensor`, or `density`, `Vx` and `pressure` of a gas, are (trajectory, time, x). `t-coordinate` may
have one entry more than there are frames.
"""

from collections.abc import Mapping

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
