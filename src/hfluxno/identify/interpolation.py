"""Interpolation of missing values in space and time."""

import numpy as np
from jaxtyping import Bool, Float
from scipy.interpolate import Akima1DInterpolator


def interpolated(
    values: Float[np.ndarray, "time field cells"], periodic: bool
) -> Float[np.ndarray, "time field cells"]:
    """The values with NaN interpolated in space and time, with more weight on the shorter gap."""
    found = values
    while np.any(missing := np.isnan(found)):
        in_space, space_gap = along(found, periodic)
        in_time, time_gap = (part.swapaxes(0, 2) for part in along(found.swapaxes(0, 2), False))
        space = 1.0 / (_roughness(found) * space_gap**2) ** 2
        time = 1.0 / (_roughness(found.swapaxes(0, 2)) * time_gap**2) ** 2
        total = space + time
        mean = (space * in_space + time * in_time) / np.where(total > 0.0, total, np.nan)
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
