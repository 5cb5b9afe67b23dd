"""Frames without the values that are at the limit of an instrument.

Those of a few sensors stay: without them too little would be known, and they are nearly right.
"""

import dataclasses

import numpy as np

from hfluxno.sensor_limit import at_limit
from hfluxno.trajectory import Trajectory


def without_limits(context: Trajectory) -> tuple[Trajectory, int]:
    """One trajectory on a line without them, and how many there are."""
    values = np.asarray(context.values)
    limited = np.stack([at_limit(u) for u in values.swapaxes(0, 1)], axis=1)
    if not limited.any():
        return context, 0
    others = dataclasses.replace(context, values=np.where(limited, np.nan, values))
    return others, int(limited.sum())
