"""Random periodic steps: the paper's shock-dominated initial conditions, and rectangles of gas on a
square, Riemann problems in two dimensions."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

_MOST_JUMPS = 5
# The least width of a column or row of rectangles, as a fraction of the square.
_NARROWEST = 0.15
_FEWEST, _MOST = 2, 3  # columns, and rows


def random_steps(
    random: np.random.Generator, cells: int, low: float, high: float
) -> Float[np.ndarray, " x"]:
    """One piecewise constant function on `cells` cells of a circle, five or more.

    The number of jumps is uniform in {1, …, 5}; they lie on different cell edges, each set of edges
    being equally likely, and every piece between two of them has a height that is uniform in
    [`low`, `high`] (HFluxNO, Appendix B). On a circle there are as many pieces as jumps, so a
    single jump leaves a constant state: one in five samples.
    """
    jumps = int(random.integers(1, _MOST_JUMPS + 1))
    edges = np.sort(random.choice(cells, size=jumps, replace=False))
    heights = random.uniform(low, high, size=jumps)
    piece = np.searchsorted(edges, np.arange(cells), side="right") % jumps
    return heights[piece]


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
