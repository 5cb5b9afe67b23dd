"""Arrays without named axes, as MATLAB has them: every array has two axes, and x is often the first
one of a field."""

from collections.abc import Mapping

import xarray as xr

_CALLED = {"time": ("t", "time"), "x": ("x",)}


def with_flat_coordinates(arrays: Mapping[str, xr.Variable]) -> dict[str, xr.Variable]:
    """The arrays, those of shape (1, N) or (N, 1) with one axis, if an axis of another has N."""
    lengths = {n for a in arrays.values() if a.ndim > 1 and min(a.shape) > 1 for n in a.shape}
    return {
        name: a.squeeze() if a.ndim == 2 and min(a.shape) == 1 and max(a.shape) in lengths else a
        for name, a in arrays.items()
    }


def with_time_first(
    arrays: Mapping[str, xr.Variable], names: Mapping[str, str]
) -> dict[str, xr.Variable]:
    """The arrays, those of two axes (x, time) transposed, with a note as the attribute `turned`.
    The lengths of the coordinates, which may have `names` of the user, have to differ."""
    found = {
        axis: next((arrays[n] for n in (names.get(axis, ""), *usual) if n in arrays), None)
        for axis, usual in _CALLED.items()
    }
    time, x = found["time"], found["x"]
    if time is None or x is None or time.ndim != 1 or x.ndim != 1 or time.size == x.size:
        return dict(arrays)

    def turned(name: str, a: xr.Variable) -> xr.Variable:
        if a.shape != (x.size, time.size):
            return a
        first = a.transpose()
        first.attrs["turned"] = (
            f"{name} is read as x, time: it has {a.shape[0]} × {a.shape[1]} values, as many as "
            "there are places and times."
        )
        return first

    return {name: turned(name, a) for name, a in arrays.items()}
