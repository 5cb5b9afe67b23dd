"""What a law that does not explain the measurements misses between them.

Where it was measured, the misfit e of such a law is known, up to noise; elsewhere it is
interpolated in space and time, and the field is u + w ê with w = 1 - σ²/⟨e²⟩, which leaves the
noise σ that the measurements themselves show. Its standard deviation is σ where something was
measured at that time, and elsewhere √(σ² + h²), with h the error of the same interpolation at
measurements that it did not know: one sensor after the other, or of frames with gaps a tenth of the
values. If the law was fitted without some values, those that stand out from all their neighbours
are not used. Of few sensors which interpolation explains nearly as well as the law, the values
themselves are interpolated: between them such a law may be anywhere.

The simplest case of a weak constraint (Evensen, Data Assimilation, 2009, chapter 8): the error of
the model is estimated after the model, not with it, so the field does not keep its totals.
"""

import numpy as np
from jaxtyping import Float

from hfluxno.identify.frames.interpolation import interpolated
from hfluxno.identify.joint.dense import is_dense
from hfluxno.identify.residuals.noise import rms
from hfluxno.identify.result import Identification
from hfluxno.identify.status import UNEXPLAINED
from hfluxno.trajectory import Trajectory
from hfluxno.wild_values import noise as noise_shown
from hfluxno.wild_values import standing_out

_MOST_LEFT_OUT = 16  # sensors
_PART = 10  # one in so many values of frames with gaps


def explains(found: Identification) -> bool:
    """Whether the law explains the measurements, so that the field is a run of it; true too of a
    law whose fields are not the measured ones."""
    return found.status not in UNEXPLAINED or found.change is not None


def misfit_between(
    found: Identification, context: Trajectory
) -> tuple[Float[np.ndarray, "time field cells"], Float[np.ndarray, "time field cells"]]:
    """What is to be added to the run of the law at the times of the measurements, and the standard
    deviations of the sum. Zero, and NaN, for a field that was never measured."""
    count = len(context.states.fields)
    values = np.asarray(context.values, float)[:, :count]
    assert found.estimate is not None
    of_law = not found.misfit.like_interpolation
    shown = np.asarray(found.estimate.observed(context.times))[:, :count] if of_law else 0.0
    missed = values - shown
    periodic = context.grid.is_periodic()
    added, spread = np.zeros(values.shape), np.full(values.shape, np.nan)
    for field in range(count):
        wild = standing_out(values[None, :, field])[0] & (found.suspect > 0)
        e = np.where(wild, np.nan, missed[:, field])[:, None]
        seen = np.isfinite(e)
        if not seen.any():
            continue
        noise = _noise(values[:, field], e[:, 0], context, field)
        part = max(0.0, 1.0 - noise**2 / max(float(np.mean(e[seen] ** 2)), np.finfo(float).tiny))
        added[:, field] = (part if of_law else 1.0) * interpolated(e, periodic)[:, 0]
        if not of_law:
            added[:, field] -= found.estimate.states[:, field]
        unknown = _error_between(e, is_dense(context), periodic)
        spread[:, field] = np.where(seen[:, 0], noise, np.hypot(noise, unknown))
    return added, spread


def _noise(values: np.ndarray, missed: np.ndarray, context: Trajectory, field: int) -> float:
    """The standard deviation of the noise, the known one or that which the values show, or if it is
    less, the misfit: what varies fast in one may be smooth in the other."""
    if context.deviation is not None:
        known = np.asarray(context.deviation)[:, field]
        return rms(known[np.isfinite(known)])
    measured = np.isfinite(values).any(axis=0)
    shown, left = (noise_shown(each[:, measured]) for each in (values, missed))
    return float(np.nan_to_num(np.fmin(shown, left)))


def _error_between(e: Float[np.ndarray, "time 1 cells"], dense: bool, periodic: bool) -> float:
    """The root mean square error of the interpolation at values that it does not know."""
    seen = np.isfinite(e)
    sensors = np.flatnonzero(seen.any(axis=(0, 1)))
    if dense or len(sensors) < 3:
        out = seen & (np.random.default_rng(0).integers(_PART, size=e.shape) == 0)
        left_out = [out] if out.any() and (seen & ~out).any() else []
    else:  # between two others
        some = sensors[1:-1][:: max(1, len(sensors) // _MOST_LEFT_OUT)]
        left_out = [seen & (np.arange(e.shape[-1]) == each) for each in some]
    errors = [(interpolated(np.where(out, np.nan, e), periodic) - e)[out] for out in left_out]
    return rms(np.concatenate(errors)) if errors else rms(e[seen])
