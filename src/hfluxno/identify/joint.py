"""Joint estimates of law, first state and ends from any measurements.

    min_z  Σ (H(u(z)) - y)² / σ² + ‖z‖²

over all measured values y, with the observation H of the context, by Levenberg and Marquardt's
method in windows that grow from the first frames to all of them: over a long window the misfit has
many minima, over a short one it is nearly quadratic, and its minimum starts the next (quasi-static
variational assimilation: Pires, Vautard and Talagrand, Tellus A 48, 1996, 96-121). The noise σ, if
unknown, is estimated from the residual per degree of freedom; the first windows are always fitted
with more noise.

The uncertainty of z is not the only error of a run: the deviations of the chosen estimate also
account for correlated misfits and the error of the scheme.
"""

import dataclasses

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from hfluxno.fv.solve import MOST_STEPS
from hfluxno.identify.forward import Forward, measure, on_other_cells, run, states_alone
from hfluxno.identify.levenberg_marquardt import SMALL_DECREASE, levenberg_marquardt
from hfluxno.identify.subgrid import near_jumps
from hfluxno.trajectory import Trajectory

# The flux of nothing, in spreads of the slope of the flux, between closed ends.
_FLOW_OF_NOTHING = 1e-3
# The minimum noise, relative to a field's standard deviation.
LEAST_NOISE = 1e-4
# A direction is unobserved if measurements reduce its variance by less than this fraction.
_UNSEEN = 1e-9
# The number of evaluations, and the relative decrease of the sum of squares that ends them.
_QUICK = (6, SMALL_DECREASE)
_THOROUGH = (12, 1e-3)
_ROUNDS = 2
_SPARE_STEPS, _STEP_FACTOR = 20, 3.0


@dataclasses.dataclass(frozen=True)
class HeldLaw:
    """The spread of the coefficients of a given law (see `hfluxno.identify.held_law`), and the
    covariance of z including them."""

    spread: Float[np.ndarray, " coefficient"]
    covariance: Float[np.ndarray, "unknown unknown"]


@dataclasses.dataclass(frozen=True)
class Estimate:
    """The most probable unknowns, their uncertainty and their misfit.

    - `forward`: the forward model.
    - `z`: the unknowns.
    - `covariance`: that of z, from the normal matrix and the prior (Laplace's approximation).
    - `noise`: σ of each measured quantity; its root mean square if it varies.
    - `states`: the run at the times of all frames.
    - `spread`: the standard deviation of each of these states, from the unknowns and the scheme.
    - `evidence`: the logarithm of the probability of the measurements, in the same approximation,
      by which estimates are compared.
    - `steps`: the largest number of steps that the run took between two frames.
    - `of_scheme`: the fraction of the difference to a run on another grid that counts as the error
      of the scheme: the misfit divided by this difference, at most 1; 0 before
      `hfluxno.identify.shared_errors`.
    - `share`: the fraction of the normal matrix that counts, because the misfits of neighbours are
      correlated.
    - `held`: the uncertainty of a law that was given, not estimated.
    """

    forward: Forward
    z: Float[np.ndarray, " unknown"]
    covariance: Float[np.ndarray, "unknown unknown"]
    noise: Float[np.ndarray, " quantity"]
    states: Float[np.ndarray, "time field cells"]
    spread: Float[np.ndarray, "time field cells"]
    evidence: float
    steps: int = 0
    of_scheme: float = 0.0
    share: float = 1.0
    held: HeldLaw | None = None

    def continued(
        self, times: Float[np.ndarray, " time"], forward: Forward | None = None
    ) -> tuple[
        Float[np.ndarray, "time field cells"],
        Float[np.ndarray, "time field cells"],
        Float[np.ndarray, "time field cells"],
    ]:
        """The states at other times, in frames, their standard deviations, and lower bounds of
        those of unbiased estimates from these measurements.

        `forward` may have further unknowns, of which only the prior is known; the bounds ignore
        them.
        """
        forward = self.forward if forward is None else forward
        known, size = len(self.z), forward.size
        z, covariance = np.zeros(size), np.eye(size)
        z[:known], covariance[:known, :known] = self.z, self.covariance
        if self.held is not None:
            forward = dataclasses.replace(forward, spread=self.held.spread)
            covariance[:known, :known] = self.held.covariance
        states, rows, _ = states_of(forward, z, times)
        differs = difference(forward, z, times, states)
        deviation = np.hypot(spread_of(rows, covariance), self.of_scheme * differs)
        deviation = np.hypot(deviation, _by_guess(forward, z, times, states))
        return states, deviation, spread_of(rows[:, :known], self.least_covariance)

    def observed(
        self, times: Float[Array | np.ndarray, " time"], forward: Forward | None = None
    ) -> Float[np.ndarray, "time quantity cells"]:
        """What would be measured at these times of the data; `forward` as in `continued`."""
        forward = self.forward if forward is None else forward
        z = np.pad(self.z, (0, forward.size - len(self.z)))
        return values_of(forward, z, times, MOST_STEPS)[0]

    @property
    def least_covariance(self) -> Float[np.ndarray, "unknown unknown"]:
        """The Cramér–Rao bound on the covariance of unbiased estimates of z: the inverse of the
        normal matrix N without the prior.

        In terms of the eigenvalues λ of the covariance (s N + 1)⁻¹, with s the `share`, it has the
        eigenvalues s λ/(1 - λ). For a direction that the measurements do not constrain, λ = 1, it
        is very large but finite, so that it only matters to what depends on that direction.
        """
        free = np.arange(len(self.z))
        absent = np.flatnonzero(self.forward.spread == 0.0)
        free = np.setdiff1d(free, absent)
        values, vectors = np.linalg.eigh(self.covariance[np.ix_(free, free)])
        least = self.share * np.clip(values, 0.0, 1.0) / np.maximum(1.0 - values, _UNSEEN)
        found = np.zeros(self.covariance.shape)
        found[np.ix_(free, free)] = (vectors * least) @ vectors.T
        return found


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
    least = LEAST_NOISE * size
    sigma = _alike(0.1 * size if noise is None else np.maximum(noise, least))
    known = None if context.deviation is None else _sigma(context, least)
    found = None
    for number, frames in enumerate(windows):
        last = number == len(windows) - 1
        for _ in range(_ROUNDS if last and not quick else 1):
            effort = _THOROUGH if last and not quick else _QUICK
            fitted = _fit(forward, context.window(0, frames), sigma, z, *effort)
            if fitted is None:
                return found
            z, normal, rest = fitted
            before, sigma = sigma, known
            if known is None:
                left = _noise(rest * before, normal, context.observed[:frames])
                sigma = _alike(np.maximum(left, least))
            if np.all(np.abs(sigma - before) < 0.1 * before):
                break
        if last:
            found = _report(forward, context, frames, z, sigma)
    return found


def in_double(context: Trajectory) -> Trajectory:
    """The same measurements in double precision, in which laws are inferred."""
    deviation = None if context.deviation is None else np.asarray(context.deviation, np.float64)
    values = np.asarray(context.values, np.float64)
    return dataclasses.replace(context, values=values, deviation=deviation)


def sizes(context: Trajectory) -> Float[np.ndarray, " quantity"]:
    """The standard deviation of each measured quantity; 1 for one that does not change."""
    size = np.nanstd(np.asarray(context.values, float), axis=(0, 2))
    return np.where(size > 0.0, size, 1.0)


def _fit(forward, context, sigma, start, evaluations, small_decrease=SMALL_DECREASE):
    """The best z, the normal matrix without the prior, and the misfit in units of the noise."""
    seen, measured = context.observed, np.asarray(context.values)
    sigma = sigma[: len(seen)]
    limit = MOST_STEPS

    def misfit(z):
        nonlocal limit
        values, rows, steps = values_of(forward, z, context.times, limit)
        if limit == MOST_STEPS:
            limit = int(_SPARE_STEPS * forward.settings.refinement + _STEP_FACTOR * steps)
        rest, rows = _in_noise(values - measured, rows, sigma, seen)
        flow, by = flow_of_nothing(forward, z)
        both = np.concatenate([rest.reshape(-1), flow, z])
        return both, np.concatenate([rows, by, np.eye(len(z))], axis=1), rest

    found = levenberg_marquardt(misfit, start, 1e-8, evaluations, small_decrease)
    if found.aux is None:
        return None
    return found.point, found.normal - np.eye(len(start)), found.aux


def flow_of_nothing(forward, z):
    """The flux f(0) + c of a density of zero, in units of its prior deviation, and its derivatives;
    empty unless an end is closed and densities go down to zero but not below: nothing cannot flow,
    it would leave less than nothing behind at a closed end."""
    shape, slope = forward.shape, forward.spread[0]
    walled = shape.closed and forward.settings.grid.has_wall()
    if not (walled and len(shape.fields) == 1 and shape.lower[0] == 0.0 and slope > 0.0):
        return np.zeros(0), np.zeros((len(z), 0))
    functions = np.asarray(forward.law(z).basis(jnp.zeros((1, 1))))[:, 0]
    by = np.zeros(len(forward.center))
    by[: len(functions)] = functions
    by[sum(shape.sizes[:4])] = 1.0
    by /= _FLOW_OF_NOTHING * slope
    along = np.pad(by * forward.spread, (0, len(z) - len(by)))
    return by[None] @ forward.coefficients(z), along[:, None]


def _in_noise(away, rows, sigma, seen):
    """The misfit in units of the noise, and its derivatives, (unknown, value)."""
    rows = np.where(seen[:, None], rows / sigma[:, None], 0.0)
    return np.where(seen, away / sigma, 0.0), rows.swapaxes(0, 1).reshape(rows.shape[1], -1)


def values_of(forward, z, times, limit):
    """What would be measured at these times of the data, its derivatives by z, and the steps."""
    states, rows, steps = run(forward, z, forward.intervals(forward.when(times)), limit)
    values, rows = measure(forward, z, states, rows)
    return values[: len(times)], rows[: len(times)], steps


def states_of(forward, z, times):
    """The states at these times, in frames, their derivatives, and the steps."""
    part, whole = _from_the_first(times)
    states, rows, steps = run(forward, z, forward.intervals(whole), MOST_STEPS)
    return states[part], rows[part], steps


def _from_the_first(times):
    """The indices of the times after that of the first state is prepended, and all of these."""
    before = int(times[0] > 0.0)
    return slice(before, before + len(times)), np.concatenate([np.zeros(before), times])


def difference(forward, z, times, states):
    """The difference between a run on another grid and the states, there and nearby, which
    estimates the error of the scheme; zero if the run cannot be solved."""
    part, whole = _from_the_first(times)
    other = on_other_cells(forward, z, forward.intervals(whole), MOST_STEPS)[part]
    away = np.nan_to_num(other - states, nan=0.0, posinf=0.0, neginf=0.0)
    return np.sqrt(near_jumps(away**2, forward.settings.grid.is_periodic()))


def _sigma(context: Trajectory, noise):
    """The standard deviation of each value if it is known, or these of each quantity, but no less
    than the minimum."""
    least = _alike(LEAST_NOISE * sizes(context))
    if context.deviation is None:
        return np.maximum(_alike(noise), least)
    return np.maximum(np.where(context.observed, context.deviation, 0.0), least)


def _by_guess(forward, z, times, states):
    """The deviation because of what is unknown beyond the observed range."""
    law = forward.law(z)
    if not np.any(law.is_left_by(states)):
        return 0.0
    part, whole = _from_the_first(times)
    shape = dataclasses.replace(forward.shape, reach=law.further().reach)
    other = dataclasses.replace(forward, shape=shape)
    found = states_alone(other, z, forward.intervals(whole), MOST_STEPS)[part]
    return law.unknown_beyond(states, found if np.all(np.isfinite(found)) else None)


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


def _report(forward, context, frames, z, sigma) -> Estimate | None:
    fitted = _fit(forward, context.window(0, frames), sigma, z, 1)
    if fitted is None:
        return None
    _, normal, rest = fitted
    total = np.eye(len(z)) + normal
    covariance = np.linalg.inv(total)
    states, rows, steps = states_of(forward, z, forward.scale.frames(context.times))
    seen = context.observed[:frames]
    every = np.broadcast_to(sigma[:frames], seen.shape)
    return Estimate(
        forward,
        z,
        covariance,
        np.sqrt(np.mean(every**2, axis=(0, 2), where=seen)),
        states,
        spread_of(rows, covariance),
        _evidence(z, normal, rest, every, seen),
        steps,
    )


def promise(
    forward: Forward,
    context: Trajectory,
    noise: Float[np.ndarray, " quantity"],
    start: Float[np.ndarray, " unknown"],
) -> float:
    """The logarithm of the evidence at the minimum, if the run were linear in the unknowns and this
    the noise: kinds of law are ranked by it before any is estimated. Minus infinity if
    the run from the start cannot be solved."""
    seen = context.observed
    sigma = np.broadcast_to(_sigma(context, noise), seen.shape)
    values, rows, _ = values_of(forward, start, context.times, MOST_STEPS)
    rest, rows = _in_noise(values - np.asarray(context.values), rows, sigma, seen)
    if not (np.all(np.isfinite(rest)) and np.all(np.isfinite(rows))):
        return -np.inf
    normal = rows @ rows.T
    gradient = rows @ rest.ravel() + start
    gained = gradient @ np.linalg.solve(np.eye(len(start)) + normal, gradient)
    return _evidence(start, normal, rest, sigma, seen) + 0.5 * float(gained)


def _evidence(z, normal, rest, sigma, seen) -> float:
    """The logarithm of the probability of the measurements in Laplace's approximation."""
    evidence = -0.5 * np.sum(rest**2) - 0.5 * z @ z - np.sum(np.log(sigma), where=seen)
    return float(evidence - 0.5 * np.linalg.slogdet(np.eye(len(z)) + normal)[1])


def spread_of(rows, covariance):
    """The standard deviations of states with these derivatives."""
    variance = np.einsum("tufc,uv,tvfc->tfc", rows, covariance, rows, optimize=True)
    return np.sqrt(np.maximum(variance, 0.0))
