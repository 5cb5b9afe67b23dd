"""Whether totals over a plane are kept, before any law is inferred."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

_ROUNDING = 1e-6  # of the size of a field
_KEPT, _LITTLE = 1e-3, 0.05  # the change of a total: of its size, and of what passes the middle
_EXACT = 1e-5  # the change of a total that is kept to rounding, of what passes the middle
_KNOWN = 0.15  # the uncertainty of a total, of what passes the middle
_MOST_MISSING = 0.2


class Totals(NamedTuple):
    """Of each field the largest change of its mean over the plane, the uncertainty of that, and the
    largest change of a sum over half of the plane, which movement alone causes."""

    changes: Float[np.ndarray, " field"]
    uncertain: Float[np.ndarray, " field"]
    moves: Float[np.ndarray, " field"]
    sizes: Float[np.ndarray, " field"]

    @property
    def kept(self) -> Bool[np.ndarray, " field"]:
        """Which are constant as far as they were measured."""
        least = np.minimum(_KEPT * self.sizes, _LITTLE * self.moves)
        return self.changes <= np.maximum(self.uncertain, np.maximum(_ROUNDING * self.sizes, least))

    @property
    def known(self) -> Bool[np.ndarray, " field"]:
        """Which were measured well enough to tell."""
        return self.uncertain <= _KNOWN * self.moves

    @property
    def exact(self) -> Bool[np.ndarray, " field"]:
        """Which are constant but for rounding."""
        return self.changes <= _EXACT * self.moves

    def relative(self, of: Float[np.ndarray, " field"], field: int) -> float:
        """One of these numbers of a field, relative to its mean size."""
        return float(of[field] / (self.sizes[field] or 1.0))


def totals(
    values: Float[np.ndarray, "time field x y"],
    free: Bool[np.ndarray, "x y"],
    noise: Float[np.ndarray, " field"],
) -> Totals | None:
    """The totals over the cells that are no walls, of fields with this noise; gaps are interpolated
    in time and space. None if more than a fifth is missing."""
    seen = values[..., free]
    frames = ~np.isnan(seen).all(axis=(1, 2))
    missing = float(np.isnan(seen[frames]).mean()) if frames.any() else 1.0
    if missing > _MOST_MISSING:
        return None
    values = values[frames]
    whole = np.where(free, interpolated(values), 0.0)
    area = free.sum()
    means = whole.sum(axis=(2, 3)) / area
    n, m = (k // 2 for k in free.shape)
    halves = np.stack([whole[:, :, :n].sum(axis=(2, 3)), whole[..., :m].sum(axis=(2, 3))]) / area
    # The change of a mean has the noise of two.
    uncertain = 4.0 * np.sqrt(2.0 / max((1.0 - missing) * area, 1.0)) * noise
    if missing > 0.0:
        dropped = np.random.default_rng(0).uniform(size=values.shape) < missing
        fewer = np.where(free, interpolated(np.where(dropped, np.nan, values)), 0.0)
        uncertain = uncertain + 2.0 * np.abs(fewer.sum(axis=(2, 3)) / area - means).max(axis=0)
    return Totals(
        np.ptp(means, axis=0),
        uncertain,
        np.abs(halves - halves[:, :1]).max(axis=(0, 1)),
        np.abs(whole).sum(axis=(2, 3)).mean(axis=0) / area,
    )


def interpolated(
    values: Float[np.ndarray, "time field x y"],
) -> Float[np.ndarray, "time field x y"]:
    """The values with gaps filled from the nearest ones on both sides along time, x and y."""
    known = ~np.isnan(values)
    gaps = np.nonzero(~known)
    if not len(gaps[0]):
        return values
    sums, weights = np.zeros(len(gaps[0])), np.full(len(gaps[0]), 1e-300)
    for axis in (0, 2, 3):
        shape = [-1 if k == axis else 1 for k in range(4)]
        count, place = values.shape[axis], gaps[axis]
        at = np.arange(count, dtype=np.int32).reshape(shape)
        before = np.maximum.accumulate(np.where(known, at, -1), axis=axis)[gaps]
        after = np.flip(np.where(known, at, count), axis)
        after = np.flip(np.minimum.accumulate(after, axis=axis), axis)[gaps]
        low, high = before >= 0, after < count
        ends = [
            values[(*gaps[:axis], np.where(one, two, other) % count, *gaps[axis + 1 :])]
            for one, two, other in ((low, before, after), (high, after, before))
        ]
        width = after - before
        part = np.where(low & high, (place - before) / width, 0.5)
        weight = np.where(low & high, 1.0 / width.astype(float) ** 2, 1e-9 * (low | high))
        line = (1.0 - part) * ends[0] + part * ends[1]
        sums += np.where(low | high, weight * line, 0.0)
        weights += weight
    filled = values.copy()
    filled[gaps] = sums / weights
    return filled
