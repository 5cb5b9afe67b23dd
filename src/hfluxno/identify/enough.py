"""Whether there are enough measured values for a joint estimate, which is told without any fit."""

import numpy as np

from hfluxno.identify.accepted import is_joint
from hfluxno.identify.joint.first_state import shows_first_state
from hfluxno.identify.joint.fit import in_double
from hfluxno.identify.joint.prior import make_forward
from hfluxno.identify.joint.windows import TooFewValuesError, check_enough
from hfluxno.identify.jointly import KINDS, system_kinds
from hfluxno.trajectory import Trajectory


def too_few_values(context: Trajectory, jointly: bool = False) -> str:
    """Why `hfluxno.identify` would refuse a context that has fewer measured values than unknowns,
    as a sentence; empty if it has as many, or their number does not matter.

    - `jointly`: whether the first state is estimated with the law even if it was measured, as for a
      reconstruction.
    """
    if not (jointly or is_joint(context)) or len(context.states.fields) > 2:
        return ""
    for member in range(len(context.values)) if context.is_batched else (None,):
        single = in_double(context if member is None else context.single(member))
        if not np.all(np.any(single.observed, axis=(0, 2))):
            continue  # refused for another reason
        known_first = shows_first_state(single)
        kind = (KINDS if len(single.states.fields) == 1 else system_kinds(single, ()))[0]
        try:
            check_enough(make_forward(kind, single, (), known_first=known_first), single)
        except TooFewValuesError as error:
            return str(error)
    return ""
