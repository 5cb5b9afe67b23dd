"""Random periodic steps: the paper's shock-dominated initial conditions."""

import numpy as np
from jaxtyping import Float


def random_steps(
    random: np.random.Generator,
    cells: int,
    low: float = -1.0,
    high: float = 1.0,
    min_jumps: int = 1,
    max_jumps: int = 5,
) -> Float[np.ndarray, " x"]:
    """One piecewise constant function on `cells` cells of a circle.

    The number of jumps is uniform in {`min_jumps`, …, `max_jumps`}; they lie on different cell
    edges, each set of edges being equally likely, and every piece between two of them has a height
    that is uniform in [`low`, `high`] (HFluxNO, Appendix B). On a circle there are as many pieces
    as jumps, so a single jump leaves a constant state: one in five samples of the published range.

    Raises `ValueError` if the range of the jumps is empty or exceeds the number of cells, or `low`
    is larger than `high`.
    """
    if not 1 <= min_jumps <= max_jumps <= cells:
        raise ValueError(
            "Random steps need 1 <= min_jumps <= max_jumps <= cells; got "
            f"{min_jumps}, {max_jumps} and {cells}."
        )
    if not low <= high:
        raise ValueError(f"The heights need low <= high; got [{low}, {high}].")
    jumps = int(random.integers(min_jumps, max_jumps + 1))
    edges = np.sort(random.choice(cells, size=jumps, replace=False))
    heights = random.uniform(low, high, size=jumps)
    piece = np.searchsorted(edges, np.arange(cells), side="right") % jumps
    return heights[piece]
