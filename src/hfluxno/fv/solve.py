"""Advances a state through given times under CFL control.

The step length follows Clawpack's rule: a step is proposed from the speed in the *previous* step,
Δt = desired/rate_previous; it is rejected and repeated with the present speed if its CFL number
exceeds the maximum; and the last step before a saved time is shortened to land on it. The rule has
no other memory, so a run can be resumed at any frame.
"""

import enum
import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from hfluxno.fv.numerical_flux import Cells, Number, NumericalFlux
from hfluxno.fv.rows import cleared
from hfluxno.fv.step import fallbacks, limiting_speed, step
from hfluxno.grid import Grid
from hfluxno.laws.base import ConservationLaw
from hfluxno.plural import plural

# Between two times; a run that needs more has gone wrong.
MOST_STEPS = 10_000


class Status(enum.IntEnum):
    """How a run ended."""

    OK = 0
    NON_FINITE = 1
    TOO_MANY_STEPS = 2

    @property
    def sentence(self) -> str:
        return {
            Status.OK: "solved",
            Status.NON_FINITE: "the state became non-finite; frames from there on repeat the last "
            "finite one",
            Status.TOO_MANY_STEPS: "the step limit between two saved times was reached; frames "
            "from there on repeat the last state",
        }[self]


class StepControl(eqx.Module):
    """The CFL rule of a run.

    **Attributes:**

    - `desired`: the CFL number aimed at.
    - `maximum`: a step with a larger CFL number is rejected and repeated.
    - `lagged`: whether a step is proposed from the speed of the step before (Clawpack's rule) or
      from the speed of the present state, so that no step is rejected.
    - `longest`: no step is longer. If the CFL numbers allow it, all steps have this length (but the
      last one before a saved time, which is shortened).
    """

    desired: Number | float = 0.5
    maximum: Number | float = 0.9
    lagged: Bool[Array, ""] | bool = True
    longest: Number | float = math.inf

    def __check_init__(self) -> None:
        given = isinstance(self.desired, float) and isinstance(self.maximum, float)
        if given and not 0.0 < self.desired <= self.maximum:
            raise ValueError(
                "A CFL rule needs 0 < desired <= maximum; got "
                f"desired={self.desired} and maximum={self.maximum}."
            )
        if isinstance(self.longest, float) and not self.longest > 0.0:
            raise ValueError(f"The longest step must be positive; got longest={self.longest}.")


class Solution(eqx.Module):
    """What a run returns.

    **Attributes:**

    - `values`: the states at all times, the initial one first: (time, field, *space). Always finite
      if the initial state is; see `status`.
    - `status`: a [`Status`][hfluxno.fv.Status] as an integer.
    - `steps`, `rejected`: the numbers of accepted and rejected steps.
    - `rate`: Σ speed/Δx of the last step, from which the next would be proposed.
    - `fallbacks`: the number of cells whose reconstruction was not admissible at the beginning of a
      step, so that first order took over, summed over axes and steps.
    """

    values: Float[Array, "time field *space"]
    status: Int[Array, ""]
    steps: Int[Array, ""]
    rejected: Int[Array, ""]
    rate: Number
    fallbacks: Int[Array, ""]


class Run(eqx.Module):
    """The state of a run within an interval: u, its time, the rest of the interval, and the
    counts."""

    u: Cells
    time: Number
    remaining: Number
    rate: Number
    status: Int[Array, ""]
    steps: Int[Array, ""]
    rejected: Int[Array, ""]
    tries: Int[Array, ""]
    fallbacks: Int[Array, ""]


def solve(
    numerical_flux: NumericalFlux | tuple[NumericalFlux, ...],
    initial: Float[Array | np.ndarray, "field *space"],
    times: Float[Array | np.ndarray, " time"],
    grid: Grid,
    control: StepControl | None = None,
    *,
    substeps: int | None = None,
    rate: Number | None = None,
    max_steps: int | Int[Array, ""] = MOST_STEPS,
) -> Solution:
    """Advances `initial`, the state at `times[0]`, and returns it at all `times`.

    Unbatched; use `jax.vmap` over laws and initial states. It can be compiled, and has forward-mode
    derivatives through the adaptive loop, and reverse-mode derivatives if `substeps` is given.

    **Arguments:**

    - `numerical_flux`: the scheme of a law with as many axes as the grid, or one scheme for each
      axis; it determines the Runge-Kutta scheme.
    - `initial`: the cell averages at `times[0]`, shape (field, *space); in walls inside the domain
      anything, also NaN, and the solution has the state of some other cell there.
    - `times`: increasing times, shape (time,).
    - `control`: the CFL rule; ignored if `substeps` is given.
    - `substeps`: a fixed number of equal steps between two times, instead of the CFL rule.
    - `rate`: speed/Δx of the step before `times[0]`, if the run continues another; a negative
      number if that is unknown, so that the speed of the initial state is used. By default the
      first step tries the whole interval, as a new run of PyClaw does.
    - `max_steps`: the largest number of steps between two times.

    **Raises:**

    - `ValueError`, if the shapes do not match, the state has another number of fields than the law,
      or times decrease or are not finite (those of a compiled run are not known, and not checked).
    """
    initial = jnp.asarray(initial)
    if initial.ndim != 1 + len(grid.shape) or initial.shape[1:] != grid.shape:
        raise ValueError(
            f"The initial state must have the shape (field, *{grid.shape}); got {initial.shape}. "
            "Use jax.vmap for a batch."
        )
    _check_fields(numerical_flux, initial.shape[0])
    _check_times(times)
    if substeps is not None and substeps < 1:
        raise ValueError(f"substeps must be at least 1; got {substeps}.")
    control = StepControl() if control is None else control
    dtype = initial.dtype
    numerical_flux, control = _as_dtype((numerical_flux, control), dtype)
    initial = cleared(initial, grid)
    # Differences are taken before rounding to the working precision: the origin of time may be far
    # away.
    if isinstance(times, np.ndarray):
        intervals = jnp.asarray(np.diff(times), dtype)
    else:
        intervals = jnp.diff(times).astype(dtype)
    rate = jnp.zeros((), dtype) if rate is None else jnp.asarray(rate, dtype)
    run = at_rest(initial, rate, jnp.asarray(times[0], dtype))

    # Reverse mode stores matrices at all interfaces for each step. In two dimensions they do not
    # fit in memory, so the step is recomputed.
    advance = step if len(grid.shape) == 1 else eqx.filter_checkpoint(step)

    def adaptive(run: Run, interval):
        run = through(numerical_flux, grid, control, max_steps, run, interval)
        return run, run.u

    def fixed(run: Run, interval):
        def body(run, _):
            dt = interval / substeps
            u = advance(numerical_flux, run.u, dt, grid, run.time)
            fallen = fallbacks(numerical_flux, run.u, grid, run.time)
            return _accept(run, u, dt, run.remaining, run.rate, jnp.asarray(0), fallen), None

        run, _ = jax.lax.scan(body, run, None, length=substeps)
        return run, run.u

    run, frames = jax.lax.scan(adaptive if substeps is None else fixed, run, intervals)
    values = jnp.concatenate([initial[None], frames])
    return Solution(values, run.status, run.steps, run.rejected, run.rate, run.fallbacks)


def _check_fields(numerical_flux: NumericalFlux | tuple[NumericalFlux, ...], count: int) -> None:
    each = numerical_flux if isinstance(numerical_flux, tuple) else (numerical_flux,)
    for law in (getattr(one, "law", None) for one in each):  # a network may have none
        if isinstance(law, ConservationLaw) and len(law.fields) != count:
            raise ValueError(
                f"The law has {plural(len(law.fields), 'field')} ({', '.join(law.fields)}), and "
                f"the initial state {count}; give a state with those of the law."
            )


def _check_times(times: Float[Array | np.ndarray, " time"]) -> None:
    if times.shape[0] < 1:
        raise ValueError("A run needs at least one time.")
    if isinstance(times, jax.core.Tracer):
        return
    known = np.asarray(times)
    if not np.isfinite(known).all() or np.any(np.diff(known) < 0.0):
        raise ValueError(
            "The times of a run are finite and do not decrease; sort them, and leave out NaN."
        )


def at_rest(initial: Cells, rate: Number, time: Number | float = 0.0) -> Run:
    """A run before its first step."""
    return Run(
        u=initial,
        time=jnp.asarray(time, initial.dtype),
        remaining=jnp.zeros_like(rate),
        rate=rate,
        status=jnp.asarray(int(Status.OK)),
        steps=jnp.asarray(0),
        rejected=jnp.asarray(0),
        tries=jnp.asarray(0),
        fallbacks=jnp.asarray(0),
    )


def is_under_way(run: Run) -> Bool[Array, ""]:
    """Whether the interval is not over and nothing has failed."""
    return (run.remaining > 0.0) & (run.status == Status.OK)


def through(numerical_flux, grid, control, max_steps, run: Run, interval) -> Run:
    """The run after an interval; its `tries` are those of this interval."""
    run = eqx.tree_at(lambda r: (r.remaining, r.tries), run, (interval, jnp.asarray(0)))
    return jax.lax.while_loop(
        is_under_way, lambda r: adaptive_step(numerical_flux, grid, control, max_steps, r), run
    )


def adaptive_step(numerical_flux, grid, control, max_steps, run: Run) -> Run:
    rate = limiting_speed(numerical_flux, run.u, grid, run.time)
    dt, rejected = length_of_step(control, run.rate, rate, run.remaining)
    u = step(numerical_flux, run.u, dt, grid, run.time)
    fallen = fallbacks(numerical_flux, run.u, grid, run.time)
    return after_step(run, u, dt, rate, rejected, fallen, max_steps)


def length_of_step(
    control: StepControl, rate_before: Number, rate: Number, remaining: Number
) -> tuple[Number, Bool[Array, ""]]:
    """Δt by the rates of the step before and of the present state, and whether a first proposal was
    rejected."""
    reference = jnp.where(jnp.asarray(control.lagged) & (rate_before >= 0.0), rate_before, rate)
    proposed = _step_length(control, reference, remaining)
    # The speed is known before the step is taken, so a rejected step costs nothing: PyClaw would
    # undo it and take it again with desired/rate.
    rejected = jnp.asarray(control.lagged) & (proposed * rate > control.maximum)
    return jnp.where(rejected, _step_length(control, rate, remaining), proposed), rejected


def _step_length(control, rate, remaining):
    """The longest step, cfl/rate if that is less, or the remaining time if that is less, or larger
    only by rounding."""
    moving = rate > 0.0
    dt = jnp.where(moving, control.desired / jnp.where(moving, rate, 1.0), jnp.inf)
    dt = jnp.minimum(dt, control.longest)
    lands = dt >= remaining * (1.0 - 64.0 * jnp.finfo(remaining.dtype).eps)
    return jnp.where(lands, remaining, dt)


def after_step(run: Run, u, dt, rate, rejected, fallen, max_steps) -> Run:
    """The run after an adaptive step to `u`."""
    run = _accept(run, u, dt, run.remaining - dt, rate, rejected.astype(run.steps.dtype), fallen)
    exhausted = (run.tries >= max_steps) & (run.remaining > 0.0) & (run.status == Status.OK)
    status = jnp.where(exhausted, int(Status.TOO_MANY_STEPS), run.status)
    return eqx.tree_at(lambda r: r.status, run, status)


def _accept(run: Run, u, dt, remaining, rate, rejected, fallen) -> Run:
    """The run after a step to `u`, or the old state and a status if `u` is not finite."""
    finite = jnp.all(jnp.isfinite(u)) & (run.status == Status.OK)
    failed = (run.status == Status.OK) & ~finite
    return Run(
        u=jnp.where(finite, u, run.u),
        time=run.time + dt,
        remaining=remaining,
        rate=rate,
        status=jnp.where(failed, int(Status.NON_FINITE), run.status),
        steps=run.steps + finite.astype(run.steps.dtype),
        rejected=run.rejected + rejected,
        tries=run.tries + 1,
        fallbacks=run.fallbacks + fallen,
    )


def _as_dtype(tree, dtype):
    """The same tree, its floating-point leaves in the working precision of the state."""

    def convert(leaf):
        is_real = jnp.issubdtype(jnp.result_type(leaf), jnp.floating)
        return jnp.asarray(leaf).astype(dtype) if is_real else leaf

    return jax.tree.map(convert, tree)
