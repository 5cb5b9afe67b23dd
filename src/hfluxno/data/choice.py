"""Which variables of a file to read, and which fields of one."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import xarray as xr

from hfluxno.data.bands import LOWER, UPPER
from hfluxno.data.numbers import field_names, listed
from hfluxno.data.same_everywhere import fields_among, no_fields
from hfluxno.data.which_is_conserved import advice, kind_of
from hfluxno.names import MOST_FIELDS
from hfluxno.shell_words import option

DIMENSIONS = ("trajectory", "time", "field", "x")


def asked_names(asked: str | None) -> tuple[str, ...]:
    """The names in a list like "h,hu"."""
    return () if asked is None else tuple(name.strip() for name in asked.split(","))


def choose(
    variables: Mapping[str, xr.Variable], asked: str | None, path: Path
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names of the variables to read, and the fields of a single variable if some are asked
    for.

    Raises `ValueError` if there is none, or the choice is ambiguous.
    """
    if asked is None:
        return (_only(variables, path),), ()
    if asked in variables:
        return (asked,), ()
    names = asked_names(asked)
    if len(set(names)) < len(names):
        raise ValueError(f"A name appears twice in the variable {asked}; name each field once.")
    unknown = [name for name in names if name not in variables]
    if not unknown:
        return names, ()
    whole = [name for name, v in variables.items() if fits(v.dims) and "field" in v.dims]
    known = variables.get("field")
    fields = {name: field_names(known, variables[name].sizes["field"], name) for name in whole}
    having = [name for name in whole if set(names) <= set(fields[name])]
    if len(having) == 1:
        return (having[0],), names
    every = {field for each in fields.values() for field in each}
    if not fitting_ones(variables) and all(f"{name}_x" in variables for name in unknown):
        _refuse_axes({n: variables[n] for n in _data(variables)}, path)  # vectors are on a plane
    wrong = next((name for name in unknown if name not in every), unknown[0])
    more = "".join(f"; the fields of {name} are {listed(list(fields[name]))}" for name in whole)
    raise ValueError(
        f"There is no variable {wrong!r} in {path}; it has {listed(list(variables))}{more}."
    )


def combined(parts: Mapping[str, xr.Variable], path: Path) -> xr.Variable:
    """Several variables as the fields of one, which is its last dimension. Raises `ValueError` if
    they differ in dimensions or shape."""
    (first, one), *others = parts.items()
    for name, part in parts.items():
        if "field" in part.dims:
            raise ValueError(
                f"The variable {name} of {path} has fields of its own; choose it alone, or its "
                "fields by their names."
            )
    for name, part in others:
        if dict(part.sizes) != dict(one.sizes):
            raise ValueError(
                f"The variables {first} and {name} of {path} are not fields of one system: their "
                f"shapes are {shape_of(one.sizes)} and {shape_of(part.sizes)}."
            )
    values = [np.asarray(part.transpose(*one.dims).values) for part in parts.values()]
    return xr.Variable((*one.dims, "field"), np.stack(values, axis=-1))


def selected(
    whole: xr.Variable, coordinates: dict[str, xr.Variable], name: str, fields: Sequence[str]
) -> xr.Variable:
    """Some fields of a variable in the order of `fields`; the coordinate follows."""
    known = field_names(coordinates.get("field"), whole.sizes["field"], name)
    index = [known.index(field) for field in fields]
    attributes = coordinates["field"].attrs if "field" in coordinates else {}
    coordinates["field"] = xr.Variable("field", np.array(fields, dtype=object), attributes)
    return whole.isel(field=index)


def canonical_order(dims: Sequence, name: str, path: Path) -> list[str]:
    """The dimensions of a variable as (trajectory, time, field, x). Raises `ValueError` if one is
    missing or unknown."""
    if dims and all(str(d).startswith("phony_dim") for d in dims):
        raise ValueError(
            f"The variable {name} of {path} has no dimension names; attach HDF5 dimension scales "
            "named time and x, as xarray and netCDF4 do when they write."
        )
    unknown = [str(d) for d in dims if d not in (*DIMENSIONS, "t")]
    if unknown:
        raise ValueError(
            f"The variable {name} of {path} has unknown dimensions ({listed(unknown)}); known are "
            "trajectory, time (or t), field and x: say what the file calls time and x by --time "
            "NAME and --x NAME (and y of frames on a plane by --y NAME; in Python rename them), "
            "and select one entry of each other."
        )
    if not fits(dims) or len(set(dims) & {"time", "t"}) != 1:
        raise ValueError(
            f"The variable {name} of {path} has the dimensions ({', '.join(map(str, dims))}); it "
            "needs x and exactly one of time and t."
        )
    return [d for d in ("trajectory", "time", "t", "field", "x") if d in dims]


def _only(variables: Mapping[str, xr.Variable], path: Path) -> str:
    data, fitting = _data(variables), fitting_ones(variables)
    candidates = fields_among(variables, fitting) or data
    if not candidates:
        raise ValueError(
            f"No variable of {path} is a trajectory: one with the dimensions time and x, and "
            f"perhaps trajectory and field, is needed; the file has {listed(list(variables))}."
        )
    if len(candidates) > 1:
        if not fitting:  # whichever is meant
            _refuse_axes({name: variables[name] for name in data}, path)
        if conserved := advice(variables, candidates):
            raise ValueError(
                f"Several variables of {path} could be meant ({listed(candidates)}); {conserved}."
            )
        flow = next((name for name in candidates if kind_of(name) == "flow"), None)
        field = next((n for n in candidates if n != flow and kind_of(n) != "speed"), None)
        beside = ""
        if flow is not None and field is not None:
            ways = f"{option('variable', field)} {option('flow', flow)}"
            beside = f", or {ways} if {flow} is its flow"
        system = ",".join(candidates) if _may_be_a_system(variables, candidates) else ""
        raise ValueError(
            f"Several variables of {path} could be meant ({listed(candidates)}); choose one with "
            f"--variable NAME, or the fields of a system with "
            f"{option('variable', system or 'NAME,NAME')}{beside} (in Python "
            f"variable={json.dumps(system or candidates[0], ensure_ascii=False)})."
        )
    return candidates[0]


def _may_be_a_system(variables: Mapping[str, xr.Variable], names: Sequence[str]) -> bool:
    """Whether these variables can be read as the fields of one system, of which no law of more
    than four fields is known."""
    sizes = [dict(variables[name].sizes) for name in names]
    return (
        len(names) <= MOST_FIELDS
        and all(each == sizes[0] and "field" not in each for each in sizes)
        and not any("," in name for name in names)
    )


def _data(variables: Mapping[str, xr.Variable]) -> list[str]:
    return [name for name, v in variables.items() if 2 <= v.ndim <= 4 and name not in DIMENSIONS]


def fitting_ones(variables: Mapping[str, xr.Variable]) -> list[str]:
    """Those with the dimensions of a trajectory, without the bands that a forecast has beside
    it, nor columns of a table without entries."""
    fitting = [name for name in _data(variables) if fits(variables[name].dims)]
    fitting = [name for name in fitting if not variables[name].attrs.get("empty")] or fitting
    bare = {name: name.removesuffix(LOWER).removesuffix(UPPER) for name in fitting}
    return [name for name in fitting if bare[name] == name or bare[name] not in fitting]


def unread(variables: Mapping[str, xr.Variable], asked: str | None, read: Sequence[str]) -> str:
    """A note on variables beside the one that was read because none was asked for: those that are
    the same at all places, or fields that the same file has on axes of their own; empty if there
    are none."""
    same = [name for name in fitting_ones(variables) if name not in read]
    if asked is None and same:
        return no_fields(same)
    others = [
        name
        for name, v in variables.items()
        if v.dtype.kind in "iuf"
        and v.ndim == 2
        and not fits(v.dims)
        and any(str(d).startswith("t") for d in v.dims)  # a coordinate of times
        and all(str(d) in variables and variables[str(d)].dims == (d,) for d in v.dims)
    ]
    fitting = [name for name, v in variables.items() if fits(v.dims)]
    if asked is not None or not others or len(fitting) != 1:
        return ""
    every = ",".join([*fitting, *others])
    return f"Not read, on axes of its own: {listed(others)}; {option('variable', every)} reads all."


def _refuse_axes(data: Mapping[str, xr.Variable], path: Path) -> None:
    """Raises `ValueError`: none of several variables has time and x."""
    shown = listed([f"{name}({', '.join(map(str, v.dims))})" for name, v in data.items()])
    own = len({frozenset(v.dims) for v in data.values()}) == len(data)
    every = option("variable", ",".join(data))
    table = f"; or, if they are fields on axes of their own, choose {every}" * own
    raise ValueError(
        f"No variable of {path} has the dimensions time and x ({shown}); say what the file calls "
        f"them by --time NAME and --x NAME (and y of frames on a plane by --y NAME){table}."
    )


def fits(dims: Sequence) -> bool:
    """Whether these are the dimensions of a trajectory."""
    names = ["time" if d == "t" else d for d in dims]
    return set(names) <= set(DIMENSIONS) and {"time", "x"} <= set(names)


def shape_of(sizes: Mapping) -> str:
    """Sizes by dimension, for messages."""
    return "(" + ", ".join(f"{name} {size}" for name, size in sizes.items()) + ")"
