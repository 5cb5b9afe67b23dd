"""Laws of frames of which the first one does not tell the first state.

A jump within a cell of the first frame may open to a fan or travel from any place in the cell. A
run from that frame is off at first, and a law with many terms fits the misfit, although it dies
out. Frames that follow are averages over what has opened already, so the law is sought there. Then
it is the law of all frames, as one that is given is (`hfluxno.identify.saved.given`).
"""

import dataclasses
from collections.abc import Callable

import numpy as np

from hfluxno.identify.accepted import has_weak_form
from hfluxno.identify.joint_report import SHARED_OF_FURTHER
from hfluxno.identify.result import Identification
from hfluxno.identify.saved.given import given_identifier
from hfluxno.identify.saved.law import to_save
from hfluxno.identify.status import FitStatus
from hfluxno.trajectory import Trajectory

# The misfit of the last third of the frames, relative to that of the first one, below which it has
# died out: that of what a law misses grows.
_DIES_OUT = 0.5
# The frames that are left out, as a part of all, which must be so many.
_OFF, _FEWEST = 0.2, 15


def law_after_the_start(
    found: Identification,
    context: Trajectory,
    sought: Callable[[Trajectory], Identification | None],
) -> Identification | None:
    """The law that is `sought` in complete frames without the first ones, if the misfit of the law
    `found`, which is not trusted, dies out; `None` if it does not explain all frames."""
    warned = found.status == FitStatus.SYSTEMATIC_MISFIT and not found.misfit.systematic
    complete = has_weak_form(np.asarray(context.values), context) and context.frames >= _FEWEST
    if not (warned and complete and found.misfit.growth < _DIES_OUT):
        return None
    first = round(_OFF * context.frames)
    values, times = np.asarray(context.values)[first:], np.asarray(context.times)[first:]
    later = sought(dataclasses.replace(context, values=values, times=times))
    if later is None or later.status != FitStatus.OK or later.misfit.shared >= SHARED_OF_FURTHER:
        return None
    (whole,) = given_identifier(to_save(later), context)(slice(None))
    if whole.status != FitStatus.OK:
        return None
    return dataclasses.replace(
        whole, candidate=later.candidate, tried=later.tried, recognised=later.recognised
    )
