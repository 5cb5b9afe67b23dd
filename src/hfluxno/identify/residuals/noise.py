"""Sizes of misfits, correlations of their neighbours, and independent noise."""

import numpy as np
from jaxtyping import Float

# Neighbours that are less correlated than this are independent (of 400, at two deviations).
INDEPENDENT = 0.1
# The median absolute value of a standard normal variable.
_NORMAL_MEDIAN = 0.6745


def noise_level(values: Float[np.ndarray, "time field cells"]) -> float:
    """The standard deviation of independent noise on `values`.

    From second differences in time of second differences in space, in which little of the solution
    is left; by their median, because jumps are in few places.
    """
    if len(values) < 3:
        return 0.0  # two frames do not show it
    differences = np.diff(np.diff(values, n=2, axis=0), n=2, axis=2)
    return float(np.median(np.abs(differences)) / (_NORMAL_MEDIAN * 6.0))


def is_like_noise(e: Float[np.ndarray, "time field cells"]) -> bool:
    """Whether neighbouring values of a complete misfit are independent, both frames and cells."""
    if not np.all(np.isfinite(e)):
        return False
    neighbours = [(e[1:], e[:-1]), (e[..., 1:], e[..., :-1])]
    return all(abs(correlation(*pair)) < INDEPENDENT for pair in neighbours)


def rms(e: np.ndarray) -> float:
    return float(np.sqrt(np.mean(e**2)))


def ratio(above: float, below: float) -> float:
    return above / below if below > 0.0 else 0.0


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Σ a b over its upper bound, from -1 to 1; zero if a or b is."""
    return ratio(float(np.sum(a * b)), float(np.sqrt(np.sum(a**2) * np.sum(b**2))))
