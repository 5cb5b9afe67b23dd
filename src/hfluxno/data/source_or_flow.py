"""Whether flow through the ends or a source changes the total of a field, before any law is known.

With M_j the part of the mean between two places, u_j the state at a place, and τ the time,

    M_j(t) - M_j(0) = ∫ (f(u_j) - ν ∂x u_j - f(u_j+1) + ν ∂x u_j+1) dt + ∫ (s(u) + g(τ))_j dt,

with polynomials f, s and g. At open ends the outermost states tell what passes, on a ring those of
both ends, and between walls it is a constant (as of f), whatever these are. Where flow changes the
field s and g explain little of what f and ν leave, and where a source does nearly all of it.
"""

from typing import NamedTuple

import numpy as np

from hfluxno.data.balance import by_terms, fitted, integrated
from hfluxno.data.end_measures import rms
from hfluxno.data.measures import interpolated

_LEAST_PARTS, _MOST_PARTS = 4, 16  # of the line
_MOST_TIMES = 400  # frames of a run
_OVER = 24  # the part of the cells over which a slope is taken
_DEGREE = 3  # of a source, in the state and in time
_SPARE = 2  # values per coefficient
# Of the squares of the changes of parts: what flow leaves at most where it explains them, and of
# that, what is left beside a source at least there, and at most where the source is the reason.
# Of 36 lines with open ends flow left .1 or less, and of this .35 or more (four of them less than
# .5) was left beside a source; of 36 rings and lines between walls with a source .11 or less was.
# A source that needs closed ends for this has to leave nearly nothing of the changes, too: a jump
# that stands at an open end is not seen on wide cells. And what flow leaves may be so little that
# it is what the steps leave, if flow also explains the total, up to this part of it.
_BY_FLOW, _FLOW, _SOURCE, _NEARLY = 0.1, 0.5, 0.15, 0.02
_LITTLE, _OF_TOTAL = 0.003, 0.3
# At most: what closed ends leave, of what open ends do, and one kind of closed ends, of the other;
# what a ring leaves at least where there is none, of what walls do. Where something passed open
# ends beside a source, closed ends left at least twice as much for 7 of 8 lines, and between walls
# at most 1.1 times as much.
_CLOSED, _OTHER, _NONE = 1.3, 4.0, 10.0


class Parts(NamedTuple):
    """What the parts of a total show.

    - `flow`: whether flow through open ends explains them, a source hardly anything more.
    - `source`: whether a source explains nearly all that flow leaves.
    - `ring`, `walls`: whether it then does so as well on a ring and between walls, neither much
      worse than the other.
    - `no_ring`: whether a ring is far worse than walls.
    """

    flow: bool
    source: bool = False
    ring: bool = False
    walls: bool = False
    no_ring: bool = False


class _Run(NamedTuple):
    """The changes of the parts (time, part); what they gained by each term of a flux on an open
    line, on a ring and between walls, the last of which is a constant there, and by each of a
    source (term, time, part)."""

    changes: np.ndarray
    opened: np.ndarray
    ring: np.ndarray
    walls: np.ndarray
    source: np.ndarray


def source_or_flow(u: np.ndarray, times: np.ndarray) -> Parts:
    """What the parts of the total of a field (trajectory, time, x) show."""
    whole, inside = interpolated(u)
    known = inside.any(axis=-1)
    found = [(run[at], times[at]) for run, at in zip(whole, known, strict=True) if at.sum() > 2]
    places = int((~np.isnan(u)).any(axis=(0, 1)).sum())
    parts = min(_MOST_PARTS, (places - 1) // 2)
    if not found or np.ptp(whole[known]) == 0.0 or parts < _LEAST_PARTS:
        return Parts(False)
    mean, deviation = float(np.mean(whole[known])), float(np.std(whole[known]))
    at = np.linspace(1, u.shape[-1] - 1, parts + 1).round().astype(int)
    runs = [_run((run - mean) / deviation, t, times, at) for run, t in found]
    change = np.concatenate([run.changes.ravel() for run in runs])
    source = _rows([run.source for run in runs])
    open_line, ring, walls = (
        _rows([getattr(run, kind) for run in runs]) for kind in ("opened", "ring", "walls")
    )
    if change.size < _SPARE * (len(walls) + len(source)):
        return Parts(False)
    law, flow = fitted(open_line.T, change)
    totals = np.concatenate([run.changes.sum(axis=-1) for run in runs])
    entered = np.concatenate([np.tensordot(law, run.opened, 1).sum(axis=-1) for run in runs])
    of_open, of_ring, of_walls = (
        fitted(np.concatenate([each, source]).T, change)[1] for each in (open_line, ring, walls)
    )
    least, squares = min(of_open, of_ring, of_walls), float(change @ change)
    if flow <= _LITTLE * squares and rms(totals - entered) <= _OF_TOTAL * rms(totals):
        return Parts(True)
    by_source = least <= _SOURCE * flow
    if not by_source or (of_open > _SOURCE * flow and least > _NEARLY * squares):
        return Parts(bool(flow <= _BY_FLOW * squares and least >= _FLOW * flow))
    return Parts(
        False,
        True,
        ring=bool(of_ring <= min(_CLOSED * of_open, _OTHER * of_walls)),
        walls=bool(of_walls <= min(_CLOSED * of_open, _OTHER * of_ring)),
        no_ring=bool(of_ring >= _NONE * of_walls),
    )


def _run(u: np.ndarray, t: np.ndarray, times: np.ndarray, at: np.ndarray) -> _Run:
    """Of a field (time, x) of mean 0 and deviation 1, in parts that these cells begin, and the one
    before them."""
    cells, thin = u.shape[-1], slice(None, None, -(-len(t) // _MOST_TIMES))
    begin = np.concatenate([[0], at])

    def parts(values: np.ndarray) -> np.ndarray:
        return np.add.reduceat(values, begin, axis=-1) / cells

    def gained(lower: np.ndarray, upper: np.ndarray) -> np.ndarray:
        return -np.diff(np.concatenate([lower, within, upper], axis=-1), axis=-1)[:, thin]

    within, seam = by_terms(u[:, at - 1], u[:, at], t), by_terms(u[:, -1:], u[:, :1], t)
    lower, upper = by_terms(u[:, :1], u[:, :1], t), by_terms(u[:, -1:], u[:, -1:], t)
    within[-1] = integrated(_falls(u, at), t)
    # The slopes there are those beside them.
    lower[-1], upper[-1] = within[-1][:, :1], within[-1][:, -1:]
    nothing = np.zeros_like(seam)
    constant = np.zeros((1, len(t), len(begin)))
    constant[0, :, 0], constant[0, :, -1] = t[0] - t, t - t[0]
    late, shares = ((t - times[0]) / (times[-1] - times[0]))[:, None], parts(np.ones(cells))
    terms = [parts(u**power) for power in range(_DEGREE + 1)]
    terms += [late**power * shares for power in range(1, _DEGREE + 1)]
    return _Run(
        (terms[1] - terms[1][:1])[thin],
        gained(lower, upper),
        gained(seam, seam),
        np.concatenate([gained(nothing, nothing), constant[:, thin]]),
        np.stack([integrated(term, t)[thin] for term in terms]),
    )


def _falls(u: np.ndarray, at: np.ndarray) -> np.ndarray:
    """By how much a field (time, x) falls per cell before each of these cells: between means of
    some, as the noise of single ones would hide it."""
    sums = np.concatenate([np.zeros((len(u), 1)), np.cumsum(u, axis=1)], axis=1)
    wide = max(u.shape[1] // _OVER, 1)
    low, high = np.maximum(at - wide, 0), np.minimum(at + wide, u.shape[1])
    before = (sums[:, at] - sums[:, low]) / (at - low)
    after = (sums[:, high] - sums[:, at]) / (high - at)
    return (before - after) / (0.5 * (high - low))


def _rows(terms: list[np.ndarray]) -> np.ndarray:
    """Terms of all runs (term, time, part), one row for each term."""
    return np.concatenate([each.reshape(len(each), -1) for each in terms], axis=1)
