"""Whether flow through the ends accounts for the change of totals, before any law is known.

The mean M of a conserved field changes only by what passes the ends,

    M(t) - M(0) = ∫ (f(u_lower) - f(u_upper)) dt / length + noise,

and any flux f is nearly a polynomial. So its few coefficients are fitted to the totals alone; what
they cannot explain is a source, a leak, or a flux that depends on more than the state.
"""

import itertools
from typing import NamedTuple

import numpy as np

from hfluxno.data.measures import interpolated

_DEGREE = 3
_MOST_FIELDS = 2
_SPARE = 2  # frames per coefficient
# For exact solutions between ends at least .997 is explained, also under 1 % noise and with gaps;
# for a leak and for growth of such fields .95 and .97.
_SOUND = 0.99


class Balance(NamedTuple):
    """The fraction of the variance of a total that the states at the ends explain, per degree of
    freedom, and the rest relative to the mean size of the field; NaN if there are too few
    frames."""

    explained: float
    rest: float

    def is_sound(self, uncertainty: float) -> bool:
        """Whether the ends account for the total, which is known up to `uncertainty`."""
        return bool(self.explained >= _SOUND or self.rest <= 0.5 * uncertainty)


def balance_with_ends(fields: list[np.ndarray], times: np.ndarray) -> list[Balance]:
    """The balance of each field (trajectory, time, x)."""
    if len(fields) > _MOST_FIELDS:
        return [Balance(np.nan, np.nan)] * len(fields)
    filled = [interpolated(u) for u in fields]
    known = np.all([inside.any(axis=-1) for _, inside in filled], axis=0)
    if not known.any():
        return [Balance(np.nan, np.nan)] * len(fields)
    deviations = [float(np.std(whole[known])) for whole, _ in filled]
    scaled = [
        (whole - np.mean(whole[known])) / (size or 1.0)
        for (whole, _), size in zip(filled, deviations, strict=True)
    ]
    powers = [
        p for p in itertools.product(range(_DEGREE + 1), repeat=len(fields))
        if 0 < sum(p) <= (_DEGREE if len(fields) == 1 else 2)
    ]  # fmt: skip
    rows: list[np.ndarray] = []
    changes: list[list[np.ndarray]] = [[] for _ in fields]
    for run in range(len(known)):
        at = np.flatnonzero(known[run])
        if len(at) < 2:
            continue
        ends = np.array([[u[run, at, side] for u in scaled] for side in (0, -1)])
        passed = np.array(
            [np.prod(ends[0].T ** p, axis=-1) - np.prod(ends[1].T ** p, axis=-1) for p in powers]
        )
        steps = np.diff(times[at])
        summed = np.cumsum(0.5 * (passed[:, 1:] + passed[:, :-1]) * steps, axis=1)
        rows.append(summed)
        for u, into in zip(scaled, changes, strict=True):
            means = u[run, at].mean(axis=-1)
            into.append(means[1:] - means[0])
    if not rows:
        return [Balance(np.nan, np.nan)] * len(fields)
    matrix = np.concatenate(rows, axis=1).T
    means = [float(np.mean(np.abs(whole[known]))) for whole, _ in filled]
    return [
        _balance(matrix, size / (mean or 1.0) * np.concatenate(change))
        for size, mean, change in zip(deviations, means, changes, strict=True)
    ]


def _balance(matrix: np.ndarray, change: np.ndarray) -> Balance:
    count, unknowns = matrix.shape
    whole = float(change @ change) / count
    if count < _SPARE * unknowns + 1 or whole == 0.0:
        return Balance(np.nan, np.nan)
    found = np.linalg.lstsq(matrix, change, rcond=1e-10)[0]
    rest = float(np.sum((change - matrix @ found) ** 2)) / (count - unknowns)
    return Balance(max(1.0 - rest / whole, 0.0), np.sqrt(rest))
