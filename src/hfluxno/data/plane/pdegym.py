"""The NetCDF files of PDEGym (Herde et al., NeurIPS 2024).

One variable, `data`, `solution` or `velocity`, is (trajectory, time, channel, x, y), or `solution`
(trajectory, time, x, y). Its channels are those of a compressible flow: the density, the velocity
along x and y, the pressure, perhaps the energy and the potential of gravity; or the velocity of an
incompressible one, and perhaps a tracer. There are no coordinates: the cells are those of [0, 1]²,
and the frames are those of [0, 1] too.
"""

import h5py
import numpy as np
import xarray as xr

from hfluxno.data.axes import with_dims
from hfluxno.data.plane.file import PlaneFile, text

_GAS = ("density", "velocity_x", "velocity_y", "pressure", "energy", "potential")
_FLOW = ("velocity_x", "velocity_y", "tracer")
_DIMS = ("trajectory", "time", "channel", "x", "y")
# With fewer, the axis before the last one may be one of fields.
_LEAST_CELLS = 16


def is_pdegym(file: h5py.File) -> bool:
    return _variable(file) is not None


def read_pdegym(file: h5py.File, whole: xr.Dataset) -> PlaneFile:
    """The fields of an open file."""
    variable = whole.variables[str(_variable(file))]
    if variable.ndim < len(_DIMS):
        fields = {"u": with_dims(variable, [d for d in _DIMS if d != "channel"])}
    else:
        every = with_dims(variable, _DIMS)
        count = every.sizes["channel"]
        channels = _FLOW if count <= len(_FLOW) else _GAS
        fields = {channel: every[:, :, i] for i, channel in enumerate(channels[:count])}
    frames = next(iter(fields.values())).sizes["time"]
    time = xr.Variable("time", np.linspace(0.0, 1.0, frames))
    return PlaneFile("PDEGym", fields, {"time": time} | _own_coordinates(whole))


def _own_coordinates(whole: xr.Dataset) -> dict[str, xr.Variable]:
    """Those of forecasts that were written in this layout; integers only count."""
    return {
        axis: xr.Variable(axis, found.values, found.attrs)
        for axis in ("time", "x", "y")
        if (found := whole.variables.get(axis)) is not None
        and found.ndim == 1
        and found.dtype.kind == "f"
    }


def _variable(file: h5py.File) -> str | None:
    """The name of the variable, if there is one; another layout names its axes."""
    axes = {"time", "t", "x", "y"} & set(file)
    bare = all(_is_bare(file[axis]) for axis in axes)
    for name in ("data", "solution", "velocity"):
        shape: tuple[int, ...] = getattr(file.get(name), "shape", ())
        if len(shape) not in (4, 5) or min(shape[-2:]) < _LEAST_CELLS:
            continue
        named = bool(axes) and not (bare and _axes_of(file[name])[1:] == _DIMS[1:])
        if len(shape) == 4:
            found = name == "solution" and not named
        else:
            found = 4 <= shape[2] <= len(_GAS) or (2 <= shape[2] <= len(_FLOW) and not named)
        if found:
            return name
    return None


def _is_bare(axis: h5py.Dataset) -> bool:
    """Whether an axis is a name alone, without coordinates, as netCDF4 stores it."""
    name = axis.attrs.get("NAME", b"")
    return text(name).startswith("This is a netCDF dimension but not a netCDF variable")


def _axes_of(variable: h5py.Dataset) -> tuple[str, ...]:
    """The names of its axes, empty where they have none."""
    return tuple(dim[0].name.rpartition("/")[2] if len(dim) else "" for dim in variable.dims)
