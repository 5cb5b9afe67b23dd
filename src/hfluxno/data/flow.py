"""The flow of a field, a second variable at the same times and places."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import xarray as xr

from hfluxno.data.choice import fits
from hfluxno.data.source import Source


def check_density(others: Mapping[str, xr.Variable], flow: str, path: Path) -> None:
    """Raises `ValueError` if none of the variables beside the flow is one over time and place."""
    if not any(fits(v.dims) for v in others.values()):
        raise ValueError(
            f"{flow} is the only variable of {path} over time and place, and --flow takes it as "
            "the flow beside a density; leave out --flow, or add the density."
        )


def with_flow(found: Source, beside: Source) -> Source:
    """The source with the flow of its field."""
    if len(found.fields) > 1 or len(beside.fields) > 1:
        raise ValueError("A flow is that of a single field; choose one with --variable NAME.")
    same = (np.array_equal(getattr(found, n), getattr(beside, n)) for n in ("times", "x"))
    if found.values.shape != beside.values.shape or not all(same):
        raise ValueError(
            f"The flow {beside.variable} of {found.path} does not stand at the same times and "
            f"places as {found.variable}; give both for all of them, NaN where one is missing."
        )
    return dataclasses.replace(found, flow=(beside.parts[0], beside.values))
