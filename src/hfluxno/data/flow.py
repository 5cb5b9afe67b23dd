"""The flow of a field, a second variable at the same times and places."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import xarray as xr

from hfluxno.data.choice import fits
from hfluxno.data.source import Source
from hfluxno.data.which_is_conserved import kind_of
from hfluxno.units import bare, of_constant, of_flow

# What is transported may cross the domain this many times between two frames.
_MOST_CROSSINGS = 20.0


def check_density(others: Mapping[str, xr.Variable], flow: str, path: Path) -> None:
    """Raises `ValueError` if none of the variables beside the flow is one over time and place."""
    if not any(fits(v.dims) for v in others.values()):
        raise ValueError(
            f"{flow} is the only variable of {path} over time and place, and --flow takes it as "
            "the flow beside a density; leave out --flow, or add the density."
        )


def with_flow(found: Source, beside: Source) -> Source:
    """The source with the flow of its field, in units of the field times x over time if the units
    of the file tell how to convert it. Raises `ValueError` if it is not the flow of that field."""
    if len(found.fields) > 1 or len(beside.fields) > 1:
        raise ValueError("A flow is that of a single field; choose one with --variable NAME.")
    same = (np.array_equal(getattr(found, n), getattr(beside, n)) for n in ("times", "x"))
    if found.values.shape != beside.values.shape or not all(same):
        raise ValueError(
            f"The flow {beside.variable} of {found.path} does not stand at the same times and "
            f"places as {found.variable}; give both for all of them, NaN where one is missing."
        )
    units, part, field = found.units, beside.parts[0], found.fields[0]
    own = str(part.attributes.get("units", ""))
    factor = of_flow(own, *(units.get(name, "") for name in (field, "x", "time")))
    needed = of_constant(units, field, 1, 1)
    values, notes = beside.values, found.notes
    if not np.isclose(factor, 1.0):
        values = (factor * values).astype(values.dtype)
        notes = (
            *notes,
            f"The flow {part.name} is converted from {own} to {needed + ', ' if needed else ''}"
            f"{field} times x over time (by the factor {factor:.6g}).",
        )
        part = dataclasses.replace(part, attributes={**part.attributes, "units": needed})
    _check_size(found, values, part.name, needed)
    return dataclasses.replace(found, flow=(part, values), notes=notes)


def _check_size(found: Source, flow: np.ndarray, name: str, needed: str) -> None:
    """Rejects a flow with which the field would cross the domain many times between two frames."""
    density = np.abs(found.values)
    some = density > np.nanmean(density)
    if len(found.times) < 2 or not np.any(some):
        return
    if np.isnan(flow[some]).all():  # measured at other times or places
        speed = float(np.nanmedian(np.abs(flow)) / np.nanmedian(density))
    else:
        speed = float(np.nanmedian(np.abs(flow[some]) / density[some]))
    length = float(found.x[-1] - found.x[0])
    crossings = speed * float(np.median(np.diff(found.times))) / max(length, 1e-300)
    if crossings > _MOST_CROSSINGS:
        if kind_of(found.fields[0]) == "speed":
            raise ValueError(
                f"{name} of {found.path} is not the flow of {found.fields[0]}, with which it would "
                f"cross the whole domain {crossings:.3g} times between two frames; give the "
                f"density whose flow it is, which is {name} / {found.fields[0]}, as --variable."
            )
        time = bare(found.units.get("time", ""))
        raise ValueError(
            f"With the flow {name} of {found.path} {found.fields[0]} would cross the whole domain "
            f"{crossings:.3g} times between two frames; give the flow in {needed or 'the units'}"
            f"{'' if needed else ' of the field times x over time'}"
            f"{f', with time in {time}' if time else ''}, or state the units of all of them."
        )
