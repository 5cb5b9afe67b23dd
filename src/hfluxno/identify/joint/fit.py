"""Joint estimates of law, first state and ends from any measurements.

    min_z  Σ (H(u(z)) - y)² / σ² + ‖z‖²

over all measured values y, with the observation H of the context, by Levenberg and Marquardt's
method in windows that grow from the first frames to all of them: over a long window the misfit has
many minima, over a short one it is nearly quadratic, and its minimum starts the next (quasi-static
variational assimilation: Pires, Vautard and Talagrand, Tellus A 48, 1996, 96-121). The noise σ, if
unknown, is estimated from the residual per degree of freedom; the first windows are always fitted
with more noise.
"""

import dataclasses
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from hfluxno.fv.solve import MOST_STEPS
from hfluxno.identify.joint.estimate import Estimate, values_of
from hfluxno.identify.joint.forward import Forward
from hfluxno.identify.joint.forward_runs import values_alone
from hfluxno.parametric.levenberg_marquardt import SMALL_DECREASE, levenberg_marquardt
from hfluxno.trajectory import Trajectory

# The minimum noise, relative to a field's standard deviation.
LEAST_NOISE = 1e-4
# The number of evaluations, and the relative decrease of the sum of squares that ends them.
_QUICK = (6, SMALL_DECREASE)
_THOROUGH = (12, 1e-3)
_ROUNDS = 2
_SPARE_STEPS, _STEP_FACTOR = 20, 3.0
_LOST = 1e3  # standard deviations of a quantity
_OF_NOTHING = 1e-8  # the variance of what changes nothing


def estimate(
    forward: Forward,
    context: Trajectory,
    windows: tuple[int, ...],
    noise: Float[np.ndarray, " quantity"] | None = None,
    start: Float[np.ndarray, " unknown"] | None = None,
    quick: bool = False,
) -> Estimate | None:
    """The estimate over the last of the windows, which are numbers of frames; `None` if no run from
    the start could be solved. `noise` is a first guess; a `quick` estimate stops after the first
    fit over the last window.
    """
    z = np.zeros(forward.size) if start is None else start
    size = sizes(context)
    runs = _Runs(forward)
    least = LEAST_NOISE * size
    sigma = _alike(0.1 * size if noise is None else np.maximum(noise, least))
    known = None if context.deviation is None else _sigma(context, least)
    found = None
    for number, frames in enumerate(windows):
        last = number == len(windows) - 1
        for _ in range(_ROUNDS if last and not quick else 1):
            effort = _THOROUGH if last and not quick else _QUICK
            runs = runs.paced(z)
            fitted = _fit(runs, context.window(0, frames), sigma, z, *effort)
            if fitted is None or _is_lost(fitted[2] * sigma[: len(fitted[2])], size):
                return found
            z, normal, rest, _ = fitted
            before, sigma = sigma, known
            if known is None:
                left = _noise(rest * before, normal, context.observed[:frames])
                sigma = _alike(np.maximum(left, least))
            if np.all(np.abs(sigma - before) < 0.1 * before):
                break
        if last:
            found = _report(runs, context, frames, z, sigma)
    return found


def _is_lost(away, size: Float[np.ndarray, " quantity"]) -> bool:
    """Whether a run is nowhere near the measurements of a quantity, as one that is unstable: the
    squares of what it misses would overflow, and what is fitted from there means nothing."""
    with np.errstate(over="ignore"):
        return bool(np.any(np.max(np.abs(away), axis=(0, 2)) > _LOST * size))


def in_double(context: Trajectory) -> Trajectory:
    """The same measurements in double precision, in which laws are inferred."""
    deviation = None if context.deviation is None else np.asarray(context.deviation, np.float64)
    values = np.asarray(context.values, np.float64)
    return dataclasses.replace(context, values=values, deviation=deviation)


def sizes(context: Trajectory) -> Float[np.ndarray, " quantity"]:
    """The standard deviation of each measured quantity; 1 for one that does not change."""
    size = np.nanstd(np.asarray(context.values, float), axis=(0, 2))
    return np.where(size > 0.0, size, 1.0)


class _Runs:
    """Measured values, their derivatives and the steps, with a memory of the last two: a fit begins
    where the one before ended."""

    def __init__(self, forward: Forward):
        self.forward = forward
        self._last: list[tuple] = []

    def paced(self, z) -> "_Runs":
        forward = self.forward.paced(z)
        return self if forward is self.forward else _Runs(forward)

    def __call__(self, z, times, limit):
        key = (z.tobytes(), np.asarray(times).tobytes())
        for known, found in self._last:
            if known == key:
                return found
        found = values_of(self.forward, z, times, limit)
        self._last = [*self._last[-1:], (key, found)]
        return found


def _fit(runs, context, sigma, start, evaluations, small_decrease=SMALL_DECREASE):
    """The best z, the normal matrix without the prior, the misfit in units of the noise, and the
    steps."""
    forward, seen, measured = runs.forward, context.observed, np.asarray(context.values)
    sigma, free = sigma[: len(seen)], runs.forward.free
    limit = MOST_STEPS

    def whole(part):
        z = np.zeros(len(start))
        z[free] = part
        return z

    def misfit(part):
        nonlocal limit
        z = whole(part)
        values, rows, steps = runs(z, context.times, limit)
        if limit == MOST_STEPS:
            limit = int(_SPARE_STEPS * forward.settings.refinement + _STEP_FACTOR * steps)
        rest, rows = _in_noise(values - measured, rows, sigma, seen, free)
        both = np.concatenate([rest[seen], part])
        return both, np.concatenate([rows, np.eye(len(free))], axis=1), (rest, steps)

    def alone(part):
        return np.concatenate([_missed_alone(forward, context, sigma, whole(part), limit), part])

    found = levenberg_marquardt(misfit, start[free], 1e-8, evaluations, small_decrease, alone)
    if found.aux is None:
        return None
    normal = np.zeros((len(start), len(start)))
    normal[np.ix_(free, free)] = found.normal - np.eye(len(free))
    return whole(found.point), normal, *found.aux


def _missed_alone(forward, context, sigma, z, limit):
    """What a run without derivatives misses of what was measured, in units of the noise."""
    seen = context.observed
    intervals = forward.intervals(forward.when(context.times))
    values = values_alone(forward, z, intervals, limit)[: len(seen)]
    return ((values - np.asarray(context.values)) / sigma)[seen]


def _in_noise(away, rows, sigma, seen, free=slice(None)):
    """The misfit in units of the noise, zero where nothing was measured, and its derivatives by the
    `free` unknowns where something was, (unknown, value)."""
    time, quantity, cell = np.nonzero(seen)  # of a few sensors one value in eight
    rows = rows[time, :, quantity, cell][:, free].T
    return np.where(seen, away / sigma, 0.0), rows / np.broadcast_to(sigma, seen.shape)[seen]


def _sigma(context: Trajectory, noise):
    """The standard deviation of each value if it is known, or these of each quantity, but no less
    than the minimum."""
    least = _alike(LEAST_NOISE * sizes(context))
    if context.deviation is None:
        return np.maximum(_alike(noise), least)
    return np.maximum(np.where(context.observed, context.deviation, 0.0), least)


def _alike(sigma):
    """One σ for all values of each field."""
    return sigma[None, :, None]


def _noise(rest, normal, seen):
    """The root mean square misfit of each quantity per degree of freedom."""
    count = seen.sum(axis=(0, 2))
    used = _degrees_of_freedom(normal) * count / count.sum()
    return np.sqrt(np.sum(rest**2, axis=(0, 2)) / np.maximum(count - used, 0.1 * count + 1.0))


def _degrees_of_freedom(normal):
    eigenvalues = np.maximum(np.linalg.eigvalsh(normal), 0.0)
    return float(np.sum(eigenvalues / (1.0 + eigenvalues)))


def _report(runs, context, frames, z, sigma) -> Estimate | None:
    fitted = _fit(runs, context.window(0, frames), sigma, z, 1)
    if fitted is None:
        return None
    _, normal, rest, steps = fitted
    seen = context.observed[:frames]
    every = np.broadcast_to(sigma[:frames], seen.shape)
    try:
        covariance = np.linalg.inv(np.eye(len(z)) + normal)
    except np.linalg.LinAlgError:  # of a run that is about to blow up
        return None
    # Of the prior alone, they would bring another stretch into runs that vary the unknowns.
    nowhere = runs.forward.shape.outside(runs.forward.coefficients(z))
    covariance[nowhere] = covariance[:, nowhere] = 0.0
    covariance[nowhere, nowhere] = _OF_NOTHING
    return Estimate(
        runs.forward,
        z,
        covariance,
        np.sqrt(np.mean(every**2, axis=(0, 2), where=seen)),
        runs.forward.scale.frames(context.times),
        _evidence(z, normal, rest, every, seen),
        steps,
        seen=seen,
    )


def distance(
    forward: Forward,
    context: Trajectory,
    noise: Float[np.ndarray, " quantity"],
    start: Float[np.ndarray, " unknown"],
) -> float:
    """The sum of squares that a fit would decrease from a start; infinite if the run cannot be
    solved."""
    sigma = _sigma(context, noise)
    rest = _missed_alone(forward.paced(start), context, sigma, start, MOST_STEPS)
    total = float(rest @ rest + start @ start)
    return total if np.isfinite(total) else np.inf


class Promise(NamedTuple):
    """What a kind of law would reach if the run were linear in the unknowns: the logarithm of the
    evidence, and the root mean square misfit in units of the noise."""

    evidence: float
    left: float


NOTHING = Promise(-np.inf, np.inf)


def promise(
    forward: Forward,
    context: Trajectory,
    noise: Float[np.ndarray, " quantity"],
    start: Float[np.ndarray, " unknown"],
) -> Promise:
    """What a kind of law promises from a start with this noise: kinds are ranked by it before any
    is estimated. `NOTHING` if the run from the start cannot be solved."""
    seen = context.observed
    sigma = np.broadcast_to(_sigma(context, noise), seen.shape)
    values, rows, _ = values_of(forward.paced(start), start, context.times, MOST_STEPS)
    rest, rows = _in_noise(values - np.asarray(context.values), rows, sigma, seen)
    if not (np.all(np.isfinite(rest)) and np.all(np.isfinite(rows))):
        return NOTHING
    normal = rows @ rows.T
    gradient = rows @ rest[seen] + start
    try:
        step = np.linalg.solve(np.eye(len(start)) + normal, gradient)
    except np.linalg.LinAlgError:  # of a run that is about to blow up, one unknown hides the others
        return NOTHING
    evidence = _evidence(start, normal, rest, sigma, seen) + 0.5 * float(gradient @ step)
    return Promise(evidence, float(np.sqrt(np.mean((rest[seen] - step @ rows) ** 2))))


def _evidence(z, normal, rest, sigma, seen) -> float:
    """The logarithm of the probability of the measurements in Laplace's approximation."""
    evidence = -0.5 * np.sum(rest**2) - 0.5 * z @ z - np.sum(np.log(sigma), where=seen)
    return float(evidence - 0.5 * np.linalg.slogdet(np.eye(len(z)) + normal)[1])
