"""Modes of a random function, for the unknowns of a first state or an open end.

    C(s, s') = exp(-|s - s'|/ℓ) = Σ_k φ_k(s) φ_k(s')

(Karhunen and Loève). The exponential covariance allows jumps, which a smooth one would smear.
"""

import numpy as np
from jaxtyping import Bool, Float, Int


def modes(
    places: Float[np.ndarray, " place"], length: float, most: int, period: float | None = None
) -> Float[np.ndarray, "mode place"]:
    """At most `most` of the φ_k at some places, the largest first; on a circle of a `period`."""
    if most == 0:
        return np.zeros((0, len(places)))
    distance = np.abs(places[:, None] - places[None])
    if period is not None:
        distance = np.minimum(distance, period - distance)
    values, vectors = np.linalg.eigh(np.exp(-distance / length))
    order = np.argsort(values)[::-1][:most]
    return (np.sqrt(np.maximum(values[order], 0.0)) * vectors[:, order]).T


def apart(
    seen: Bool[np.ndarray, " place"], length: float, period: float | None = None
) -> Float[np.ndarray, " place"]:
    """How far such a function is from itself at the nearest place that is `seen`, places being 1
    apart: (2 - 2 exp(-d/ℓ))^(1/2) at a distance d, in standard deviations."""
    return np.sqrt(2.0 - 2.0 * np.exp(-nearest(seen, period) / length))


def nearest(
    seen: Bool[np.ndarray, " place"], period: float | None = None
) -> Float[np.ndarray, " place"]:
    """How far the nearest place that is `seen` is from each, places being 1 apart; as far as there
    are places if none is."""
    places = len(seen)
    distance = np.abs(np.arange(float(places))[:, None] - np.flatnonzero(seen)[None])
    if period is not None:
        distance = np.minimum(distance, period - distance)
    return distance.min(axis=1, initial=places)


def differs(
    values: Float[np.ndarray, " place"],
    places: Int[np.ndarray, " place"],
    length: float,
    period: float | None = None,
) -> float:
    """The standard deviation of such a function that differs between neighbouring places as these
    values do: the root of Σ (u_i+1 - u_i)² / Σ (2 - 2 exp(-d_i/ℓ))."""
    steps, distance = np.diff(values), np.diff(places)
    if period is not None:
        steps = np.append(steps, values[0] - values[-1])
        distance = np.append(distance, places[0] + period - places[-1])
    expected = np.sum(2.0 - 2.0 * np.exp(-distance / length))
    return float(np.sqrt(np.sum(steps**2) / expected)) if expected > 0.0 else np.inf
