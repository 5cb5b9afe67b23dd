"""The common form of all layouts of two-dimensional files: fields by name, on the same axes."""

import dataclasses
import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import xarray as xr

from hfluxno.data.choice import shape_of
from hfluxno.data.numbers import listed
from hfluxno.plural import plural

AXES = ("trajectory", "time", "x", "y")
Sides = tuple[tuple[str, str], tuple[str, str]]


@dataclasses.dataclass(frozen=True)
class PlaneFile:
    """The fields of an open file, none of them loaded.

    - `layout`: the origin of the layout.
    - `fields`: each over some of the axes trajectory, time, x and y, in any order; time, x and y
      among them. The components of a vector are fields too, NAME_x and NAME_y.
    - `coordinates`: of the axes for which the file has them.
    - `boundary`: names of the lower and the upper side of x and of y, if the file has them.
    - `names`: what the file calls the axes, if something else.
    - `others`: what else in the file has several axes.
    - `still`: variables over x and y, and perhaps the trajectories, in any order.
    - `strange`: a sentence on boundaries that the file has by unknown names, empty if it has none.
    """

    layout: str
    fields: Mapping[str, xr.Variable]
    coordinates: Mapping[str, xr.Variable]
    boundary: Sides | None = None
    names: Mapping[str, str] = dataclasses.field(default_factory=dict)
    others: Sequence[str] = ()
    still: Mapping[str, xr.Variable] = dataclasses.field(default_factory=dict)
    strange: str = ""


def components(
    name: str, variable: xr.Variable, order: int, axes: Sequence[str]
) -> dict[str, xr.Variable]:
    """A tensor whose last `order` axes run over `axes`, as one field for each component: NAME_x of
    a vector, NAME_xy of one of order 2, NAME of a scalar."""
    found = {}
    for place in itertools.product(range(len(axes)), repeat=order):
        letters = "".join(axes[i] for i in place)
        found[f"{name}_{letters}" if order else name] = variable[(..., *place)]
    return found


def check_lengths(fields: Mapping[str, xr.Variable], coordinates, path: Path) -> None:
    """Checks that the shapes of fields and coordinates agree. Raises `ValueError` if they do not;
    axes that seem to be swapped are named."""
    first, sizes = next(iter(fields)), sizes_of(fields)
    for name, field in fields.items():
        if any(sizes[str(axis)] != size for axis, size in field.sizes.items()):
            raise ValueError(
                f"The fields {first} and {name} of {path} are on different cells or frames: "
                f"{shape_of(fields[first].sizes)} and {shape_of(field.sizes)}; store those of the "
                "same ones in a separate file."
            )
    lengths = {axis: v.size for axis, v in coordinates.items() if axis in sizes}
    wrong = [axis for axis, size in lengths.items() if size != sizes[axis]]
    if set(wrong) == {"x", "y"} and (lengths["x"], lengths["y"]) == (sizes["y"], sizes["x"]):
        raise ValueError(
            f"The axes of {path} are not in the order it declares: its fields have "
            f"{sizes['x']} × {sizes['y']} cells, but there are {lengths['x']} entries of x and "
            f"{lengths['y']} of y; exchange the names of the two axes."
        )
    if wrong:
        axis = wrong[0]
        raise ValueError(
            f"The fields of {path} have {plural(sizes[axis], 'entry')} along {axis}, and its "
            f"coordinate {axis} has {lengths[axis]}; correct one of them."
        )


def sizes_of(fields: Mapping[str, xr.Variable]) -> dict[str, int]:
    """The lengths of the axes by the first field that has them: a field that is the same in all
    trajectories has no axis of them."""
    each = [item for field in fields.values() for item in field.sizes.items()]
    return {str(axis): size for axis, size in reversed(each)}


def refuse_three_axes(path: Path, axes: Sequence[str]) -> ValueError:
    """The sentence on a file with another number of space axes than a plane has."""
    if len(axes) < 2:
        return ValueError(
            f"{path} has one space axis ({listed(list(axes))}), and this layout is read on a plane "
            "only; store its fields as NetCDF with the dimensions trajectory, time and x."
        )
    others = [axis for axis in axes if axis not in ("x", "y", "z")]
    if len(axes) == 3 and len(others) == 1:
        mend = f"; if {others[0]} numbers trajectories, call it trajectory"
    else:
        mend = ""
    return ValueError(
        f"{path} has {len(axes)} space axes ({listed(list(axes))}); laws are inferred on a line or "
        f"a plane: save one plane of it, or averages along an axis{mend}."
    )


def text(value: object) -> str:
    """An attribute as text, whatever its type in HDF5."""
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if isinstance(value, np.ndarray) and value.size == 1:
        return text(value.ravel()[0])
    return str(value)
