"""The HDF5 files of PDEBench's compressible flow on a plane (Takamoto et al., NeurIPS 2022).

`density`, `Vx`, `Vy` and `pressure` are (trajectory, time, x, y); `t-coordinate` has one entry more
than there are frames.
"""

from pathlib import Path

import h5py
import xarray as xr

from hfluxno.data.axes import with_dims
from hfluxno.data.plane.file import PlaneFile, refuse_three_axes
from hfluxno.plural import plural

_FIELDS = {"density": "density", "Vx": "velocity_x", "Vy": "velocity_y", "pressure": "pressure"}
_DIMS = ("trajectory", "time", "x", "y")


def is_pdebench(file: h5py.File) -> bool:
    return "x-coordinate" in file and "Vx" in file and "Vy" in file


def read_pdebench(path: Path, file: h5py.File, whole: xr.Dataset) -> PlaneFile:
    """The fields of an open file. Raises `ValueError` if it has three space axes."""
    if "Vz" in file or "z-coordinate" in file:
        raise refuse_three_axes(path, ("x", "y", "z"))
    fields = {
        ours: with_dims(whole.variables[theirs], _DIMS)
        for theirs, ours in _FIELDS.items()
        if theirs in file and file[theirs].ndim == len(_DIMS)
    }
    for letter in ("t", "x", "y"):
        if (name := f"{letter}-coordinate") in file and file[name].ndim != 1:
            raise ValueError(
                f"{name} in {path} has {plural(file[name].ndim, 'dimension')}, and a row of "
                "numbers is needed; store one that all trajectories share."
            )
    coordinates = {
        axis: xr.Variable(axis, file[f"{letter}-coordinate"][()])
        for axis, letter in (("time", "t"), ("x", "x"), ("y", "y"))
        if f"{letter}-coordinate" in file
    }
    frames = next(iter(fields.values())).sizes["time"] if fields else 0
    if "time" in coordinates and coordinates["time"].size == frames + 1:
        coordinates["time"] = coordinates["time"][:frames]
    return PlaneFile("PDEBench", fields, coordinates)
