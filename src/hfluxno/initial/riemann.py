"""Riemann data: two constant states that meet at a point."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float


def riemann(
    x: Float[np.ndarray, " x"],
    left: float | Sequence[float],
    right: float | Sequence[float],
    position: float = 0.5,
) -> Float[np.ndarray, "field x"]:
    """`left` where x < `position`, `right` elsewhere, as cell averages at the uniform centres `x`.

    The cell that contains `position` gets the mean of the two states, weighted with its parts on
    either side, so the total does not depend on the grid.

    - `x`: increasing uniform cell centres, shape (x,).
    - `left`, `right`: one number per field, or one number if there is one field.
    - `position`: where the states meet, in the units of `x`.

    Raises `ValueError` if the states have different numbers of fields or there are too few cells.
    """
    low, high = np.atleast_1d(np.asarray(left, float)), np.atleast_1d(np.asarray(right, float))
    if low.shape != high.shape or low.ndim != 1:
        raise ValueError(
            "The two states need one number per field each; got the shapes "
            f"{low.shape} and {high.shape}."
        )
    if len(x) < 2:
        raise ValueError("Riemann data need at least two cells.")
    spacing = (x[-1] - x[0]) / (len(x) - 1)
    share = np.clip((position - (x - 0.5 * spacing)) / spacing, 0.0, 1.0)
    return share * low[:, None] + (1.0 - share) * high[:, None]
