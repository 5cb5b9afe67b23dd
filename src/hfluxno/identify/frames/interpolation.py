"""Interpolation of missing values in space and time."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float
from scipy.interpolate import Akima1DInterpolator


def interpolated(
    values: Float[np.ndarray, "time field cells"], periodic: bool
) -> Float[np.ndarray, "time field cells"]:
    """The values with NaN interpolated in space and time, with more weight on the shorter gap."""
    return filled(values, ((2, periodic), (0, False)))


def filled(
    values: Float[np.ndarray, "..."], axes: Sequence[tuple[int, bool]]
) -> Float[np.ndarray, "..."]:
    """The values with NaN interpolated along each of the axes, of which it is said whether they are
    periodic, with more weight on shorter gaps."""
    found = values
    while np.any(missing := np.isnan(found)):
        total, weights = np.zeros(found.shape), np.zeros(found.shape)
        for axis, periodic in axes:
            line = np.moveaxis(found, axis, -1)
            curve, gap = (np.moveaxis(part, -1, axis) for part in along(line, periodic))
            weight = 1.0 / (_roughness(line) * gap**2) ** 2
            total, weights = total + weight * curve, weights + weight
        mean = total / np.where(weights > 0.0, weights, np.nan)
        found = np.where(missing, mean, found)
    return found


def _roughness(values: np.ndarray) -> float:
    """The typical second difference along the last axis; 1 if no three neighbours are known."""
    seconds = np.diff(values, n=2, axis=-1)
    known = seconds[np.isfinite(seconds)]
    return max(float(np.sqrt(np.mean(known**2))), 1e-12) if len(known) else 1.0


def along(values: np.ndarray, periodic: bool) -> tuple[np.ndarray, np.ndarray]:
    """Interpolation along the last axis, constant beyond the ends, and the width of each gap: four
    times the distance beyond the ends, infinite if nothing is known.

    Modified Akima interpolation is of high order for smooth values and does not overshoot at jumps.
    """
    found, gap = np.zeros(values.shape), np.full(values.shape, np.inf)
    count = values.shape[-1]
    places = np.arange(count)
    for index in np.ndindex(values.shape[:-1]):
        known = np.flatnonzero(np.isfinite(values[index]))
        if len(known) in (0, count):
            continue
        entries = values[index][known]
        if periodic:
            known = np.concatenate([known - count, known, known + count])
            entries = np.tile(entries, 3)
        after = np.searchsorted(known, places)
        left, right = known[np.maximum(after - 1, 0)], known[np.minimum(after, len(known) - 1)]
        inside = np.clip(places, known[0], known[-1])
        curve = Akima1DInterpolator(known, entries, method="makima") if len(known) > 1 else None
        found[index] = entries[0] if curve is None else curve(inside)
        outside = 4 * (np.abs(places - inside) + (curve is None) * np.abs(places - known[0]))
        gap[index] = np.maximum(np.where(places == inside, right - left, outside), 1)
    return found, gap


def corrected(
    frame: Float[np.ndarray, "field cells"],
    simulated: Float[np.ndarray, "field cells"],
    seen: Bool[np.ndarray, "field cells"],
    periodic: bool,
) -> Float[np.ndarray, "field cells"]:
    """A frame whose missing values are the simulated ones, corrected by the misfit of the
    simulation in the cells beside them."""
    if seen.all() or not seen.any(axis=-1).all():
        return np.where(seen, frame, simulated)
    misses, _ = along(np.where(seen, frame - simulated, np.nan), periodic)
    return np.where(seen, frame, simulated + misses)
