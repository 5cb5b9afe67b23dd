"""What the values at the two ends of a line show of its boundary, before any law is inferred.

Fields are arrays (trajectory, time, x) with NaN in gaps; places without any measurement are left
out, so sensors are each other's neighbours.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from hfluxno.rounding import error_size, rounding_step

# Across the ends of rings (128 files) values differed at most 1.7 times as much as beside them, or
# as noise does, and at least 2.2 times as much across those of 20 other densely measured lines.
_MATCHING = 2.0
_ROUNDING = 1e-6  # of the deviation
_MOST_FRAMES, _MOST_PLACES = 400, 24  # of which far places are compared, evenly chosen
# A field that vanishes at a wall has a third of its second value in the first cell. How much it may
# have there, unless it is small beside the whole field, and how large it may be while shocks pass.
# In the last frame what leaves has more there than `_LEAVES` of the second value.
_ODD, _SMALL, _SMALLER, _LEAVES = 0.6, 0.4, 0.8, 0.75
_QUIET = 1e-3  # of the deviation
# Of the standard deviations of the noise and of the field, and of the median change at a place.
_NOISE, _LIKE, _USUAL = 1.2, 0.5, 0.6
_CROSSED = 3.0  # times that waves cross the line at least


class EndMeasures(NamedTuple):
    """What holds of the ends of one field.

    - `match`: the values across them differ hardly more than those beside them.
    - `jump`: the median difference across them, of that beside them.
    - `bend`: by how much of itself the median step across them is off the mean of those beside it;
      little if slopes match too.
    - `near`: the median difference across them, of that of places far from each other; of the
      mean squares where that across them is less than rounding can tell.
    - `still`: nothing happens there.
    - `vanish`: the field is zero in walls there: odd about an end, or not moving yet.
    - `rests`: it is zero there in every frame, and not everywhere.
    - `inside`: neighbours differ somewhere as much as the values across the ends.
    """

    match: bool
    jump: float
    bend: float
    near: float
    still: bool
    vanish: bool
    rests: bool
    inside: bool


def ends(u: Float[np.ndarray, "trajectory time x"]) -> EndMeasures:
    """The measures of both ends of a field."""
    bare = u[..., (~np.isnan(u)).any(axis=(0, 1))]
    deviation = float(np.nanstd(u))
    sigma, least = float(np.nan_to_num(error_size(bare))), _ROUNDING * deviation
    within = np.diff(bare, axis=-1)
    still = _still(bare, sigma)
    if not within.shape[-1] or np.isnan(bare[..., 0] - bare[..., -1]).all():
        return EndMeasures(False, np.nan, np.nan, np.nan, still, False, False, True)
    across = bare[..., 0] - bare[..., -1]
    beside = within[..., [0, -1]]
    # The median leaves shocks out that pass the ends, which the mean square has to bound.
    step = _median(across)
    match = step <= max(_MATCHING * _median(beside), 2.0 * sigma, least)
    match &= rms(across) <= max(_MATCHING * max(rms(beside), rms(within)), least)
    # Differences of rounded values are not known better than this: most may be zero by chance.
    least = max(least, rounding_step(bare))
    bend = max(_median(across - beside.mean(axis=-1)), least)
    return EndMeasures(
        bool(match),
        step / max(_median(beside), least) if deviation > 0.0 else 0.0,
        bend / step if step > least else np.inf,
        _near(across, bare, least) if deviation > 0.0 else 0.0,
        still,
        vanishes(bare, sigma, deviation),
        deviation > 0.0 and rests(bare[..., [0, -1]], sigma, deviation),
        bool(step <= np.nanmax(np.abs(within))),
    )


def hidden_at_ends(
    u: Float[np.ndarray, "trajectory time x"], sigma: float, most_cells_per_frame: float
) -> float:
    """How much may have passed the ends of a field within errors of this standard deviation,
    relative to its mean size: waves of three of these in all frames, as fast as the fastest that is
    seen, or as cross the line a few times: what is seen may be slow, such as a queue."""
    size = float(np.mean(np.abs(u), where=~np.isnan(u)))
    crossed = float(np.nan_to_num(most_cells_per_frame)) * (u.shape[1] - 1) / u.shape[2]
    return 3.0 * float(np.nan_to_num(sigma)) * max(crossed, _CROSSED) / (size or 1.0)


def rests(values: Float[np.ndarray, "..."], sigma: float, deviation: float) -> bool:
    """Whether these values of a field with noise and deviation of these sizes are zero."""
    return bool(rms(values) <= max(3.0 * sigma, _QUIET * deviation))


def vanishes(u: Float[np.ndarray, "trajectory time x"], sigma: float, deviation: float) -> bool:
    """Whether a field with noise and deviation of these sizes is odd about both ends of x, as a
    momentum is between walls; where nothing moves yet one of them is enough."""
    odd, size = [], rms(u)
    for end, beside in ((0, 1), (-1, -2)):
        one, two = u[..., end], u[..., beside]
        leaves = _arrives(one, two, _SMALL * size)
        both = ~np.isnan(one + two)
        one, two = one[both], two[both]
        moves = not rests(two, sigma, deviation)
        slope, small = one @ two, rms(one) < _SMALL * size
        if moves and not (
            0.0 <= slope <= (1.0 if small else _ODD) * (two @ two)
            and rms(one) <= _SMALLER * rms(two)
            and not leaves
        ):
            return False
        odd.append(moves)
    return any(odd)


def _arrives(
    one: Float[np.ndarray, "trajectory time"],
    two: Float[np.ndarray, "trajectory time"],
    least: float,
) -> bool:
    """Whether what is largest at an end, and above `least`, is there in the last frame and hardly
    less than beside it: something leaves that has only just arrived, so most values are small."""
    least = max(least, 0.5 * np.max(np.abs(one), initial=0.0, where=~np.isnan(one)))
    last = np.stack([one[:, -1], two[:, -1]])
    last = last[:, np.abs(last[0]) > least]
    last = last[:, ~np.isnan(last[1])]
    return bool(last[0] @ last[1] > _LEAVES * (last[1] @ last[1]))


def _still(bare: np.ndarray, sigma: float) -> bool:
    """Whether the ends hardly change; they do if most places do, by more than noise and by half of
    what the field varies, and the ends like these: rounding may be a third of that for counts."""
    deviation = float(np.nanstd(bare))
    places = np.sqrt(np.nanmean((bare - np.nanmean(bare, axis=(0, 1))) ** 2, axis=(0, 1)))
    usual, ends = float(np.median(places)), places[[0, -1]]
    moves = usual > max(_NOISE * sigma, _LIKE * deviation) and ends.min() > _USUAL * usual
    return bool(np.all(ends <= max(3.0 * sigma, 1e-3 * deviation)) and not moves)


def _near(across: np.ndarray, bare: np.ndarray, least: float) -> float:
    """Differences across the ends, of those of far places. Where a median is below `least` and not
    known, the means of squares tell how often values differ."""
    step = _median(across)
    if step > least or np.isnan(step):
        return step / max(_far(bare, _median), least)
    far = _far(bare, rms)
    return (rms(across) / far) ** 2 if far > 0.0 else 1.0


def _far(bare: np.ndarray, size: Callable[[np.ndarray], float]) -> float:
    """The median size of the differences of places that are a quarter of a ring apart or more; as
    few of them as tell it."""
    chosen = np.unique(np.linspace(0, bare.shape[-1] - 1, _MOST_PLACES).round().astype(int))
    few = bare[..., chosen].reshape(-1, len(chosen))
    few = few[:: -(-len(few) // _MOST_FRAMES)]
    count, least = len(chosen), max(len(chosen) // 4, 2)
    pairs = [
        size(few[:, i] - few[:, j])
        for i in range(count)
        for j in range(i + least, min(count, i + count - least + 1))
    ]
    known = [each for each in pairs if not np.isnan(each)]
    return float(np.median(known)) if known else 0.0


def _median(differences: np.ndarray) -> float:
    known = np.abs(differences[~np.isnan(differences)])
    return float(np.median(known)) if known.size else np.nan


def rms(differences: np.ndarray) -> float:
    """The root mean square of those that are known."""
    known = differences[np.isfinite(differences)]
    return float(np.sqrt(np.mean(known**2))) if known.size else np.nan
