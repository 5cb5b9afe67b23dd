"""Random periodic steps: the paper's shock-dominated initial conditions."""

import numpy as np
from jaxtyping import Float

_MOST_JUMPS = 5


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
