"""What is the same at all places at each time, such as a rate of injection: no field of a law."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import xarray as xr
from jaxtyping import Shaped

from hfluxno.data.measures import is_constant

_BLOCK = 64  # frames, read at once after the first
_MEND = "multiplies the flux, use its integral over time (the injected volume) in place of the time"


def same_everywhere(frames: Iterable[Shaped[np.ndarray, "... x"]]) -> bool:
    """Whether the measured values of each frame are equal up to rounding, and most frames that were
    measured were so at several places. They are taken up to the first that is not."""
    single = several = 0
    for given in frames:
        values = given if given.dtype.kind == "f" else given.astype(float)
        low, high = np.fmin.reduce(values, axis=-1), np.fmax.reduce(values, axis=-1)
        with np.errstate(invalid="ignore", over="ignore"):
            rounding = 4.0 * np.finfo(values.dtype).eps * np.maximum(np.abs(low), np.abs(high))
            if np.any(high - low > rounding):
                return False
        count = np.sum(~np.isnan(values), axis=-1)
        single += int(np.sum(count == 1))
        several += int(np.sum(count > 1))
    return several > single


def fields_among(variables: Mapping[str, xr.Variable], names: Sequence[str]) -> list[str]:
    """Those of these variables that differ from place to place, or all if none does."""
    if len(names) < 2:
        return list(names)
    return [name for name in names if not _is_same(variables[name])] or list(names)


def no_fields(left_out: Sequence[str]) -> str:
    """A note on variables that were not read for that."""
    names = " and ".join(left_out)
    each = "which is" if len(left_out) == 1 else "each of which is"
    return f"Not read: {names}, {each} the same at all places at each time; if it {_MEND}."


def check_fields(
    values: Shaped[np.ndarray, "... field x"], names: Sequence[str], path: Path
) -> None:
    """Raises `ValueError` if a field is the same at all places, but not all the time."""
    for name, u in zip(names, np.moveaxis(values, -2, 0), strict=True):
        if same_everywhere([u]) and not is_constant(u):
            raise ValueError(
                f"{name} of {path} is the same at all places at each time, so it is no field of a "
                "law, nor the flow of one: choose what differs from place to place, and if "
                f"{name} {_MEND}."
            )


def _is_same(variable: xr.Variable) -> bool:
    """`same_everywhere`, of a variable of a file."""
    if variable.dtype.kind not in "iuf":
        return False
    clock = "t" if "t" in variable.dims else "time"
    first = [0, *range(1, variable.sizes[clock], _BLOCK)]
    blocks = zip(first, [*first[1:], variable.sizes[clock]], strict=True)
    parts = (variable.isel({clock: slice(*block)}).transpose(..., "x") for block in blocks)
    return same_everywhere(np.asarray(part.values) for part in parts)
