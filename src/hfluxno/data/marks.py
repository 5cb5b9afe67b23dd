"""Numbers such as -999 that instruments write where nothing was measured."""

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr

from hfluxno.plural import plural
from hfluxno.wild_values import noise

# Fill values that a NetCDF file states are gaps already.
_MARKS = np.array([99.0, 999.0, 7999.0, 9999.0, 99999.0, 999999.0])
# A negative value that no measurement has: at least so many times, beside values that scatter by at
# least this part of their deviation, from which it differs so much more than they do.
_FEWEST, _SCATTER, _FAR = 3, 0.005, 3.0
_SAME = 1e-6  # of a mark, which may have been rounded to single precision


def marks_in(u: np.ndarray) -> tuple[float, ...]:
    """Numbers like -999 that mark missing values of a field: they are far from all other values, or
    negative where no other is; or they are one negative number, often, far from its neighbours."""
    found = [float(mark) for mark in (*_MARKS, *-_MARKS) if np.any(u == mark)]
    others = u[~(np.isin(u, found) | np.isnan(u))] if found else u[:0]
    if not others.size:
        return _single_negative(u)
    largest, positive = np.max(np.abs(others)), np.min(others) >= 0.0
    return tuple(m for m in found if largest < abs(m) / 2.0 or (m < 0.0 and positive))


def _single_negative(u: np.ndarray) -> tuple[float, ...]:
    """The only negative number of a field (…, time, x), if it is no measurement, such as -1. What
    is rounded, or at the limit of an instrument, has neighbours near it."""
    known = u[~np.isnan(u)]
    mark = float(np.min(known, initial=0.0))
    here = known == mark
    if mark >= 0.0 or np.sum(here) < _FEWEST or np.any(known[~here] < 0.0):
        return ()
    steps, (before, after) = np.abs(np.diff(known)), (here[:-1], here[1:])
    own, usual = steps[before != after], steps[~before & ~after]
    usual = usual[usual > 0.0]
    if not own.size or not usual.size or np.median(own) <= _FAR * np.median(usual):
        return ()
    rest = np.where(u == mark, np.nan, u)
    return (mark,) if noise(rest) > _SCATTER * np.nanstd(rest) else ()


def without_marks(u: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    """The field with NaN for its `marks_in`, and sentences about them."""
    marks = marks_in(u)
    if not marks:
        return u, ()
    return np.where(np.isin(u, marks), np.nan, u), tuple(
        f"{mark:g} appears {plural(int(np.sum(u == mark)), 'time')}, a mark for missing values, "
        f"but every method takes it as a value; make it a gap with --missing={mark:g}"
        for mark in marks
    )


def as_gaps(
    variable: xr.Variable, name: str, missing: Sequence[float]
) -> tuple[xr.Variable, tuple[str, ...]]:
    """The variable with NaN for these numbers, and notes that count them."""
    notes: list[str] = []
    for mark in missing if variable.dtype.kind in "iuf" else ():
        variable, note = emptied(variable, _is(variable, mark), name, f"of {mark:g}")
        notes += [note] if note else []
    return variable, tuple(notes)


def absent(variables: Mapping[str, xr.Variable], missing: Sequence[float]) -> tuple[str, ...]:
    """Notes on those of the `missing` numbers that none of the variables has."""
    numbers = [v for v in variables.values() if v.dtype.kind in "iuf"]
    return tuple(
        f"No value of {' or '.join(variables)} is {mark:g}, the given missing-value marker."
        for mark in missing
        if not any(_is(v, mark).any() for v in numbers)
    )


def _is(variable: xr.Variable, mark: float) -> np.ndarray:
    values = np.asarray(variable.values)
    if np.isinf(mark):  # which every number is as far from
        return values == mark
    return (values == mark) | (np.abs(values - mark) <= _SAME * abs(mark))


def emptied(
    variable: xr.Variable, where: np.ndarray, name: str, what: str
) -> tuple[xr.Variable, str]:
    """The variable with NaN there, and a note that counts these values, empty if there are none."""
    if not where.any():
        return variable, ""
    kind = variable.dtype if variable.dtype.kind == "f" else np.dtype(float)
    found = variable.copy(data=np.where(where, np.nan, variable.values).astype(kind))
    count = int(where.sum())
    verb = "is" if count == 1 else "are"
    return found, f"{name}: {plural(count, 'value')} {what} {verb} missing."


def marks_of(text: str | None) -> tuple[float, ...]:
    """The numbers in `-999,9999`. Raises `ValueError` if they are none."""
    try:
        found = () if text is None else tuple(float(part) for part in text.split(","))
        if np.isnan(found).any():
            raise ValueError("NaN is missing anyway")
        return found
    except ValueError as error:
        raise ValueError(
            f"--missing needs the numbers that stand for missing values, as --missing=-999,9999; "
            f"got {text}."
        ) from error
