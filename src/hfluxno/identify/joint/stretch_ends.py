"""Where the stretches of a flux end, to less than a cell.

The misfit of a queue before a lane drop has a minimum for each cell in which the drop may be: the
state there is that of the queue or that of the stretch, and nothing in between. Steps along the
derivatives do not lead from one to the next, so whole and half cells are tried.
"""

import numpy as np
from jaxtyping import Float

from hfluxno.identify.joint.estimate import Estimate
from hfluxno.identify.joint.fit import distance, estimate
from hfluxno.identify.joint.forward import Forward
from hfluxno.trajectory import Trajectory

_SHIFTS = (-1.0, -0.5, 0.5, 1.0)
_SWEEPS = 3
# A shift must decrease the sum of squares to this part.
_BETTER = 0.9


def moved(
    z: Float[np.ndarray, " unknown"],
    forward: Forward,
    context: Trajectory,
    noise: Float[np.ndarray, " quantity"],
) -> Float[np.ndarray, " unknown"]:
    """The same unknowns with the ends of stretches where they leave the least misfit."""
    first, spread = sum(forward.shape.sizes[:6]), np.asarray(forward.spread)
    ends = [k for k in range(first, first + 3 * forward.shape.stretches) if (k - first) % 3 < 2]
    outside = forward.shape.outside(forward.coefficients(z))
    ends = [k for k in ends if spread[k] > 0.0 and k not in outside]
    if not ends:
        return z
    least = distance(forward, context, noise, z)
    for _ in range(_SWEEPS):
        before = least
        for k in ends:
            for shift in _SHIFTS:
                other = z.copy()
                other[k] += shift / spread[k]
                left = distance(forward, context, noise, other)
                if left < _BETTER * least:
                    z, least = other, left
        if least == before:
            break
    return z


def with_ends_moved(found: Estimate, context: Trajectory, window: tuple[int, ...]) -> Estimate:
    """The estimate from ends of stretches that leave less misfit, as long as there are any."""
    for _ in range(_SWEEPS):
        z = moved(found.z, found.forward, context, found.noise)
        if z is found.z:
            break
        again = estimate(found.forward, context, window, found.noise, z)
        if again is None or again.evidence <= found.evidence:
            break
        found = again
    return found
