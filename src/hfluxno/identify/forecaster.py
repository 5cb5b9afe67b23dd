"""The forecaster that fits a law to the context and solves it."""

import dataclasses
from collections.abc import Callable
from typing import NamedTuple

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Float

from hfluxno.batching import on_all_cores
from hfluxno.boundary import Given, Open
from hfluxno.forecaster import NINETY_OF_FRAMES, Forecast, Forecaster, check_steps, forecast_times
from hfluxno.identify.accepted import check_plane
from hfluxno.identify.assembled import UNSOLVABLE, assembled
from hfluxno.identify.beside_forecast import STEADIER
from hfluxno.identify.forecast_deviation import (
    by_change_of_speed,
    forecast_deviation,
    goes_beyond,
    not_below_backtest,
)
from hfluxno.identify.frames.interpolation import interpolated
from hfluxno.identify.frames.momentum import as_pair, one_name
from hfluxno.identify.frames.track import continued, gains, track
from hfluxno.identify.horizon import BELIEVED, horizon
from hfluxno.identify.identification import identifier
from hfluxno.identify.joint.end_outlook import outlooks_of
from hfluxno.identify.joint.future_ends import with_future
from hfluxno.identify.plane.forecaster import forecast_plane
from hfluxno.identify.result import Identification
from hfluxno.identify.untested_ends import untested_ends
from hfluxno.parametric.fitted_law import FittedLaw
from hfluxno.parametric.subgrid import restrict
from hfluxno.rounding import rounding_error
from hfluxno.trajectory import Trajectory

# What one open end does and what two do, by whether they follow a trend.
_GOES_ON = {
    None: ("keeps its last state", "keep their last states"),
    True: ("goes on by its trend", "go on by their trends"),
    False: ("returns to its usual state", "return to their usual states"),
}
_ENTERS = ", and what enters makes most of its error: give it (--boundary given) if it is known"
# How far a forecast may leave the observed range, in widths of the range.
_FAR = 10.0


class FittedLawForecaster(Forecaster):
    """Identifies the law of each context and advances it with the scheme that was chosen with it.

    If that run fails, the entropy-fixed scheme and then the Rusanov flux are tried; if no run can
    be solved, the last frame is repeated, and the status is `FAILED`.

    - `momentum`: the field that changes sign at a reflecting wall, inferred if it is `None`; on a
      plane a pair of fields.
    - `every`: the time between two frames, by default the mean spacing of the context.
    """

    momentum: str | tuple[str, str] | None = eqx.field(static=True, default=None)
    every: float | None = eqx.field(static=True, default=None)

    def forecast(self, context: Trajectory, steps: int) -> Forecast:
        """The `steps` frames after the context. Raises `ValueError` if `steps` is not positive or
        the context cannot be identified."""
        return self.in_parts(context, steps)(slice(None))

    def in_parts(self, context: Trajectory, steps: int) -> Callable[[slice], Forecast]:
        check_steps(steps)
        if len(context.grid.shape) == 2:
            check_plane(context)
            pair = as_pair(self.momentum)
            return lambda members: forecast_plane(context.members(members), steps, pair, self.every)
        _check_given_ends(context, steps, self.every)
        identified = identifier(context, one_name(self.momentum))
        return lambda members: self.advance(context.members(members), identified(members), steps)

    def advance(
        self,
        context: Trajectory,
        identifications: tuple[Identification, ...],
        steps: int,
        interval: float | None = None,
    ) -> Forecast:
        """The forecast with laws that were identified before; `interval` is the time between its
        frames if the context has a single frame.

        Raises `ValueError` if the state at a given end does not cover all times of the forecast.
        """
        context = context.states
        every = interval if self.every is None else self.every
        if context.frames > 1:
            _check_given_ends(context, steps, self.every)
        batch = context.batch.astype(np.float64, copy=False)
        late = [_unmeasured_at_the_end(context, item) for item in identifications]
        pairs = zip(identifications, batch, strict=True)
        states = [item.conserved(each) for item, each in pairs]
        members = list(zip(states, identifications, late, strict=True))
        with jax.enable_x64(True):
            results = on_all_cores(
                lambda member: _continue(context, *member, steps, self.every), members
            )
        frames = np.stack([each.frames for each in results])
        shape = frames[0, 1:].shape
        deviation = _stacked([each.spread for each in results], shape)
        if deviation is not None:
            rounded = np.stack([rounding_error(each) for each in batch])
            deviation = np.hypot(deviation, rounded[:, None, :, None])
        bound = _stacked([each.bound for each in results], shape)
        noise = np.stack(
            [_noise(item, each) for item, each in zip(identifications, batch, strict=True)]
        )
        seen = [each.observed for each in results if each.observed is not None]
        observed = np.stack(seen) if len(seen) == len(results) else None
        horizons = [
            horizon(item, each.frames, each.spread, each.unknown)
            + _ends_go_on(context, item, each)
            + _ends_are_untested(item, past, each.frames[1:], context.ends_assumed)
            for item, past, each in zip(identifications, batch, results, strict=True)
        ]
        made = assembled(
            context,
            frames[:, 0],
            frames[:, 1:],
            [each.solved for each in results],
            identifications,
            every,
            horizons,
            deviation,
        )
        # Nothing enters where the law was fitted to the frames.
        normal = _stacked([each.normal for each in results], shape, 0.0)
        made = dataclasses.replace(made, least=bound, observed=observed, noise=noise, normal=normal)
        made = _measured(made, identifications)
        return made if context.is_batched else made.single()


def _measured(made: Forecast, identifications: tuple[Identification, ...]) -> Forecast:
    """A batch of forecasts of the fields of laws as those of what was measured."""
    if all(item.change is None for item in identifications):
        return made
    pairs = zip(identifications, made.trajectory.values, strict=True)
    frames = np.stack([item.measured(each) for item, each in pairs])
    return dataclasses.replace(made, trajectory=dataclasses.replace(made.trajectory, values=frames))


class _Continued(NamedTuple):
    """The state from which a forecast starts and its frames, whether they were solved, the standard
    deviations of the frames and lower bounds of those of unbiased estimates, what would be measured
    of the frames, if that differs, the part of the variance of each that is due to what is unknown
    beyond the observed range, and that of the deviations of which errors are normal (see
    `Forecast`)."""

    frames: Float[np.ndarray, "time field cells"]
    solved: bool
    spread: Float[np.ndarray, "steps field cells"] | None = None
    bound: Float[np.ndarray, "steps field cells"] | None = None
    observed: Float[np.ndarray, "steps quantity cells"] | None = None
    unknown: Float[np.ndarray, " steps"] | None = None
    normal: Float[np.ndarray, "steps field cells"] | None = None


def _stacked(
    parts: list[np.ndarray | None], shape: tuple[int, ...], without: float = np.nan
) -> np.ndarray | None:
    """The parts of all trajectories, this value for one without; `None` if all are without."""
    if all(part is None for part in parts):
        return None
    return np.stack([np.full(shape, without) if part is None else part for part in parts])


def _continue(
    context: Trajectory,
    values: np.ndarray,
    item: Identification,
    late: int,
    steps: int,
    every: float | None,
) -> _Continued:
    past = np.asarray(context.times, float)
    spacing = (past[-1] - past[0]) / (len(past) - 1) if len(past) > 1 else item.interval
    if item.estimate is None:
        ahead = np.full(steps, 1.0 if every is None else every / spacing)
        return _advance(values, item, late, ahead, context.ends_assumed)
    known = item.estimate.forward
    every_time = np.concatenate([past, forecast_times(context, steps, every)])
    times = known.scale.frames(every_time)
    forward = with_future(known, times[-1], outlooks_of(item.estimate))
    states, spread, bound, normal = item.estimate.continued(times, forward)
    if not is_bounded(states, values, item.grid_law):
        last = interpolated(values, False)[-1:]
        return _Continued(np.repeat(last, 1 + steps, axis=0), False)
    observed = None
    if known.observation and every is None:  # means over other times may overlap
        observed = item.estimate.observed(every_time, forward)[len(past) :]
    spread, bound, normal = (each[len(past) :] for each in (spread, bound, normal))
    if len(item.estimate.noise) == values.shape[1] and len(past) > 1:  # the flow is no state
        ahead = np.diff(times[len(past) - 1 :])
        spread = np.sqrt(not_below_backtest(spread**2, item, values, ahead))
    if item.misfit.beside and len(past) > 1:
        time = (times[len(past) :] - times[len(past) - 1]) / (times[len(past) - 1] - times[0])
        a, part = item.misfit.slowing, item.misfit.likely
        last, after = states[len(past) - 1], states[len(past) :]
        spread = np.sqrt(spread**2 + by_change_of_speed(a, part, last, time, after))
    if item.change is not None:
        after = states[len(past) :]
        spread, bound, normal = (
            item.change.deviation(after, each) for each in (spread, bound, normal)
        )
    return _Continued(states[len(past) - 1 :], True, spread, bound, observed, normal=normal)


def is_bounded(
    frames: Float[np.ndarray, "steps field cells"],
    seen: Float[np.ndarray, "time field cells"],
    law: FittedLaw,
) -> bool:
    """Whether the frames are finite and within ten widths of the range that was observed, here or
    where the law was found. If not, the law is not hyperbolic at the states reached, or the scheme
    is unstable there."""
    low = np.minimum(np.nanmin(seen, axis=(0, 2)), np.asarray(law.lower))
    high = np.maximum(np.nanmax(seen, axis=(0, 2)), np.asarray(law.upper))
    reach = _FAR * (high - low)
    with np.errstate(invalid="ignore"):
        least, most = frames.min(axis=(0, 2)), frames.max(axis=(0, 2))
        return bool(np.all((least >= low - reach) & (most <= high + reach)))


def _check_given_ends(context: Trajectory, steps: int, every: float | None) -> None:
    last = float(forecast_times(context, steps, every)[-1])
    reach = last - 1e-6 * (last - float(context.times[0]))
    for side, end in zip(("lower", "upper"), context.grid.boundary[0], strict=True):
        if isinstance(end, Given) and float(end.times[-1]) < reach:
            raise ValueError(
                f"The state at the {side} end is given until {float(end.times[-1]):g}, but the "
                f"forecast goes on to {last:g}; give it until then, or forecast fewer steps."
            )


def _unmeasured_at_the_end(context: Trajectory, item: Identification) -> int:
    """How many frames of the context follow the last one that was measured."""
    if item.filled is None:
        return 0
    times = np.asarray(context.times, float)
    return int(np.sum(times > item.filled.times[-1] + 0.5 * (times[1] - times[0])))


def _advance(
    values: np.ndarray, item: Identification, late: int, ahead: np.ndarray, ends_assumed: bool
) -> _Continued:
    """The forecast after the times `ahead`, in frames of the context; if it cannot be solved, the
    last frame is repeated. The first `late` frames after the start belong to the context and are
    dropped."""
    if item.filled is not None:
        values = np.asarray(item.filled.values)
    elif item.status in UNSOLVABLE:
        values = interpolated(values, False)
    seen = values.copy()
    seen[0] = item.initial
    schedule = gains(item.mode, len(values), len(values) - 1)
    steps = np.concatenate([np.ones(late), ahead])
    for scheme in (item.settings.scheme, *STEADIER):
        if item.status in UNSOLVABLE:
            break
        settings = dataclasses.replace(item.settings, scheme=scheme)
        tracked = track(item.grid_law, settings, seen, schedule)
        followed, state, rate = tracked
        # A restart from a run without bounds would be lost in its rounding.
        if len(followed) and not is_bounded(followed, seen, item.grid_law):
            continue
        frames, solved = continued(
            item.grid_law, settings, state, rate, steps, len(values), goes_beyond(item)
        )
        if solved and is_bounded(frames, seen, item.grid_law):
            start = restrict(state, settings.refinement)[None]
            deviation, unknown = forecast_deviation(
                item, settings, seen, tracked, steps, frames, ends_assumed
            )
            made = np.concatenate([start, frames[late:]])
            return _Continued(made, True, deviation[late:], unknown=unknown[late:])
    return _Continued(np.repeat(values[-1:], 1 + len(ahead), axis=0), False)


def _noise(
    item: Identification, values: Float[np.ndarray, "time field cells"]
) -> Float[np.ndarray, " field"]:
    """The standard deviation of the noise on values of each field. Steep waves look like noise from
    frame to frame, but a law that explains them leaves no more than that."""
    if item.estimate is not None and item.change is None:
        return item.estimate.noise[: values.shape[1]]
    return np.fmin(item.misfit.noise, item.residual) * np.nanstd(values, axis=(0, 2))


def _ends_are_untested(
    item: Identification, seen: np.ndarray, frames: np.ndarray, ends_assumed: bool
) -> str:
    """Where the forecast depends on what the context does not show."""
    if item.filled is not None:
        seen = item.measured(np.asarray(item.filled.values))
    found = untested_ends(item, seen, item.measured(frames), ends_assumed)
    return "" if found is None else f"; {found.sentence}"


def _ends_go_on(context: Trajectory, item: Identification, found: _Continued) -> str:
    """What a forecast assumes at ends that were estimated in its context."""
    count = sum(isinstance(end, Open) for end in context.grid.boundary[0])
    if not count:
        return ""
    outlooks = () if item.estimate is None else outlooks_of(item.estimate)
    ways = [_GOES_ON[None if each is None else each.is_trend] for each in outlooks]
    ways = ways or [_GOES_ON[None]] * count
    mend = _ENTERS if _enters(found) else ""
    if count == 1:
        return f"; the open end {ways[0][0]}{mend}"
    if ways[0] == ways[1]:
        return f"; open ends {ways[0][1]}{mend}"
    lower, upper = (way[0] for way in ways)
    return f"; the open lower end {lower}, the upper one {upper}{mend}"


def _enters(found: _Continued) -> bool:
    """Whether most of a large error of the last frame is due to what enters until then."""
    if found.spread is None or found.normal is None:
        return False
    last, entered, size = (
        float(np.sum(each[-1] ** 2)) for each in (found.spread, found.normal, found.frames)
    )
    return NINETY_OF_FRAMES**2 * last > BELIEVED**2 * size and entered > 0.5 * last
