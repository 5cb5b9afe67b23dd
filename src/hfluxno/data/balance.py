"""Whether flow through the ends accounts for the change of totals, before any law is known.

The mean M of a conserved field changes only by what passes the ends,

    M(t) - M(0) = ∫ (f(u_lower) - f(u_upper)) dt / length + noise,

and any flux f is nearly a polynomial of the state, less a diffusion ν ∂x u. So its few coefficients
are fitted to the totals alone; what they cannot explain, beyond what the noise of the states and
the steps between frames may leave, is a source, a leak, or a flux that depends on more.

A total that is kept is that of a ring or of a line between walls. The part M_x of it that is below
a place x tells them apart: with u_x the state there, and u_0 that at the seam,

    M_x(t) - M_x(0) = ∫ (f(u_0) - f(u_x) - ν (∂x u_0 - ∂x u_x)) dt    on a ring,
    M_x(t) - M_x(0) = ∫ (c - f(u_x) + ν ∂x u_x) dt                    between walls.

Parts also tell the flow of a density among two fields, by which alone they change.
"""

import itertools
from typing import NamedTuple

import numpy as np

from hfluxno.data.end_measures import rms
from hfluxno.data.measures import interpolated
from hfluxno.rounding import error_size

_DEGREE = 3
_MOST_FIELDS = 2
_SPARE = 2  # frames per coefficient
# For exact solutions between ends at least .997 is explained, also under 1 % noise and with gaps;
# for a leak and for growth of such fields .95 and .97.
_SOUND = 0.99
# Of what an integral changes by with every other frame alone, how much it may be off with all of
# them: a third if the flow is smooth, all of it if it jumps. Of 36 lines with open ends (12 of them
# with a few sensors) one has a rest beyond what is then left, a road with a zone of slow traffic.
_SKIPPED = 0.5
# The most that ν Δt may be of the square of the length. With more, which would flatten a field from
# one frame to the next, the slopes at the ends can imitate a source; heated bars have .004.
_SPREADS = 0.02
# Of the parts of one field: the degree of the flux, the most places, and the most frames of a run.
_PART_DEGREE, _MOST_PLACES, _MOST_TIMES = 8, 16, 400
# What a ring may leave of the changes, and of what walls leave; and walls of what a ring leaves. Of
# two dozen rings whose seam waves pass it left .021 of the changes or less, and .13 of what walls
# leave; of five lines between walls 1.4 times that or more. Of 17 rings with exact totals, from any
# place on, walls left .3 of what a ring leaves or more, if the ends do not match.
_LEFT, _LESS = 0.05, 0.25

# What the flow of a density may leave of the changes of its parts, in root mean square, and of what
# the density would leave as the flow of the other.
_UNEXPLAINED, _CLEARLY = 0.2, 0.5


class Balance(NamedTuple):
    """The fraction of the variance of a total that the states at the ends explain, per degree of
    freedom; the rest relative to the mean size of the field, and how much of a rest the noise of
    the states at the ends and the steps between frames may leave, of that size too. NaN if there
    are too few frames."""

    explained: float
    rest: float
    unseen: float

    def is_sound(self, uncertainty: float) -> bool:
        """Whether the ends account for the total, which is known up to `uncertainty`."""
        left = np.hypot(0.5 * uncertainty, self.unseen)
        return bool(self.explained >= _SOUND or self.rest <= left)


_UNKNOWN = Balance(np.nan, np.nan, np.nan)


def balance_with_ends(fields: list[np.ndarray], times: np.ndarray) -> list[Balance]:
    """The balance of each field (trajectory, time, x)."""
    if len(fields) > _MOST_FIELDS:
        return [_UNKNOWN] * len(fields)
    filled = [interpolated(u) for u in fields]
    known = np.all([inside.any(axis=-1) for _, inside in filled], axis=0)
    if not known.any():
        return [_UNKNOWN] * len(fields)
    deviations = [float(np.std(whole[known])) for whole, _ in filled]
    scaled = [
        (whole - np.mean(whole[known])) / (size or 1.0)
        for (whole, _), size in zip(filled, deviations, strict=True)
    ]
    noise = [
        float(np.nan_to_num(error_size(u))) / (size or 1.0)
        for u, size in zip(fields, deviations, strict=True)
    ]
    places = np.flatnonzero(np.any([~np.isnan(u).all(axis=(0, 1)) for u in fields], axis=0))
    runs = [
        _run_with_ends([u[run, at] for u in scaled], noise, times[at], places)
        for run, each in enumerate(known)
        if len(at := np.flatnonzero(each)) > 1
    ]
    if not runs:
        return [_UNKNOWN] * len(fields)
    means = [float(np.mean(np.abs(whole[known]))) for whole, _ in filled]
    return [
        _balance(runs, i, size / (mean or 1.0))
        for i, (size, mean) in enumerate(zip(deviations, means, strict=True))
    ]


class _Run(NamedTuple):
    """What has passed the ends by each term of a flux (frames, terms) since the first frame; what
    it would be off with every other frame alone; and by the noise of each of the values at the
    ends, per frame. The changes of the totals (field, frames); and a frame's time over the number
    of cells."""

    passed: np.ndarray
    skipped: np.ndarray
    noise: list[np.ndarray]
    changes: np.ndarray
    step: float


def _run_with_ends(
    fields: list[np.ndarray], noise: list[float], t: np.ndarray, places: np.ndarray
) -> _Run:
    first, last = places[0], places[-1]
    at = [first, places[1], places[-2], last]
    values = np.array([u[:, at] for u in fields])  # field, time, end
    apart = np.array([places[1] - first, last - places[-2]])
    terms = _terms(values, apart)
    halves = [slice(start, None, 2) for start in (0, 1)]
    passed = integrated(terms, t)
    skipped = [
        integrated(terms[half], t[half]) - (passed[half] - passed[half][:1]) for half in halves
    ]
    steps, errors = np.gradient(t)[:, None], []
    for i, sigma in enumerate(noise):
        for end in range(len(at)):
            off = values.copy()
            off[i, :, end] += sigma
            errors.append(steps * (_terms(off, apart) - terms))
    # Between the outermost places, by whose states the flow is known.
    sums = [u[:, first : last + 1].sum(axis=-1) - 0.5 * (u[:, first] + u[:, last]) for u in fields]
    changes = np.array(
        [(each - each[0])[1:] / u.shape[1] for each, u in zip(sums, fields, strict=True)]
    )
    step = float(np.median(np.diff(t))) / fields[0].shape[1]
    return _Run(passed[1:], np.concatenate(skipped), errors, changes, step)


def _terms(values: np.ndarray, apart: np.ndarray) -> np.ndarray:
    """What flows in by each term of a flux (time, term), from the states (field, time, end): at the
    two ends, and beside them. The last one is the diffusion of a single field."""
    lower, upper = values[..., 0], values[..., -1]
    powers = [
        p for p in itertools.product(range(_DEGREE + 1), repeat=len(values))
        if 0 < sum(p) <= (_DEGREE if len(values) == 1 else 2)
    ]  # fmt: skip
    found = [np.prod(lower.T**p, axis=-1) - np.prod(upper.T**p, axis=-1) for p in powers]
    if len(values) == 1:
        slopes = (values[0][:, [1, 3]] - values[0][:, [0, 2]]) / apart
        found.append(slopes[:, 1] - slopes[:, 0])
    return np.stack(found, axis=-1)


def integrated(terms: np.ndarray, t: np.ndarray) -> np.ndarray:
    """The integrals over time since the first frame."""
    steps = 0.5 * (terms[1:] + terms[:-1]) * np.diff(t)[:, None]
    return np.concatenate([np.zeros_like(terms[:1]), np.cumsum(steps, axis=0)])


def _balance(runs: list[_Run], field: int, size: float) -> Balance:
    """The balance of a field, of whose deviation its mean size is 1/`size`."""
    matrix = np.concatenate([run.passed for run in runs])
    change = np.concatenate([run.changes[field] for run in runs])
    count, unknowns = matrix.shape
    whole = float(change @ change) / count
    single = len(runs[0].changes) == 1
    for used in (unknowns, unknowns - 1) if single else (unknowns,):
        if count < _SPARE * used + 1 or whole == 0.0:
            continue
        found = np.zeros(unknowns)
        found[:used], squares = fitted(matrix[:, :used], change)
        spreads = found[-1] * runs[0].step  # in a frame, of the square of the length
        if single and not 0.0 <= spreads <= _SPREADS:
            continue
        rest = squares / (count - used)
        steps = _SKIPPED * rms(np.concatenate([run.skipped @ found for run in runs]))
        errors = [
            np.sqrt(np.cumsum(sum((each @ found) ** 2 for each in run.noise))) for run in runs
        ]
        unseen = size * np.hypot(steps, rms(np.concatenate(errors)))
        return Balance(max(1.0 - rest / whole, 0.0), size * np.sqrt(rest), float(unseen))
    return _UNKNOWN


class Seam(NamedTuple):
    """What the parts of a total show of the ends.

    - `unsteady`: how much the amount that has passed the seam of a ring differs from that of a
      constant flow, relative to the mean size of the field. Zero unless a flux through a seam
      explains the parts, and clearly better than walls do.
    - `walls`: whether a flux between walls explains them far better than one on a ring.
    """

    unsteady: float
    walls: bool


def through_seam(u: np.ndarray, times: np.ndarray) -> Seam:
    """What the parts of the total of a field (trajectory, time, x) show."""
    whole, inside = interpolated(u)
    known, cells = inside.any(axis=-1), u.shape[-1]
    runs = [(run[at], times[at]) for run, at in zip(whole, known, strict=True) if at.sum() > 2]
    if not runs or np.ptp(whole[known]) == 0.0:
        return Seam(0.0, False)
    mean, deviation = float(np.mean(whole[known])), float(np.std(whole[known]))
    at = np.unique(np.linspace(1, cells - 1, _MOST_PLACES).round().astype(int))
    changes, rings, walls, seams = [], [], [], []
    for run, t in runs:
        scaled, thin = (run - mean) / deviation, slice(None, None, -(-len(t) // _MOST_TIMES))
        parts = np.cumsum(scaled, axis=-1)[:, at - 1] / cells
        through = by_terms(scaled[:, at - 1], scaled[:, at], t)[..., thin, :]
        seam = by_terms(scaled[:, -1:], scaled[:, :1], t)[..., thin, :]
        constant = np.broadcast_to((t - t[0])[thin, None], through.shape[1:])
        changes.append((parts - parts[0])[thin].ravel())
        rings.append((seam - through).reshape(len(through), -1))
        walls.append(np.stack([constant, *-through]).reshape(1 + len(through), -1))
        seams.append((seam[..., 0], t[thin]))
    change = np.concatenate(changes)
    found, of_ring = fitted(np.concatenate(rings, axis=1).T, change)
    _, of_walls = fitted(np.concatenate(walls, axis=1).T, change)
    if of_ring > min(_LEFT * float(change @ change), _LESS * of_walls):
        return Seam(0.0, of_walls <= _LESS * of_ring)
    unsteady = [np.ptp(_without_line(found @ seam, t)) for seam, t in seams]
    size = float(np.mean(np.abs(whole[known]))) or 1.0
    return Seam(float(max(unsteady)) * deviation / size, False)


def flow_of_two(fields: list[np.ndarray], times: np.ndarray) -> int | None:
    """Which of two fields (trajectory, time, x) is the flow of the other, in any units; `None` if
    that is not clear. A momentum is the flow of what it moves."""
    left = [_left_by_flow(fields[1 - flow], fields[flow], times) for flow in (0, 1)]
    best = int(np.argmin(left))
    return best if left[best] < min(_UNEXPLAINED, _CLEARLY * left[1 - best]) else None


def _left_by_flow(density: np.ndarray, flow: np.ndarray, times: np.ndarray) -> float:
    """What a positive multiple of the flow leaves of the changes of the parts of the density
    between the first two cells and other places."""
    (u, of_u), (q, of_q) = interpolated(density), interpolated(flow)
    changes, passed = [np.zeros(0)], [np.zeros(0)]
    for run, known in enumerate(of_u.any(axis=-1) & of_q.any(axis=-1)):
        between = 0.5 * (q[run, known, 1:] + q[run, known, :-1])
        into, steps = between[:, :1] - between[:, 1:], np.diff(times[known])[:, None]
        passed.append(np.cumsum(0.5 * (into[1:] + into[:-1]) * steps, axis=0).ravel())
        parts = np.cumsum(u[run, known, 1:-1], axis=-1)
        changes.append((parts[1:] - parts[:1]).ravel())
    change, through = np.concatenate(changes), np.concatenate(passed)
    product = float(change @ through)
    both = float(change @ change) * float(through @ through)
    return max(1.0 - product**2 / both, 0.0) ** 0.5 if product > 0.0 else np.inf


def by_terms(before: np.ndarray, after: np.ndarray, t: np.ndarray) -> np.ndarray:
    """The integrals over time of each term of a flux, between two cells (time, place)."""
    powers = np.arange(1, _PART_DEGREE + 1)[:, None, None]
    terms = np.concatenate([0.5 * (before**powers + after**powers), (before - after)[None]])
    return np.stack([integrated(term, t) for term in terms])


def fitted(matrix: np.ndarray, change: np.ndarray) -> tuple[np.ndarray, float]:
    """Least squares of columns of any size, and the sum of the squares of the rest."""
    sizes = np.maximum(np.linalg.norm(matrix, axis=0), np.finfo(float).tiny)
    found = np.linalg.lstsq(matrix / sizes, change, rcond=1e-8)[0] / sizes
    return found, float(np.sum((change - matrix @ found) ** 2))


def _without_line(passed: np.ndarray, t: np.ndarray) -> np.ndarray:
    return passed - np.polyval(np.polyfit(t - t[0], passed, 1), t - t[0])
