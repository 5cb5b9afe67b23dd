"""What a single number explains of a misfit that unknowns were fitted to."""

import dataclasses
from collections.abc import Iterable

import numpy as np
from jaxtyping import Float

from hfluxno.identify.residuals.noise import correlation, ratio

# Directions that are this close to combinations of others are left out.
_DEPENDENT = 1e-6


@dataclasses.dataclass(frozen=True)
class Explained:
    """The number `a` by least squares; `explained` is the fraction of the misfit that it explains
    beyond other unknowns, `beyond_noise` that of what noise leaves of the misfit, and `certainty`
    is a² in units of its variance, if what is left is noise."""

    a: float
    explained: float
    beyond_noise: float
    certainty: float

    def fraction(self, certain: float) -> float:
        """The fraction beyond noise if a is this certain, else that of the whole misfit."""
        return self.beyond_noise if self.certainty > certain else self.explained


def explained_by(
    direction: Float[np.ndarray, " value"],
    missed: Float[np.ndarray, " value"],
    others: Float[np.ndarray, "other value"],
    noise: float,
) -> Explained:
    """What multiples a of a direction explain of a misfit, beyond combinations of others; `noise`
    is its standard deviation in the misfit."""
    return most_certain([direction], missed, others, noise)[1]


def most_certain(
    directions: Iterable[Float[np.ndarray, " value"]],
    missed: Float[np.ndarray, " value"],
    others: Float[np.ndarray, "other value"],
    noise: float,
) -> tuple[int, Explained]:
    """The same of that of some directions, one or more, which is the most certain."""
    # The squares of a run that grows without bound may be no numbers.
    most, span = float(np.max(np.abs(missed), initial=0.0)) or 1.0, _orthonormal(others)
    left = missed / most - span @ (span.T @ (missed / most))
    whole, freedom = float(np.sum(left**2)), missed.size - span.shape[1] - 1
    rest = whole - (noise / most) ** 2 * missed.size
    found = []
    for direction in directions:
        fastest = float(np.max(np.abs(direction), initial=0.0)) or 1.0
        own = direction / fastest - span @ (span.T @ (direction / fastest))
        a = ratio(float(np.sum(left * own)), float(np.sum(own**2)))
        explained = correlation(left, own) ** 2
        beyond = ratio(explained * whole, max(rest, explained * whole))
        certainty = ratio(explained * freedom, 1.0 - explained)
        found.append(Explained(a * most / fastest, explained, beyond, certainty))
    best = max(range(len(found)), key=lambda k: found[k].certainty)
    return best, found[best]


def _orthonormal(rows: Float[np.ndarray, "row value"]) -> Float[np.ndarray, "value column"]:
    """An orthonormal basis of the span of the rows."""
    size = np.max(np.abs(rows), axis=1, keepdims=True)
    usable = np.isfinite(size[:, 0]) & (size[:, 0] > 0.0)
    u, singular, _ = np.linalg.svd((rows[usable] / size[usable]).T, full_matrices=False)
    return u[:, singular > _DEPENDENT * np.max(singular, initial=0.0)]
