"""Laws of noisy frames, fitted together with the state that they begin from.

A fit to whole frames runs from the first one, and what its noise does to later frames is not the
law's. A joint estimate, of which the first state is a part, uses all frames for it. Of 32 contexts
of other solvers under 1, 2 and 5 % noise the errors after 20 frames are .57 of those without in the
median.
"""

import dataclasses

import numpy as np

from hfluxno.identify.by_cause import could_be_dispersion, has_unobserved_field
from hfluxno.identify.frames.candidate import DIFFUSION_TERMS, Candidate
from hfluxno.identify.frames.weak_start import common_shift
from hfluxno.identify.joint.dense import is_dense
from hfluxno.identify.joint.first_state import LITTLE_NOISE, shows_first_state
from hfluxno.identify.joint.kind import Kind
from hfluxno.identify.jointly import identify_jointly
from hfluxno.identify.result import Identification
from hfluxno.identify.status import MOST_NOISE, FitStatus
from hfluxno.trajectory import Trajectory
from hfluxno.wild_values import noise

# Of more values it takes more than ten seconds.
_MOST_VALUES = 6000
# The last frames, which are noisy too, cannot tell smaller differences.
_AS_WELL = 1.05
# Noise hides dispersion from the misfit, but less from the weak form: of 171 contexts of laws,
# sources and factors of place (kinds of `make trust`, half of them with noise) none looks like it,
# of 18 of dispersive waves with 1 and 5 % noise 13 do. Waves that travel many cells a frame may, by
# the quadrature.
_SLOW = 2


def is_noise(single: Trajectory) -> bool:
    """Whether a field is mostly noise, which further terms could only fit."""
    values = np.asarray(single.states.values, float)
    return any(noise(u) > MOST_NOISE * np.nanstd(u) for u in values.swapaxes(0, 1))


def no_term_tells(single: Trajectory) -> bool:
    """Whether further terms could only fit noise, or imitate a field that is not observed."""
    return is_noise(single) or has_unobserved_field(single)


def with_first_state(
    found: Identification, single: Trajectory, negated: tuple[int, ...]
) -> Identification:
    """The law found in whole frames of one field, or if they are noisy that of a joint estimate
    with the same terms, if it predicts the last frames as well; with a warning if dispersion may
    be in it."""
    candidate = found.candidate
    if not isinstance(candidate, Candidate) or found.status != FitStatus.OK:
        return found
    u = np.asarray(single.values, float)[:, 0]
    is_noisy = noise(u) > LITTLE_NOISE * np.nanstd(u)
    few = u.size <= _MOST_VALUES and is_dense(single)
    if not (few and is_noisy) or shows_first_state(single):
        return found
    is_slow = abs(common_shift(u[:, None], single.grid.is_periodic())) <= _SLOW
    if is_slow and could_be_dispersion(single):
        return dataclasses.replace(found, status=FitStatus.SYSTEMATIC_MISFIT)
    kind = Kind(max(candidate.size, 4), diffusion=1 if DIFFUSION_TERMS[candidate.diffusion] else 0)
    richer = identify_jointly(single, negated, (kind,))
    if richer is None:
        return found
    if richer.status != FitStatus.OK:
        changes = richer.misfit.changes_speed or richer.misfit.changes_suddenly
        return richer if changes else found
    return richer if richer.backtest_error <= _AS_WELL * found.backtest_error else found
