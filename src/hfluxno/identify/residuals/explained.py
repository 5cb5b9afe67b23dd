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


class Unexplained:
    """A misfit beyond combinations of other unknowns' directions; `noise` is its standard deviation
    in the misfit."""

    def __init__(
        self,
        missed: Float[np.ndarray, " value"],
        others: Float[np.ndarray, "other value"],
        noise: float,
    ):
        # The squares of a run that grows without bound may be no numbers.
        self._most, self._span = _largest(missed), _orthonormal(others)
        self._left = self._beyond(missed / self._most)
        self._whole = float(np.sum(self._left**2))
        self._rest = self._whole - (noise / self._most) ** 2 * missed.size
        self._freedom = missed.size - self._span.shape[1] - 1

    def by(
        self,
        direction: Float[np.ndarray, " value"],
        carried: Float[np.ndarray, "draw value"] | None = None,
    ) -> Explained:
        """What multiples a of a direction explain of it. What a run has `carried` along of the
        noise of its first frame, in a few draws, is alike in neighbouring frames, and adds to the
        variance of a what the direction explains of it."""
        fastest = _largest(direction)
        own = self._beyond(direction / fastest)
        a = ratio(float(np.sum(self._left * own)), float(np.sum(own**2)))
        explained = correlation(self._left, own) ** 2
        part = explained * self._whole
        beyond = ratio(part, max(self._rest, part))
        certainty = ratio(explained * self._freedom, 1.0 - explained)
        if carried is not None and certainty > 0.0:
            by_carried = carried @ own / (self._most * float(np.sum(own**2)))
            variance = float(np.mean(by_carried**2))
            certainty = a**2 / (a**2 / certainty + variance)
        return Explained(a * self._most / fastest, explained, beyond, certainty)

    def _beyond(self, values: np.ndarray) -> np.ndarray:
        return values - self._span @ (self._span.T @ values)


def _largest(values: np.ndarray) -> float:
    return float(np.max(np.abs(values), initial=0.0)) or 1.0


def _orthonormal(rows: Float[np.ndarray, "row value"]) -> Float[np.ndarray, "value column"]:
    """An orthonormal basis of the span of the rows."""
    size = np.max(np.abs(rows), axis=1, keepdims=True)
    usable = np.isfinite(size[:, 0]) & (size[:, 0] > 0.0)
    u, singular, _ = np.linalg.svd((rows[usable] / size[usable]).T, full_matrices=False)
    return u[:, singular > _DEPENDENT * np.max(singular, initial=0.0)]
