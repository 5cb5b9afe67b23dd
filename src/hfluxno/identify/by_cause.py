"""Laws with the further term that the weak form asks for.

If flux and diffusion leave much of the weak form of complete frames of one field, and one term
explains nearly all of that (see `hfluxno.identify.residuals.cause`), it is no use to seek laws
without it, or with others that leave far more of it. Of some sixty files of other solvers seven ask
for terms so clearly, and the true one is among them. What is found is taken only if it explains the
frames.
"""

import numpy as np

from hfluxno.identify.accepted import has_weak_form
from hfluxno.identify.joint.kind import Kind
from hfluxno.identify.joint_report import SHARED_OF_FURTHER
from hfluxno.identify.jointly import identify_jointly
from hfluxno.identify.residuals.cause import likely_cause, may_disperse
from hfluxno.identify.residuals.missing import UNOBSERVED, Cause
from hfluxno.identify.result import Identification
from hfluxno.identify.status import UNEXPLAINED, FitStatus
from hfluxno.parametric.fitted_law import FittedLaw
from hfluxno.trajectory import Trajectory

_PLAIN = Kind(4)
_TERMS = {
    "a source that depends on the state": Kind(4, by_state=4),
    "a source that depends on place": Kind(4, source_modes=4),
    "a flux that depends on place": Kind(4, flux_modes=2),
}
# The part of the weak form that is left, and the part of it that the term explains.
_MUCH, _NEARLY_ALL = 0.1, 0.99
# A term that leaves this multiple of what the best one leaves may still be the right one.
_NEAR = 5.0
# The back-test error, relative to that of repeating a frame.
_HALF = 0.5
# What dispersion is hardly seen by (of 8 contexts of a weak one with up to 1 % noise flux and
# diffusion left .008 to .025), and the part of a misfit that it cannot have made then: a growing
# population without dispersion (.007) became .01 of it by a source.
_HARDLY, _FAR_LESS = 0.02, 0.03


def identify_by_cause(context: Trajectory, negated: tuple[int, ...]) -> Identification | None:
    """The law of one field with the term that its weak form asks for; `None` if it asks for none,
    or if that law does not explain the frames."""
    kinds = asked_for(context)
    if not kinds:
        return None
    found = identify_jointly(context, negated, (_PLAIN, *kinds))
    if found is None or found.status != FitStatus.OK:
        return None
    sound = found.misfit.shared < SHARED_OF_FURTHER
    return found if sound and found.backtest_error < _HALF * found.persistence_error else None


def asked_for(context: Trajectory) -> tuple[Kind, ...]:
    """The kinds of law of one field that its weak form asks for, if any; of incomplete frames and
    at uneven times it is not known."""
    values = np.asarray(context.values, np.float64)
    if len(context.fields) > 1 or not has_weak_form(values, context):
        return ()
    cause = likely_cause(values, context.fields, context.grid.is_periodic())
    if cause is None or cause.left < _MUCH or cause.term not in _TERMS:
        return ()
    if cause.may_be_dispersion:
        return ()
    left = {name: 1.0 - cause.shares[name] for name in _TERMS}
    least = left[cause.term]
    near = [_TERMS[name] for name in _TERMS if left[name] < _NEAR * least or name == cause.term]
    return tuple(near) if least < 1.0 - _NEARLY_ALL else ()


def could_be_dispersion(context: Trajectory, left: float = 1.0) -> bool:
    """Whether complete frames do not tell dispersion from another term (see `may_disperse`), which
    has left this part of the misfit. Dispersion that is hardly seen in the weak form cannot be
    nearly all of it."""
    values, periodic = np.asarray(context.values, np.float64), context.grid.is_periodic()
    least = _HARDLY if left < _FAR_LESS else 0.0
    return has_weak_form(values, context) and may_disperse(values, periodic, least)


def has_unobserved_field(context: Trajectory) -> bool:
    """Whether waves of complete frames of one field run in both directions, so that a further term
    could only imitate another field."""
    values = np.asarray(context.values, np.float64)
    if len(context.fields) > 1 or not has_weak_form(values, context):
        return False
    cause = likely_cause(values, context.fields, context.grid.is_periodic())
    return cause is not None and cause.name == UNOBSERVED


def cause_of(found: Identification, values: np.ndarray, context: Trajectory) -> Cause | None:
    """Why no law explains these frames; `None` with gaps, at uneven times, or if the law found has
    such a term already."""
    if found.status not in UNEXPLAINED or not has_weak_form(values, context):
        return None
    if found.change is not None:  # the weak form of the measured fields says nothing then
        return None
    cause = likely_cause(values.astype(np.float64), context.fields, context.grid.is_periodic())
    return None if cause is not None and cause.term in _present(found.law) else cause


def _present(law: FittedLaw) -> set[str]:
    """The causes whose terms a law has."""
    if law.terms is None:
        return set()
    parts = {
        "a source that depends on the state": (law.terms.by_state,),
        "a source that depends on place": (law.terms.source_by_place,),
        "a flux that depends on place": (law.terms.flux_by_place, law.terms.stretches),
    }
    return {cause for cause, each in parts.items() if any(np.any(part) for part in each)}
