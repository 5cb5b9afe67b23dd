"""Whether measurements are frames with gaps or those of a few sensors."""

import numpy as np

from hfluxno.trajectory import Trajectory

# Measurements count as sensors, with much unseen between them, up to this fraction of values.
_DENSE = 0.5


def is_dense(context: Trajectory) -> bool:
    """Whether the measurements are frames with gaps rather than those of a few sensors."""
    return bool(np.mean(context.observed) > _DENSE)
