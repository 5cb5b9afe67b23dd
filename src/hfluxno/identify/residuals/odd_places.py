"""Places whose values a law that fits all others misses in the same way throughout.

The misfits e of a field at a place j have the mean m_j in time. One sensor that reads too much,
always by as much or by the same factor, has an m_j far beyond those of all others, and little else
in its misfit. A law that is wrong misses neighbours alike, a front that is at another place misses
no more than the field varies there, and what open ends miss is at the outermost places; none of
that is a fault of a sensor. Two sensors whose values were exchanged are missed far more than all
others, and each fits what the law gives at the other.
"""

import dataclasses

import numpy as np
from jaxtyping import Float

from hfluxno.observation import Points
from hfluxno.trajectory import Trajectory

# The mean beyond those of all others, and of the square of the misfit the part that an offset or a
# factor explains. Of roads at 14 detectors with one of them 10 % too high it was 6.9 times and .89.
_BEYOND, _STEADY = 3.0, 0.8
# The misfit of two that were exchanged beyond those of all others, and what of it is left, of each
# and of both, if they are exchanged again: 3.1 and 3.3 times, and .4, in frames and at detectors.
_BEYOND_OF_TWO, _LEFT_OF_EACH, _LEFT = 2.5, 0.6, 0.5
_MATTERS = 0.05  # of the standard deviation of the field
_FEWEST_FRAMES, _FEWEST_OTHERS, _MOST = 8, 6, 2


@dataclasses.dataclass(frozen=True)
class OddPlaces:
    """One place or two that the law misses in the same way throughout.

    - `field`: the name of the field.
    - `places`: where they are.
    - `above`: by how much the values are above what the law gives, on average of the later half of
      the frames, and `relative` the same as a part of that (NaN where it changes its sign); empty
      if they are exchanged.
    - `exchanged`: whether the values of two places fit each other.
    """

    field: str
    places: tuple[float, ...]
    above: tuple[float, ...] = ()
    relative: tuple[float, ...] = ()
    exchanged: bool = False

    def __str__(self) -> str:
        where = " and ".join(f"x = {place:.6g}" for place in self.places)
        what = f"the values of {self.field} at {where}"
        if self.exchanged:
            return f"{what} each fit what the law gives at the other: were these two exchanged?"
        sizes = []
        for above, part in zip(self.above, self.relative, strict=True):
            size = f"{abs(above):.3g}" if np.isnan(part) else f"{100.0 * abs(part):.2g} %"
            sizes.append(f"{size} {'above' if above > 0.0 else 'below'}")
        which = "these sensors" if len(sizes) > 1 else "this sensor"
        return (
            f"{what} are on average {' and '.join(sizes)} what the law gives: check {which}, "
            "unless the law is another one there"
        )


def odd_places(
    values: Float[np.ndarray, "time field cells"],
    shown: Float[np.ndarray, "time field cells"],
    context: Trajectory,
) -> tuple[OddPlaces, ...]:
    """What is odd in the values of a context (NaN in gaps) beside what the law shows in all cells,
    at most one fault of each field."""
    found, x, is_periodic = [], _measured_at(context), context.grid.is_periodic()
    for i, name in enumerate(context.fields):
        u, law = np.asarray(values[:, i], float), np.asarray(shown[:, i], float)
        often = np.isfinite(u).sum(axis=0) >= _FEWEST_FRAMES
        cells = np.flatnonzero(often)
        if len(cells) < _FEWEST_OTHERS + 1 or not np.all(np.isfinite(law)):
            continue
        least = _MATTERS * float(np.nanstd(u))
        pair = _exchanged(u[:, cells], law[:, cells], least)
        if pair is not None:
            found.append(OddPlaces(name, tuple(float(x[cells[j]]) for j in pair), exchanged=True))
            continue
        varies = np.mean(np.abs(_difference(law, is_periodic)), axis=0)
        odd = _biased(u[:, cells], law[:, cells], varies[cells], least, is_periodic)
        if odd:
            sizes = [_size(u[:, cells[j]], law[:, cells[j]]) for j in odd]
            above, relative = zip(*sizes, strict=True)
            found.append(OddPlaces(name, tuple(float(x[cells[j]]) for j in odd), above, relative))
    return tuple(found)


def _measured_at(context: Trajectory) -> np.ndarray:
    """The place of each cell's value: of a sensor, or the centre."""
    x = context.grid.centers()
    for step in context.observation:
        if isinstance(step, Points):
            x = x + context.grid.spacing[0] * np.asarray(step.offsets)
    return x


def _difference(law: np.ndarray, is_periodic: bool) -> np.ndarray:
    """Of the cells on both sides."""
    ends = (law[:, -1:], law[:, :1]) if is_periodic else (law[:, :1], law[:, -1:])
    padded = np.concatenate([ends[0], law, ends[1]], axis=1)
    return padded[:, 2:] - padded[:, :-2]


def _exchanged(u: np.ndarray, law: np.ndarray, least: float) -> tuple[int, int] | None:
    missed = _rms(u - law)
    *_, third, second, first = np.argsort(missed)
    if missed[second] <= max(least, _BEYOND_OF_TWO * missed[third]):
        return None
    low, high = sorted((int(first), int(second)))
    before, after = missed[[low, high]], _rms(u[:, [low, high]] - law[:, [high, low]])
    both = np.sum(after**2) > _LEFT**2 * np.sum(before**2)
    return None if both or np.any(after > _LEFT_OF_EACH * before) else (low, high)


def _biased(
    u: np.ndarray, law: np.ndarray, varies: np.ndarray, least: float, is_periodic: bool
) -> list[int]:
    """One or two places that the law misses far more than all others, alike in all frames."""
    missed = u - law
    mean = np.abs(np.nanmean(missed, axis=0))
    order = np.argsort(-mean)
    inner = np.ones(len(mean), bool)
    if not is_periodic:
        inner[[0, -1]] = False
    for count in range(1, _MOST + 1):
        odd, others = order[:count], order[count:]
        if len(others) < _FEWEST_OTHERS or mean[odd].min() <= _BEYOND * mean[others].max():
            continue
        sound = all(
            inner[j] and mean[j] > max(least, varies[j]) and _steady(missed[:, j], law[:, j])
            for j in odd
        )
        return sorted(map(int, odd)) if sound else []
    return []


def _steady(e: np.ndarray, law: np.ndarray) -> bool:
    """Whether an offset or a factor explains nearly all of a misfit."""
    known = np.isfinite(e)
    e, law = e[known], law[known]
    every = float(np.sum(e**2))
    by_factor = np.sum(e * law) ** 2 / max(float(np.sum(law**2)), np.finfo(float).tiny)
    return bool(max(len(e) * np.mean(e) ** 2, by_factor) > _STEADY * every)


def _size(u: np.ndarray, law: np.ndarray) -> tuple[float, float]:
    """By how much values are above those of the law, and as a part of these; of the later half,
    because a first state that was taken from wrong values is still around in the first."""
    known = np.flatnonzero(np.isfinite(u))
    late = known[len(known) // 2 :]
    above, size = float(np.mean(u[late] - law[late])), float(np.mean(law[late]))
    one_sign = np.all(law[late] > 0.0) or np.all(law[late] < 0.0)
    return above, above / size if one_sign else float("nan")


def _rms(e: np.ndarray) -> np.ndarray:
    return np.sqrt(np.nanmean(e**2, axis=0))
