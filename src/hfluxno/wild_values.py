"""Values of a field that stand out from all their neighbours, as faults of an instrument do.

Fields are arrays with NaN in gaps.
"""

import itertools
import math

import numpy as np
from jaxtyping import Bool, Float, Shaped

# The median absolute value of a standard normal variable.
NORMAL_MEDIAN = 0.6745
# Of all values; more are no exceptions.
MOST_STANDING_OUT = 0.02
# Values that stand out belong to a wave if those of this part of the frames, and of four at least,
# are this close to a line in space and time through two of them that are a few frames apart; or of
# four frames, if the line moves and chance would make hardly any.
_OF_A_WAVE, _FEWEST, _CLOSE, _APART, _CHANCE = 0.3, 4, 0.75, 4, 0.01
_MOST_PAIRS = 100_000
_WINDOWS = 30  # the fewest differences for a median
# Of as many differences the median tells noise to a tenth; the highest order; and by how much each
# shows less of a field.
_SURE, _HIGHEST, LESS = 100, 6, 0.75
# A peak that moves is found again in the frames around it, this many cells further a frame at most,
# and there as well rises by this part of its height above the lowest of as many cells at each side.
_FASTEST, _PART, _BESIDE = 5, 0.5, 3


def noise(u: Float[np.ndarray, "*batch time cells"]) -> float:
    """The standard deviation of the noise; NaN if too few neighbouring values are measured.

    Third differences annihilate quadratic pieces of a field and have 20 times the variance of
    independent noise; second differences, used if those are few, annihilate linear pieces and have
    6 times. Their median ignores shocks. Of the estimates along time and along space the smaller
    one contains less of the field.
    """
    found = []
    for axis in (-2, -1):
        for order in (3, 2):
            size = _of_differences(u, order, axis, _WINDOWS)
            if size is not None:
                found.append(size)
                break
    return min(found, default=np.nan)


def noise_alone(u: Float[np.ndarray, "*batch time cells"]) -> float:
    """`noise` without what third differences leave of a field that changes within a few cells or
    frames, which may be a percent of its deviation: noise is as large in differences of any order,
    and a field becomes less with each. So higher ones are used while each shows less by a quarter,
    which white noise does not (2000 samples of 8 × 30 to 40 × 64)."""
    found = [noise(u)]
    for axis in (-2, -1):
        before = np.inf
        for order in range(3, _HIGHEST + 1):
            size = _of_differences(u, order, axis, _SURE)
            if size is None or size > LESS * before:
                break
            found.append(size)
            before = size
    return float(np.min(found))  # NaN if `noise` is


def _of_differences(
    u: Float[np.ndarray, "*batch time cells"], order: int, axis: int, fewest: int
) -> float | None:
    """The deviation of the noise by the median of differences along an axis; `None` if fewer than
    `fewest` are known."""
    differences = np.diff(u, order, axis=axis)
    known = differences[~np.isnan(differences)]
    if known.size < fewest:
        return None
    variance = math.comb(2 * order, order)  # the sum of the squares of binomials
    return float(np.median(np.abs(known))) / (NORMAL_MEDIAN * np.sqrt(variance))


def noise_of_each(
    values: Float[np.ndarray, "time quantity cells"],
) -> Float[np.ndarray, " quantity"]:
    """`noise` of each quantity where it was measured at all; zero if too few neighbours were."""
    places = (~np.isnan(values)).any(axis=0)
    found = [noise(values[:, i, at]) for i, at in enumerate(places)]
    return np.nan_to_num(np.array(found))


def standing_out(
    u: Float[np.ndarray, "trajectory time cells"],
) -> Bool[np.ndarray, "trajectory time cells"]:
    """Values beyond all four neighbours by more than the standard deviation of the field and five
    times that of the noise. Sensors, cells with any value, are each other's neighbours.

    Of three neighbours, as at the sides and in the first and the last frame, a crest may be beyond
    all. So there the value must also be beyond them by more than they and those at the corners
    differ.
    """
    return _beyond_neighbours(u) != 0


def _beyond_neighbours(
    u: Float[np.ndarray, "trajectory time cells"],
) -> Shaped[np.ndarray, "trajectory time cells"]:
    """1 where a value stands out above its neighbours, -1 below them, otherwise 0."""
    found = np.zeros(u.shape, np.int8)
    measured = (~np.isnan(u)).any(axis=(0, 1))
    u = u[..., measured]
    padded = np.pad(u, ((0, 0), (1, 1), (1, 1)), constant_values=np.nan)
    around = np.stack(
        [padded[:, :-2, 1:-1], padded[:, 2:, 1:-1], padded[:, 1:-1, :-2], padded[:, 1:-1, 2:]]
    )
    known = (~np.isnan(around)).sum(axis=0)
    high = np.where(np.isnan(around), -np.inf, around).max(axis=0)
    low = np.where(np.isnan(around), np.inf, around).min(axis=0)
    scale = np.nanstd(u) + 5.0 * np.nan_to_num(noise(u))
    with np.errstate(invalid="ignore"):
        beyond = np.maximum(u - high, low - u)
    out = (known >= 3) & (beyond > scale)
    for at in np.argwhere(out & (known == 3)):
        run, frame, cell = map(int, at)
        block = padded[run, frame : frame + 3, cell : cell + 3].copy()
        block[1, 1] = np.nan
        out[run, frame, cell] = beyond[*at] > scale + np.nanmax(block) - np.nanmin(block)
    found[..., measured] = np.where(u > high, 1, -1) * out
    return found


def standing_alone(
    u: Float[np.ndarray, "trajectory time cells"],
) -> Bool[np.ndarray, "trajectory time cells"]:
    """Values that stand out, but not those of a narrow peak that moves: two of the frames around
    them hold it too, on a line through them in space and time, where it has left or not yet
    reached their place."""
    beyond = _beyond_neighbours(u)
    found = beyond != 0
    if not found.any():
        return found
    measured = np.flatnonzero((~np.isnan(u)).any(axis=(0, 1)))
    for sign in (1, -1):
        run, frame, cell = np.nonzero(beyond[..., measured] == sign)
        moves = _moves(sign * u[..., measured], run, frame, cell)
        found[run, frame, measured[cell]] = ~moves
    return found


def _moves(
    u: Float[np.ndarray, "trajectory time cells"],
    run: Shaped[np.ndarray, " value"],
    frame: Shaped[np.ndarray, " value"],
    cell: Shaped[np.ndarray, " value"],
) -> Bool[np.ndarray, " value"]:
    """Whether values above their neighbours are of a peak that moves."""
    height = _height_of_crests(u)
    # At the end of a ring the crest may be that of the next cell.
    across = np.where(cell == 0, -1, np.where(cell == u.shape[2] - 1, 0, cell))
    cell = np.where(u[run, frame, across] > u[run, frame, cell], across, cell)
    risen, top = height[run, frame, cell], u[run, frame, cell]

    def holds(later: int, away: int) -> Bool[np.ndarray, " value"]:
        """Whether the peak is in a frame `later`, `away` cells further."""
        inside = (frame + later >= 0) & (frame + later < u.shape[1])
        when, place = np.where(inside, frame + later, 0), (cell + away) % u.shape[2]
        rises = (risen > 0.0) & (height[run, when, place] >= _PART * risen)
        there, here = u[run, when, place], u[run, when, cell]
        return inside & rises & ~(there - here < _PART * (top - here))

    moves = np.zeros(len(run), bool)
    steps = {*range(-_FASTEST, _FASTEST + 1)} - {0}
    for way, shift in itertools.product((-1, 1), steps):
        first = holds(way, shift)
        for other, near in ((-way, -shift), (2 * way, 2 * shift)):
            # What is at the same place in two frames does not move.
            for away in {near - 1, near, near + 1} - {0, shift}:
                moves |= first & holds(other, away)
    return moves


def _height_of_crests(
    u: Float[np.ndarray, "trajectory time cells"],
) -> Float[np.ndarray, "trajectory time cells"]:
    """Of the highest of three neighbours above the lowest cells that are near, at the side where
    these are higher; minus infinity elsewhere. Ends are neighbours, as waves cross those of a ring
    and faults are hardly ever in line at both."""

    def lowest(sign: int) -> Float[np.ndarray, "trajectory time cells"]:
        return np.fmin.reduce([np.roll(u, sign * k, axis=-1) for k in range(1, _BESIDE + 1)])

    is_crest = ~((u < np.roll(u, 1, axis=-1)) | (u < np.roll(u, -1, axis=-1)))
    return np.where(is_crest, u - np.fmax(lowest(1), lowest(-1)), -np.inf)


def wild(u: Float[np.ndarray, "time cells"]) -> Bool[np.ndarray, "time cells"]:
    """Values that stand alone, but not those of a wave that is a line in space and time; none if
    they are too many to be exceptions."""
    out = standing_alone(u[None])[0]
    frame, place = np.nonzero(out)
    if not 0 < len(frame) <= MOST_STANDING_OUT * np.sum(~np.isnan(u)):
        return np.zeros(u.shape, bool)
    later, away = frame - frame[:, None], _around(place - place[:, None], u.shape[1])
    pairs = np.argwhere((later > 0) & (later <= _APART))
    if len(pairs) > _MOST_PAIRS:
        return np.zeros(u.shape, bool)
    needed = max(_FEWEST, _OF_A_WAVE * len(u))
    share = len(frame) * 2.0 * _CLOSE / u.size
    for one, other in pairs:
        speed = away[one, other] / later[one, other]
        close = np.abs(_around(away[one] - speed * later[one], u.shape[1])) <= _CLOSE
        frames = np.unique(frame[close])
        is_wave = len(frames) >= needed
        if not is_wave and len(frames) >= _FEWEST and abs(speed) * np.ptp(frames) >= 2.0:
            # How many of the lines through all pairs have as many others near them by chance.
            others, between = len(frames) - 2, int(np.ptp(frames)) - 1
            is_wave = len(pairs) * math.comb(between, others) * share**others < _CHANCE
        if is_wave:
            out[frame[close], place[close]] = False
    return out


def _around(distance: Shaped[np.ndarray, "*of"], cells: int) -> Float[np.ndarray, "*of"]:
    """The shorter way on a ring."""
    return (distance + 0.5 * cells) % cells - 0.5 * cells
