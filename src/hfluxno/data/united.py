"""Fields that were measured on axes of their own, on the times and places of all.

h(time, x) of twelve gauges and q(time2, x2) of five current meters become h(time, x) and q(time, x)
with NaN where one of them was not measured, like empty entries of a table. Variables along the same
axes, such as a noise, follow.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import xarray as xr

from hfluxno.data.axes import squeezed
from hfluxno.data.clock import in_units, numbers_of
from hfluxno.data.contained import too_large
from hfluxno.data.numbers import check_once, coordinate, real_numbers
from hfluxno.data.own_axes import (
    KINDS,
    OwnAxis,
    has_axes_called_after,
    is_called,
    own_axes,
    own_axes_by_length,
)
from hfluxno.data.reading import reading
from hfluxno.data.same_entries import first_of_same
from hfluxno.data.source import unit_in
from hfluxno.unit_sizes import is_same


def united(
    variables: Mapping[str, xr.Variable],
    asked: Sequence[str],
    names: Mapping[str, str],
    path: Path,
    unnamed: bool,
) -> tuple[dict[str, xr.Variable], dict[str, str]] | None:
    """The variables with those `asked` for on common axes time and x, and what the file calls these
    axes, with commas where they are several; `None` if no two of them have axes of their own.

    - `unnamed`: whether dimensions have no names in the file, and those of `variables` are guesses.

    Raises `ValueError` if the axes of a field are not known, or in other units than those of the
    others; `OSError` or whatever a library raises if values cannot be read.
    """
    asked = [name for name in asked if name in variables]
    bare = {name: _bare(name, variables[name]) for name in asked}
    fields = [name for name in asked if bare[name].ndim > 1]
    if not _differ({name: bare[name] for name in fields}, variables, unnamed):
        return None
    if any(bare[name].ndim != 2 for name in fields):
        shown = "; ".join(f"{n}({', '.join(map(str, bare[n].dims))})" for n in fields)
        raise ValueError(
            f"Fields on axes of their own have a time and a place each, but {path} has {shown}; "
            "store one trajectory, and each field as a variable of its own."
        )
    if unnamed:
        variables = {name: _in_seconds(name, v) for name, v in variables.items()}
    axes = {
        name: own_axes_by_length(name, variables, names, path, [n for n in fields if n != name])
        if unnamed
        else own_axes(name, {**variables, **bare}, names, path)
        for name in fields
    }
    stored = {kind: list(dict.fromkeys(axes[n][kind] for n in fields)) for kind in KINDS}
    common = {kind: _union(kind, every, variables, path) for kind, every in stored.items()}
    sizes = {kind: v.size for kind, (v, _) in common.items()}
    remedy = "average them to common times and places first"
    size = 8 * len(asked) * sizes["time"] * sizes["x"]
    if refused := too_large(path, size, "the fields at all times and places", remedy):
        raise ValueError(refused)
    found = {kind: v for kind, (v, _) in common.items()}
    places = {axis: at for _, each in common.values() for axis, at in each.items()}
    for name in asked:
        along = axes.get(name) or _axes_of(bare[name], stored)
        with reading(path):
            loaded = bare[name].load()
        found[name] = _spread(loaded, name, along, places, sizes) if along else loaded
    called = {kind: ",".join(dict.fromkeys(a.name for a in each)) for kind, each in stored.items()}
    return found, {kind: text for kind, text in called.items() if text != kind}


def _bare(name: str, variable: xr.Variable) -> xr.Variable:
    """Without other axes of one entry; a field may have one time or place."""
    return variable if variable.ndim < 3 else squeezed({name: variable})[name]


def _differ(
    fields: Mapping[str, xr.Variable], variables: Mapping[str, xr.Variable], unnamed: bool
) -> bool:
    """Whether two of the fields are on other times or places."""
    if unnamed:
        shapes = {v.shape for v in fields.values()}
        called = any(has_axes_called_after(name, variables) for name in fields)
        return len(fields) > 1 and {*map(len, shapes)} == {2} and (called or len(shapes) > 1)
    return len({frozenset({*v.dims} - {"trajectory", "field"}) for v in fields.values()}) > 1


def _in_seconds(name: str, variable: xr.Variable) -> xr.Variable:
    """Times of a file without units, which may be dates, as numbers."""
    if variable.ndim != 1 or not is_called(name, "time"):
        return variable
    numbers, attributes = numbers_of(np.asarray(variable.values), "time", variable.attrs)
    return xr.Variable(variable.dims, numbers, variable.attrs | attributes)


def _axes_of(variable: xr.Variable, stored: Mapping[str, list[OwnAxis]]) -> dict[str, OwnAxis]:
    """The axes of what is along one of those of the fields, or along none."""
    return {
        kind: axis
        for kind, every in stored.items()
        for axis in every
        if axis.dimension in variable.dims
    }


def _union(
    kind: str, axes: Sequence[OwnAxis], variables: Mapping[str, xr.Variable], path: Path
) -> tuple[xr.Variable, dict[OwnAxis, np.ndarray]]:
    """The entries of all axes in ascending order, and which of them those of each axis are."""
    with reading(path):
        loaded = [variables[axis.name].load() for axis in axes]
    units = [unit_in(v.attrs) for v in loaded]
    target, first = next(((u, a.name) for u, a in zip(units, axes, strict=True) if u), ("", ""))
    entries = []
    for axis, v, unit in zip(axes, loaded, units, strict=True):
        own = coordinate(v, np.zeros(0), axis.name)
        if not np.isfinite(own).all():
            raise ValueError(
                f"The coordinate {axis.name} of {path} has missing or infinite entries; correct "
                "them, or leave out what belongs to them."
            )
        check_once(own, axis.name)
        if kind == "time":
            own = in_units(own, unit, target, f"{axis.name} in {path}", f"{first} in {path}")
        elif unit and not is_same(unit, target):
            raise ValueError(
                f"The places {axis.name} of {path} are in {unit}, and those of {first} in "
                f"{target}; convert one of them."
            )
        entries.append(own)
    steps = [np.min(np.abs(np.diff(np.sort(own)))) for own in entries if own.size > 1]
    common = np.unique(
        first_of_same(np.unique(np.concatenate(entries)), float(min(steps, default=0.0)))
    )
    places = {
        axis: np.searchsorted(common, own, side="right") - 1
        for axis, own in zip(axes, entries, strict=True)
    }
    return xr.Variable(kind, common, {"units": target} if target else {}), places


def _spread(
    variable: xr.Variable,
    name: str,
    along: Mapping[str, OwnAxis],
    places: Mapping[OwnAxis, np.ndarray],
    sizes: Mapping[str, int],
) -> xr.Variable:
    """Values at the places of their entries, in the order time, x; NaN elsewhere."""
    values = real_numbers(np.asarray(variable.values), f"values of {name}")
    kinds = [kind for kind in KINDS if kind in along]
    order = [variable.dims.index(along[kind].dimension) for kind in kinds]
    whole = np.full([sizes[kind] for kind in kinds], np.nan, values.dtype)
    whole[np.ix_(*(places[along[kind]] for kind in kinds))] = values.transpose(order)
    return xr.Variable(kinds, whole, variable.attrs, variable.encoding)
