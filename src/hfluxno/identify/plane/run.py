"""Solving a law on a plane on the cells of the data or on finer ones, and tracking frames with it.

MUSCL with the flux of Harten, Lax and van Leer, which only needs the flux of a law and bounds of
its speeds; known laws of fluids also have the contact between them (HLLC), which keeps what moves
with the flow sharp. With S the solution over the time between two frames,

    u_j = S(u_{j-1}) + g_j (û_j - S(u_{j-1}))

tracks the observed frames û_j where they were measured. A forecast starts from

- `restart`: the last frame, spread over internal cells;
- `corrected`: the last u with g = 1, which is that frame with the structure of the run within its
  cells and gaps;
- `filter`: the last u with g_j = 1/(j + 1), to which all frames contribute equally, so that noise
  of size σ on K frames becomes σ/√K (see `hfluxno.identify.frames.track`).

Lengths are in cells and times in intervals.
"""

import dataclasses
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from hfluxno.batching import on_all_cores
from hfluxno.fv import MUSCL, Status, StepControl, solve
from hfluxno.fv.rows import rows
from hfluxno.grid import Grid, averaged
from hfluxno.identify.plane.frames import Frames
from hfluxno.parametric.plane.law import FittedPlaneLaw
from hfluxno.parametric.subgrid import split
from hfluxno.stored_jit import stored_jit

# CFL numbers, summed over the axes. With ½ every step is a mean of first-order steps. On the finest
# cells longer steps predict as well in two thirds of the time; a run that they spoil is repeated.
_CFL, _LONG_STEPS = 0.45, 0.8
# Between two frames: enough for a wave to cross 200 cells. A run that needs more has blown up.
_MOST_STEPS = 1000
# Programs run over this many intervals; the last ones may be empty.
_INTERVALS = 16
# The minimum number of frames to track, and of the noise, in deviations, to filter.
_TRACKED, _NOISY = 4, 5e-3
# Internal cells along each axis of a cell of the data; the back-test chooses. The finest ones, on
# which a step costs eight times as much, only if there are at most so many, and if halving cells
# has divided the error of the back-test by this before.
REFINEMENTS, FINEST = (1, 2), 4
_MOST_CELLS, _WORTH = 65_536, 1.5
# They have to predict better by this factor.
_BETTER = 0.8


@dataclasses.dataclass(frozen=True)
class Followed:
    """A run that tracks frames.

    - `frames`: S(u_{j-1}) on the cells of the data, for each frame after the first; NaN in walls.
    - `state`: the last u on internal cells.
    - `solved`: whether all of it could be solved.
    """

    frames: Float[np.ndarray, "interval field x y"]
    state: Float[np.ndarray, "field fine_x fine_y"]
    solved: bool


@dataclasses.dataclass(frozen=True)
class Start:
    """The start of a forecast: its mode and the number of internal cells."""

    mode: str
    refinement: int


def advance(
    law: FittedPlaneLaw,
    initial: Float[np.ndarray, "field x y"],
    intervals: Float[np.ndarray, " interval"],
    grid: Grid,
    refinement: int,
) -> tuple[Float[np.ndarray, "interval field x y"], bool]:
    """The states after each of the intervals, on the cells of the data, and whether all could be
    solved; `grid` has those cells."""
    run = _along(law, spread(law, initial, grid, refinement), intervals, grid, refinement)
    return run.frames, run.solved


def tracked(law: FittedPlaneLaw, seen: Frames, start: Start) -> Followed:
    """A run over the times of all frames that tracks them."""
    grid, count = seen.grid.of_unit_cells(), len(seen.values)
    gains = 1.0 / np.arange(2.0, count + 1.0) if start.mode == "filter" else np.ones(count - 1)
    first = spread(law, seen.filled[0], grid, start.refinement)
    return _along(law, first, np.diff(seen.at), grid, start.refinement, seen.values[1:], gains)


def state_of(law: FittedPlaneLaw, seen: Frames, start: Start) -> tuple[np.ndarray, bool]:
    """The state on internal cells after the last frame, and whether it could be solved."""
    if start.mode == "restart":
        return spread(law, seen.filled[-1], seen.grid.of_unit_cells(), start.refinement), True
    past = tracked(law, seen, start)
    return past.state, past.solved


def onward(
    law: FittedPlaneLaw,
    seen: Frames,
    start: Start,
    state: Float[np.ndarray, "field fine_x fine_y"],
    ahead: Float[np.ndarray, " step"],
) -> Followed:
    """The frames after a state on internal cells; `ahead` are the times between them."""
    return _along(law, state, ahead, seen.grid.of_unit_cells(), start.refinement)


def predicted(law: FittedPlaneLaw, seen: Frames, start: Start, last: int) -> Followed:
    """The frames after `last`, predicted from those up to it."""
    state, solved = state_of(law, seen.until(last), start)
    run = onward(law, seen, start, state, np.diff(seen.at)[last:])
    return dataclasses.replace(run, solved=run.solved and solved)


def back_test(
    law: FittedPlaneLaw, seen: Frames, last: int, starts: Sequence[Start]
) -> tuple[float, Start]:
    """The smallest relative error of the frames after `last`, predicted from those up to it, and
    its start; infinite if no run could be solved."""
    error, best = float("inf"), starts[0]
    runs = on_all_cores(lambda start: predicted(law, seen, start, last), starts)
    for start, run in zip(starts, runs, strict=True):
        reached = relative_error(run.frames, seen.values[last + 1 :]) if run.solved else np.inf
        if reached < error:
            error, best = reached, start
    return error, best


def plain_starts(seen: Frames) -> list[Start]:
    """The starts with which laws are compared: from the last frame, with gaps filled by a run."""
    mode = "restart" if seen.gaps is None or len(seen.values) < _TRACKED else "corrected"
    return [Start(mode, factor) for factor in REFINEMENTS]


def best_start(law: FittedPlaneLaw, seen: Frames, last: int, plain: Start) -> tuple[float, Start]:
    """The smallest error of the back-test and its start, of all that begin with the `plain` one."""
    error, start = back_test(law, seen, last, [plain, *_further_starts(seen, plain.refinement)])
    if 2 * start.refinement != FINEST or not is_affordable(seen.grid, FINEST):
        return error, start
    coarse, _ = back_test(law, seen, last, [Start(start.mode, start.refinement // 2)])
    if not coarse > _WORTH * error:
        return error, start
    finest, other = back_test(law, seen, last, [Start(start.mode, FINEST)])
    return (finest, other) if finest < _BETTER * error else (error, start)


def is_affordable(grid: Grid, refinement: int) -> bool:
    """Whether so many internal cells along each axis of a cell are not too many."""
    usual = refinement <= max(REFINEMENTS)
    return usual or refinement**2 * grid.shape[0] * grid.shape[1] <= _MOST_CELLS


def _further_starts(seen: Frames, refinement: int) -> list[Start]:
    """Further starts for a law that is solved on these internal cells."""
    if len(seen.values) < _TRACKED:
        return []
    found = [] if seen.noise < _NOISY else [Start("filter", refinement)]
    # Without internal cells a corrected state is the last frame.
    return [Start("corrected", max(REFINEMENTS)), *found]


def relative_error(frames: np.ndarray, truth: np.ndarray) -> float:
    """‖frames - truth‖/‖truth‖ over measured values; infinite if the truth is zero."""
    size = np.nansum(truth**2)
    return float(np.sqrt(np.nansum((frames - truth) ** 2) / size)) if size > 0.0 else np.inf


def spread(
    law: FittedPlaneLaw, initial: Float[np.ndarray, "field x y"], grid: Grid, refinement: int
) -> Float[np.ndarray, "field fine_x fine_y"]:
    """A state on internal cells."""
    if refinement == 1:
        return initial
    return np.asarray(_spread(law.on(grid), initial, grid, refinement=refinement)[0])


def _along(law, state, intervals, grid, refinement, seen=None, gains=None) -> Followed:
    """`Followed` from a state on internal cells; not corrected where nothing is `seen`."""
    cells, parts, solved = (len(state), *grid.shape), [], True
    riemann = "hllc" if law.has_contact else "hll"
    names = {"refinement": refinement, "riemann": riemann}
    law = law.on(grid.refine(refinement))
    for begin in range(0, len(intervals), _INTERVALS):
        part = slice(begin, begin + _INTERVALS)
        count = len(intervals[part])
        times, gain = np.zeros(_INTERVALS), np.zeros(_INTERVALS)
        observed = np.zeros((_INTERVALS, *cells))
        times[:count] = intervals[part]
        if seen is not None:
            gain[:count], observed[:count] = gains[part], seen[part]
        for cfl in (_LONG_STEPS, _CFL) if refinement == FINEST else (_CFL,):
            frames, after, status = map(
                np.asarray,
                _follow(law, state, times, observed, gain, cfl, grid, **names),
            )
            well = int(status) == Status.OK and bool(np.all(np.isfinite(after)))
            if well:
                break
        parts.append(frames[:count])
        state, solved = after, solved and well
    frames = np.concatenate(parts) if parts else np.zeros((0, *cells))
    solved = solved and bool(np.all(np.isfinite(frames)))
    if grid.solid is not None:
        frames[:, :, np.asarray(grid.solid)] = np.nan
    return Followed(frames, state, solved)


@stored_jit
def _spread(law, initial, grid, *, refinement):
    return (prolonged(initial, grid, refinement, MUSCL(law)),)


@stored_jit
def _follow(law, state, intervals, observed, gains, cfl, grid, *, refinement, riemann):
    fine, control = grid.refine(refinement), StepControl(cfl, cfl, lagged=False)
    flux = MUSCL(law, "mc", riemann)

    def one(carry, interval, frame, gain):
        u, status = jax.lax.cond(
            carry[1] == Status.OK, further, lambda *same: same[:2], *carry, interval
        )
        found = averaged(u, grid.shape)
        change = jnp.where(jnp.isnan(frame), 0.0, gain * (frame - found))
        for axis in (1, 2):
            change = jnp.repeat(change, refinement, axis=axis)
        return (u + change, status), found

    def further(u, status, interval):
        times = jnp.stack([jnp.zeros_like(interval), interval])
        solution = solve(flux, u, times, fine, control, max_steps=_MOST_STEPS)
        return solution.values[-1], solution.status.astype(status.dtype)

    start = (state, jnp.asarray(int(Status.OK)))
    (u, status), frames = jax.lax.scan(
        lambda carry, each: one(carry, *each), start, (intervals, observed, gains)
    )
    return frames, u, status


def prolonged(
    u: Float[Array, "field x y"], grid: Grid, factor: int, flux: MUSCL
) -> Float[Array, "field fine_x fine_y"]:
    """Cell averages on finer cells, first along x and then along y."""
    for axis, factors in enumerate(((factor, 1), (1, factor))):
        if factor == 1:
            break
        near = rows(u, grid, 2, flux.along(axis).negated_fields, axis).around_cells()
        fine = split(near.reshape(-1, near.shape[-1]), factor)
        u = jnp.moveaxis(fine.reshape(*near.shape[:2], -1), -1, 1 + axis)
        grid = grid.refine(factors)
    return u
