"""Law, first state and ends estimated together from whatever was measured.

    min_z  Σ (u(t_j, x_i; z) - y_ji)² / σ² + ‖z‖²

over all measured values y, by Levenberg and Marquardt's method in windows that grow from the first
frames to all of them: over a long window the misfit has many minima, over a short one it is nearly
quadratic, and its minimum starts the next (quasi-static variational assimilation: Pires, Vautard
and Talagrand, Tellus A 48, 1996, 96-121). The noise σ is what the fit leaves, per degree of
freedom, if it is not known; the first windows are fitted with more of it in any case.

What is not known of z is not all that a run may be off by: to the deviations of the chosen estimate
come misfits that neighbours share and the error of the scheme.
"""

import dataclasses

import numpy as np
from jaxtyping import Bool, Float

from hfluxno.fv.solve import MOST_STEPS
from hfluxno.identify.forward import Forward, on_other_cells, run
from hfluxno.identify.levenberg_marquardt import SMALL_DECREASE, levenberg_marquardt
from hfluxno.identify.misfit import correlation
from hfluxno.identify.subgrid import near_jumps

# The noise is not taken for less than this part of a field's standard deviation.
LEAST_NOISE = 1e-4
# A direction in which the measurements take less than this part off the prior is not seen by them.
_UNSEEN = 1e-9
# Evaluations, and the decrease of the sum of squares that ends them.
_QUICK = (6, SMALL_DECREASE)
_THOROUGH = (12, 1e-3)
_ROUNDS = 2
_SPARE_STEPS, _STEP_FACTOR = 20, 3.0
_INTERVALS = 16
# A correlation of what neighbours miss is not taken for more.
_MOST_ALIKE = 0.9


@dataclasses.dataclass(frozen=True)
class Measured:
    """What was measured, in frames and cells.

    **Attributes:**

    - `values`: NaN where nothing was.
    - `times`: of the frames, from 0, in mean intervals.
    - `noise`: σ of each value where it is known, `None` where it is what the fit leaves, one of
      each field.
    - `offsets`: how far the sensor of each cell stands from its centre, in cells; `None` where all
      stand there.
    """

    values: Float[np.ndarray, "time field cells"]
    times: Float[np.ndarray, " time"]
    noise: Float[np.ndarray, "time field cells"] | None = None
    offsets: Float[np.ndarray, " cells"] | None = None

    @property
    def seen(self) -> Bool[np.ndarray, "time field cells"]:
        return np.isfinite(self.values)

    def shown(self, states: Float[np.ndarray, "*any cells"], periodic: bool) -> np.ndarray:
        """States where the sensors stand: linear between the centres of cells."""
        if self.offsets is None:
            return states
        last, first = states[..., -1:], states[..., :1]
        if not periodic:
            last, first = first, last
        before = np.concatenate([last, states[..., :-1]], axis=-1)
        after = np.concatenate([states[..., 1:], first], axis=-1)
        above, below = np.maximum(self.offsets, 0.0), np.maximum(-self.offsets, 0.0)
        return (1.0 - above - below) * states + above * after + below * before

    @property
    def deviation(self) -> Float[np.ndarray, " field"]:
        """The standard deviation of each field."""
        size = np.nanstd(self.values, axis=(0, 2))
        return np.where(size > 0.0, size, 1.0)


@dataclasses.dataclass(frozen=True)
class Estimate:
    """The most probable unknowns, and what they leave.

    **Attributes:**

    - `forward`: what they mean.
    - `z`: the unknowns.
    - `covariance`: of z, from the normal matrix and the prior (Laplace's approximation).
    - `noise`: σ of each field; the root mean square where it varies.
    - `states`: the run over all frames.
    - `spread`: the standard deviation of each of these states that the unknowns and the scheme
      leave.
    - `evidence`: the logarithm of the probability of the measurements, by the same approximation;
      what compares estimates with each other.
    - `steps`: the largest number of steps that the run took between two frames.
    - `of_scheme`: which part of the difference to a run on other cells counts as the error of the
      scheme: the misfit over this difference, one at most; 0 before `with_shared_errors`.
    - `share`: which part of the normal matrix counts, as neighbours miss alike what they tell once.
    """

    forward: Forward
    z: Float[np.ndarray, " unknown"]
    covariance: Float[np.ndarray, "unknown unknown"]
    noise: Float[np.ndarray, " field"]
    states: Float[np.ndarray, "time field cells"]
    spread: Float[np.ndarray, "time field cells"]
    evidence: float
    steps: int = 0
    of_scheme: float = 0.0
    share: float = 1.0

    def continued(
        self, times: Float[np.ndarray, " time"], forward: Forward | None = None
    ) -> tuple[
        Float[np.ndarray, "time field cells"],
        Float[np.ndarray, "time field cells"],
        Float[np.ndarray, "time field cells"],
    ]:
        """The states at other times, from 0, their standard deviations, and those that no unbiased
        estimate from these measurements could be below.

        `forward` may have further unknowns, of which nothing is known but the prior; the last
        result takes them for known.
        """
        forward = self.forward if forward is None else forward
        known, size = len(self.z), forward.size
        z, covariance = np.zeros(size), np.eye(size)
        z[:known], covariance[:known, :known] = self.z, self.covariance
        states, rows, _ = _solved(forward, z, times, MOST_STEPS)
        differs = _difference(forward, z, times, states)
        deviation = np.hypot(_spread(rows, covariance), self.of_scheme * differs)
        return states, deviation, _spread(rows[:, :known], self.least_covariance)

    @property
    def least_covariance(self) -> Float[np.ndarray, "unknown unknown"]:
        """The bound of Cramér and Rao on the covariance of unbiased estimates of z: the inverse of
        the normal matrix N without the prior.

        The covariance (s N + 1)⁻¹, s the `share`, with eigenvalues λ has it as s λ/(1 - λ). That of
        a direction of which the measurements say nothing, λ = 1, is very large and not infinite, so
        that it counts only where something depends on it.
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
    measured: Measured,
    windows: tuple[int, ...],
    noise: Float[np.ndarray, " field"] | None = None,
    start: Float[np.ndarray, " unknown"] | None = None,
    quick: bool = False,
) -> Estimate | None:
    """The estimate over the last of the windows, which are numbers of frames; `None` if no run from
    the start could be solved. `noise` is a first guess; a `quick` estimate keeps what the first fit
    over the last window leaves.
    """
    z = np.zeros(forward.size) if start is None else start
    least = LEAST_NOISE * measured.deviation
    sigma = _alike(0.1 * measured.deviation if noise is None else np.maximum(noise, least))
    known = None
    if measured.noise is not None:
        known = np.maximum(np.where(measured.seen, measured.noise, 0.0), _alike(least))
    found = None
    for number, frames in enumerate(windows):
        last = number == len(windows) - 1
        for _ in range(_ROUNDS if last and not quick else 1):
            effort = _THOROUGH if last and not quick else _QUICK
            fitted = _fit(forward, measured, frames, sigma, z, *effort)
            if fitted is None:
                return found
            z, normal, rest = fitted
            before, sigma = sigma, known
            if known is None:
                left = _noise(rest * before, normal, measured, frames)
                sigma = _alike(np.maximum(left, least))
            if np.all(np.abs(sigma - before) < 0.1 * before):
                break
        if last:
            found = _report(forward, measured, frames, z, sigma)
    return found


def _fit(forward, measured, frames, sigma, start, evaluations, small_decrease=SMALL_DECREASE):
    """The best z over the first frames, the normal matrix without the prior, and the misfit in
    units of the noise."""
    seen = measured.seen[:frames]
    times = measured.times[:frames]
    sigma = sigma[:frames]
    periodic = forward.settings.grid.is_periodic()
    limit = MOST_STEPS

    def misfit(z):
        nonlocal limit
        states, rows, steps = _solved(forward, z, times, limit)
        if limit == MOST_STEPS:
            limit = int(_SPARE_STEPS * forward.settings.refinement + _STEP_FACTOR * steps)
        states, rows = (measured.shown(part, periodic) for part in (states, rows))
        rest = np.where(seen, (states - measured.values[:frames]) / sigma, 0.0)
        rows = np.where(seen[:, None], rows / sigma[:, None], 0.0)
        rows = rows.swapaxes(0, 1).reshape(len(z), -1)
        both = np.concatenate([rest.reshape(-1), z])
        return both, np.concatenate([rows, np.eye(len(z))], axis=1), rest

    found = levenberg_marquardt(misfit, start, 1e-8, evaluations, small_decrease)
    if found.aux is None:
        return None
    return found.point, found.normal - np.eye(len(start)), found.aux


def _solved(forward, z, times, limit):
    """The run at the given times; programs serve a few numbers of intervals."""
    states, rows, steps = run(forward, z, _intervals(times), limit)
    return states[: len(times)], rows[: len(times)], steps


def _intervals(times):
    size = _INTERVALS
    while size < len(times) - 1:
        size *= 2
    intervals = np.zeros(size)
    intervals[: len(times) - 1] = np.diff(times)
    return intervals


def _difference(forward, z, times, states):
    """How far a run on other cells is from the states, there and near there, which is about the
    error of the scheme; zero where it cannot be solved."""
    other = on_other_cells(forward, z, _intervals(times), MOST_STEPS)[: len(times)]
    away = np.nan_to_num(other - states, nan=0.0, posinf=0.0, neginf=0.0)
    return np.sqrt(near_jumps(away**2, forward.settings.grid.is_periodic()))


def _alike(sigma):
    """One σ for all values of each field."""
    return sigma[None, :, None]


def _noise(rest, normal, measured, frames):
    """The root mean square misfit of each field, per degree of freedom that is left."""
    seen = measured.seen[:frames]
    count = seen.sum(axis=(0, 2))
    used = _degrees(normal) * count / count.sum()
    return np.sqrt(np.sum(rest**2, axis=(0, 2)) / np.maximum(count - used, 0.1 * count + 1.0))


def _degrees(normal):
    eigenvalues = np.maximum(np.linalg.eigvalsh(normal), 0.0)
    return float(np.sum(eigenvalues / (1.0 + eigenvalues)))


def _report(forward, measured, frames, z, sigma) -> Estimate | None:
    fitted = _fit(forward, measured, frames, sigma, z, 1)
    if fitted is None:
        return None
    _, normal, rest = fitted
    total = np.eye(len(z)) + normal
    covariance = np.linalg.inv(total)
    states, rows, steps = _solved(forward, z, measured.times, MOST_STEPS)
    seen = measured.seen[:frames]
    every = np.broadcast_to(sigma[:frames], seen.shape)
    evidence = -0.5 * np.sum(rest**2) - 0.5 * z @ z
    evidence -= np.sum(np.log(every), where=seen) + 0.5 * np.linalg.slogdet(total)[1]
    return Estimate(
        forward,
        z,
        covariance,
        np.sqrt(np.mean(every**2, axis=(0, 2), where=seen)),
        states,
        _spread(rows, covariance),
        float(evidence),
        steps,
    )


def with_shared_errors(found: Estimate, measured: Measured) -> Estimate:
    """The same where not all that is missed is independent noise.

    What neighbouring values miss alike they tell once: with correlations ρ between neighbouring
    frames and ρ' between neighbouring cells, n values count as n (1-ρ)(1-ρ')/((1+ρ)(1+ρ')) (Bayley
    and Hammersley, J. R. Stat. Soc. Suppl. 8, 1946, 184-197). The `spread` gets the error of the
    scheme as well.
    """
    periodic = found.forward.settings.grid.is_periodic()
    shown = measured.shown(found.states, periodic)
    missed = (shown - measured.values) / measured.deviation[:, None]
    share = 1.0
    for a, b in ((missed[1:], missed[:-1]), (missed[..., 1:], missed[..., :-1])):
        both = np.isfinite(a * b)
        alike = min(max(correlation(a[both], b[both]), 0.0), _MOST_ALIKE)
        share *= (1.0 - alike) / (1.0 + alike)
    nothing = np.eye(len(found.z))
    told = np.linalg.inv(found.covariance) - nothing
    states, rows, _ = _solved(found.forward, found.z, measured.times, MOST_STEPS)
    differs = _difference(found.forward, found.z, measured.times, states)
    size = np.sum((differs / measured.deviation[:, None]) ** 2, where=measured.seen)
    of_scheme = float(min(np.sqrt(np.nansum(missed**2) / size), 1.0)) if size > 0.0 else 0.0
    covariance = np.linalg.inv(nothing + share * told)
    spread = np.hypot(_spread(rows, covariance), of_scheme * differs)
    return dataclasses.replace(
        found, covariance=covariance, spread=spread, of_scheme=of_scheme, share=share
    )


def _spread(rows, covariance):
    """The standard deviations of states with these derivatives."""
    variance = np.einsum("tufc,uv,tvfc->tfc", rows, covariance, rows, optimize=True)
    return np.sqrt(np.maximum(variance, 0.0))
