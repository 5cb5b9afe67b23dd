"""The axes of a file in the reader's form: named time and x, without others of one entry."""

from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path

import xarray as xr

from hfluxno.data.choice import DIMENSIONS
from hfluxno.data.numbers import listed

ALONG_TIME = ("time",)
ALONG_X = ("projection_x_coordinate", "longitude", "grid_longitude", "degrees_east")
_ALONG_Y = ("projection_y_coordinate", "latitude", "grid_latitude", "degrees_north")
_ALONG_OTHERS = (*_ALONG_Y, "depth", "height", "altitude")


def renamed(
    variables: Mapping[str, xr.Variable], names: Mapping[str, str], path: Path
) -> dict[str, xr.Variable]:
    """The variables with axes called `time` and `x`, which the file has under `names`, each that of
    a dimension or of a variable along it.

    Raises `ValueError` if there is no such axis, or `time` or `x` is something else already.
    """
    result = dict(variables)
    for known, name in names.items():
        dims = list(dict.fromkeys(str(d) for v in result.values() for d in v.dims))
        axis = name
        if name in result and result[name].ndim == 1:
            axis = str(result[name].dims[0])
        elif name not in dims:
            raise ValueError(
                f"There is no axis {name!r} in {path}; its axes are {listed(dims)}, its variables "
                f"{listed(list(result))}."
            )
        if axis.startswith("dimension "):  # of NPZ, where the number of axes determines it
            axis = known
            result[name] = xr.Variable((known,), result[name].values, result[name].attrs)
        if known != name and (known in result or (known in dims and known != axis)):
            raise ValueError(
                f"{path} has {known} beside {name}; leave out --{known}, or rename one of them."
            )
        result = {
            known if key == name else key: with_dims(v, [known if d == axis else d for d in v.dims])
            for key, v in result.items()
        }
    return result


def cf_names(variables: Mapping[str, xr.Variable], names: Mapping[str, str]) -> dict[str, str]:
    """`names`, completed by what the file calls time and x according to the attributes of its
    coordinates (CF conventions 1.11, chapter 4: axis, standard_name, units), if it has no axis of
    our name.

    If no coordinate is marked X, the only other axis with more than one entry is taken. If X and Y
    are marked, the one along Y is y.
    """
    found = dict(names)
    dims = {str(d) for v in variables.values() for d in v.dims}
    axes = [(name, v) for name, v in variables.items() if v.ndim == 1 and v.size > 1]
    if "time" not in names and not dims & {"time", "t"}:
        dated = {name for name, v in axes if " since " in str(v.attrs.get("units", ""))}
        times = [name for name, v in axes if name in dated or along(v, "T", ALONG_TIME)]
        found |= _only_one("time", times, dims)
    if "x" not in names and "x" not in dims:
        for letters, standard in ((("X",), ALONG_X), (("Y", "Z"), _ALONG_OTHERS)):
            places = [n for n, v in axes if any(along(v, axis, standard) for axis in letters)]
            if places:
                found |= _only_one("x", places, dims)
                break
    if "y" not in names and "y" not in dims:
        along_y = [n for n, v in axes if along(v, "Y", _ALONG_Y)]
        if not {found.get("x")} & set(along_y):
            found |= _only_one("y", along_y, dims)
    return found


def along(variable: xr.Variable, axis: str, standard: tuple[str, ...]) -> bool:
    """Whether the attributes of a coordinate say that it is along this axis."""
    named = (str(variable.attrs.get(key, "")) for key in ("axis", "standard_name", "units"))
    letter, *names = named
    return letter.upper() == axis or any(name in standard for name in names)


def _only_one(known: str, names: list[str], dims: set[str]) -> dict[str, str]:
    """Of several candidates, the coordinate of its own dimension."""
    own = [name for name in names if name in dims]
    chosen = names if len(names) == 1 else own
    return {known: chosen[0]} if len(chosen) == 1 else {}


def squeezed(variables: Mapping[str, xr.Variable]) -> dict[str, xr.Variable]:
    """The variables without irrelevant axes of one entry, such as y; coordinates keep theirs."""

    def bare(name: str, v: xr.Variable) -> xr.Variable:
        single = [d for d in v.dims if v.sizes[d] == 1 and _foreign(str(d)) and d != name]
        return v.squeeze(single)

    return {name: bare(name, v) for name, v in variables.items()}


def with_dims(variable: xr.Variable, dims: Sequence[Hashable]) -> xr.Variable:
    """The same variable with other dimension names; it shares the data, which may not be loaded."""
    same = variable.to_base_variable()
    same.dims = tuple(dims)
    return same


def _foreign(dim: str) -> bool:
    return dim not in (*DIMENSIONS, "t") and not dim.startswith(("phony_dim", "dimension "))
