"""Sizes of misfits, correlations of their neighbours, and independent noise."""

import numpy as np
from jaxtyping import Float

from hfluxno.wild_values import NORMAL_MEDIAN

# Neighbours that are less correlated than this are independent (of 400, at two deviations).
INDEPENDENT = 0.1
_FEWEST = 0.3  # of the pairs of neighbours
# The largest correlation of neighbours that counts.
_MOST_ALIKE = 0.9


def noise_level(values: Float[np.ndarray, "time field cells"]) -> float:
    """The standard deviation of independent noise on `values`.

    From second differences in time of second differences in space, in which little of the solution
    is left; by their median, because jumps are in few places.
    """
    if len(values) < 3:
        return 0.0  # two frames do not show it
    differences = np.diff(np.diff(values, n=2, axis=0), n=2, axis=2)
    return float(np.median(np.abs(differences)) / (NORMAL_MEDIAN * 6.0))


def is_like_noise(e: Float[np.ndarray, "time field cells"]) -> bool:
    """Whether neighbouring values of a misfit are independent, both frames and cells; NaN is what
    is not known, and must not be so much that few neighbours are left."""
    for before, after in ((e[1:], e[:-1]), (e[..., 1:], e[..., :-1])):
        both = np.isfinite(before) & np.isfinite(after)
        if np.mean(both) < _FEWEST or abs(correlation(before[both], after[both])) >= INDEPENDENT:
            return False
    return True


def deviation_by_median(
    e: np.ndarray, axis: tuple[int, ...] | None = None
) -> Float[np.ndarray, "*of"]:
    """The standard deviation of normal values with this median size, which a few others hardly
    change; NaN is what is not known."""
    return np.asarray(np.nanmedian(np.abs(e), axis=axis) / NORMAL_MEDIAN)


def rms(e: np.ndarray) -> float:
    return float(np.sqrt(np.mean(e**2)))


def ratio(above: float, below: float) -> float:
    return above / below if below > 0.0 else 0.0


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Σ a b over its upper bound, from -1 to 1; zero if a or b is."""
    return ratio(float(np.sum(a * b)), float(np.sqrt(np.sum(a**2) * np.sum(b**2))))


def independent_share(
    missed: Float[np.ndarray, "time field cells"],
) -> float:
    """The fraction of the values that count, because the misfits of neighbours are correlated: with
    correlations ρ between neighbouring frames and ρ' between neighbouring cells, n values count as
    n (1-ρ)(1-ρ')/((1+ρ)(1+ρ')) (Bayley and Hammersley, J. R. Stat. Soc. Suppl. 8, 1946, 184-197).
    NaN is what was not measured."""
    share = 1.0
    for a, b in ((missed[1:], missed[:-1]), (missed[..., 1:], missed[..., :-1])):
        both = np.isfinite(a * b)
        alike = min(max(correlation(a[both], b[both]), 0.0), _MOST_ALIKE)
        share *= (1.0 - alike) / (1.0 + alike)
    return share
