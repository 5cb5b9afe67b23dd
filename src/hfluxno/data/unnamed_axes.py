"""The order of the axes of arrays without dimension names, and arrays that have another one."""

import itertools
from collections.abc import Mapping

import xarray as xr

from hfluxno.data.reading import NotRead
from hfluxno.plural import plural

# Arrays of an NPZ file, or of an HDF5 file without dimension scales, have no dimension names; the
# number of their axes determines them.
ON_LINE = {
    2: ("time", "x"),
    3: ("time", "field", "x"),
    4: ("trajectory", "time", "field", "x"),
}
# The same beside a one-dimensional array y, which is their last axis.
ON_PLANE = {
    2: ("x", "y"),
    3: ("time", "x", "y"),
    4: ("time", "field", "x", "y"),
    5: ("trajectory", "time", "field", "x", "y"),
}
MOST_ON_LINE = 3  # fields of a system on a line
COORDINATES = {
    "t": "time",
    "time": "time",
    "x": "x",
    "fields": "field",
    "field": "field",
    "trajectory": "trajectory",
}


def check_order(arrays: Mapping[str, xr.Variable]) -> None:
    """Raises `NotRead` if the lengths of x and time show that only y is missing, or that the axes
    have another order; or if components are last."""
    whole = {n: a.shape for n, a in arrays.items() if a.ndim == 5}
    last = [n for n, each in whole.items() if each[-1] <= MOST_ON_LINE < min(each[2:4])]
    if last:
        name = max(last, key=lambda each: whole[each][-1])  # no scalar with an axis of one
        raise NotRead(
            f"{name} has the shape {whole[name]}, as of frames on a plane whose components "
            f"come last; store it as {', '.join(ON_PLANE[5])}, as numpy.moveaxis({name}, -1, "
            "2) gives it, beside one-dimensional arrays time, x and y."
        )
    lengths = {COORDINATES[n]: arrays[n].size for n in ("t", "time", "x") if n in arrays}
    none_fits = not any(
        a.ndim > 1 and _is_along(a.shape, ON_LINE.get(a.ndim, ()), lengths) for a in arrays.values()
    )
    for name, a in arrays.items():
        line, plane = ON_LINE.get(a.ndim, ()), ON_PLANE.get(a.ndim, ())
        on_line, on_plane = (_is_along(a.shape, dims, lengths) for dims in (line, plane))
        if a.ndim > 2 and on_plane and not on_line:
            order = f", or the order {', '.join(line)} on a line" if line else ""
            raise NotRead(
                f"{name} has the shape {a.shape}, as of {', '.join(plane)}, but there is no array "
                f"y: store one with {plural(a.shape[-1], 'entry')}{order}."
            )
        orders = itertools.permutations(a.shape)
        if a.ndim > 2 and none_fits and any(_is_along(n, line, lengths) for n in orders):
            raise NotRead(
                f"{name} has the shape {a.shape}, and the order of the axes is {', '.join(line)}, "
                f"with {' and '.join(f'{n} entries of {d}' for d, n in lengths.items())}: store it "
                f"in this order, as numpy.transpose gives it{_of_batch(name, a.shape, lengths)}."
            )


def _is_along(shape: tuple[int, ...], dims: tuple[str, ...], lengths: Mapping[str, int]) -> bool:
    """Whether the axes have the known lengths."""
    each = zip(dims, shape, strict=False)
    return len(shape) == len(dims) and all(lengths.get(d, n) == n for d, n in each)


def _of_batch(name: str, shape: tuple[int, ...], lengths: Mapping[str, int]) -> str:
    """How to store an array whose first axis may be that of trajectories of one field."""
    if not _is_along(shape, ("trajectory", "time", "x"), lengths):
        return ""
    order = ", ".join(ON_LINE[4])
    return f"; or, if its first axis numbers trajectories, as {order}, which {name}[:, :, None] is"
