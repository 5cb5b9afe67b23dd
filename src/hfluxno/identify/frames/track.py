"""Tracking a context with a fitted law, for the state from which a forecast starts.

    u_j = S(u_{j-1}) + g_j (û_j - S(u_{j-1}))

where S solves the law over one frame and û_j is the observed frame. The gains g are the weights of
the frames:

- `continue`, g = 0: the trajectory that the fit runs from the first frame;
- `restart`, g = 1 at the last frame: the last frame itself;
- `filter`, g_j = 1/(j + 1): all frames have the same weight. This is the Kalman gain for
  independent noise of equal size σ on K frames and a law that only transports, leaving σ/√K.

The innovation is spread evenly over the internal cells of a cell, so totals change only by
observations.
"""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from hfluxno.boundary import Outflow
from hfluxno.fv import Status
from hfluxno.fv.solve import MOST_STEPS, at_rest, through
from hfluxno.parametric.fitted_law import FittedLaw
from hfluxno.parametric.solver_settings import SolverSettings
from hfluxno.parametric.subgrid import prolong, restrict
from hfluxno.stored_jit import stored_jit

MODES = ("continue", "filter", "restart")
# No more frames, because shocks that form later cannot be reversed.
_BACKWARD_FRAMES = 6
# Programs run over this many intervals times a power of two; the last ones may be empty.
_INTERVALS = 16


def gains(mode: str, frames: int, last: int) -> np.ndarray:
    """The gains of the frames 1, …, frames - 1, of which those after `last` are not used."""
    if mode not in MODES:
        raise ValueError(f"Unknown mode {mode!r}; choose one of {', '.join(MODES)}.")
    index = np.arange(1, frames)
    if mode == "restart":
        return np.where(index == last, 1.0, 0.0)
    weight = 1.0 / (index + 1.0) if mode == "filter" else np.zeros(frames - 1)
    return np.where(index <= last, weight, 0.0)


def track(
    law: FittedLaw,
    settings: SolverSettings,
    values: Float[np.ndarray, "time field cells"],
    gains: Float[np.ndarray, " steps"],
) -> tuple[Float[np.ndarray, "steps field cells"], Float[np.ndarray, "field fine"], float]:
    """The predictions S(u_{j-1}) of the frames after the first, and the last state on the internal
    grid with its speed/Δx."""
    state, count = prolonged(values[0], settings, law.negated_fields), len(values) - 1
    intervals = padded_intervals(count, count)
    predicted, state, rate, _ = _followed(
        law, settings, state, first_rate(settings), values[1:], gains, intervals
    )
    return predicted, state, rate


def prepare_track(law: FittedLaw, settings: SolverSettings, values: np.ndarray) -> None:
    """Compiles the program of `track` in the background."""
    state = prolonged(values[0], settings, law.negated_fields)
    intervals = padded_intervals(len(values) - 1, 0)
    seen = np.zeros((len(intervals), *values.shape[1:]))
    _follow.prepare(law, settings, state, 0.0, seen, intervals, intervals, MOST_STEPS)


def run_alone(
    law: FittedLaw,
    settings: SolverSettings,
    state: Float[np.ndarray, "field fine"],
    rate: float,
    intervals: Float[np.ndarray, " interval"],
    max_steps: int,
) -> tuple[Float[np.ndarray, "interval field cells"], int]:
    """The states after each of the intervals, which are those of `padded_intervals`, and the
    largest number of steps of one; by the program of `track`."""
    nothing = np.zeros((len(intervals), state.shape[0], settings.grid.shape[0]))
    still = np.zeros(len(intervals))
    found = _follow(law, settings, state, rate, nothing, still, intervals, max_steps)
    return np.asarray(found[0]), int(found[-1])


def continued(
    law: FittedLaw,
    settings: SolverSettings,
    state: Float[np.ndarray, "field fine"],
    rate: float,
    steps: Float[np.ndarray, " steps"],
    context: int,
    beyond: bool = False,
) -> tuple[Float[np.ndarray, "steps field cells"], bool]:
    """The states after each of the `steps`, which are times in frames, from a state on the internal
    grid that `track` has reached over `context` frames, and whether they could be solved.

    A free end that repeats the outermost cell reflects a part of a shock that leaves. If the run
    goes `beyond` such ends, the outermost states continue for half the length of the domain, and
    nothing comes back before a wave has crossed that twice.
    """
    if beyond:
        grid = settings.grid
        half = grid.shape[0] // 2
        below, above = (half * isinstance(end, Outflow) for end in grid.boundary[0])
        longer = dataclasses.replace(
            grid,
            lower=(grid.lower[0] - below,),
            upper=(grid.upper[0] + above,),
            shape=(grid.shape[0] + below + above,),
        )
        width = np.array([below, above]) * settings.refinement
        state = np.pad(np.asarray(state), ((0, 0), tuple(width)), mode="edge")
        settings = dataclasses.replace(settings, grid=longer)
        frames, solved = continued(law, settings, state, rate, steps, context)
        return frames[..., below : below + grid.shape[0]], solved
    size = len(padded_intervals(context - 1, 0))
    nothing = np.zeros((size, state.shape[0], settings.grid.shape[0]))
    parts, solved = [], True
    for start in range(0, len(steps), size):
        count = min(size, len(steps) - start)
        intervals = np.zeros(size)
        intervals[:count] = steps[start : start + count]
        part, state, rate, fine = _followed(
            law, settings, state, rate, nothing[:count], np.zeros(count), intervals
        )
        parts.append(part)
        solved = solved and fine
    return np.concatenate(parts), solved


def advanced(
    law: FittedLaw,
    settings: SolverSettings,
    state: Float[np.ndarray, "field fine"],
    rate: float,
    context: int,
) -> tuple[Float[np.ndarray, "field fine"], float]:
    """The state on the internal grid after one interval, and its speed/Δx; by the program of
    `track` for a context of that many frames."""
    nothing = np.zeros((1, state.shape[0], settings.grid.shape[0]))
    intervals = padded_intervals(context - 1, 1)
    _, state, rate, _ = _followed(law, settings, state, rate, nothing, np.zeros(1), intervals)
    return state, rate


def first_state(
    law: FittedLaw, settings: SolverSettings, values: Float[np.ndarray, "time field cells"]
) -> Float[np.ndarray, "field cells"]:
    """The state at the first frame, estimated from the first few frames.

    The frames are tracked backwards with the filter: smooth solutions remain solutions if t, f
    and s change sign. Diffusion, which cannot be reversed, is left out.
    """
    frames = min(_BACKWARD_FRAMES, len(values))
    backward = eqx.tree_at(
        lambda tree: (tree.flux_coefficients, tree.diffusion_coefficients),
        law,
        (-law.flux_coefficients, 0.0 * law.diffusion_coefficients),
    )
    if law.terms is not None:
        arising = {name: -getattr(law.terms, name) for name in ("by_state", "source_by_place")}
        backward = dataclasses.replace(backward, terms=dataclasses.replace(law.terms, **arising))
    seen = values[:frames][::-1]
    schedule = gains("filter", frames, frames - 1)
    intervals = padded_intervals(len(values) - 1, frames - 1)
    state = prolonged(seen[0], settings, law.negated_fields)
    _, state, _, _ = _followed(backward, settings, state, -1.0, seen[1:], schedule, intervals)
    return np.asarray(restrict(state, settings.refinement))


def first_rate(settings: SolverSettings) -> float:
    """The state of the step control before a context: at the start of a run, or in its middle."""
    return 0.0 if settings.fresh_start else -1.0


def padded_intervals(count: int, used: int) -> Float[np.ndarray, " size"]:
    """Ones for the first `used` intervals, padded with zeros to the size of a program."""
    size = _INTERVALS
    while size < count:
        size *= 2
    return (np.arange(size) < used).astype(float)


def prolonged(
    u: Float[np.ndarray, "field cells"], settings: SolverSettings, negated: tuple[int, ...]
) -> Float[np.ndarray, "field fine"]:
    """The state on the internal grid."""
    if settings.refinement == 1:
        return u
    return np.asarray(_prolonged(u, settings.grid, factor=settings.refinement, negated=negated)[0])


@stored_jit
def _prolonged(u, grid, *, factor, negated):
    return (prolong(u, grid, factor, negated),)


def _followed(law, settings, state, rate, observed, gains, intervals):
    count, size = len(observed), len(intervals)
    seen = np.zeros((size, *observed.shape[1:]))
    schedule = np.zeros(size)
    seen[:count], schedule[:count] = observed, gains
    found = _follow(law, settings, state, rate, seen, schedule, intervals, MOST_STEPS)
    predicted, state, rate, status, _ = map(np.asarray, found)
    return predicted[:count], state, float(rate), bool(status == Status.OK)


@stored_jit
def _follow(
    law: FittedLaw,
    settings: SolverSettings,
    state: Float[Array, "field fine"],
    rate: Float[Array, ""],
    observed: Float[Array, "interval field cells"],
    gains: Float[Array, " interval"],
    intervals: Float[Array, " interval"],
    max_steps: Int[Array, ""],
) -> tuple[
    Float[Array, "interval field cells"],
    Float[Array, "field fine"],
    Float[Array, ""],
    Int[Array, ""],
    Int[Array, ""],
]:
    grid = settings.grid.refine(settings.refinement)
    flux = settings.numerical_flux(law)

    def advance(state, frame):
        (u, rate, status), (observation, gain, interval, time) = state, frame
        run = eqx.tree_at(lambda r: r.status, at_rest(u, rate, time), status)
        run = through(flux, grid, settings.control, max_steps, run, interval)
        predicted = restrict(run.u, settings.refinement)
        innovation = jnp.repeat(observation - predicted, settings.refinement, axis=-1)
        return (run.u + gain * innovation, run.rate, run.status), (predicted, run.tries)

    frames = (observed, gains, intervals, jnp.cumsum(intervals) - intervals)
    begin = (state, rate, jnp.asarray(int(Status.OK)))
    (u, rate, status), (predicted, tries) = jax.lax.scan(advance, begin, frames)
    return predicted, u, rate, status, jnp.max(tries)
