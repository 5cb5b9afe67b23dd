"""The sides that frames on a plane suggest, before any law is inferred.

Fields are NaN where nothing was measured and in walls inside.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from hfluxno.data.end_measures import vanishes
from hfluxno.data.plane.totals import Totals

# Values across the ends of periodic sides (57 files) differed at most 1.1 times as much as those
# beside them, and at least 3.2 times as much across other sides that anything had reached.
_MATCHING = 1.5
_SHOCK = 1.2  # of those across the interface inside where they differ most
_ROUNDING, _QUIET = 1e-6, 1e-3  # of the deviation


def sides(
    values: Float[np.ndarray, "time field x y"],
    names: Sequence[str],
    noise: Float[np.ndarray, " field"],
    found: Totals | None,
) -> tuple[tuple[str, str], tuple[str, str], str]:
    """The boundaries that frames suggest along x and y, and why.

    - Periodic where values differ across the ends as beside them, or as across a shock inside if
      all totals are kept.
    - Walls where a total is kept and known to be, or a field vanishes at both ends while the total
      of another is kept; otherwise outflows.
    """
    deviations = np.nanstd(values, axis=(0, 2, 3))
    moving = [i for i, each in enumerate(deviations) if each > 0.0]
    kept = np.zeros(len(names), bool) if found is None else found.kept
    closed = found is not None and bool((kept & found.known)[moving].all())
    surely = found is not None and bool((kept & found.known)[moving].any())
    pairs, why, named = [], [], False
    for axis, name in ((2, "x"), (3, "y")):
        fields = [np.moveaxis(values[:, i], axis - 1, -1) for i in moving]
        scales = [(float(noise[i]), float(deviations[i])) for i in moving]
        match = all(_continues(u, *of, closed) for u, of in zip(fields, scales, strict=True))
        still = all(_still(u, *of) for u, of in zip(fields, scales, strict=True))
        walls = [
            k for k, u, of in zip(moving, fields, scales, strict=True)
            if not match and vanishes(u, *of) and any(kept[i] for i in moving if i != k)
        ]  # fmt: skip
        side = "periodic" if match else "wall" if walls or (surely and not still) else "outflow"
        pairs.append((side, side))
        if still:
            alike = "are alike: any boundary will do" if match else "differ"
            why.append(f"nothing reaches the ends of {name}, which {alike}")
            continue
        named |= not match
        why.append(f"the ends of {name} {'' if match else 'do not '}match")
        if walls:
            odd = " and ".join(names[k] for k in walls)
            why[-1] += f", where {odd} {'vanish' if len(walls) > 1 else 'vanishes'}"
    if named and found is None:
        why.append("too much is missing to know whether a total is kept (between walls: wall)")
    elif named and not kept[moving].any():
        why.append("no total is kept")
    elif named:
        total = " and ".join(names[k] for k in moving if kept[k])
        why.append(f"the total of {total} is {'' if surely else 'perhaps '}kept")
    return pairs[0], pairs[1], ", ".join(why)


def _continues(
    u: Float[np.ndarray, "time other along"], sigma: float, deviation: float, closed: bool
) -> bool:
    """Whether the last cells continue in the first ones; those in walls do not."""
    across, within = u[..., 0] - u[..., -1], np.diff(u, axis=-1)
    differs, beside = _size(across), _size(within[..., [0, -1]])
    if np.isnan(differs):
        return False
    if differs <= max(_MATCHING * beside, 3.0 * sigma, _ROUNDING * deviation):
        return True
    inside = within[..., np.isfinite(within).any(axis=(0, 1))]
    most = np.sqrt(np.nanmax(np.nanmean(inside**2, axis=(0, 1)), axis=-1))
    return closed and bool(differs <= _SHOCK * most)


def _still(u: Float[np.ndarray, "time other along"], sigma: float, deviation: float) -> bool:
    """Whether nothing happens at either end."""
    ends = u[..., [0, -1]]
    seen = ~np.isnan(ends)
    means = np.where(seen, ends, 0.0).sum(axis=0) / np.maximum(seen.sum(axis=0), 1)
    changes = np.moveaxis(ends - means, -1, 0)
    return all(not _size(each) > max(3.0 * sigma, _QUIET * deviation) for each in changes)


def _size(differences: np.ndarray) -> float:
    known = differences[np.isfinite(differences)]
    return float(np.sqrt(np.mean(known**2))) if known.size else np.nan
