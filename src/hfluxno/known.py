"""What is known of measurements besides their values: their noise, and bounds of the states."""

from collections.abc import Sequence

import numpy as np

from hfluxno.boundary import Given, Inflow
from hfluxno.coordinates import SMALLEST, real
from hfluxno.grid import Grid
from hfluxno.plural import percent
from hfluxno.wild_values import noise as estimated_noise

# The standard deviation of measurements: one for all fields, one for each, or one for each value.
Noise = float | Sequence[float] | np.ndarray

# Noise, in standard deviations of it, leads beyond bounds near them; wrong units almost everywhere.
_NOISE, _MOST_BEYOND = 3.0, 0.25


def of_each_value(noise: Noise, values: np.ndarray, space: int = 1) -> np.ndarray:
    """The noise in the shape of the values, (time, field, *space) or of a batch of these. Raises
    `ValueError` if it is not positive for what was measured, or has another shape.
    """
    numbers = real(np.asarray(noise), "standard deviations of the noise").astype(np.float64)
    fields, axis = values.shape[-1 - space], values.ndim - 1 - space
    bare = (*values.shape[:axis], *values.shape[axis + 1 :])
    if numbers.shape == bare and fields == 1:
        numbers = np.expand_dims(numbers, axis)
    if numbers.shape in ((), (1,), (fields,)):
        numbers = np.broadcast_to(np.atleast_1d(numbers).reshape(-1, *(1,) * space), values.shape)
    if numbers.shape != values.shape:
        raise ValueError(
            f"The noise is one standard deviation, one for each of the {fields} fields, or one for "
            f"each value, of shape {values.shape}; got an array of shape {np.shape(noise)}."
        )
    wrong = ~(np.isfinite(numbers) & (numbers >= SMALLEST)) & ~np.isnan(values)
    if wrong.any():
        raise ValueError(
            f"A noise is a positive standard deviation, {SMALLEST:g} or more; got "
            f"{numbers[wrong][0]:g} where something was measured. Leave it out to estimate it."
        )
    return numbers


def check_bounds(
    bounds: tuple[float, float],
    values: np.ndarray,
    fields: tuple[str, ...],
    grid: Grid,
    of_law: bool = False,
) -> None:
    """Rejects bounds, perhaps those `of_law`, that the values of these fields cannot have, or the
    ends of the grid do not keep. Raises `ValueError`."""
    low, high = bounds
    if not low < high:  # nor NaN
        raise ValueError(f"Bounds are two numbers, the lower one first; got {low:g} and {high:g}.")
    if len(fields) > 1 or len(grid.shape) > 1:
        raise ValueError(
            "Bounds are those of one field along one axis; leave them out, or choose one field."
        )
    measured = values[~np.isnan(values)]
    margin = _NOISE * np.nan_to_num(estimated_noise(values[..., 0, :]))
    beyond = (measured < low - margin) | (measured > high + margin)
    if np.mean(beyond) > _MOST_BEYOND:
        whose, mend = "", "Give the bounds in the units of the data."
        if of_law:
            whose, mend = " of the law", "Convert the data to its units, or choose another law."
        raise ValueError(
            f"{percent(float(np.mean(beyond)))} of the values of {fields[0]} are beyond the bounds "
            f"{low:g} and {high:g}{whose}; they go from {measured.min():g} to {measured.max():g}. "
            f"{mend}"
        )
    for end in grid.boundary[0]:
        if isinstance(end, Given | Inflow):
            given = np.asarray(end.values if isinstance(end, Given) else end.state)
            if np.any((given < low) | (given > high)):
                raise ValueError(
                    f"A state at an end is beyond the bounds {low:g} and {high:g}: the given ones "
                    f"go from {given.min():g} to {given.max():g}. Correct them, or the bounds."
                )
