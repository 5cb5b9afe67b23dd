"""Random rectangles of gas on a periodic square: Riemann problems in two dimensions."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

# The least width of a column or row, as a fraction of the square.
_NARROWEST = 0.15
_FEWEST, _MOST = 2, 3  # columns, and rows


def random_patches(
    random: np.random.Generator, cells: int, ranges: Sequence[tuple[float, float]]
) -> Float[np.ndarray, "field x y"]:
    """One piecewise constant state on `cells` × `cells` cells.

    The square is cut into two or three columns and into as many rows. Edges are uniform, as long as
    no column or row is narrower than .15. In every rectangle each field is uniform in its range
    (after the Euler sets of The Well, Ohana et al., NeurIPS 2024, and Schulz-Rinne, SIAM J. Math.
    Anal. 24, 1993, 76-88).
    """
    column, row = (_pieces(random, cells) for _ in range(2))
    shape = (column.max() + 1, row.max() + 1)
    states = [random.uniform(low, high, shape)[column[:, None], row[None]] for low, high in ranges]
    return np.stack(states)


def _pieces(random, cells):
    """The number of the column or row that each cell is in."""
    count = int(random.integers(_FEWEST, _MOST + 1))
    # Beyond the least widths, the rest of the square is divided at random.
    spare = 1.0 - count * _NARROWEST
    shares = np.diff(np.sort(random.uniform(0.0, spare, count - 1)), prepend=0.0, append=spare)
    edges = np.cumsum(shares + _NARROWEST) - (shares[0] + _NARROWEST) * random.uniform()
    centers = (np.arange(cells) + 0.5) / cells
    return np.searchsorted(np.sort(edges % 1.0), centers) % count
