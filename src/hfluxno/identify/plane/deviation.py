"""The standard deviation of a forecast with a law on a plane, value by value.

    σ² = (α e(t))² ρ + r² (u_g - u)² + Σ_m (u_m - u)² + (u_b - u)² + (u_s - u)²

e(t) is the error of runs over the context, from its first frame, its middle (not on the finest
cells) and the last frame before those held out, as a function of the time t since their start: for
each field the straight line through their errors beyond noise. ρ, of mean one, is partly uniform
and partly the square of the change between cells. u_g is the forecast on another internal grid: the
difference estimates the error of the scheme (Richardson), also at shocks that form later; r ≤ 1 is
the error of the run from the first frame relative to the same difference there, because if the data
were made by the same scheme, it has no error. u_m are the forecasts with neighbours of the law, on
the finest cells compared on the next ones. u_b, once the observed range is left, is that with
another guess of what is unknown beyond it. u_s, of a law with sources, is that from frames with
noise added, as much as they have: what grows where there is almost nothing also grows from noise.
The last four and ρ are smoothed over the width by which a jump may be displaced. A source errs
where it acts, also where nothing is steep: half of the σ² of a field that has one, but no steady
flow, is spread as the square of its change since the frame before. If waves reach sides that are
assumed to be periodic, or that are and the flow of the law does not go round, and at which nothing
has changed in the context, one more term is the difference to a forecast with free ones.

For a scheme of order p and a small error of the data r is 1/(2^p - 1): a third while waves are
smooth, and more as they steepen, one for shocks. So the error of a forecast may be half of the
difference where that of the context was a third; 1.85 σ contains this.

α and the uniform part of ρ were chosen on seeds 2 and 3 of `python -m benchmarks.plane_trust`, so
that nine of ten errors of frames are below 1.85 times the predicted error.
"""

import dataclasses

import numpy as np
from jaxtyping import Float
from scipy.ndimage import gaussian_filter, uniform_filter

from hfluxno.batching import on_all_cores
from hfluxno.forecast_checks import left_observed_range
from hfluxno.identify.frames.select import last_fitted_frame
from hfluxno.identify.plane.frames import Frames
from hfluxno.identify.plane.result import PlaneIdentification
from hfluxno.identify.plane.run import FINEST, Start, onward, predicted, state_of
from hfluxno.identify.plane.systematic import other_cells
from hfluxno.identify.plane.untested_sides import untested_sides, with_free_sides
from hfluxno.parametric.plane.law import FittedPlaneLaw

_GROWN = 0.6  # α
_UNIFORM = 0.3
_BY_SOURCE = 0.5
# Waves of a few cells look like noise, so at least this fraction of a squared error counts.
_AT_LEAST = 0.1
# The place of a predicted jump is uncertain by this many cells.
_CELLS = 1.0
_ROUNDING = 1e-13


@dataclasses.dataclass(frozen=True)
class Comparison:
    """Runs that show how far a law errs, none of which needs the forecast.

    - `past`: the frames after each of some frames of the context, predicted with the law.
    - `part`: r².
    - `state`, `frames`: of the forecast on the other internal grid, that after the context and u_g;
      the latter is `None` if the law cannot be solved there.
    """

    past: list[tuple[int, Float[np.ndarray, "_ field x y"]]]
    part: float = 0.0
    state: Float[np.ndarray, "field other_x other_y"] | None = None
    frames: Float[np.ndarray, "step field x y"] | None = None


def comparison(
    law: FittedPlaneLaw, seen: Frames, start: Start, ahead: Float[np.ndarray, " step"]
) -> Comparison:
    """The runs with a law over a context and the times `ahead` after it."""
    count = len(seen.values)
    begins = {0, last_fitted_frame(count)} if count > 1 else set()
    if count > 1 and start.refinement < FINEST:  # where a run takes its time
        begins.add((count - 1) // 2)
    past = [
        (begin, run.frames)
        for begin in sorted(begins)
        if (run := predicted(law, seen, start, begin)).solved
    ]
    if not past:
        return Comparison(past)
    return Comparison(past, *_by_scheme(law, seen, start, past[0], ahead))


def deviation_ahead(
    item: PlaneIdentification,
    seen: Frames,
    start: Start,
    state: Float[np.ndarray, "field fine_x fine_y"],
    ahead: Float[np.ndarray, " step"],
    frames: Float[np.ndarray, "step field x y"],
    compared: Comparison,
) -> Float[np.ndarray, "step field x y"]:
    """The standard deviations σ of the `frames` that follow the `state` after what was seen, with
    the times `ahead` between them; NaN if there is one frame or no run over them could be solved,
    and in walls inside.
    """
    law = item.grid_law
    if not compared.past:
        return np.full(frames.shape, np.nan)
    error = _by_time(compared.past, seen, np.cumsum(ahead))
    variance = (_GROWN * error[:, :, None, None]) ** 2 * _where_steep(frames, seen)
    if compared.frames is not None:
        variance = variance + _smooth(compared.part * (compared.frames - frames) ** 2, seen)
    others = list(item.neighbours)
    lower, upper = np.asarray(law.lower)[None], np.asarray(law.upper)[None]
    if law.depends_on_range and left_observed_range(frames[None], lower, upper)[0]:
        others.append(law.further())
    # A change of the law does not need the finest cells.
    if compared.frames is not None and start.refinement == FINEST:
        assert compared.state is not None
        start, state, frames = other_cells(start), compared.state, compared.frames
    for run in on_all_cores(lambda other: onward(other, seen, start, state, ahead), others):
        if run.solved:
            variance = variance + _smooth((run.frames - frames) ** 2, seen)
    if law.sources is not None and seen.noise > 0.0:
        noisy, solved = state_of(law, _with_more_noise(seen), start)
        run = onward(law, seen, start, noisy, ahead)
        if solved and run.solved:
            variance = variance + _smooth((run.frames - frames) ** 2, seen)
    # What a flow carries also arises by place, where it is steady after a while.
    if law.sources is not None and law.flow is None:
        arises = np.any(np.asarray(law.sources) != 0.0, axis=1)[:, None, None]
        mean = variance.mean(axis=(2, 3), keepdims=True)
        variance = variance + _BY_SOURCE * arises * (
            mean * _where_it_changes(frames, seen) - variance
        )
    if law.flow is not None and any(np.greater(seen.around, law.flow.around)):
        seen = dataclasses.replace(seen, ends_assumed=True)
    sides = untested_sides(seen, frames, law.sources is not None)
    if sides is not None:
        run = onward(law, with_free_sides(seen, sides.axes), start, state, ahead)
        most = np.ptp(seen.filled, axis=(0, 2, 3))[:, None, None]
        away = np.minimum(np.abs(run.frames - frames), most) if run.solved else most
        variance = variance + away**2
    size = np.abs(seen.filled).max(axis=(0, 2, 3))[:, None, None]
    return np.where(seen.grid.free, np.sqrt(variance) + _ROUNDING * size, np.nan)


def _with_more_noise(seen: Frames) -> Frames:
    """The frames with as much noise added as they have."""
    size = seen.noise * np.std(seen.filled, axis=(0, 2, 3))[:, None, None]
    added = size * np.random.default_rng(0).standard_normal(seen.values.shape)
    return dataclasses.replace(seen, values=seen.values + added, filled=seen.filled + added)


def _by_time(
    runs: list[tuple[int, np.ndarray]], seen: Frames, times: Float[np.ndarray, " step"]
) -> Float[np.ndarray, "step field"]:
    """e of each field at the times after the end of the context."""
    gone, errors = [], []
    for begin, frames in runs:
        gone.append(seen.at[begin + 1 :] - seen.at[begin])
        errors.append(np.sqrt(_beyond_noise(frames - seen.values[begin + 1 :], seen)))
    t, each = np.concatenate(gone), np.concatenate(errors)
    found = []
    for error in each.T:
        at, error = t[np.isfinite(error)], error[np.isfinite(error)]
        columns = np.stack([np.ones_like(at), at], axis=1)
        slope = max(float(np.linalg.lstsq(columns, error, rcond=None)[0][1]), 0.0)
        found.append(max(float(np.mean(error - slope * at)), 0.0) + slope * times)
    return np.stack(found, axis=1)


def _beyond_noise(
    missed: Float[np.ndarray, "step field x y"], seen: Frames
) -> Float[np.ndarray, "step field"]:
    """The mean squares of errors without independent noise: what is more, or what neighbours share,
    as means over 3 × 3 cells keep a ninth of noise; NaN where nothing is known."""
    known = np.isfinite(missed)
    count = known.sum(axis=(2, 3))
    count = np.where(count > 0, count, np.nan)
    missed = np.where(known, missed, 0.0)
    means = np.where(known, uniform_filter(missed, (0, 0, 3, 3), mode="nearest"), 0.0)
    squares, of_means = (np.sum(each**2, axis=(2, 3)) / count for each in (missed, means))
    noise = seen.noise**2 * np.var(seen.filled, axis=(0, 2, 3))
    shared = (9.0 * of_means - squares) / 8.0
    return np.maximum.reduce([squares - noise, shared, _AT_LEAST * squares])


def _by_scheme(
    law: FittedPlaneLaw,
    seen: Frames,
    start: Start,
    past: tuple[int, np.ndarray],
    ahead: Float[np.ndarray, " step"],
) -> tuple[
    float, Float[np.ndarray, "field other_x other_y"], Float[np.ndarray, "step field x y"] | None
]:
    """r², and the state at the end of the context and u_g on the other grid; u_g is `None` if the
    law cannot be solved there."""
    other = other_cells(start)
    begin, own = past
    before, (state, solved) = predicted(law, seen, other, begin), state_of(law, seen, other)
    after = onward(law, seen, other, state, ahead)
    if not (before.solved and solved and after.solved):
        return 0.0, state, None
    size = np.std(seen.filled, axis=(0, 2, 3))[:, None, None]
    scale = np.where(size > 0.0, size, 1.0)
    away = own - seen.values[begin + 1 :]
    squares = _beyond_noise(away, seen) / scale[:, 0, 0] ** 2
    missed = np.nansum(squares * np.isfinite(away).sum(axis=(2, 3)))
    differs = np.nansum(((before.frames - own) / scale) ** 2)
    part = min(float(missed / differs), 1.0) if differs > 0.0 else 0.0
    return part, state, after.frames


def _where_steep(
    frames: Float[np.ndarray, "step field x y"], seen: Frames
) -> Float[np.ndarray, "step field x y"]:
    """ρ."""
    frames = seen.across_walls(frames)
    steep = _smooth(sum(np.gradient(frames, axis=axis) ** 2 for axis in (2, 3)), seen)
    return _UNIFORM + (1.0 - _UNIFORM) * _of_mean_one(steep)


def _where_it_changes(
    frames: Float[np.ndarray, "step field x y"], seen: Frames
) -> Float[np.ndarray, "step field x y"]:
    """The squares of the changes since the frame before, of mean one."""
    every = seen.across_walls(np.concatenate([seen.filled[-1:], frames]))
    return _of_mean_one(_smooth(np.diff(every, axis=0) ** 2, seen))


def _of_mean_one(squares: Float[np.ndarray, "step field x y"]) -> np.ndarray:
    mean = squares.mean(axis=(2, 3), keepdims=True)
    return np.divide(squares, mean, out=np.ones_like(squares), where=mean > 0.0)


def _smooth(
    variance: Float[np.ndarray, "step field x y"], seen: Frames
) -> Float[np.ndarray, "step field x y"]:
    """The variance, smoothed over the uncertainty of the places of jumps."""
    modes = ["nearest", "nearest", *("wrap" if around else "nearest" for around in seen.around)]
    return gaussian_filter(seen.across_walls(variance), (0.0, 0.0, _CELLS, _CELLS), mode=modes)
