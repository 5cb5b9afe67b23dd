"""The sides that frames on a plane suggest, before any law is inferred.

Fields are NaN where nothing was measured and in walls inside.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from hfluxno.data.end_measures import rms, vanishes
from hfluxno.data.likely_boundary import DECIDES
from hfluxno.data.plane.totals import Totals

# Values across the ends of periodic sides (57 files) differed at most 1.1 times as much as those
# beside them, and at least 3.2 times as much across other sides that anything had reached.
_MATCHING = 1.5
_SHOCK = 1.2  # of those across the interface inside where they differ most
_JUMP = 2.0  # of the largest inside of each frame; those of smooth frames are a tenth of the range
_ROUNDING, _QUIET = 1e-6, 1e-3  # of the deviation


def sides(
    values: Float[np.ndarray, "time field x y"],
    names: Sequence[str],
    noise: Float[np.ndarray, " field"],
    found: Totals | None,
    momentum: tuple[str, str] | None = None,
) -> tuple[tuple[str, str], tuple[str, str], str]:
    """The boundaries that frames suggest along x and y, and why.

    - Periodic where values differ across the ends as beside them, or as across a shock inside if
      all totals are kept; or as across jumps inside where the total of the momentum along the axis
      is kept, which the pressure on walls changes, and so are those of all fields but the other
      momentum; or however where these are kept to rounding.
    - Walls where a field vanishes at both ends and the total of another is kept, unless it may
      change through open sides along the other axis; or where all totals are kept, and known to be,
      of several fields beside a momentum at least theirs.
    - Otherwise outflows, but where a positive total is kept to rounding; then periodic.

    `momentum` are the fields that move the others along x and y, if they are known.
    """
    deviations = np.nanstd(values, axis=(0, 2, 3))
    moving = [i for i, each in enumerate(deviations) if each > 0.0]
    kept = np.zeros(len(names), bool) if found is None else found.kept
    known = np.zeros(len(names), bool) if found is None else kept & found.known
    exact = np.asarray(known if found is None else known & found.exact)
    # Not by symmetry, as one with both signs may be.
    full = [i for i in moving if exact[i] and np.nanmin(values[:, i]) > 0.0]
    held = [i for i in moving if names[i] not in (momentum or ())]
    along = []
    for axis in (1, 2):
        fields = [np.moveaxis(values[:, i], axis, -1) for i in moving]
        scales = [(float(noise[i]), float(deviations[i])) for i in moving]
        pairs = list(zip(fields, scales, strict=True))
        match = all(_continues(u, *of, bool(known[moving].all())) for u, of in pairs)
        odd = [] if match else [i for i, (u, of) in zip(moving, pairs, strict=True)
                                if len(moving) > 1 and vanishes(u.swapaxes(0, 1), *of)]  # fmt: skip
        still = all(_still(u, *of) for u, of in pairs)
        normal = [i for i in moving if names[i] in (momentum or ())[axis - 1 : axis]]
        closed = bool(held and normal) and bool(known[held + normal].all())
        closed = closed and (bool(exact[held + normal].all()) or all(_jumps(u) for u, _ in pairs))
        along.append(_Axis(match, still, odd, closed and not (match or still or normal[0] in odd)))
    chosen, why = [], []
    for name, each, other in zip("xy", along, along[::-1], strict=True):
        passes = found is None or not (other.match or other.odd)
        walls = any(passes or any(kept[i] for i in moving if i != k) for k in each.odd)
        keeps = known[moving].all() or (len(held) > 1 and known[held].all())
        walls |= bool(keeps) and not each.still
        side = "outflow" if each.still or not full else "periodic"
        side = "periodic" if each.match or each.free else "wall" if walls else side
        chosen.append((side, side))
        words = f"the ends of {name} {'' if each.match else 'do not '}match"
        if each.still:
            alike = "are alike: any boundary will do" if each.match else "differ"
            words = f"nothing reaches the ends of {name}, which {alike}"
        elif each.free and momentum is not None:
            words += f", but walls would change the total of {momentum['xy'.index(name)]}"
        elif each.odd:
            vanish = "vanish" if len(each.odd) > 1 else "vanishes"
            words += f", where {' and '.join(names[i] for i in each.odd)} {vanish}"
        elif side == "periodic" and not each.match:
            words += f", but outflow would change the total of {names[full[0]]}"
        why.append(words)
    if any(not each.match and not each.still for each in along):
        why.append(_kept([names[i] for i in moving if kept[i]], bool(known.any()), found is None))
    later = f"; {DECIDES}" if any(each.still for each in along) else ""
    return chosen[0], chosen[1], ", ".join(why) + later


class _Axis(NamedTuple):
    """Whether its ends match, whether nothing happens there, which fields vanish there, and whether
    they differ by jumps while totals show that there are no walls."""

    match: bool
    still: bool
    odd: list[int]
    free: bool


def _kept(names: list[str], surely: bool, unknown: bool) -> str:
    if unknown:
        return "too much is missing to know whether a total is kept (between walls: wall)"
    if not names:
        return "no total is kept"
    return f"the total of {' and '.join(names)} is {'' if surely else 'perhaps '}kept"


def _continues(
    u: Float[np.ndarray, "time other along"], sigma: float, deviation: float, closed: bool
) -> bool:
    """Whether the last cells continue in the first ones; those in walls do not."""
    across, within = u[..., 0] - u[..., -1], np.diff(u, axis=-1)
    differs, beside = rms(across), rms(within[..., [0, -1]])
    if np.isnan(differs):
        return False
    if differs <= max(_MATCHING * beside, 3.0 * sigma, _ROUNDING * deviation):
        return True
    inside = within[..., np.isfinite(within).any(axis=(0, 1))]
    most = np.sqrt(np.nanmax(np.nanmean(inside**2, axis=(0, 1)), axis=-1))
    return closed and bool(differs <= _SHOCK * most)


def _jumps(u: Float[np.ndarray, "time other along"]) -> bool:
    """Whether the last cells differ from the first ones as across a jump somewhere inside."""
    steps = np.diff(u, axis=-1)
    seen = np.isfinite(steps)
    squares = np.where(seen, steps**2, 0.0).sum(axis=1) / np.maximum(seen.sum(axis=1), 1)
    most = squares.max(axis=-1)[seen.any(axis=(1, 2))]
    return bool(most.size) and rms(u[..., 0] - u[..., -1]) <= _JUMP * float(np.sqrt(most.mean()))


def _still(u: Float[np.ndarray, "time other along"], sigma: float, deviation: float) -> bool:
    """Whether nothing happens at either end."""
    ends = u[..., [0, -1]]
    seen = ~np.isnan(ends)
    means = np.where(seen, ends, 0.0).sum(axis=0) / np.maximum(seen.sum(axis=0), 1)
    changes = np.moveaxis(ends - means, -1, 0)
    return all(not rms(each) > max(3.0 * sigma, _QUIET * deviation) for each in changes)
