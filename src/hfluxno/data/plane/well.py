"""The HDF5 files of The Well (Ohana et al., NeurIPS 2024), as its data_format.md describes them.

Scalars are in the group `t0_fields` as (trajectory, time, x, y), vectors in `t1_fields` with their
components along a last axis, in the order of `dimensions/spatial_dims`, tensors in `t2_fields` with
two such axes. An axis of trajectories or
of time is missing if an attribute says that nothing varies along it.
"""

from pathlib import Path

import h5py
import numpy as np
import xarray as xr

from hfluxno.data.axes import with_dims
from hfluxno.data.contained import too_large
from hfluxno.data.plane.file import PlaneFile, Sides, components, refuse_three_axes, text

GROUPS = ("t0_fields", "t1_fields", "t2_fields")
_KINDS = {"PERIODIC": "periodic", "WALL": "wall", "OPEN": "outflow"}
_OURS = ("x", "y")


def is_well(file: h5py.File) -> bool:
    return "dimensions" in file and any(group in file for group in GROUPS)


def read_well(path: Path, file: h5py.File, datasets: dict[str, xr.Dataset]) -> PlaneFile:
    """The fields of an open file; `datasets` are its groups. Raises `ValueError` if it is not on a
    plane, or its cells are not Cartesian."""
    kind = text(file.attrs.get("grid_type", "cartesian")).lower()
    if kind != "cartesian":
        raise ValueError(
            f"The grid of {path} is {kind}; only Cartesian grids are supported: interpolate first."
        )
    dimensions = file["dimensions"]
    axes = [text(name) for name in np.ravel(dimensions.attrs.get("spatial_dims", _OURS))]
    if len(axes) != 2:
        raise refuse_three_axes(path, axes)
    # Axes called x and y are taken as such, in any order.
    ours = tuple(axes) if set(axes) == set(_OURS) else _OURS
    names = {own: axis for own, axis in zip(ours, axes, strict=True) if own != axis}
    fields: dict[str, xr.Variable] = {}
    others: list[str] = []
    still: dict[str, xr.Variable] = {}
    for order, group in enumerate(GROUPS):
        for key, variable in datasets[group].variables.items() if group in datasets else ():
            name = str(key)
            dims = _dims(variable, ours)
            along = () if dims is None else variable.shape[len(dims) :]
            if dims is None or len(along) != order or any(n < len(ours) for n in along):
                others.append(name)
                continue
            if any(n > len(ours) for n in along):
                others.append(f"components of {name} beyond {ours[0]} and {ours[1]}")
            known = with_dims(variable, (*dims, "component", "other")[: variable.ndim])
            if "time" not in dims:
                others.append(name)
                still |= {} if order else {name: known}
                continue
            fields |= components(name, known, order, ours)
    coordinates = {}
    for own, axis in (("time", "time"), *zip(ours, axes, strict=True)):
        if axis in dimensions:
            coordinates[own] = xr.Variable(own, _one_row(dimensions[axis], axis, path))
    boundary = _boundary(file, dict(zip(axes, ours, strict=True)))
    strange = _strange(file, path)
    return PlaneFile("The Well", fields, coordinates, boundary, names, others, still, strange)


def _dims(variable: xr.Variable, ours: tuple[str, ...]) -> tuple[str, ...] | None:
    """The axes of a field, or `None` if it does not change along one of x and y."""
    if not np.all(np.ravel(variable.attrs.get("dim_varying", True))):
        return None
    sample = bool(variable.attrs.get("sample_varying", True))
    timed = bool(variable.attrs.get("time_varying", True))
    return (*(("trajectory",) if sample else ()), *(("time",) if timed else ()), *ours)


def _one_row(dataset: h5py.Dataset, axis: str, path: Path) -> np.ndarray:
    if large := too_large(path, dataset.nbytes, f"the coordinate {axis}"):
        raise ValueError(large)
    values = np.asarray(dataset[()])
    if values.ndim == 2 and np.all(values == values[:1]):
        values = values[0]
    if values.ndim != 1:
        raise ValueError(
            f"The coordinate {axis} of {path} differs from trajectory to trajectory; save those "
            "with the same one to a separate file."
        )
    return values


def _strange(file: h5py.File, path: Path) -> str:
    """A sentence if the type of a boundary is unknown, else nothing."""
    for key, group in file.get("boundary_conditions", {}).items():
        kind = text(group.attrs.get("bc_type", ""))
        if kind and kind.upper() not in _KINDS:
            return (
                f"The boundary {key} of {path} has the unknown bc_type {kind!r}; known are "
                f"{', '.join(_KINDS)}: correct it, or say what the sides are with --boundary, "
                "such as wall/periodic."
            )
    return ""


def _boundary(file: h5py.File, ours: dict[str, str]) -> Sides | None:
    """The boundary names of the sides in the file: the same on both sides of an axis, or, if they
    differ, assigned by the mask."""
    sides = {"x": ["", ""], "y": ["", ""]}
    for group in file.get("boundary_conditions", {}).values():
        kind = _KINDS.get(text(group.attrs.get("bc_type", "")).upper(), "")
        for axis in map(text, np.ravel(group.attrs.get("associated_dims", ()))):
            if axis in ours:
                known = "mask" in group and group["mask"].ndim == 1
                mask = np.asarray(group["mask"]) if known else np.ones(1)
                one_side = bool(mask[0]) != bool(mask[-1])
                for side in (0, 1):
                    if not one_side or bool(mask[-side]) or kind == "periodic":
                        sides[ours[axis]][side] = kind
    if not all(sides["x"] + sides["y"]):
        return None
    return (sides["x"][0], sides["x"][1]), (sides["y"][0], sides["y"][1])
