"""Files whose variables name their axes: NetCDF, HDF5 as netCDF4 writes it, Zarr, NPZ with `y`."""

from collections.abc import Mapping
from pathlib import Path

import xarray as xr

from hfluxno.data.axes import squeezed, with_dims
from hfluxno.data.numbers import field_names
from hfluxno.data.plane.file import AXES, PlaneFile, refuse_three_axes

_KNOWN = (*AXES, "t", "field")


def on_plane(variables: Mapping[str, xr.Variable]) -> bool:
    """Whether a variable has both axes x and y, of several entries, and a time."""
    return any(
        {"x", "y"} <= set(v.dims) and min(v.sizes["x"], v.sizes["y"]) > 1 and _timed(v)
        for v in variables.values()
    )


def read_labelled(
    variables: Mapping[str, xr.Variable], names: Mapping[str, str], path: Path
) -> PlaneFile:
    """The fields of an open file, of which `on_plane` is true. Raises `ValueError` if all of them
    have further axes."""
    bare, found, still = squeezed(variables), {}, {}
    names = {known: name for known, name in names.items() if known != name}
    others, further = [], ""
    for name, v in bare.items():
        if not ({"x", "y"} <= set(v.dims) and _timed(v)):
            others += [name] if v.ndim > 1 else []
            if {"x", "y"} <= set(v.dims) <= {"trajectory", "x", "y"}:
                still[name] = v
            continue
        strange = [str(d) for d in v.dims if d not in _KNOWN]
        if strange:
            others.append(name)
            further = strange[0]
            continue
        if "t" in v.dims:
            names["time"] = "t"
        known = with_dims(v, ["time" if d == "t" else str(d) for d in v.dims])
        if "field" not in known.dims:
            found[name] = known
            continue
        each = field_names(bare.get("field"), known.sizes["field"], name)
        found |= {field: known.isel(field=i) for i, field in enumerate(each)}
    if further and not found:
        raise refuse_three_axes(path, ("x", "y", further))
    coordinates = {}
    for axis in AXES:
        own = bare.get("t" if names.get("time") == "t" and axis == "time" else axis)
        if own is not None and own.ndim == 1:
            coordinates[axis] = with_dims(own, (axis,)).load()
    return PlaneFile("labelled", found, coordinates, None, names, others, still)


def _timed(variable: xr.Variable) -> bool:
    return len({"time", "t"} & set(variable.dims)) == 1
