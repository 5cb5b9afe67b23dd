"""What a speed that changes in time would explain of the misfit of a joint estimate.

With a factor g(t) of the flux the run would be u(x, t) = U(x, ∫ g dt), so its measurements would
change by a multiple of their derivative by time (see `hfluxno.identify.residuals.delays`); those of
the states at open ends are among the unknowns. The misfit r and this direction d count beyond all
that the unknowns can do, whose derivatives are J: in units of the noise, with the prior,

    [r; z] and [d; 0]  less their projections on the columns of [J; 1].

This is the score test of the one further unknown (Rao, Math. Proc. Camb. Philos. Soc. 44, 1948,
50-57), so nothing is fitted anew.
"""

import dataclasses

import numpy as np
from jaxtyping import Float

from hfluxno.fv.solve import MOST_STEPS
from hfluxno.identify.joint.estimate import Estimate
from hfluxno.identify.joint.forward_runs import values_alone
from hfluxno.identify.residuals.delays import SpeedChange, explained_by_delays
from hfluxno.identify.residuals.explained import Explained, Unexplained
from hfluxno.trajectory import Trajectory
from hfluxno.wild_values import noise_of_each

_PART = 0.1  # of the shortest interval, over which the derivative by time is taken


def change_of_speed(
    found: Estimate,
    context: Trajectory,
    away: Float[np.ndarray, "time quantity cells"],
    rows: Float[np.ndarray, "time unknown quantity cells"],
    share: float,
) -> SpeedChange | None:
    """What changes of speed explain of the misfit `away`, with the derivatives `rows` by the
    unknowns, if this share of the values counts; `None` if no run beside the estimate could be
    solved."""
    times, seen, free = np.asarray(context.times, float), context.observed, found.forward.free
    past = (times - times[0]) / (times[-1] - times[0])
    noise = found.noise[:, None] if context.deviation is None else context.deviation
    noise = np.broadcast_to(noise, away.shape)[seen]
    rate = _rate(found, times)
    if not (np.all(np.isfinite(rate)) and np.all(np.isfinite(rows))):
        return None
    others = np.moveaxis(rows, 1, 0)[:, seen][free] / noise
    rest = Unexplained(
        np.concatenate([away[seen] / noise, found.z[free]]),
        np.concatenate([others, np.eye(len(free))], axis=1),
        _noise_of_values(context, found),
    )

    def by(delay: np.ndarray) -> Explained:
        moved = np.append(0.0, delay)[:, None, None] * rate
        explained = rest.by(np.concatenate([moved[seen] / noise, np.zeros(len(free))]))
        return dataclasses.replace(explained, certainty=share * explained.certainty)

    return explained_by_delays(by, past[1:])


def _rate(found: Estimate, times: np.ndarray) -> np.ndarray:
    """The derivative of what would be measured by the time, in lengths of the context; at a first
    time at which a run begins, where nothing can be late, anything."""
    step = _PART * float(np.min(np.diff(times)))
    # Means over time need all moved alike, and none before the run begins.
    later = times + step
    if not found.forward.observation:
        later[0] = times[0]
    change = _measured(found, later) - _measured(found, times)
    return change * ((times[-1] - times[0]) / step)


def _measured(found: Estimate, times: np.ndarray) -> np.ndarray:
    forward = found.forward
    intervals = forward.intervals(forward.when(times))
    return values_alone(forward, found.z, intervals, MOST_STEPS)[: len(times)]


def _noise_of_values(context: Trajectory, found: Estimate) -> float:
    """The noise that neighbouring values show, in units of that of the estimate, at most one."""
    if context.deviation is not None:
        return 1.0
    shown = noise_of_each(np.asarray(context.values, float)) / found.noise
    return min(1.0, float(np.sqrt(np.mean(shown**2))))
