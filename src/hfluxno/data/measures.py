"""What measurements show by themselves, before any law is inferred.

Every measure takes one field as an array (trajectory, time, x) with NaN in gaps, and uses the
measured values.
"""

from typing import NamedTuple

import numpy as np

from hfluxno.rounding import error_size
from hfluxno.wild_values import noise

_MOST_PAIRS = 400  # of frames, evenly chosen
_BETTER, _FAR = 0.5, 0.45  # of what no shift leaves; and of the cells
_MOST_LAG = 4  # frames, if no consecutive ones are measured
_ROUNDING = 1e-6  # of the size of a field; and of what passes the middle
_LITTLE = 0.05  # of what passes the middle
_FEW = 0.2  # of the values in frames and at places that are measured
_SENSORS = 32  # places; more are taken for cells, whose totals are exact
_KNOWN = 0.5  # of what passes the middle
_LINE, _UNSTEADY = 4, 0.1  # frames of a line, and how much is off it
_HALVES = 9  # of the cells, evenly chosen
# Of a field that is never negative, in standard deviations of the noise: how far values are below
# zero at most, and above it somewhere; and within how many they are where it is zero. So many
# values, and this part of all, are then below; and at most half as many as these are as far above
# again, where a field has more that only touches zero (1.5 times, if as a parabola). Where
# something settles and the water gets clear (six files) a fifth or less were.
_BELOW, _ABOVE, _ZERO, _FEWEST, _PILE, _BESIDE = -5.0, 10.0, 2.0, 10, 0.02, 0.5


class Travel(NamedTuple):
    """How far a field moves per frame, in cells, positive to the right: overall, and the 95th
    percentile over the frames where it is clear and lasts; the correlation of frames after the
    shift; and whether the latter is clear, other than where a profile grows, stands or turns round.
    """

    shift: float
    largest: float
    correlation: float
    clear: bool = False


class Total(NamedTuple):
    """The largest change of a field's total since the first frame, its measurement uncertainty, and
    the largest change over half of the cells, which movement alone causes; all relative to the mean
    size of the field. `exact`: whether all cells were measured, and much moves while the total is
    constant but for rounding, as errors of the values or flow through the ends would not leave
    it."""

    change: float
    uncertainty: float
    moves: float
    exact: bool

    @property
    def kept(self) -> bool:
        """Whether the total is constant as far as it was measured."""
        least = max(_ROUNDING, min(1e-3, _LITTLE * self.moves))
        return bool(abs(self.change) <= max(least, self.uncertainty))

    @property
    def doubtful(self) -> bool:
        """Whether it changes by more than that, but not twice: the measurement may be why."""
        return not self.kept and bool(abs(self.change) <= 2.0 * self.uncertainty)

    @property
    def known(self) -> bool:
        """Whether it was measured well enough to tell a line that is closed from an open one."""
        return bool(self.uncertainty <= _KNOWN * self.moves)


def travel(u: np.ndarray) -> Travel:
    """The shift s that minimises the mean of (u(t + 1, i + s) - u(t, i))² over the cells that
    overlap, at least half of all, by cross-correlation.

    Gaps inside a frame are interpolated linearly. If no consecutive frames are measured, frames
    further apart are compared.
    """
    whole, inside = interpolated(u)
    if not inside.any():
        return Travel(np.nan, np.nan, np.nan)
    centred = np.where(inside, whole - np.mean(whole, where=inside), 0.0)
    for lag in range(1, min(_MOST_LAG, u.shape[-2] - 1) + 1):
        pairs = inside[:, :-lag].any(axis=-1) & inside[:, lag:].any(axis=-1)
        if pairs.any():
            break
    else:
        return Travel(np.nan, np.nan, np.nan)
    run, first = (each[:: -(-len(each) // _MOST_PAIRS)] for each in np.nonzero(pairs))
    a, b = centred[run, first], centred[run, first + lag]
    m, n = inside[run, first].astype(float), inside[run, first + lag].astype(float)
    counts, cells = _correlation(m, n), u.shape[-1]
    squares = _correlation(m * a**2, n) + _correlation(m, n * b**2)
    products = _correlation(m * a, n * b)
    with np.errstate(invalid="ignore", divide="ignore"):
        growth = (_correlation(m, n * b) - _correlation(m * a, n)) ** 2 / counts
    order = np.argsort(np.abs(_shifts(cells)), kind="stable")  # the shortest among equals
    shifts, half = _shifts(cells)[order], 0.5 * np.maximum(counts[:, :1], 1.0)
    sums = [part[:, order] for part in (counts, squares, products, growth)]
    floor = 2.0 * float(np.nan_to_num(noise(u))) ** 2
    each = [_best(shifts, floor, *row) for row in zip(half, *sums, strict=True)]
    shift, alike, clear = _best(shifts, floor, *(part.sum(axis=0) for part in (half, *sums)))
    moves = np.abs([s for s, _, _ in each])[_lasting(each, cells)]
    largest = max(float(np.percentile(moves, 95)) if moves.size else 0.0, abs(shift))
    return Travel(shift / lag, largest / lag, alike, clear and abs(shift) < _FAR * cells)


def _lasting(each: list[tuple[float, float, bool]], cells: int) -> np.ndarray:
    """Which of the shifts of pairs of frames in order are clear and like those before and after:
    what a profile that turns round seems to travel is half a wave, and at most twice in a row."""
    shifts = np.array([s for s, _, _ in each])
    clear = np.array([c for _, _, c in each]) & (np.abs(shifts) < _FAR * cells)
    larger = np.maximum(np.abs(shifts[1:]), np.abs(shifts[:-1]))
    like = np.abs(np.diff(shifts)) <= np.maximum(1.5, 0.5 * larger)
    return clear & np.append(like, True) & np.append(True, like)


def _best(
    shifts: np.ndarray,
    floor: float,
    least: float,
    counts: np.ndarray,
    squares: np.ndarray,
    products: np.ndarray,
    growth: np.ndarray,
) -> tuple[float, float, bool]:
    """The shift with the least mean square over at least so many cells; the correlation there; and
    whether no shift is far worse, beyond what noise leaves (`floor`), and also if the mean
    difference of the cells (`growth`, squared and summed) does not count: what grows has none."""
    with np.errstate(invalid="ignore", divide="ignore"):
        misfit = np.where(counts >= least, (squares - 2.0 * products) / counts, np.inf)
        grown = np.where(counts >= least, misfit - growth / counts, np.inf)
    size = np.max(squares, initial=0.0) / max(np.max(counts), 1.0)
    misfit = np.where(misfit < 1e-12 * size, 0.0, misfit)
    i, none = int(np.argmin(misfit)), int(np.flatnonzero(shifts == 0)[0])
    at = {int(s): float(v) for s, v in zip(shifts, misfit, strict=True)}
    s = int(shifts[i])
    fine = vertex(at.get(s - 1, np.inf), at[s], at.get(s + 1, np.inf))
    alike = 2.0 * products[i] / squares[i] if squares[i] > 0.0 else 1.0
    better = all(m[i] - floor <= _BETTER * (m[none] - floor) for m in (misfit, grown))
    return s + fine, float(alike), bool(abs(s) <= 1 or better)


def vertex(left: float, middle: float, right: float) -> float:
    """The place of the minimum of a parabola through three values, from the middle one."""
    bend = left - 2.0 * middle + right
    return 0.5 * float(left - right) / float(bend) if np.isfinite(bend) and bend > 0.0 else 0.0


def total(u: np.ndarray) -> Total:
    """How the mean over all cells changes; gaps are interpolated linearly in space, and before in
    time where few of the values of places with sensors are missing.

    Its uncertainty is four standard deviations of the error of a difference of two totals, and in
    frames with gaps also twice (a change has two totals) what the totals change by when a random
    quarter of the values is left out; none if the total is exact.
    """
    size = float(np.mean(np.abs(u), where=~np.isnan(u)))
    known = ~np.isnan(u)
    meant = known.any(axis=1, keepdims=True) & known.any(axis=2, keepdims=True)
    few = bool(np.mean(known, where=meant) >= 1.0 - _FEW)
    whole, inside = interpolated(_between_times(u) if few else u)
    sums = np.where(inside.any(axis=-1), np.mean(whole, axis=-1), np.nan)
    changes = [row - row[~np.isnan(row)][0] for row in sums if (~np.isnan(row)).any()]
    if not changes or size == 0.0:
        unknown = np.nan if size else 0.0
        return Total(unknown, unknown, unknown, False)
    every = np.concatenate(changes)
    change = float(every[np.nanargmax(np.abs(every))])
    moves = _passed(whole, inside.any(axis=-1))
    gaps = known.any(axis=-1) & ~known.all(axis=-1)
    exact = not gaps.any() and abs(change) <= _ROUNDING * moves and moves > _ROUNDING * size
    if exact and not _is_odd(whole[known.any(axis=-1)]):
        return Total(change / size, 0.0, moves / size, True)
    measured = np.median(known.sum(axis=-1)[known.any(axis=-1)])
    sigma = float(np.nan_to_num(error_size(u)))
    error = 4.0 * np.sqrt(2.0) * sigma / np.sqrt(measured)
    if gaps.any():
        dropped = np.random.default_rng(0).uniform(size=u.shape) < 0.25
        left = np.where(dropped, np.nan, u)
        fewer, rest = interpolated(_between_times(left) if few else left)
        both = gaps & rest.any(axis=-1)
        if both.any():
            differences = (np.mean(fewer, axis=-1) - sums)[both]
            error += 2.0 * float(np.max(np.abs(differences - np.median(differences))))
    places = np.flatnonzero(known.any(axis=(0, 1)))
    if 8 <= len(places) < _SENSORS:
        error += _sampled(whole[..., places], inside.any(axis=-1))
    return Total(change / size, float(error / size), moves / size, False)


def _is_odd(frames: np.ndarray) -> bool:
    """Whether all frames are their own mirror images with the opposite sign, about the middle and
    a constant: then their totals are constant whatever passes the ends."""
    both = frames + frames[:, ::-1]
    return bool(np.std(both) <= 1e-3 * np.std(frames))


def changes_steadily(u: np.ndarray, times: np.ndarray, sums: Total) -> bool:
    """Whether the total of a field changes, and as by constant flows through the ends: linearly in
    time, up to a tenth of the change or its uncertainty."""
    if sums.kept or sums.doubtful:
        return False
    size = float(np.mean(np.abs(u), where=~np.isnan(u)))
    whole, inside = interpolated(u)
    for run, known in zip(whole.mean(axis=-1), inside.any(axis=-1), strict=True):
        if np.sum(known) < _LINE:
            return False
        t, means = times[known] - times[known].mean(), run[known] - run[known].mean()
        rest = means - t * (t @ means) / (t @ t)
        if np.std(rest) > max(_UNSTEADY * np.std(means), 0.5 * sums.uncertainty * size):
            return False
    return True


def _between_times(u: np.ndarray) -> np.ndarray:
    """The field with gaps filled linearly that are between measurements at the same place."""
    filled, at, seen = u.copy(), np.arange(u.shape[1]), ~np.isnan(u)
    for run, place in zip(*np.nonzero(seen.any(axis=1) & ~seen.all(axis=1)), strict=True):
        known = seen[run, :, place]
        filled[run, :, place] = np.interp(at, at[known], u[run, known, place], np.nan, np.nan)
    return filled


def _sampled(whole: np.ndarray, known: np.ndarray) -> float:
    """How much changes of a mean depend on the places: half of what those by every other one
    differ from those by the rest."""
    odd = np.arange(whole.shape[-1]) % 2 == 1
    means = [interpolated(np.where(out, np.nan, whole))[0].mean(axis=-1) for out in (odd, ~odd)]
    differences = zip(means[0] - means[1], known, strict=True)
    changes = [run[at] - run[at][0] for run, at in differences if at.any()]
    return 0.5 * max(float(np.max(np.abs(each))) for each in changes)


def _passed(whole: np.ndarray, known: np.ndarray) -> float:
    """The largest change since the first frame of a sum over half of the cells, over all cells."""
    cells, half = whole.shape[-1], max(whole.shape[-1] // 2, 1)
    starts = np.unique(np.linspace(0, cells - half, _HALVES).round().astype(int))
    sums = np.stack([whole[..., i : i + half].sum(axis=-1) for i in starts], axis=-1) / cells
    changes = [run[at] - run[at][0] for run, at in zip(sums, known, strict=True) if at.any()]
    return max(float(np.max(np.abs(each))) for each in changes)


def is_constant(u: np.ndarray) -> bool:
    """Whether all values are equal up to rounding."""
    return bool(np.nanmax(u) - np.nanmin(u) <= 4.0 * np.finfo(u.dtype).eps * np.nanmax(np.abs(u)))


def is_still(values: np.ndarray) -> bool:
    """Whether no value of (…, time, field, x) changes in time by more than rounding; not if none is
    known."""
    known = ~np.isnan(values)
    high = np.max(values, axis=-3, initial=-np.inf, where=known)
    low = np.min(values, axis=-3, initial=np.inf, where=known)
    size = np.max(np.abs(values), axis=(-3, -1), initial=0.0, where=known)[..., None]
    return bool(known.any() and np.all(high - low <= 4.0 * np.finfo(values.dtype).eps * size))


def never_negative(u: np.ndarray) -> bool:
    """Whether a field that was also measured negative is zero in many places, but for noise, and
    nowhere less, as a concentration is where the water is clear."""
    sigma, known = noise(u), u[~np.isnan(u)]
    if not sigma > 0.0:  # nor NaN
        return False
    scaled = known / sigma
    below = int(np.sum(scaled < 0.0))
    beside = int(np.sum((scaled > _ZERO) & (scaled <= 2.0 * _ZERO)))
    return bool(
        np.min(scaled) >= _BELOW
        and np.max(scaled) >= _ABOVE
        and below >= max(_FEWEST, _PILE * len(known))
        and len(np.unique(known[known < 0.0])) > 1  # or a number stands for something else
        and beside <= _BESIDE * below
    )


def zero_part(u: np.ndarray) -> float:
    """The part of the values that is zero but for noise; 0 if any is less."""
    known = u[~np.isnan(u)]
    least = max(_ZERO * np.nan_to_num(noise(u)), 1e-3 * np.max(np.abs(known)))
    return 0.0 if np.min(known) < _BELOW / _ZERO * least else float(np.mean(known <= least))


def interpolated(u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The frames with their gaps interpolated linearly and extrapolated by the outermost values;
    and the cells between the outermost values. Frames with fewer than four values are unchanged and
    have no such cells."""
    known = ~np.isnan(u)
    if known.all():
        return u.astype(float), known
    whole, inside = np.zeros(u.shape), np.zeros(u.shape, bool)
    places = np.arange(u.shape[-1])
    for index in np.ndindex(u.shape[:-1]):
        at = np.flatnonzero(known[index])
        if len(at) >= 4:
            whole[index] = np.interp(places, at, u[index][at])
            inside[index][at[0] : at[-1] + 1] = True
    return whole, inside


def _shifts(cells: int) -> np.ndarray:
    """The shifts of `_correlation`, in its order."""
    return np.fft.fftfreq(2 * cells, 1.0 / (2 * cells)).round().astype(int)


def _correlation(f: np.ndarray, g: np.ndarray) -> np.ndarray:
    """Σ_i f(i) g(i + s) for every shift s, with zeros outside the rows."""
    count = 2 * f.shape[-1]
    product = np.conj(np.fft.rfft(f, count)) * np.fft.rfft(g, count)
    return np.fft.irfft(product, count)
