"""The attributes of a variable that say which of its values are valid (CF conventions 1.11, 2.5.1):
`valid_min`, `valid_max` and `valid_range`; and those that say how they are packed."""

import numpy as np
import xarray as xr

from hfluxno.data.marks import emptied
from hfluxno.data.reading import NotRead


def loaded(variable: xr.Variable, name: str) -> xr.Variable:
    """The variable in memory. Raises `NotRead` if it is packed, and with what gives no values."""
    for key, what in (("scale_factor", "multiplied by"), ("add_offset", "added to")):
        if key not in variable.encoding:
            continue
        number = np.asarray(variable.encoding[key])
        plain = number.size == 1 and number.dtype.kind in "iuf" and np.isfinite(number).all()
        if not plain or (key == "scale_factor" and not number.all()):
            but = " other than 0" * (key == "scale_factor")
            raise NotRead(
                f"The attribute {key} of {name} is {number.tolist()!r:.40}, and its values are "
                f"{what} it; make it a finite number{but}, or remove it if values are stored as "
                "they are."
            )
    return variable.load()


def without_invalid(variable: xr.Variable, name: str) -> tuple[xr.Variable, str]:
    """The variable with NaN for values outside its valid range, and a note that counts them, empty
    if there are none."""
    if variable.dtype.kind not in "iuf":
        return variable, ""
    kind = variable.dtype if variable.dtype.kind == "f" else np.dtype(float)
    low, high = np.array(_limits(variable)).astype(kind)
    values = np.asarray(variable.values)
    outside = (values < low) | (values > high)
    stated = f" ({low:.6g} to {high:.6g}, exchanged ends)" * bool(low > high)
    return emptied(variable, outside, name, f"outside the valid range that the file states{stated}")


def _limits(variable: xr.Variable) -> tuple[float, float]:
    """The least and the largest valid value, infinite where none is stated; if values are packed,
    half a step beyond these, for rounding."""
    attrs, step = variable.attrs, float(variable.encoding.get("scale_factor", 0.0))
    pair = np.ravel(attrs.get("valid_range", ()))
    stated = pair if len(pair) == 2 else [attrs.get("valid_min"), attrs.get("valid_max")]
    found = [-np.inf, np.inf]
    for i, limit in enumerate(map(np.asarray, stated)):
        if limit.size == 1 and limit.dtype.kind in "iuf" and step >= 0.0:
            found[i] = _unpacked(limit, variable.encoding) + (i - 0.5) * step
    return found[0], found[1]


def _unpacked(limit: np.ndarray, packing) -> float:
    """A limit as a value: integers are in the numbers of the file, if values are packed in such."""
    number, scale = float(limit.item()), packing.get("scale_factor")
    if limit.dtype.kind == "f" or (scale is None and "add_offset" not in packing):
        return number
    if str(packing.get("_Unsigned", "")).lower() == "true" and number < 0.0:
        number += 256.0**limit.dtype.itemsize
    return number * float(1.0 if scale is None else scale) + float(packing.get("add_offset", 0.0))
