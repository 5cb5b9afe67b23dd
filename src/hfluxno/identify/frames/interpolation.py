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
            curve, _, error = (np.moveaxis(part, -1, axis) for part in along(line, periodic))
            weight = 1.0 / np.maximum(error, 1e-12) ** 2
            total, weights = total + weight * curve, weights + weight
        mean = total / np.where(weights > 0.0, weights, np.nan)
        found = np.where(missing, mean, found)
    return found


def along(values: np.ndarray, periodic: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Interpolation along the last axis, constant beyond the ends; the width of each gap: four
    times the distance beyond the ends, infinite if nothing is known; and the expected error.

    Modified Akima interpolation is of high order for smooth values and does not overshoot at jumps.
    Its error is that of a line, b w² / 8 with w the width and b the second difference, and beyond
    the ends 2 c d², with d the distance and c the first difference.
    """
    found = np.zeros(values.shape)
    gap, error = np.full(values.shape, np.inf), np.full(values.shape, np.inf)
    count = values.shape[-1]
    places = np.arange(count)
    first, second = (_typical(values, order) for order in (1, 2))
    for index in np.ndindex(values.shape[:-1]):
        known = np.flatnonzero(np.isfinite(values[index]))
        if len(known) in (0, count):
            continue
        entries = values[index][known]
        if periodic:
            known = np.concatenate([known - count, known, known + count])
            entries = np.tile(entries, 3)
        after = np.searchsorted(known, places)
        around = np.stack([np.maximum(after - 1, 0), np.minimum(after, len(known) - 1)])
        inside = np.clip(places, known[0], known[-1])
        curve = Akima1DInterpolator(known, entries, method="makima") if len(known) > 1 else None
        found[index] = entries[0] if curve is None else curve(inside)
        beyond = np.abs(places - (known[0] if curve is None else inside))
        width = known[around[1]] - known[around[0]]
        gap[index] = np.maximum(np.where(beyond > 0, 4 * beyond, width), 1)
        change, bend = (sizes[around].max(axis=0) for sizes in _differences(known, entries))
        error[index] = np.where(
            beyond > 0, 2 * _mean(change, first) * beyond**2, _mean(bend, second) * width**2 / 8
        )
    return found, gap, error


def _differences(places: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The sizes of the first and second derivatives at places that are known."""
    if len(places) < 3:
        return np.zeros(len(places)), np.zeros(len(places))
    slopes = np.diff(values) / np.diff(places)
    second = np.abs(2.0 * np.diff(slopes) / (places[2:] - places[:-2]))
    beside = np.abs(np.pad(slopes, 1, mode="edge"))
    return np.maximum(beside[1:], beside[:-1]), np.pad(second, 1, mode="edge")


def _typical(values: np.ndarray, order: int) -> tuple[float, float]:
    """The median and the root mean square of the differences of that order along the last axis; 1
    if too few neighbours are known."""
    differences = np.diff(values, n=order, axis=-1)
    known = differences[np.isfinite(differences)]
    if not len(known):
        return 1.0, 1.0
    return float(np.median(np.abs(known))), float(np.sqrt(np.mean(known**2)))


def _mean(here: np.ndarray, typical: tuple[float, float]) -> np.ndarray:
    """The geometric mean of what is `here`, at least the median, and of the root mean square.

    A shock makes the differences of all frames large, so that alone they say nothing about a place
    where the values are smooth; those around a gap do not see a shock that passes within it.
    """
    median, mean_square = typical
    return np.sqrt(np.maximum(here, median) * mean_square)


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
    misses, *_ = along(np.where(seen, frame - simulated, np.nan), periodic)
    return np.where(seen, frame, simulated + misses)
