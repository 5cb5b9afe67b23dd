"""Checks of numbers and coordinates from outside: real, uniform, or with gaps."""

import operator
from typing import Any

import numpy as np

# An axis with gaps may have at most this many times the measured entries.
_MOST_ENTRIES = 10
# At most this fraction of a context may be missing, also of the entries of an axis, if they are
# multiples of one step.
MOST_MISSING = 0.8
_FRACTIONS = (1, 2, 3, 4)  # of the smallest step, tried as the common divisor of all steps
# The unit of the last decimal may be at most this fraction of a step: eight entries at random are
# within half a unit of a uniform axis in less than one of 200 cases, more of them hardly ever.
_COARSEST_UNIT = 0.2
_SAME_UNIT = 1e-3  # of a unit, also in single precision
# Squares of numbers within these bounds neither overflow nor vanish in double precision.
SMALLEST, _LARGEST = 1e-150, 1e150
# The same in single precision.
SMALLEST_SINGLE, LARGEST_SINGLE = 1e-18, 1e18
# A density below this part of its mean size is nothing: single precision rounds a sum by more.
_NOTHING = 1e-9


def seconds(times: np.ndarray) -> np.ndarray:
    """Dates as seconds since 1970 and durations as seconds, both in float64 with NaN for missing
    times; anything else unchanged."""
    kind = np.asarray(times).dtype.kind
    if kind not in "mM":
        return times
    nanoseconds = np.asarray(times).astype(f"{kind}8[ns]")
    missing = np.isnat(nanoseconds) | np.ma.getmaskarray(times)
    return np.where(missing, np.nan, nanoseconds.astype(np.int64) / 1e9)


def dates(times: np.ndarray) -> np.ndarray:
    """Objects and texts as dates, or as numbers; unchanged if they are neither. Raises `ValueError`
    if they have a time zone."""
    if np.asarray(times).dtype.kind not in "OU":
        return times
    times = np.asarray(times)
    if any(getattr(time, "tzinfo", None) is not None for time in times.flat):
        raise ValueError(
            "The times have a time zone; leave it out first, in pandas with tz_convert(None)."
        )
    wanted = "M8[ns]" if all("-" in str(time)[1:] for time in times.flat) else "float64"
    try:
        return times.astype(wanted)
    except (TypeError, ValueError):
        return times


def whole(number: Any, what: str) -> int:
    """A whole number. Raises `ValueError` if it is anything else, or true or false."""
    try:
        found = operator.index(number)
    except TypeError:
        found = None
    if found is None or isinstance(number, bool | np.bool):
        raise ValueError(f"{what} must be a whole number; got {number!r}.")
    return found


def entry(index: Any, count: int, what: str) -> int:
    """An index of one of `count`. Raises `ValueError` if it is none."""
    found = whole(index, f"The index of one of {count} {what}")
    if not -count <= found < count:
        raise ValueError(f"There are {count} {what}, counted from 0; got {found}.")
    return found


def entries(start: Any, stop: Any, count: int, what: str) -> slice:
    """The indices start ≤ j < stop of `count`. Raises `ValueError` if there is none."""
    found = slice(whole(start, "start"), whole(stop, "stop"))
    if not range(count)[found]:
        raise ValueError(
            f"None of the {count} {what}, counted from 0, is from {start} to before {stop}; choose "
            "at least one."
        )
    return found


def number(value: Any, what: str) -> float:
    """A real number. Raises `ValueError` if it is anything else, such as text or several."""
    try:
        found = None if isinstance(value, str | bytes) else float(value)
    except (TypeError, ValueError):
        found = None
    if found is None:
        raise ValueError(f"{what} must be a number; got {value!r}.")
    return found


def kept_precision(dtype: np.dtype) -> np.dtype:
    """float32 for real numbers of at most four bytes, float64 for all others."""
    short = dtype.kind == "f" and dtype.itemsize <= 4
    return np.dtype(np.float32 if short else np.float64)


def real(array: np.ndarray, what: str) -> np.ndarray:
    """An array of real numbers, with NaN for masked entries. Raises `ValueError` if it is anything
    else."""
    try:
        numbers = np.asarray(array)
    except ValueError as error:
        raise ValueError(
            f"The {what} must be an array, and their rows differ in length; fill them up with NaN."
        ) from error
    if numbers.dtype.kind not in "iuf":
        raise ValueError(
            f"The {what} must be real numbers; their type is {numbers.dtype}. Convert them to real "
            "numbers first."
        )
    if np.ma.is_masked(array):
        return np.ma.filled(array.astype(np.result_type(numbers, np.float32)), np.nan)
    return numbers


def check_magnitude(
    values: np.ndarray, what: str, least: float = SMALLEST, most: float = _LARGEST
) -> None:
    """Raises `ValueError` if the largest of the values that are not NaN is not between these sizes,
    nor zero."""
    largest = float(np.max(np.abs(values), initial=0.0, where=~np.isnan(values)))
    if largest > most or 0.0 < largest < least:
        raise ValueError(
            f"The {what} reach {largest:.3g} in size, beyond what can be computed with; choose "
            f"units in which they lie between {least:g} and {most:g}."
        )


def check_spacing(entries: np.ndarray, name: str) -> None:
    """Raises `ValueError` if the squares of steps of a coordinate leave single precision."""
    with np.errstate(over="ignore"):
        steps = np.diff(entries[np.isfinite(entries)])
    what = f"steps of the coordinate {name}"
    check_magnitude(steps, what, SMALLEST_SINGLE, LARGEST_SINGLE)


def is_vacuum(density: np.ndarray) -> np.ndarray:
    """Where a density is negative, or so small beside its mean size that a quotient of it has no
    meaning; not where it is NaN."""
    known = np.abs(density[np.isfinite(density)])
    return density <= (_NOTHING * np.mean(known, dtype=float) if known.size else 0.0)


def with_gaps(centers: np.ndarray, count: int, name: str) -> tuple[np.ndarray, np.ndarray]:
    """A uniform coordinate that contains all entries of this one, and their indices in it.

    A uniform coordinate is returned unchanged, and one whose entries were rounded to a few decimals
    made uniform. If all steps are multiples of the smallest one and that occurs more than once, the
    entries in between are added.

    Raises `ValueError` if it is neither; see `uniform_edges`.
    """
    try:
        uniform_edges(centers, count, name)
    except ValueError:
        if not increases(centers, count):
            raise
        steps = np.diff(centers)
        every, unit = np.arange(count), _decimal_unit(centers, np.mean(steps))
        if _are_rounded(centers, every, unit):
            return np.linspace(centers[0], centers[-1], count), every
        unit = _decimal_unit(centers, np.min(steps))
        tolerance = 1e-3 * np.min(steps) + _rounding(centers, np.min(steps)) + unit
        smallest = np.mean(steps[steps <= np.min(steps) + tolerance])
        if np.sum(steps <= np.min(steps) + tolerance) < 2:
            raise
        places = np.concatenate([[0], np.cumsum(np.rint(steps / smallest))]).astype(int)
        spacing = (centers[-1] - centers[0]) / places[-1]
        off = np.abs(centers - (centers[0] + spacing * places))
        uneven = np.max(off) > tolerance or (unit and not _are_rounded(centers, places, unit))
        if uneven or places[-1] >= _MOST_ENTRIES * count:
            raise
        return np.linspace(centers[0], centers[-1], places[-1] + 1), places
    return centers, np.arange(count)


def _decimal_unit(numbers: np.ndarray, step: float) -> float:
    """The unit of the last decimal to which all numbers were rounded, 0 if there is none that
    matters to a coordinate with this step and is well below it."""
    largest = np.floor(np.log10(_COARSEST_UNIT * step))
    for unit in 10.0 ** (largest - np.arange(3)):
        if np.max(np.abs(numbers / unit - np.rint(numbers / unit))) < _SAME_UNIT:
            return float(unit)
    return 0.0


def _are_rounded(numbers: np.ndarray, places: np.ndarray, unit: float) -> bool:
    """Whether some uniform axis has values within half a unit of the numbers at these places.

    It does if one spacing suits all pairs: each differs by the spacing times the difference of the
    places, up to a unit.
    """
    if not unit:
        return False
    least, most = 0.0, np.inf
    unit *= 1.0 + 2.0 * _SAME_UNIT  # halves may have been rounded up and down
    for lag in range(1, len(numbers)):
        apart, steps = numbers[lag:] - numbers[:-lag], places[lag:] - places[:-lag]
        least = max(least, float(np.max((apart - unit) / steps)))
        most = min(most, float(np.min((apart + unit) / steps)))
        if least > most:
            return False
    return True


def as_frames(times: np.ndarray, count: int, name: str) -> tuple[np.ndarray, np.ndarray]:
    """The times completed to equal intervals, if they are multiples of an interval and at least a
    fifth of the frames are present, else unchanged; and the indices of the given times. A single
    frame has no interval.

    Raises `ValueError` unless they increase.
    """
    if count == 1 and times.shape == (1,) and np.isfinite(times[0]):
        return times, np.arange(1)
    try:
        return with_gaps(times, count, name)
    except ValueError:
        if not increases(times, count):
            raise
    places = multiples(times)
    if places is None:
        return times, np.arange(count)
    return np.linspace(times[0], times[-1], places[-1] + 1), places


def multiples(numbers: np.ndarray) -> np.ndarray | None:
    """The indices of the numbers on a uniform axis of at most five times as many entries, or `None`
    if there is no such axis."""
    with np.errstate(all="ignore"):  # steps of any size
        steps = np.diff(numbers)
        single = np.array_equal(numbers, numbers.astype(np.float32))
        rounding = 2.0 * np.finfo(np.float32).eps * np.max(np.abs(numbers)) if single else 0.0
        smallest = np.mean(steps[steps <= np.min(steps) * (1.0 + 1e-3) + rounding])
        for fraction in _FRACTIONS:
            places = np.concatenate([[0], np.cumsum(np.rint(steps / (smallest / fraction)))])
            spacing = (numbers[-1] - numbers[0]) / places[-1]
            off = np.max(np.abs(numbers - (numbers[0] + spacing * places)))
            if off <= 1e-3 * spacing + rounding:
                measured = len(numbers) / (places[-1] + 1)
                return places.astype(int) if measured >= 1.0 - MOST_MISSING - 1e-9 else None
    return None


def increases(numbers: np.ndarray, count: int) -> bool:
    """Whether an axis is finite and increasing, though perhaps not uniform."""
    increases = numbers.shape == (count,) and count > 1 and np.isfinite(numbers).all()
    return bool(increases and np.all(np.diff(numbers) > 0))


def decreases(coordinate: Any | None) -> bool:
    """Whether a coordinate of xarray decreases throughout."""
    if coordinate is None or coordinate.ndim != 1 or coordinate.dtype.kind not in "iuf":
        return False
    numbers = np.asarray(coordinate.values, float)
    return len(numbers) > 1 and bool(np.all(np.diff(numbers) < 0.0))


def check_interval(every: Any, name: str = "every") -> None:
    """Raises `ValueError` if a time step is not a positive number."""
    number = np.asarray(every)
    if number.dtype.kind not in "iuf" or number.ndim or not 0.0 < number < np.inf:
        raise ValueError(f"{name} must be a positive time; got {every!r}.")


def scatter(values: np.ndarray, places: np.ndarray, count: int, axis: int) -> np.ndarray:
    """The values at `places` of an axis of `count` entries, NaN elsewhere."""
    if len(places) == count:
        return values
    shape = list(values.shape)
    shape[axis] = count
    found = np.full(shape, np.nan, values.dtype)
    np.moveaxis(found, axis, 0)[places] = np.moveaxis(values, axis, 0)
    return found


def uniform_edges(centers: np.ndarray, count: int, name: str) -> tuple[float, float]:
    """The ends (first - Δ/2, last + Δ/2) of a uniform increasing coordinate. Raises `ValueError` if
    the coordinate is not of length `count`, not finite, not increasing, or uneven by more than the
    rounding of single precision."""
    if centers.shape != (count,):
        raise ValueError(
            f"The coordinate {name} has the shape {centers.shape}, but the data have {count} "
            f"entries along it; give one number for each of these."
        )
    if not np.all(np.isfinite(centers)):
        first = int(np.argmin(np.isfinite(centers)))
        raise ValueError(
            f"The coordinate {name} has NaN or infinite entries, the first ({centers[first]}) at "
            f"{first} counted from 0; correct them first."
        )
    if count < 2:
        raise ValueError(f"The coordinate {name} needs at least two entries; got {count}.")
    steps = np.diff(centers)
    if np.any(steps <= 0):
        where = int(np.argmax(steps <= 0))
        raise ValueError(
            f"The coordinate {name} does not increase from entry {where} to {where + 1} "
            f"({centers[where]:g} to {centers[where + 1]:g}); sort the data along it first."
        )
    spacing = (centers[-1] - centers[0]) / (count - 1)
    if np.max(np.abs(steps - spacing)) > 1e-3 * spacing + _rounding(centers, spacing):
        where = int(np.argmax(np.abs(steps - spacing)))
        raise ValueError(
            f"The coordinate {name} is not uniform: the step from entry {where} to {where + 1} is "
            f"{steps[where]:g}, the mean step is {spacing:g}; interpolate to a uniform grid first."
        )
    return float(centers[0] - spacing / 2), float(centers[-1] + spacing / 2)


def _rounding(centers: np.ndarray, spacing: float) -> float:
    """How much the steps of a coordinate may differ because its entries are rounded."""
    # Coordinates are often stored in single precision: an offset far from zero rounds each entry.
    rounding = 4.0 * float(np.finfo(np.float32).eps) * float(np.max(np.abs(centers)))
    # Numbers that are finer have not been; they may come from rounded ones.
    with np.errstate(over="ignore"):
        short = centers.astype(np.float32)
    if np.any(centers != short):
        rounding = min(rounding, 1e-2 * float(spacing))
    return rounding
