"""A run and its derivatives along several directions, advanced together step by step.

    ∂s_{n+1}[d] = ∂S(s_n, q)·(∂s_n[d], ∂q[d])

with one step S of the adaptive solver, its state s (u, the time, the remaining time, the last
speed) and the numbers q of the numerical flux and of the grid (in its boundaries), which direction
d changes by ∂q[d]. These are the derivatives that `jax.jvp` of [`solve`][hfluxno.fv.solve] gives.
That would trace the step repeatedly, to find out which parts of a loop's state have a derivative,
and again in each enclosing loop. Here all parts have one from the start, so the step is traced
once.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from hfluxno.fv.numerical_flux import NumericalFlux
from hfluxno.fv.solve import Run, StepControl, adaptive_step, at_rest, is_under_way
from hfluxno.grid import Grid


class Problem(eqx.Module):
    """What is solved: a scheme on a grid.

    - `numerical_flux`: the scheme; its numbers are arrays of the precision of the states.
    - `grid`: the cells and their boundaries.
    """

    numerical_flux: NumericalFlux
    grid: Grid


def solve_with_derivatives(
    problem: Problem,
    changes: Problem,
    initial: Float[Array, "field *space"],
    initial_changes: Float[Array, "direction field *space"],
    intervals: Float[Array, " interval"],
    control: StepControl,
    rate: Float[Array, ""],
    max_steps: Int[Array, ""] | int,
) -> tuple[
    Float[Array, "interval field *space"],
    Float[Array, "interval direction field *space"],
    Int[Array, ""],
]:
    """The states after each interval, their derivatives along each direction, and the largest
    number of steps that an interval took. Times are counted from the first state.

    - `changes`: the same problem with ∂q in place of q, with a leading axis of directions, and
      `None` for numbers that no direction changes.
    - `initial`, `initial_changes`: the state at the beginning and its change along each direction.
    - `intervals`: the times between the states; one of length zero repeats the state.
    - `control`, `rate`, `max_steps`: as in `solve`.
    """
    changing = jax.tree.map(lambda c: c is not None, changes, is_leaf=lambda c: c is None)
    numbers, rest = eqx.partition(problem, changing)

    def step(run: Run, derivatives):
        def one(numbers, u, time, remaining, rate):
            before = eqx.tree_at(_moving, run, (u, time, remaining, rate))
            here = eqx.combine(numbers, rest)
            after = adaptive_step(here.numerical_flux, here.grid, control, max_steps, before)
            return _moving(after), after

        def along(*direction):
            _, derivative, after = jax.jvp(one, (numbers, *_moving(run)), direction, has_aux=True)
            return after, derivative

        return jax.vmap(along, out_axes=(None, 0))(changes, *derivatives)

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


def _moving(run: Run):
    return run.u, run.time, run.remaining, run.rate
