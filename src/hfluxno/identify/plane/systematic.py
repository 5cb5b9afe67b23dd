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
    if start.refinement == FINEST:
        start = other_cells(start)
    middle = (len(seen.values) - 1) // 2
    own, other = on_all_cores(
        lambda each: predicted(law, seen, each, middle), [start, other_cells(start)]
    )
    if not (own.solved and other.solved):
        return False
    size = np.std(seen.filled, axis=(0, 2, 3))[:, None, None]
    scale = np.where(size > 0.0, size, 1.0)
    missed = ((own.frames - seen.values[middle + 1 :]) / scale) ** 2
    # The first state has noise too.
    beyond = max(float(np.nanmean(missed)) - 2.0 * seen.noise**2, 0.0)
    at_end = max(float(np.nanmean(missed[-1])) - 2.0 * seen.noise**2, 0.0)
    differs = float(np.nanmean(((own.frames - other.frames) / scale) ** 2))
    return bool(beyond > _BEYOND_SCHEME**2 * differs > 0.0 and at_end > _SMALL**2)
