"""Fields that are hardly what a law conserves.

On a ring or between walls the total of what is conserved stays the same, but for sources. If no law
explains the frames, and sources are not why, a total that changes may be that of another quantity:
what is dissolved without what is adsorbed, a velocity instead of a momentum.
"""

import numpy as np
from jaxtyping import Float

from hfluxno.identify.residuals.missing import Cause
from hfluxno.identify.status import UNEXPLAINED, FitStatus
from hfluxno.trajectory import Trajectory
from hfluxno.wild_values import noise_alone

# A total changes if it does so by this part of the mean change of the field, by so many deviations
# of its noise, and gradually: of values at points the totals vary by 4 % of that where fronts pass
# between them, but from frame to frame by more than their deviation (two sets with shocks).
_PART, _DEVIATIONS, _GRADUAL = 0.01, 10.0, 0.5


def not_conserved(
    status: FitStatus,
    cause: Cause | None,
    values: Float[np.ndarray, "time field cells"],
    context: Trajectory,
    momenta: tuple[int, ...],
) -> tuple[str, ...]:
    """The names of fields of several, none of the `momenta`, whose totals change though nothing
    passes the ends and no source is named; none if a law explains the frames, or with gaps."""
    fields, ends = context.fields, context.grid.boundary[0]
    closed = context.grid.is_periodic() or all(end.is_closed for end in ends)
    by_source = cause is not None and cause.term.startswith("a source")
    if status not in UNEXPLAINED or len(fields) < 2 or not closed or by_source:
        return ()
    if not np.all(np.isfinite(values)):
        return ()
    found = [i for i in range(len(fields)) if i not in momenta and _changes(values[:, i])]
    return tuple(fields[i] for i in found)


def _changes(u: Float[np.ndarray, "time cells"]) -> bool:
    means, moved = u.mean(axis=1), float(np.max(np.mean(np.abs(u - u[:1]), axis=1)))
    by_noise = _DEVIATIONS * np.nan_to_num(noise_alone(u)) / np.sqrt(u.shape[1])
    largest = float(np.max(np.abs(means - means[0])))
    gradual = float(np.std(np.diff(means))) < _GRADUAL * float(np.std(means))
    return gradual and largest > max(_PART * moved, by_noise)
