"""Checks of the numbers and coordinates of a file; messages name the fault and the remedy."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from hfluxno import coordinates
from hfluxno.coordinates import LARGEST_SINGLE, SMALLEST_SINGLE, kept_precision, real
from hfluxno.plural import plural

# Of the range of a type of integers, between neighbours.
_MOST_JUMP = 0.75


def real_numbers(values: np.ndarray, what: str) -> np.ndarray:
    """The same numbers in native float32 or float64."""
    values = real(values, what)
    if values.dtype.kind in "iu" and values.size:
        largest = max(abs(int(values.min())), abs(int(values.max())))
        if largest > 2**53:
            raise ValueError(
                f"The {what} are integers up to {largest:.3g}, too large for floating point to "
                "hold exactly (2^53); subtract an offset or divide by a unit first."
            )
    # A long double that overflows is reported with the infinities of the file.
    with np.errstate(over="ignore"):
        return values.astype(kept_precision(values.dtype))


def overflowed(stored: Mapping[str, xr.Variable]) -> tuple[str, ...]:
    """Sentences on variables of integers that jump, from one frame or place to the next, by most of
    what their type can hold, as they do where a sum went beyond it."""
    found = []
    for name, variable in stored.items():
        values = np.asarray(variable.values)
        if values.dtype.kind not in "iu" or not values.size:
            continue
        limits = np.iinfo(values.dtype)
        most = _MOST_JUMP * (float(limits.max) - float(limits.min))
        if float(values.max()) - float(values.min()) < most:
            continue
        along = [axis for axis, dim in enumerate(variable.dims) if dim in ("time", "t", "x")]
        jumps = (np.abs(np.diff(values.astype(float), axis=axis)) for axis in along)
        if any(np.any(each >= most) for each in jumps):
            found.append(
                f"{name}: integers of the type {values.dtype}, {limits.min} to {limits.max}, that "
                "jump from one of these limits to the other, as if numbers beyond them had been "
                "stored; write a larger type if so."
            )
    return tuple(found)


def check_finite(values, dims, coordinates, name: str) -> None:
    """Rejects infinite values; NaN is a gap."""
    bad = np.isinf(values)
    if not bad.any():
        return
    first = np.argwhere(bad)[0]
    where = []
    for dim, index in zip(dims, first, strict=True):
        at = f"{dim} {index}"
        if dim in coordinates and coordinates[dim].values.shape == (values.shape[dims.index(dim)],):
            at = f"{dim} {index} ({coordinates[dim].values[index]})"
        where.append(at)
    raise ValueError(
        f"{name} has {plural(int(bad.sum()), 'infinite value')} among {bad.size}, the first at "
        f"{', '.join(where)} counted from 0; correct them, or make them NaN where nothing is known."
    )


def check_magnitude(values: np.ndarray, what: str) -> None:
    """Raises `ValueError` if values of a file are so large or small that their squares leave single
    precision."""
    coordinates.check_magnitude(values, what, SMALLEST_SINGLE, LARGEST_SINGLE)


def check_values(values: np.ndarray, what: str) -> None:
    """`check_magnitude` of measurements, of which the largest, if it is one number, may mark
    missing ones, as 1e20."""
    beyond = values[is_too_large(values)]
    if beyond.size and np.all(beyond == beyond[0]):
        least, most = SMALLEST_SINGLE, LARGEST_SINGLE
        raise ValueError(
            f"The {what} reach {np.max(np.abs(beyond)):.3g} in size, beyond what can be computed "
            f"with; choose units in which they lie between {least:g} and {most:g}, or, if that "
            f"stands for missing values, make it NaN (--missing={beyond[0]:g})."
        )
    check_magnitude(values, what)


def is_too_large(values: np.ndarray) -> np.ndarray:
    """Which values have squares that leave single precision."""
    return np.abs(np.nan_to_num(values)) > LARGEST_SINGLE


class NothingMeasured(ValueError):
    """Nothing was measured of a `field`."""

    def __init__(self, message: str, field: str = ""):
        super().__init__(message)
        self.field = field


def check_measured(
    known: np.ndarray,
    fields: Sequence[str],
    path: Path,
    notes: Sequence[str],
    member: int | None = None,
) -> None:
    """Raises `NothingMeasured` if no value (…, field, x) of a field is `known`; `notes` say which
    were taken for missing, `member` which trajectory of the file this is."""
    nothing = ~known.any(axis=tuple(i for i in range(known.ndim) if i != known.ndim - 2))
    if nothing.any():
        of_batch = "" if member is None else f"trajectory {member} of "
        mend = "variable" if member is None else "trajectory"
        field = fields[int(np.argmax(nothing))]
        said = (
            f"All values of {field} in {of_batch}{path} are missing; give a file with "
            f"measurements, or leave this {mend} out. {' '.join(notes)}"
        )
        raise NothingMeasured(said.rstrip(), field)


def coordinate(stored: xr.Variable | None, default: np.ndarray, name: str) -> np.ndarray:
    """The entries of a coordinate as float64; the default if the file has none."""
    if stored is None:
        return default
    numbers = np.asarray(stored.values)
    if numbers.dtype.kind in "USO":
        raise ValueError(
            f"The entries of the coordinate {name} are text, such as "
            f"{str(numbers.flat[0])[:40]!r}; convert them to numbers, or dates to datetime64."
        )
    if numbers.dtype.kind in "iu":
        numbers = numbers.astype(np.float64)
    return real_numbers(numbers, f"entries of the coordinate {name}").astype(np.float64)


def check_no_dates(times: np.ndarray, name: str) -> None:
    """Rejects dates written as numbers such as 20240229, or 202402291030 with the time of the day,
    which jump from month to month. Raises `ValueError` if all entries are such dates in this
    century or the last.
    """
    days = np.floor(times)
    digits = {8: "%Y%m%d", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}
    first = f"{days[0]:.0f}" if days.ndim == 1 and days.size and np.isfinite(days[0]) else ""
    if len(first) not in digits:
        return
    unit = 10.0 ** (len(first) - 8)
    if not np.all((days >= 19000101 * unit) & (days < 21000101 * unit)):
        return
    texts = [f"{int(day)}" for day in days[:: max(1, len(days) // 1000)]]
    read = pd.to_datetime(texts, format=digits[len(first)], errors="coerce")
    if np.all(np.isfinite(read.year)):
        year, month, day = first[:4], first[4:6], first[6:8]
        raise ValueError(
            f"The entries of {name} look like dates written as numbers, such as {first}; write "
            f"{year}-{month}-{day}, or the days since a date."
        )


def check_once(entries: np.ndarray, name: str) -> None:
    """Rejects a coordinate with a repeated entry, unless its shape is wrong anyway. Raises
    `ValueError` if there is one."""
    ordered = np.sort(entries) if entries.ndim == 1 else np.zeros(0)
    twice = ordered[1:][np.diff(ordered) == 0.0]
    if twice.size:
        raise ValueError(
            f"The coordinate {name} has the entry {twice[0]:.10g} twice; keep one of the two, or "
            "average their values first."
        )


def field_names(coordinate: xr.Variable | None, count: int, variable: str) -> tuple[str, ...]:
    if coordinate is None or np.asarray(coordinate.values).dtype.kind in "iuf":
        return (variable,) if count == 1 else tuple(f"{variable}{i}" for i in range(count))
    values = [
        v.decode(errors="replace") if isinstance(v, bytes) else str(v)
        for v in np.ravel(coordinate.values)
    ]
    if len(values) != count or len(set(values)) != count:
        raise ValueError(
            f"The coordinate field has the names {listed(values)} for {plural(count, 'field')}; "
            "give one name per field, each of them once."
        )
    return tuple(values)


def listed(names: list[str]) -> str:
    shown = ", ".join(names[:12]) + (", …" if len(names) > 12 else "")
    return shown or "none"
