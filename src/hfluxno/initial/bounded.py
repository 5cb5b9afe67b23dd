"""A field squeezed into an interval, for states that are fractions: a density, a saturation."""

import numpy as np
from jaxtyping import Float


def bounded(
    field: Float[np.ndarray, "*points"], low: float, high: float, steepness: float = 1.5
) -> Float[np.ndarray, "*points"]:
    """low + (high - low)/(1 + exp(-s u)): smooth and increasing in u, between `low` and `high`.

    With the steepness s = 1.5 a field of variance one covers most of the interval.

    Raises `ValueError` if the interval is empty.
    """
    if not low < high:
        raise ValueError(f"The interval needs low < high; got [{low}, {high}].")
    return low + (high - low) / (1.0 + np.exp(-steepness * field))
