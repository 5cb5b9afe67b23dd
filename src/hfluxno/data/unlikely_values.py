"""Values that are probably not measurements, in sentences: marks, faults and limits of sensors.

Fields are arrays (…, time, x) with NaN in gaps.
"""

from collections.abc import Collection, Iterable, Sequence

import numpy as np

from hfluxno.data.clock import date, dated
from hfluxno.data.marks import without_marks
from hfluxno.data.source import Source
from hfluxno.dead_sensors import dead_sensors, stuck_values
from hfluxno.plural import plural
from hfluxno.sensor_limit import at_limit
from hfluxno.wild_values import MOST_STANDING_OUT, noise, standing_alone

_BLOCK = 64  # trajectories
_NAMED = 3  # of the values that stand out


def warnings_of(source: Source) -> list[str]:
    """What is probably wrong with a file, as sentences: its hints, and its `doubtful` values."""
    measured = source.fields, source.values, source.places, source.times
    return [*source.hints, *doubtful(*measured, dated(source))]


def doubtful(
    fields: Sequence[str], values: np.ndarray, x: np.ndarray, times: np.ndarray, units: str = ""
) -> tuple[str, ...]:
    """Values of the fields (…, field, x) that are probably not measurements, as sentences for a
    user who might not know that every method takes them as values; `units` of times that are
    dates."""
    found = []
    for name, u in zip(fields, np.moveaxis(values, -2, 0), strict=True):
        bare, marks = without_marks(u)
        found += [f"{name}: {text}." for text in marks]
        spikes = _few_spikes(bare.reshape(-1, *bare.shape[-2:]))
        if len(spikes):
            numbers = range(len(bare)) if bare.ndim > 2 else ()
            said = _standing_out(spikes, x, times, units, numbers)
            found.append(
                f"{name}: {said}; make NaN what is a fault of an instrument, which only a fitted "
                "law may leave out."
            )
        runs = bare.reshape(-1, *bare.shape[-2:])
        dead = dead_sensors(runs)
        found += [f"{name}: {text}; if it is dead, leave it out." for text in _named(dead, x)]
        found += [f"{name}: {text}." for text in _stuck(runs, x, times, units, dead)]
    return tuple(found)


def _named(dead: Iterable[int], x: np.ndarray) -> list[str]:
    return [f"the sensor at {x[place]:.4g} hardly ever changes, others do" for place in dead]


def oddities(
    u: np.ndarray,
    x: np.ndarray,
    times: np.ndarray,
    units: str = "",
    numbers: Sequence[int] | np.ndarray = (),
) -> tuple[str, ...]:
    """Values that are probably not measurements, as sentences; `units` of times that are dates,
    `numbers` of the trajectories, if there are several."""
    found = []
    known = u[~np.isnan(u)]
    negative = int(np.sum(known < 0.0))
    beyond = np.min(known, initial=0.0) < -3.0 * np.nan_to_num(noise(u))
    if beyond and negative <= 0.01 * known.size:
        found.append(f"negative values: {negative}, down to {np.min(known):.4g}, all others not")
    spikes = _few_spikes(u)
    if len(spikes) and not found:
        found.append(_standing_out(spikes, x, times, units, numbers))
    limited = at_limit(u)
    for limit in np.unique(u[limited]):
        found.append(
            f"{np.sum(u == limit)} values are exactly {limit:.6g}, though others scatter: beyond a "
            "limit of the instrument?"
        )
    dead = dead_sensors(u)
    return (*found, *_named(dead, x), *_stuck(u, x, times, units, dead))


def _stuck(
    u: np.ndarray, x: np.ndarray, times: np.ndarray, units: str, dead: Collection[int]
) -> list[str]:
    """The sensors that repeat a value for a long while, from when to when, and how that is met."""
    found: list[str] = []
    for run in u:
        stuck = stuck_values(run)
        for place in np.flatnonzero(stuck.any(axis=0)):
            frames = np.flatnonzero(stuck[:, place])
            # The value before the repetitions is the first of them.
            first = np.flatnonzero(~np.isnan(run[: frames[0], place]))[-1]
            start, end = (_when(time, units) for time in times[[first, frames[-1]]])
            text = (
                f"the sensor at {x[place]:.4g} repeats {run[first, place]:.6g} from time "
                f"{start} to {end}, as one that is stuck: make these "
                "values NaN, which a fitted law otherwise does only if no law explains them"
            )
            if place not in dead and text not in found:
                found.append(text)
    return found


def _when(time: float, units: str) -> str:
    return date(float(time), units) or f"{time:.6g}"


def _standing_out(
    spikes: np.ndarray,
    x: np.ndarray,
    times: np.ndarray,
    units: str,
    numbers: Sequence[int] | np.ndarray,
) -> str:
    """How many values stand out, and the times and places of the first ones."""
    verb, whose = ("stands", "its") if len(spikes) == 1 else ("stand", "their")
    places = [
        f"at {x[place]:.4g} and time {_when(times[frame], units)}"
        + (f" in trajectory {numbers[run]}" if len(numbers) > 1 else "")
        for run, frame, place in spikes[:_NAMED]
    ]
    if len(spikes) > _NAMED:
        places.append(f"and {len(spikes) - _NAMED:,} more")
    count = plural(len(spikes), "measurement")
    return f"{count} that {verb} out from all {whose} neighbours, {', '.join(places)}"


def _few_spikes(u: np.ndarray) -> np.ndarray:
    """Trajectory, frame and place of the values that stand out; by parts of a long batch, of which
    this takes ten times the memory."""
    parts = [np.argwhere(standing_alone(u[k : k + _BLOCK])) for k in range(0, len(u), _BLOCK)]
    spikes = np.concatenate([part + np.array([k * _BLOCK, 0, 0]) for k, part in enumerate(parts)])
    return spikes[: len(spikes) * (len(spikes) <= MOST_STANDING_OUT * np.sum(~np.isnan(u)))]
