"""A field squeezed into an interval, for states that are fractions: a density, a saturation."""

import numpy as np
from jaxtyping import Float

_STEEPNESS = 1.5  # a field of variance one covers most of the interval


def bounded(
    field: Float[np.ndarray, "*points"], low: float, high: float
) -> Float[np.ndarray, "*points"]:
    """low + (high - low)/(1 + exp(-s u)): smooth and increasing in u, between `low` and `high`."""
    return low + (high - low) / (1.0 + np.exp(-_STEEPNESS * field))
