"""The NetCDF files of PDEGym's compressible flow (Herde et al., NeurIPS 2024).

One variable, `data` or `solution`, is (trajectory, time, channel, x, y); the channels are the
density, the velocity along x and y, the pressure and perhaps the energy. There are no coordinates:
the cells are those of [0, 1]², and the frames are those of [0, 1] too.
"""

from typing import Any

import h5py
import numpy as np
import xarray as xr

from hfluxno.data.axes import with_dims
from hfluxno.data.plane.file import PlaneFile

_NAMES = ("data", "solution")
_CHANNELS = ("density", "velocity_x", "velocity_y", "pressure", "energy")
_DIMS = ("trajectory", "time", "channel", "x", "y")


def is_pdegym(file: h5py.File) -> bool:
    return any(_is_it(file.get(name)) for name in _NAMES)


def read_pdegym(file: h5py.File, whole: xr.Dataset) -> PlaneFile:
    """The fields of an open file."""
    name = next(name for name in _NAMES if _is_it(file.get(name)))
    every = with_dims(whole.variables[name], _DIMS)
    fields = {
        channel: every[:, :, i] for i, channel in enumerate(_CHANNELS[: every.sizes["channel"]])
    }
    time = xr.Variable("time", np.linspace(0.0, 1.0, every.sizes["time"]))
    return PlaneFile("PDEGym", fields, {"time": time})


def _is_it(dataset: Any) -> bool:
    shape: tuple[int, ...] = getattr(dataset, "shape", ())
    return len(shape) == len(_DIMS) and shape[2] in (4, 5) and shape[3] >= 8 and shape[4] >= 8
