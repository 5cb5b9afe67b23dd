"""What a single number explains of a misfit that unknowns were fitted to."""

import dataclasses

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
    # The squares of a run that grows without bound may be no numbers.
    fastest, most = (float(np.max(np.abs(u), initial=0.0)) or 1.0 for u in (direction, missed))
    span = _orthonormal(others)
    direction, missed = (u - span @ (span.T @ u) for u in (direction / fastest, missed / most))
    a = ratio(float(np.sum(missed * direction)), float(np.sum(direction**2)))
    explained, whole = correlation(missed, direction) ** 2, float(np.sum(missed**2))
    rest = whole - (noise / most) ** 2 * missed.size
    beyond = ratio(explained * whole, max(rest, explained * whole))
    freedom = missed.size - span.shape[1] - 1
    certainty = ratio(explained * freedom, 1.0 - explained)
    return Explained(a * most / fastest, explained, beyond, certainty)


def _orthonormal(rows: Float[np.ndarray, "row value"]) -> Float[np.ndarray, "value column"]:
    """An orthonormal basis of the span of the rows."""
    size = np.max(np.abs(rows), axis=1, keepdims=True)
    usable = np.isfinite(size[:, 0]) & (size[:, 0] > 0.0)
    u, singular, _ = np.linalg.svd((rows[usable] / size[usable]).T, full_matrices=False)
    return u[:, singular > _DEPENDENT * np.max(singular, initial=0.0)]
