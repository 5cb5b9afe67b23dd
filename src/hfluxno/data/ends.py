"""The states at the ends of the domain over time, from a separate file or that of the data.

The variables along time are `lower` and `upper` for one field, `lower_h`, `upper_h`, … for several:
at the lower and the upper end of x, whichever direction x has in the file. Missing values are
interpolated linearly, as in a given boundary.
"""

from pathlib import Path

import numpy as np
import xarray as xr

from hfluxno.boundary import Given
from hfluxno.data.clock import converted
from hfluxno.data.headers import units_in, without_units
from hfluxno.data.marks import as_gaps
from hfluxno.data.numbers import check_values, coordinate, listed, real_numbers
from hfluxno.data.opening import opened
from hfluxno.data.reading import reading
from hfluxno.data.source import SIDES, GivenEnds, Source, unit_in
from hfluxno.data.text_table import is_table
from hfluxno.plural import plural
from hfluxno.unit_sizes import is_same


def read_ends(
    path: Path, source: Source, missing: tuple[float, ...] = ()
) -> tuple[GivenEnds, dict[str, xr.Variable]]:
    """The given ends of `source`, with times in its units, and the variables that they are from;
    `missing` numbers stand for gaps.

    Raises `OSError` if the file does not exist or cannot be read; `ValueError` if a variable is
    missing, is not numeric, or has other units than the data.
    """
    wanted = {
        side: [_names(SIDES[side], field, len(source.fields)) for field in source.fields]
        for side, name in enumerate(source.boundary)
        if name == "given"
    }
    if path == source.path and is_table(path):
        raise ValueError(
            f"{path} has a line for each time and place, so the states at the ends need a separate "
            "table: choose it with --ends FILE, or --boundary open to have them estimated."
        )
    own = source.own_names if path == source.path else {}
    asked = ",".join(name for names in wanted.values() for each in names for name in each)
    axes = {"time": own["time"]} if "time" in own else None
    with opened(path, asked, axes, axes=("time",)) as (variables, _):
        clock = "t" if "time" not in variables and "t" in variables else "time"
        by_name = {
            without_units(name): name
            for name, v in variables.items()
            if name != clock and _is_along(v, variables.get(clock))
        }
        found = {
            side: [_chosen(names, by_name, SIDES[side], path, source) for names in each]
            for side, each in wanted.items()
        }
        with reading(path):
            read = {name: variables[name].load() for each in found.values() for name in each}
            clock_entries = variables[clock].load() if clock in variables else None
    stored = {name: as_gaps(v, name, missing)[0] for name, v in read.items()}
    if clock_entries is None:
        raise ValueError(
            f"{path} has no times for the ends; give them as the variable or column time."
        )
    times = coordinate(clock_entries, np.zeros(0), "time")
    times = converted(times, unit_in(clock_entries.attrs), path, source)
    order = np.argsort(times)
    if not (np.isfinite(times).all() and np.all(np.diff(times[order]) > 0.0)):
        raise ValueError(f"The times of {path} are missing or repeated; correct them first.")
    sides: list[Given | None] = [None, None]
    for side, names in found.items():
        for name, attributes, field in zip(
            names, source.field_attributes, source.fields, strict=True
        ):
            _check_units(name, stored[name].attrs, field, attributes, path, source)
        rows = [
            real_numbers(np.asarray(stored[name].values), f"values of {name}") for name in names
        ]
        sides[side] = _given(times[order], np.stack(rows).astype(float)[:, order], names, path)
    return GivenEnds(path, (sides[0], sides[1])), read


def _is_along(variable: xr.Variable, clock: xr.Variable | None) -> bool:
    """Whether there is one entry for each time; dimensions of NPZ have no names."""
    if clock is None or variable.ndim != 1:
        return False
    unnamed = str(variable.dims[0]).startswith("dimension ") and variable.shape == clock.shape
    return unnamed or variable.dims == clock.dims


def _names(side: str, field: str, fields: int) -> list[str]:
    """The possible names of a variable; messages use the first."""
    return ([side] if fields == 1 else []) + [f"{side}_{without_units(field)}"]


def _chosen(
    names: list[str], by_name: dict[str, str], side: str, path: Path, source: Source
) -> str:
    for name in names:
        if name in by_name:
            return by_name[name]
    where = "" if path != source.path else ", or a file that has it with --ends FILE"
    raise ValueError(
        f"The {side} end is given, and {path} has no variable {names[0]} along time; it has "
        f"{listed(list(by_name))}. Give one with the states there{where}."
    )


def _given(times: np.ndarray, values: np.ndarray, names: list[str], path: Path) -> Given:
    """From the first to the last time at which all fields are known."""
    if np.isinf(values).any():
        raise ValueError(f"The values of {listed(names)} in {path} are infinite; correct them.")
    for name, row in zip(names, values, strict=True):
        check_values(row, f"values of {name} in {path}")
    known = ~np.isnan(values)
    for name, row in zip(names, known, strict=True):
        if row.sum() < 2:
            raise ValueError(
                f"The variable {name} of {path} has {plural(int(row.sum()), 'value')}; a given "
                "end needs two or more."
            )
    first = max(times[row][0] for row in known)
    last = min(times[row][-1] for row in known)
    kept = times[(times >= first) & (times <= last)]
    rows = [np.interp(kept, times[k], row[k]) for row, k in zip(values, known, strict=True)]
    return Given(kept, np.stack(rows))


def _check_units(name, attributes, field, of_field, path: Path, source: Source) -> None:
    one = unit_in(attributes) or units_in(name)
    other = unit_in(of_field) or units_in(field)
    if one and other and not is_same(one, other):
        raise ValueError(
            f"The variable {name} of {path} is in {one}, and {field} of {source.path} in {other}; "
            "convert one of them."
        )
