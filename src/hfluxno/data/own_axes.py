"""Which axes of time and place the fields of a file have, where each has axes of its own."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import xarray as xr

from hfluxno.data.axes import ALONG_TIME, ALONG_X, along
from hfluxno.data.choice import asked_names
from hfluxno.data.headers import ALIASES
from hfluxno.data.numbers import listed

KINDS = ("time", "x")
_CF = {"time": ("T", ALONG_TIME), "x": ("X", ALONG_X)}


class OwnAxis(NamedTuple):
    """A dimension of a field, and the name of the variable with its entries."""

    dimension: str
    name: str


def own_axes(
    field: str, variables: Mapping[str, xr.Variable], names: Mapping[str, str], path: Path
) -> dict[str, OwnAxis]:
    """The axes time and x of a field of two dimensions, among them those that the user `names`, one
    or several separated by commas. One that is known tells which the other is.

    Raises `ValueError` if they are not known, or have no entries.
    """
    dims = [str(d) for d in variables[field].dims]
    stored = {d: _entries_of(d, variables, names) for d in dims}
    kinds = [_kind(d, stored[d], variables, names) for d in dims]
    for i, other in enumerate(reversed(kinds)):
        kinds[i] = kinds[i] or {"time": "x", "x": "time"}.get(other, "")
    if sorted(kinds) != ["time", "x"]:
        raise ValueError(
            f"Which axis of {field} in {path} is time, and which x, is not known "
            f"({', '.join(dims)}); say those of all fields, as --time NAME,NAME --x NAME,NAME."
        )
    found = {}
    for kind, dim in zip(kinds, dims, strict=True):
        if len(stored[dim]) != 1:
            several = f"{listed(stored[dim])} could be meant" if stored[dim] else "there is none"
            raise ValueError(
                f"The axis {dim} of {field} in {path} needs a variable of numbers along it, and "
                f"{several}; store one called {dim}, or choose with --{kind} NAME."
            )
        found[kind] = OwnAxis(dim, stored[dim][0])
    return found


def own_axes_by_length(
    field: str,
    variables: Mapping[str, xr.Variable],
    names: Mapping[str, str],
    path: Path,
    others: Sequence[str] = (),
) -> dict[str, OwnAxis]:
    """The same of an array (time, x) without names of its dimensions: arrays of the same lengths,
    called after the field where there are several (`time_q`, `x_q`), and not after `others`."""
    found = {}
    for kind, (dim, size) in zip(KINDS, variables[field].sizes.items(), strict=True):
        fitting = [n for n, v in variables.items() if v.ndim == 1 and v.size == size]
        own = [
            n
            for n in fitting
            if is_called(n, kind) and not any(_is_after(n, other) for other in others)
        ]
        asked = [n for n in fitting if n in asked_names(names.get(kind))]
        called = [n for n in own if _is_after(n, field)]
        chosen = next((some for some in (asked, called, own) if some), [])
        if len(chosen) != 1:
            several = f"{listed(chosen)} could be meant" if chosen else "there is none"
            word = "times" if kind == "time" else "places"
            raise ValueError(
                f"The field {field} of {path} needs an array of its {size} {word}, and {several}; "
                f"store it as {kind}_{field}."
            )
        found[kind] = OwnAxis(str(dim), chosen[0])
    return found


def has_axes_called_after(field: str, variables: Mapping[str, xr.Variable]) -> bool:
    """Whether an array is called after a field and an axis, as `time_q`."""
    return any(
        v.ndim == 1 and _is_after(n, field) and any(is_called(n, kind) for kind in KINDS)
        for n, v in variables.items()
    )


def _entries_of(
    dim: str, variables: Mapping[str, xr.Variable], names: Mapping[str, str]
) -> list[str]:
    """The variables that could have the entries of a dimension: those that the user names, or with
    a usual name, best that of the dimension, which may also count stations."""
    fitting = [n for n, v in variables.items() if v.dims == (dim,) and v.dtype.kind in "iufmM"]
    said = [n for n in fitting if any(n in asked_names(each) for each in names.values())]
    usual = [n for n in fitting if any(_is_kind(n, variables[n], kind) for kind in KINDS)]
    own = [dim] * (dim in fitting)
    return next((some for some in (said, own * (dim in usual), usual, own) if some), [])


def _kind(
    dim: str, stored: Sequence[str], variables: Mapping[str, xr.Variable], names: Mapping[str, str]
) -> str:
    """`time` or `x`; empty if neither or both are likely."""
    said = [kind for kind in KINDS if {dim, *stored} & set(asked_names(names.get(kind)))]
    usual = [kind for kind in KINDS if any(_is_kind(n, variables[n], kind) for n in stored)]
    called = [kind for kind in KINDS if is_called(dim, kind)]
    return next((some[0] for some in (said, usual, called) if len(some) == 1), "")


def _is_kind(name: str, variable: xr.Variable, kind: str) -> bool:
    dated = kind == "time" and (
        " since " in str(variable.attrs.get("units", "")) or variable.dtype.kind in "mM"
    )
    return dated or along(variable, *_CF[kind]) or is_called(name, kind)


def is_called(name: str, kind: str) -> bool:
    """Whether a word of a name is a usual one of this axis."""
    return any(word in ALIASES[kind] for word in _words(name))


def _is_after(name: str, field: str) -> bool:
    """Whether an array is called after a field, as `time_q` or `q_time`."""
    name, field = name.lower(), field.lower()
    return name.startswith(f"{field}_") or name.endswith(f"_{field}")


def _words(name: str) -> list[str]:
    """`time` and `q` of `time_q`, and `x` of `x2`."""
    return [word if word == "T" else word.lower() for word in re.split(r"[\W\d_]+", name) if word]
