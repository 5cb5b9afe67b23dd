"""Whether a law on a plane misses its context by more than a scheme can."""

import numpy as np

from hfluxno.batching import on_all_cores
from hfluxno.identify.plane.frames import Frames
from hfluxno.identify.plane.run import FINEST, REFINEMENTS, Start, predicted
from hfluxno.parametric.plane.law import FittedPlaneLaw

# Runs from the middle of a context miss it by .15 to 1.4 times their difference from runs on other
# internal cells on the laws for which that was computed, and by five times over a bottom that is no
# part of the law (kinds of `python -m benchmarks.plane_trust`).
_BEYOND_SCHEME = 2.0
# A smaller error at the end, in standard deviations, is of no consequence.
_SMALL = 0.04
# In a context too short for the weak form, a run misses by this part of the change what is no
# multiple of its difference from other cells. Laws that hold (water, gases and a density, with and
# without jumps and 3 % noise) left .17 at most, those of half the size .34 or more, and those of
# .8 of it .09 to .36: such a law is seldom noticed.
_OF_CHANGE = 1 / 3


def other_cells(start: Start) -> Start:
    """The same start on twice as large internal cells, or on half as large ones if a cell of the
    data is not divided; unchanged if there are none."""
    if start.refinement > 1:
        other = start.refinement // 2
        return Start(start.mode, other) if other in REFINEMENTS else start
    return Start(start.mode, max(REFINEMENTS))


def is_systematic(law: FittedPlaneLaw, seen: Frames, start: Start) -> bool:
    """Whether a run from the middle of the context misses what follows by more than the scheme and
    noise explain: an error of the law, which goes on, and which the finest cells do not show more
    clearly."""
    found = _missed(law, seen, start)
    if found is None:
        return False
    missed, by_scheme, _ = found
    # The first state has noise too.
    beyond = max(float(np.nanmean(missed**2)) - 2.0 * seen.noise**2, 0.0)
    at_end = max(float(np.nanmean(missed[-1] ** 2)) - 2.0 * seen.noise**2, 0.0)
    differs = float(np.nanmean(by_scheme**2))
    return bool(beyond > _BEYOND_SCHEME**2 * differs > 0.0 and at_end > _SMALL**2)


def misses_change(law: FittedPlaneLaw, seen: Frames, start: Start) -> bool:
    """Whether a run from the middle of a short context misses too much of the change that follows,
    beside the noise and the multiple of the scheme's error that explains most."""
    found = _missed(law, seen, start)
    if found is None:
        return False
    missed, by_scheme, change = found
    known = ~np.isnan(missed * by_scheme)
    square, noise = float(np.sum(by_scheme[known] ** 2)), 2.0 * seen.noise**2
    of_scheme = float(np.sum((missed * by_scheme)[known])) / square if square > 0.0 else 0.0
    rest = missed - np.clip(of_scheme, -1.0, 1.0) * by_scheme
    left, beyond, changed = (
        max(float(np.nanmean(each**2)) - noise, 0.0) for each in (rest, missed, change)
    )
    is_more = beyond > max(float(np.nanmean(by_scheme**2)), _SMALL**2)
    return bool(is_more and left > _OF_CHANGE**2 * changed)


def _missed(
    law: FittedPlaneLaw, seen: Frames, start: Start
) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """What a run from the middle of the context misses, its difference from one on other cells, and
    the change since the middle, in standard deviations; `None` if one could not be solved."""
    if start.refinement == FINEST:
        start = other_cells(start)
    middle = (len(seen.values) - 1) // 2
    own, other = on_all_cores(
        lambda each: predicted(law, seen, each, middle), [start, other_cells(start)]
    )
    if not (own.solved and other.solved):
        return None
    size = np.std(seen.filled, axis=(0, 2, 3))[:, None, None]
    scale, after = np.where(size > 0.0, size, 1.0), seen.values[middle + 1 :]
    parts = own.frames - after, own.frames - other.frames, seen.filled[middle] - after
    return parts[0] / scale, parts[1] / scale, parts[2] / scale
