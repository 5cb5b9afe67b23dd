"""Over which times the values of a file are means.

A user says it, or the attribute `cell_methods` of a variable does ("time: mean"; CF conventions
1.11, chapter 7). Where the coordinate time then has bounds, these are the intervals; otherwise each
reaches half way to the next time on both sides.
"""

import re
from collections.abc import Mapping

import numpy as np
import xarray as xr

from hfluxno.data.reading import reading
from hfluxno.data.source import Source
from hfluxno.observation import TimeMean

_SAME = 1e-3  # intervals that differ by less than this part of one are equal


def time_mean(
    average: float | None, variables: Mapping[str, xr.Variable], source: Source
) -> tuple[tuple[TimeMean, ...], tuple[str, ...]]:
    """The mean over intervals of the length `average`, or of what the file says where that is
    `None`; and a sentence where it does.

    Raises `ValueError` if intervals overlap or differ, or the length is negative.
    """
    if average is not None:
        if average == 0.0:
            return (), ()
        mean = TimeMean(average)
        mean.times(source.times)
        return (mean,), ()
    methods = str(source.parts[0].attributes.get("cell_methods", ""))
    clocks = {"time", source.time_axis, *source.names.get("time", "time").split(",")}
    if not any(re.search(rf"\b{re.escape(clock)}: mean\b", methods) for clock in clocks):
        return (), ()
    if source.is_united("time"):
        raise ValueError(
            f"{source.path} says by cell_methods that values are means, of fields that have times "
            "of their own; say with --average DT over how much time all are means, or take them "
            "for values at their times with --average 0."
        )
    found = _of_bounds(variables, source)
    mean = TimeMean(float(np.min(np.diff(source.times)))) if found is None else found
    try:
        mean.times(source.times)
    except ValueError as error:
        raise ValueError(
            f"{str(error).rstrip('.')}, or take them for values at their times with --average 0 "
            f"({source.path} says by cell_methods that they are means; in Python delete that)."
        ) from error
    return (mean,), (
        f"The values are means over {float(mean.duration):.6g} of time, as cell_methods says; "
        "--average 0 takes them for values at their times.",
    )


def _of_bounds(variables: Mapping[str, xr.Variable], source: Source) -> TimeMean | None:
    """By the bounds of the coordinate, if it has any."""
    clock = source.coordinates.get(source.time_axis)
    name = "" if clock is None else str(clock.attrs.get("bounds", ""))
    if clock is None or name not in variables:
        return None
    with reading(source.path):
        bounds: np.ndarray = np.asarray(variables[name].values, float)
    times: np.ndarray = np.asarray(clock.values, float)
    if bounds.shape != (len(times), 2):
        raise ValueError(
            f"The bounds {name} of {source.path} have the shape {bounds.shape}; give two for each "
            "time, leave the bounds out, or say with --average over how much time the values are "
            "means."
        )
    lengths, shifts = bounds[:, 1] - bounds[:, 0], bounds.mean(axis=1) - times
    length = float(np.median(lengths))
    if max(np.ptp(lengths), np.ptp(shifts)) > _SAME * abs(length):
        raise ValueError(
            f"The means of {source.path} are over intervals of {lengths.min():g} to "
            f"{lengths.max():g}; give those of equal intervals, or take them for values at their "
            "times with --average 0 (in Python delete the attribute cell_methods)."
        )
    return TimeMean(length, float(np.median(shifts)))
