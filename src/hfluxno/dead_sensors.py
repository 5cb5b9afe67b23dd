"""Sensors that repeat one value while what they measure changes."""

import numpy as np
from jaxtyping import Bool, Float

from hfluxno.rounding import rounding_step

_FEWEST = 5  # values that show whether a sensor is dead
_MOST_PLACES = 0.5  # more are frames, in which a part may be at rest
# In frames so many dead places side by side are faults; more may be a part at rest. They are beyond
# both places beside them by so many times what neighbours usually differ by.
_MOST_IN_A_ROW, _BEYOND = 2, 3.0
# Or the two swing by this part of the deviation of the field, and in the mean over the frames the
# place is beyond both by this part of it, by so many times as much as nearly all others are, and by
# more than rounding makes of a node.
_SWING, _HIGH, _HIGHER, _NEARLY_ALL, _STEPS = 0.1, 0.15, 5.0, 0.9, 2.0
_DEAD = 0.9  # of the values are the same; the others may be spikes
_AT_REST = 0.5
_MOST_DEAD = 0.25
# A sensor is stuck where it repeats a value so many times, and so many times as often as others do.
_LONG, _LONGER = 8, 4


def dead_sensors(u: Float[np.ndarray, "trajectory time cells"]) -> tuple[int, ...]:
    """The cells of which nearly all values are the same though others change; none if they are more
    than a quarter.

    Of sensors in at most half of the cells all others must change from most frames to the next. In
    frames a part may be at rest, and a value may be fixed at an end or stay at a node of a wave. So
    there the nearest other places on both sides must change, and the value must be beyond both of
    them by far in most frames.
    """
    known = (~np.isnan(u)).any(axis=(0, 1))
    if known.mean() > _MOST_PLACES:
        return _dead_in_frames(u)
    places = np.flatnonzero(known)
    same, still = np.zeros(len(places)), np.zeros(len(places))
    for index, place in enumerate(places):
        values = u[..., place][~np.isnan(u[..., place])]
        if len(values) >= _FEWEST:
            same[index] = np.max(np.unique(values, return_counts=True)[1]) / len(values)
            still[index] = np.mean(np.diff(values) == 0.0)
    dead = same >= _DEAD
    if np.mean(dead) > _MOST_DEAD or np.max(still[~dead], initial=0.0) >= _AT_REST:
        return ()
    return tuple(int(place) for place in places[dead])


def without_dead(
    values: Float[np.ndarray, "*batch later field cells"],
    measured: Float[np.ndarray, "*batch time field cells"],
) -> Float[np.ndarray, "*batch later field cells"]:
    """Values without those in places that are dead in what was `measured` of each field."""
    found = values.copy()
    for i, u in enumerate(np.moveaxis(measured, -2, 0)):
        found[..., i, list(dead_sensors(u.reshape(-1, *u.shape[-2:])))] = np.nan
    return found


def _dead_in_frames(u: Float[np.ndarray, "trajectory time cells"]) -> tuple[int, ...]:
    places = np.flatnonzero((~np.isnan(u)).any(axis=(0, 1)))
    u = u[..., places]
    rows, steps = u.reshape(-1, len(places)), np.diff(u, axis=1).reshape(-1, len(places))
    usual = np.nanmedian(rows, axis=0)
    count = (~np.isnan(rows)).sum(axis=0)
    dead = ((rows == usual).sum(axis=0) >= _DEAD * count) & (count >= _FEWEST)
    if not 0.0 < np.mean(dead) <= _MOST_DEAD:
        return ()
    moving = (np.abs(steps) > 0.0).sum(axis=0) > _AT_REST * (~np.isnan(steps)).sum(axis=0)
    others, found = np.flatnonzero(~dead), []
    alive = rows[:, others]
    apart = np.abs(np.diff(alive, axis=1))
    typical = np.median(apart[apart > 0.0]) if np.any(apart > 0.0) else np.inf
    deviation, rounded = float(np.nanstd(alive)), _STEPS * rounding_step(alive)
    least = max(_HIGH * deviation, _HIGHER * _usual_height(alive), rounded)
    for index in np.flatnonzero(dead):
        after = int(np.searchsorted(others, index))
        if not 0 < after < len(others):  # at an end
            continue
        low, high = others[after - 1], others[after]
        if high - low - 1 > _MOST_IN_A_ROW:
            continue
        beyond = _beyond(np.full(len(rows), usual[index]), rows[:, low], rows[:, high])
        beyond = beyond[~np.isnan(beyond)]
        if len(beyond) < _FEWEST:
            continue
        by_far = np.median(beyond) > _BEYOND * typical and moving[low] and moving[high]
        swing = float(np.nanstd(0.5 * (rows[:, low] + rows[:, high])))
        if by_far or (_height(beyond) > least and swing > _SWING * deviation):
            found.append(int(places[index]))
    return tuple(found)


def _beyond(
    here: Float[np.ndarray, "*frames"],
    low: Float[np.ndarray, "*frames"],
    high: Float[np.ndarray, "*frames"],
) -> Float[np.ndarray, "*frames"]:
    """By how much values are beyond both of their neighbours; negative between these."""
    return np.maximum(here - np.maximum(low, high), np.minimum(low, high) - here)


def _height(beyond: Float[np.ndarray, "*frames"]) -> float:
    """The mean height above both neighbours, or depth below them, zero in other frames."""
    known = beyond[~np.isnan(beyond)]
    return float(np.mean(np.maximum(known, 0.0))) if known.size else 0.0


def _usual_height(rows: Float[np.ndarray, "frames cells"]) -> float:
    """The height (`_height`) that hardly any place exceeds."""
    beyond = _beyond(rows[:, 1:-1], rows[:, :-2], rows[:, 2:])
    return float(np.quantile([_height(series) for series in beyond.T] or [np.inf], _NEARLY_ALL))


def stuck_values(u: Float[np.ndarray, "time cells"]) -> Bool[np.ndarray, "time cells"]:
    """The values with which sensors, in less than half of the cells, repeat the one before them
    for a while, if the others never do so for long; none if more than a quarter of the sensors do.
    """
    found, known = np.zeros(u.shape, bool), (~np.isnan(u)).any(axis=0)
    if known.mean() > _MOST_PLACES:
        return found
    runs = {place: _longest_run(u[:, place]) for place in np.flatnonzero(known)}
    stuck = [place for place, run in runs.items() if len(run) >= _LONG]
    usual = max((len(run) for place, run in runs.items() if place not in stuck), default=0)
    for place in stuck if len(stuck) <= _MOST_DEAD * len(runs) else []:
        if len(runs[place]) >= _LONGER * usual:
            found[runs[place][1:], place] = True
    return found


def _longest_run(series: Float[np.ndarray, " time"]) -> np.ndarray:
    """The frames of the longest run of equal values, gaps left out."""
    frames = np.flatnonzero(~np.isnan(series))
    parts = np.split(frames, 1 + np.flatnonzero(np.diff(series[frames]) != 0.0))
    return max(parts, key=len)
