"""A run and its derivatives along several directions, advanced together step by step.

    ∂s_{n+1}[d] = ∂S(s_n, q)·(∂s_n[d], ∂q[d])

with one step S of the adaptive solver, its state s (u, the time, the remaining time, the last
speed) and the numbers q of the numerical flux and of the grid (in its boundaries), which direction
d changes by ∂q[d]. These are the derivatives that `jax.jvp` of [`solve`][hfluxno.fv.solve] gives.
That would trace the step repeatedly, to find out which parts of a loop's state have a derivative,
and again in each enclosing loop. Here all parts have one from the start, so the step is traced
once. On a line, if only some directions change the scheme itself, all of them share the
[bands][hfluxno.fv.banded] of the step's Jacobian.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from hfluxno.fv.banded import step_with_changes
from hfluxno.fv.numerical_flux import Cells, Number
from hfluxno.fv.problem import Problem, split
from hfluxno.fv.solve import (
    Run,
    Status,
    StepControl,
    adaptive_step,
    after_step,
    at_rest,
    is_under_way,
    length_of_step,
)
from hfluxno.fv.step import fallbacks, limiting_speed


def solve_with_derivatives(
    problem: Problem,
    changes: Problem,
    initial: Cells,
    initial_changes: Float[Array, "direction field *space"],
    intervals: Float[Array, " interval"],
    control: StepControl,
    rate: Number,
    max_steps: Int[Array, ""] | int,
) -> tuple[
    Float[Array, "interval field *space"],
    Float[Array, "interval direction field *space"],
    Int[Array, ""],
]:
    """The states after each interval, their derivatives along each direction, and the largest
    number of steps that an interval took. Times are counted from the first state.

    - `changes`: the same problem with ∂q in place of q, with a leading axis of directions, and
      `None` for numbers that no direction changes. On a line that of the numerical flux may be
      shorter, if only the first directions change it.
    - `initial`, `initial_changes`: the state at the beginning and its change along each direction.
    - `intervals`: the times between the states; one of length zero repeats the state.
    - `control`, `rate`, `max_steps`: as in `solve`.
    """
    numbers = jax.tree.leaves(changes.numerical_flux)
    fewer = not numbers or len(numbers[0]) < len(initial_changes)
    banded = fewer and len(problem.grid.shape) == 1
    step = (_banded if banded else _whole)(problem, changes, control, max_steps)

    def advance(state, interval):
        run, (du, dtime, _, drate) = state
        run = eqx.tree_at(lambda r: (r.remaining, r.tries), run, (interval, jnp.asarray(0)))
        run, derivatives = jax.lax.while_loop(
            lambda s: is_under_way(s[0]),
            lambda s: step(*s),
            # The end of an interval does not depend on the steps that led to it.
            (run, (du, jnp.zeros_like(dtime), jnp.zeros_like(drate), drate)),
        )
        return (run, derivatives), (run.u, derivatives[0], run.tries)

    still = jnp.zeros(initial_changes.shape[0], initial.dtype)
    begin = (at_rest(initial, rate), (initial_changes, still, still, still))
    _, (states, derivatives, tries) = jax.lax.scan(advance, begin, intervals)
    return states, derivatives, jnp.max(tries)


def _whole(problem: Problem, changes: Problem, control, max_steps):
    """A step, and its derivatives as those of the whole."""
    numbers, same = split(problem, changes)

    def step(run: Run, derivatives):
        def one(numbers, u, time, remaining, rate):
            before = eqx.tree_at(_moving, run, (u, time, remaining, rate))
            here = eqx.combine(numbers, same)
            after = adaptive_step(here.numerical_flux, here.grid, control, max_steps, before)
            return _moving(after), after

        def along(*direction):
            _, derivative, after = jax.jvp(one, (numbers, *_moving(run)), direction, has_aux=True)
            return after, derivative

        return jax.vmap(along, out_axes=(None, 0))(changes, *derivatives)

    return step


def _banded(problem: Problem, changes: Problem, control, max_steps):
    """The same, by the gradient of the limiting speed and the bands of the Jacobian."""
    numbers, same = split(problem, changes)

    def step(run: Run, derivatives):
        du, dtime, dremaining, drate_before = derivatives

        def speed(numbers, u, time):
            here = eqx.combine(numbers, same)
            return limiting_speed(here.numerical_flux, u, here.grid, time)

        rate, pull = jax.vjp(speed, numbers, run.u, run.time)
        gradients = jax.lax.optimization_barrier(pull(jnp.ones_like(rate)))
        drate = jnp.zeros_like(dtime)
        given = jax.tree.leaves((changes, du, dtime))
        for by, change in zip(jax.tree.leaves(gradients), given, strict=True):
            along = change.reshape(len(change), -1) @ by.reshape(-1)
            drate = drate.at[: len(change)].add(along)
        dt, pull, rejected = jax.vjp(
            lambda *pace: length_of_step(control, *pace),
            *(run.rate, rate, run.remaining),
            has_aux=True,
        )
        by = pull(jnp.ones_like(dt))
        ddt = by[0] * drate_before + by[1] * drate + by[2] * dremaining
        now, changed = (run.u, dt, run.time), (du, ddt, dtime)
        u, du_after = step_with_changes(problem, changes, now, changed)
        fallen = fallbacks(problem.numerical_flux, run.u, problem.grid, run.time)
        after = after_step(run, u, dt, rate, rejected, fallen, max_steps)
        # As the state, which stays where a step cannot be taken.
        du = jnp.where(after.status == Status.NON_FINITE, du, du_after)
        return after, (du, dtime + ddt, dremaining - ddt, drate)

    return step


def _moving(run: Run):
    return run.u, run.time, run.remaining, run.rate
