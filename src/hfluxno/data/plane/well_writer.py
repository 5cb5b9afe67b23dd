"""Trajectories on a plane as HDF5 in The Well's layout, for its loader and its models.

Fields NAME_x and NAME_y are the vector NAME of `t1_fields`, the others scalars of `t0_fields`;
coefficients of the law are `scalars` that differ from trajectory to trajectory. (Ohana et al.,
NeurIPS 2024, and its data_format.md.)
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import h5py
import numpy as np
from jaxtyping import Float

from hfluxno.data.hdf5 import new_hdf5

_AXES = ("x", "y")


def write_well(
    path: Path,
    name: str,
    fields: Sequence[str],
    coordinates: Mapping[str, np.ndarray],
    parts: Iterable[Float[np.ndarray, "trajectory time field x y"]],
    coefficients: Mapping[str, np.ndarray] | None = None,
    about: Mapping[str, str | int | float] | None = None,
) -> None:
    """Writes trajectories with periodic sides.

    - `name`: of the data set.
    - `coordinates`: `time`, `x` and `y`.
    - `parts`: some trajectories after others.
    - `coefficients`: by name, one for each trajectory.
    - `about`: further attributes of the file.

    Raises `OSError` if the file cannot be written.
    """
    coefficients = coefficients or {}
    with new_hdf5(path) as (file, check):
        file.attrs.update(about or {})
        file.attrs["dataset_name"], file.attrs["grid_type"] = name, "cartesian"
        file.attrs["n_spatial_dims"] = len(_AXES)
        file.attrs["simulation_parameters"] = _names(())
        dimensions = _group(file, "dimensions", "spatial_dims", _AXES)
        for axis, entries in coordinates.items():
            _put(dimensions, axis, entries, sample_varying=False, time_varying=False)
        scalars = _group(file, "scalars", "field_names", coefficients)
        for key, numbers in coefficients.items():
            _put(scalars, key, numbers, sample_varying=True, time_varying=False)
        sides = file.create_group("boundary_conditions")
        for axis in _AXES:
            _put_side(sides, axis, len(coordinates[axis]))
        file.attrs["n_trajectories"] = _put_fields(file, fields, parts, check)


def _put_fields(file: h5py.File, fields: Sequence[str], parts, check) -> int:
    """Appends part by part; returns the number of trajectories."""
    places = _places(fields)
    for order in range(3):
        own = [key for key, components in places.items() if len(components) == order + 1]
        _group(file, f"t{order}_fields", "field_names", own)
    varying = {"sample_varying": True, "time_varying": True, "dim_varying": [True] * len(_AXES)}
    done = 0
    for part in parts:
        for key, components in places.items():
            order = len(components) - 1
            values = part[:, :, components[0]] if order == 0 else part[:, :, list(components)]
            values = values if order == 0 else np.moveaxis(values, 2, -1)
            group = file[f"t{order}_fields"]
            if done == 0:
                shape = values.shape[1:]
                made = group.create_dataset(
                    key,
                    (0, *shape),
                    values.dtype,
                    maxshape=(None, *shape),
                    chunks=(1, 1, *shape[1:]),
                )
                made.attrs.update(varying)
            group[key].resize(done + len(values), axis=0)
            group[key][done:] = values
        done += len(part)
        check()
    return done


def _places(fields: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """Where the scalars and the components of the vectors are."""
    found: dict[str, tuple[int, ...]] = {}
    for i, field in enumerate(fields):
        stem, _, axis = field.rpartition("_")
        pair = [f"{stem}_{each}" for each in _AXES]
        if axis in _AXES and all(each in fields for each in pair):
            found[stem] = tuple(fields.index(each) for each in pair)
        else:
            found[field] = (i,)
    return found


def _put_side(sides: h5py.Group, axis: str, cells: int) -> None:
    side = sides.create_group(f"{axis}_periodic")
    side.attrs.update(bc_type="PERIODIC", sample_varying=False, time_varying=False)
    side.attrs["associated_dims"], side.attrs["associated_fields"] = _names((axis,)), _names(())
    side.create_dataset("mask", data=np.isin(np.arange(cells), (0, cells - 1)))


def _group(file: h5py.File, name: str, attribute: str, names: Iterable[str]) -> h5py.Group:
    group = file.create_group(name)
    group.attrs[attribute] = _names(names)
    return group


def _put(group: h5py.Group, name: str, numbers: np.ndarray, **attributes: bool) -> None:
    group.create_dataset(name, data=numbers).attrs.update(attributes)


def _names(names: Iterable[str]) -> np.ndarray:
    return np.array(list(names), dtype=h5py.string_dtype())
