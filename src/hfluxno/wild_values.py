"""Values of a field that stand out from all their neighbours, as faults of an instrument do.

Fields are arrays with NaN in gaps.
"""

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


def noise(u: Float[np.ndarray, "*batch time cells"]) -> float:
    """The standard deviation of the noise; NaN if too few neighbouring values are measured.

    Third differences annihilate quadratic pieces of a field and have 20 times the variance of
    independent noise; second differences, used if those are few, annihilate linear pieces and have
    6 times. Their median ignores shocks. Of the estimates along time and along space the smaller
    one contains less of the field.
    """
    found = []
    for axis in (-2, -1):
        for order, variance in ((3, 20.0), (2, 6.0)):
            if u.shape[axis] <= order:
                continue
            differences = np.diff(u, order, axis=axis)
            known = differences[~np.isnan(differences)]
            if known.size >= _WINDOWS:
                found.append(float(np.median(np.abs(known))) / (NORMAL_MEDIAN * np.sqrt(variance)))
                break
    return min(found, default=np.nan)


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
    found = np.zeros(u.shape, bool)
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
    found[..., measured] = out
    return found


def wild(u: Float[np.ndarray, "time cells"]) -> Bool[np.ndarray, "time cells"]:
    """Values that stand out, but not those of a narrow wave, which travels; none if they are too
    many to be exceptions."""
    out = standing_out(u[None])[0]
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
