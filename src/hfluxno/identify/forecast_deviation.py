"""The standard deviation of a forecast with a fitted law, value by value.

    σ² = Σ_m (u[c + Λ_m] - u[c])² + w² ½ Σ_j (u[s + e_j] - u[s])² + (β b (1 + 2τ))² |u|² ρ
         + (r (u_g - u))² + R² (a τ (1 + τ) ∂u/∂τ)² + (u_φ - u)² + (u_∂ - u)²

u[c] is the forecast with the coefficients c, and ΛΛᵀ with the columns Λ_m is their covariance,
which treats the misfit as independent noise; the other terms are for what is not. u[s] is the
forecast from the state s, and the e_j are the misfits of the last two frames: samples of the error
where it is, mostly at jumps (for these two terms see `hfluxno.identify.beside_forecast`). The
fraction f of their size, in each field, is noise and g the rest, f² + g² = 1, and

    w² = f² + g² (τ + τ₀)²         if the forecast starts from the last frame itself,
    w² = f² p/K + g² (1 + τ²)      if it starts from a state fitted to all K frames,

with τ the time since the context, in lengths of the context (the time over which the misfit has
accumulated), and p the number of coefficients. b is the back-test error beyond noise, |u| the root
mean square of the last frames, and ρ is (∂x u)² scaled to mean one.

u_g is the forecast on a grid g that is coarser by a factor of two than that of u (finer, if u is on
the cells of the data): the difference estimates the error of the scheme (Richardson), also that of
shocks that form later. r ≤ 1 is the ratio of the misfit to the same difference in the context: if
the data were made by the same scheme, it has no error. On eight internal cells r is 1: the error
is hardly larger than that of the scheme that made the data, which a fit may hide in the context.

a measures a speed that changes in time, which no law here has: a delay c τ + a (τ² - τ) at the time
τ of the context changes the frames by this multiple of ∂u/∂τ. If there is noise, it is estimated
beside the other unknowns (`hfluxno.identify.residuals.delays`), and R² = (1 - 4/t²) p with t = a in
units of its standard deviation, which leaves of a² what is not chance, and p² the fraction of the
misfit beyond noise that a explains. Otherwise R² is the fraction of the misfit that a explains
beyond c; if a is four times its standard deviation, of the misfit beyond noise.

u_φ, if the forecast leaves the observed range, is that with the other guess of the flux there (see
`FittedLaw.further`); of a law of few terms, unless it is a known one, with the flux that continues
linearly.

u_∂, if waves of a system leave through free ends, is that with ends that repeat the outermost cell,
and reflect a little. u is a run beyond them (`continued`), unless the data were made by the same
scheme. Real ends may do either. If a context does not tell whether such an end is a wall, or
neither the user nor the context whether a circle is one, one more term is that with the other kind
of ends (`hfluxno.identify.untested_ends`).

A twentieth of the variance is even, the same in all cells of a frame.

In the mean over a frame, σ² is not less than b² min(1, k/h) |u|² after k frames: the back-test
shows that this method errs by b over the h frames that it holds out. This holds for joint estimates
too, whose deviation is otherwise their own: the unknowns alone. What a flux of few terms misses
grows further, so for them it is b² k/h |u|², without the part of b² that the covariance of the
shorter fit predicts: the frames that it lacked may tell. What a law that does not explain the
context misses grows with time: b² (k/h)² |u|² beyond h.

β, τ₀, the factor 2 of τ and the width over which variances are smoothed were calibrated: for laws
solved by schemes that the library does not have (the kinds of `make trust`, other seeds), 90
percent of the values lie within 1.645 σ. Since then errors have become smaller, and 90 percent are
within σ (`NINETY_OF_VALUES`).

After a single frame, with a law that was given, nothing was compared: then the terms are those of
Λ, of u_φ and u_∂, of u_g with r = 1, and of the state within cells (a single e = Δx² ∂²s/24).

All of them are deviations of the measured fields. Where those of the law are others, what cells
that a jump divides are off by (see `Change.divided`) is one more misfit of the last frame, and
of each later one.
"""

import dataclasses

import numpy as np
from jaxtyping import Float

from hfluxno.batching import on_all_cores
from hfluxno.boundary import Outflow
from hfluxno.grid import Grid
from hfluxno.identify.beside_forecast import Run, neighbours
from hfluxno.identify.frames.select import held_out_frames
from hfluxno.identify.frames.stages import REPRODUCED
from hfluxno.identify.frames.track import continued, gains, prolonged, track
from hfluxno.identify.residuals.delays import changes_of_speed
from hfluxno.identify.residuals.misfit import Misfit
from hfluxno.identify.residuals.noise import noise_level, ratio
from hfluxno.identify.result import Identification
from hfluxno.identify.status import UNEXPLAINED
from hfluxno.identify.untested_ends import otherwise, untested_ends
from hfluxno.parametric.fitted_law import FittedLaw
from hfluxno.parametric.solver_settings import SolverSettings
from hfluxno.parametric.subgrid import near_jumps, partly_even, restrict

_BACKTEST = 0.3  # β
_AT_ONCE = 0.1  # τ₀
# In variances; then noise does not count as a part of the misfit that it leaves unexplained.
_LIKELY = 16.0
# The part of the variance that is even (see `partly_even`). On 31 contexts of other solvers the
# bands held .88 of the values without it, and .91 with it.
_ELSEWHERE = 0.05
_LAST_FRAMES = 5
# Fields whose misfits have such similar parts of noise need no runs of their own.
_ALIKE = 0.1
_ROUNDING = 1e-13
# Of the step before a forecast on another grid.
_UNKNOWN_RATE = -1.0


def goes_beyond(item: Identification) -> bool:
    """Whether the forecast goes on beyond free ends. The waves of one field leave in any case."""
    free = any(isinstance(end, Outflow) for end in item.settings.grid.boundary[0])
    return free and len(item.grid_law.fields) > 1 and item.residual > REPRODUCED


def forecast_deviation(
    item: Identification,
    settings: SolverSettings,
    seen: Float[np.ndarray, "time field cells"],
    tracked: tuple[np.ndarray, np.ndarray, float],
    ahead: Float[np.ndarray, " steps"],
    frames: Float[np.ndarray, "steps field cells"],
    ends_assumed: bool,
) -> tuple[Float[np.ndarray, "steps field cells"], Float[np.ndarray, " steps"]]:
    """The standard deviations σ of the `frames` that follow the context `seen`, which was
    `tracked`, after the times `ahead`, which are steps in frames of the context; NaN if the context
    has two frames, or no covariance is known. And the part of the variance of each frame that is
    due to what is unknown beyond the observed range. `ends_assumed` is as a trajectory has it."""
    unknown = np.full(frames.shape, np.nan)
    if len(seen) == 2 or not np.all(np.isfinite(item.covariance)):
        return unknown, np.zeros(len(frames))
    followed, state, rate = tracked
    beyond, is_first = goes_beyond(item), len(seen) == 1
    measured, predicted = item.measured(seen), item.measured(frames)
    most = np.ptp(measured, axis=(0, 2))[:, None]
    run = Run(item, settings, state, rate, predicted)
    small = run.on_fewer_cells(seen, ahead, beyond)

    def beside(run: Run, law: FittedLaw, state, rate: float, beyond: bool = beyond) -> np.ndarray:
        return run.away(law, state, rate, ahead, len(seen), most, beyond) ** 2

    def with_other(law: FittedLaw) -> np.ndarray:
        schedule = gains(item.mode, len(seen), len(seen) - 1)
        return beside(small, law, *track(law, small.settings, seen, schedule)[1:])

    def from_other(bump: Float[np.ndarray, "field cells"]) -> np.ndarray:
        return beside(small, item.grid_law, small.state_with(bump), small.rate)

    variance = np.sum(on_all_cores(with_other, neighbours(item)), axis=0)
    missed = (followed - seen[1:]) / np.sqrt(_measured(item))
    time = np.cumsum(ahead) / max(len(seen) - 1, 1)
    if is_first:
        variance += from_other(_within_cells(seen[-1], settings.grid))
    else:
        bumps = missed[-2:] - missed[-2:].mean(axis=-1, keepdims=True)
        for size, weight in _states(item, seen, missed, time):
            by_state = np.mean(on_all_cores(from_other, list(size[:, None] * bumps)), axis=0)
            variance += weight[:, None, None] * by_state
    if item.change is not None:
        divided = run.state_with(item.change.divided(measured[-1]))
        variance += beside(run, item.grid_law, divided, rate)
        away = item.measured(frames + item.change.divided(predicted)) - predicted
        variance += np.fmin(np.abs(away), most) ** 2
    law, guess = item.grid_law, item.grid_law.further()
    if float(law.reach) > 0.0 and (item.recognised is None or not item.recognised.symbol):
        # Unless the law is a known one, its terms are a guess there too.
        law = guess = dataclasses.replace(law, reach=np.zeros(()))
    by_range = np.zeros(frames.shape)
    if np.any(law.is_left_by(frames)):
        found, solved = continued(guess, settings, state, rate, ahead, len(seen), beyond)
        solved = solved and bool(np.all(np.isfinite(found)))
        by_range = law.unknown_beyond(frames, found if solved else None) ** 2
    variance += by_range
    if beyond:
        variance += beside(run, item.grid_law, state, rate, beyond=False)
    if (ends := untested_ends(item, measured, predicted, ends_assumed)) is not None:
        law, other = otherwise(item, settings, ends)
        found, solved = continued(law, other, state, _UNKNOWN_RATE, ahead, len(seen))
        away = np.where(solved, np.abs(item.measured(found) - predicted), most)
        variance += np.fmin(away, most) ** 2
    variance += _by_backtest(item, measured, time, predicted)
    alone = followed
    if item.mode == "filter":  # which hides a growing misfit
        alone = track(item.grid_law, settings, seen, gains("continue", len(seen), 0))[0]
    if is_first or item.residual > REPRODUCED:
        variance += _by_scheme(item, settings, seen, alone, state, ahead, frames, beyond)
    if not is_first:
        alone = item.measured(alone)
        change = _change_of_speed(item.misfit, alone, measured)
        variance += by_change_of_speed(*change, measured[-1], time, predicted)
    variance = near_jumps(variance, settings.grid.is_periodic())
    variance = partly_even(variance, _ELSEWHERE)
    variance = not_below_backtest(variance, item, measured, ahead)
    whole, part = variance.mean(axis=(1, 2)), by_range.mean(axis=(1, 2))
    part = np.divide(np.fmin(part, whole), whole, out=np.zeros_like(whole), where=whole > 0.0)
    return np.sqrt(variance) + _ROUNDING * np.abs(measured).max(axis=(0, 2))[:, None], part


def _within_cells(
    u: Float[np.ndarray, "field cells"], grid: Grid
) -> Float[np.ndarray, "field cells"]:
    """Δx² ∂²u/24, the difference of means over cells and values at their centres: what the state
    within the cells may be off by, most where it jumps. In the cell at a free end Δx ∂u/2, because
    the state at the end enters."""
    wide = np.pad(u, [(0, 0), (1, 1)], mode="wrap" if grid.is_periodic() else "edge")
    off = np.diff(wide, n=2, axis=-1) / 24.0
    lower, upper = (isinstance(end, Outflow) for end in grid.boundary[0])
    if lower:
        off[:, 0] = 0.5 * (u[:, 0] - u[:, 1])
    if upper:
        off[:, -1] = 0.5 * (u[:, -1] - u[:, -2])
    return off


def not_below_backtest(
    variance: Float[np.ndarray, "steps field cells"],
    item: Identification,
    seen: Float[np.ndarray, "time field cells"],
    ahead: Float[np.ndarray, " steps"],
) -> Float[np.ndarray, "steps field cells"]:
    """The variances, raised where their mean over a frame is less than b² min(1, k/h) |u|², for a
    joint estimate b² k/h |u|², and for a law that does not explain the context b² (k/h)² |u|²
    beyond h."""
    farther = np.cumsum(ahead) / held_out_frames(len(seen))
    growth = farther if item.estimate else np.minimum(farther, 1.0)
    if item.status in UNEXPLAINED:
        growth = np.maximum(growth, farther**2)
    least = _unpredicted(item, seen) * growth
    mean = np.mean(variance, axis=(1, 2))
    raised = np.divide(least, mean, out=np.ones_like(mean), where=mean > 0.0)
    return variance * np.maximum(raised, 1.0)[:, None, None]


def _noise_in(
    item: Identification, seen: np.ndarray, missed: np.ndarray
) -> Float[np.ndarray, " field"]:
    """f² of each field: noise may be all that one is missed by, and little of that of another."""
    varies = np.std(seen, axis=(0, 2))
    scale = np.where(varies > 0.0, varies, 1.0)
    size = np.sqrt(np.mean(missed[-_LAST_FRAMES:] ** 2, axis=(0, 2))) / scale
    noise = np.array([noise_level(u[:, None]) for u in np.moveaxis(seen, 1, 0)]) / scale
    # Of one field they are the same but where gaps were filled.
    noise = np.full_like(size, item.misfit.noise) if len(size) == 1 else noise
    return np.array([min(ratio(n, s), 1.0) for n, s in zip(noise, size, strict=True)]) ** 2


def _states(
    item: Identification, seen: np.ndarray, missed: np.ndarray, time: np.ndarray
) -> list[tuple[Float[np.ndarray, " field"], Float[np.ndarray, " ahead"]]]:
    """The parts of the misfits of each field from which other forecasts start, and their w²."""
    if item.mode == "restart":
        of_noise, of_rest = np.ones_like(time), (time + _AT_ONCE) ** 2
    else:
        of_noise = np.full_like(time, len(item.coefficients) / len(seen))
        of_rest = 1.0 + time**2
    noise = _noise_in(item, seen, missed)
    if np.ptp(noise) < _ALIKE:
        part = float(np.mean(noise))
        return [(np.ones_like(noise), part * of_noise + (1.0 - part) * of_rest)]
    return [(np.sqrt(noise), of_noise), (np.sqrt(1.0 - noise), of_rest)]


def _by_backtest(
    item: Identification, seen: np.ndarray, time: np.ndarray, frames: np.ndarray
) -> np.ndarray:
    """(β b (1 + 2τ))² |u|² ρ, divided among the fields by their variances."""
    varies, error = np.var(seen, axis=(0, 2)), _unpredicted(item, seen)
    if not (error and np.any(varies)):
        return np.zeros(frames.shape)
    growing = error * (_BACKTEST * (1.0 + 2.0 * time)) ** 2
    steep = np.gradient(frames, axis=-1) ** 2
    mean = steep.mean(axis=-1, keepdims=True)
    shape = np.divide(steep, mean, out=np.ones_like(steep), where=mean > 0.0)
    return growing[:, None, None] * (varies / np.mean(varies))[:, None] * shape


def _unpredicted(item: Identification, seen: np.ndarray) -> float:
    """b² |u|²; zero if it is not known."""
    if not np.isfinite(item.backtest_error):
        return 0.0
    known = np.isfinite(seen)
    late = seen[known.any(axis=(1, 2))][-_LAST_FRAMES:]
    size = np.mean(late**2, where=np.isfinite(late))
    noise = item.misfit.noise**2 * np.mean(np.nanvar(seen, axis=(0, 2)))
    if item.estimate is not None:  # whose noise is the residual, or is known
        noise = min(noise, np.mean(item.estimate.noise**2))
    square = item.backtest_error**2
    if item.status not in UNEXPLAINED:
        square -= item.backtest_spread**2
    return float(max(square * size - noise, 0.0))


def _by_scheme(
    item: Identification,
    settings: SolverSettings,
    seen: Float[np.ndarray, "time field cells"],
    alone: Float[np.ndarray, "past field cells"],
    state: Float[np.ndarray, "field fine"],
    ahead: Float[np.ndarray, " steps"],
    frames: Float[np.ndarray, "steps field cells"],
    beyond: bool,
) -> Float[np.ndarray, "steps field cells"]:
    """(r (u_g - u))², with the run from the first frame `alone`; zero if the law cannot be solved
    on the other grid."""
    law, other = item.grid_law, settings.on_other_cells()
    coarser = other.refinement < settings.refinement
    start = (
        np.asarray(restrict(state, 2)) if coarser else prolonged(state, other, law.negated_fields)
    )
    found, solved = continued(law, other, start, _UNKNOWN_RATE, ahead, len(seen), beyond)
    past = track(law, other, seen, gains("continue", len(seen), 0))[0]
    if not (solved and np.all(np.isfinite(found)) and np.all(np.isfinite(past))):
        return np.zeros(frames.shape)
    deviation = np.std(seen, axis=(0, 2))[:, None]
    scale = np.where(deviation > 0.0, deviation, 1.0)
    with np.errstate(over="ignore"):  # of a run that grows without bound
        off = (alone - seen[1:], past - alone)
        missed, differs = (float(np.sum((u / scale) ** 2)) for u in off)
    away = item.measured(found) - item.measured(frames)
    part = min(ratio(missed, _measured(item) * differs), 1.0) if len(past) else 1.0
    return (1.0 if settings.is_as_fine else part) * away**2


def _measured(item: Identification) -> float:
    """The fraction of the context that was measured: gaps are filled by the run itself, which hides
    what it misses there."""
    return 1.0 - item.missing


def _change_of_speed(
    misfit: Misfit,
    alone: Float[np.ndarray, "steps field cells"],
    seen: Float[np.ndarray, "time field cells"],
) -> tuple[float, float]:
    """a and R², with the run from the first frame `alone`."""
    if misfit.beside:
        return misfit.slowing, misfit.likely
    change = changes_of_speed(np.concatenate([seen[:1], alone]), seen).gradual
    return change.a, change.fraction(_LIKELY)


def by_change_of_speed(
    a: float,
    part: float,
    last: Float[np.ndarray, "field cells"],
    time: Float[np.ndarray, " ahead"],
    frames: Float[np.ndarray, "ahead field cells"],
) -> Float[np.ndarray, "ahead field cells"]:
    """R² (a τ (1 + τ) ∂u/∂τ)², of the frames at the times τ after the `last` one."""
    ahead = np.gradient(np.concatenate([last[None], frames]), np.append(0.0, time), axis=0)[1:]
    by = a * time * (1.0 + time)
    return part * (by[:, None, None] * ahead) ** 2
