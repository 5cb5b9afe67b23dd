"""A run and its derivatives along several directions, carried from step to step together.

    ∂s_{n+1}[d] = ∂S(s_n, q)·(∂s_n[d], ∂q[d])

with one step S of the adaptive solver, its state s (u, the remaining time, the last speed) and the
numbers q of the numerical flux, of which the direction d changes ∂q[d]. These are the derivatives
that `jax.jvp` of [`solve`][hfluxno.fv.solve] gives. It would trace the step again and again:
to find out which parts of a loop's state have a derivative, and once more in each loop around it.
Here all parts have one from the start, so the step is traced once.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from hfluxno.fv.numerical_flux import NumericalFlux
from hfluxno.fv.solve import Run, StepControl, adaptive_step, at_rest, is_under_way
from hfluxno.grid import Grid


def solve_with_derivatives(
    numerical_flux: NumericalFlux,
    changes: NumericalFlux,
    initial: Float[Array, "field cells"],
    intervals: Float[Array, " interval"],
    grid: Grid,
    control: StepControl,
    rate: Float[Array, ""],
    max_steps: Int[Array, ""] | int,
) -> tuple[
    Float[Array, "interval field cells"],
    Float[Array, "interval direction field cells"],
    Int[Array, ""],
]:
    """The states after each interval, their derivatives along each direction, and the largest
    number of steps that an interval took.

    **Arguments:**

    - `numerical_flux`: the scheme; its numbers are arrays of the precision of `initial`.
    - `changes`: the same scheme with ∂q in place of q, with a leading axis of directions, and
      `None` for numbers that none of them changes.
    - `initial`: the state at the beginning, on which no direction acts.
    - `intervals`: the times between the states; one of length zero repeats the state.
    - `grid`, `control`, `rate`, `max_steps`: as in `solve`.
    """
    changing = jax.tree.map(lambda c: c is not None, changes, is_leaf=lambda c: c is None)
    numbers, rest = eqx.partition(numerical_flux, changing)

    def step(run: Run, derivatives):
        def one(numbers, u, remaining, rate):
            before = eqx.tree_at(lambda r: (r.u, r.remaining, r.rate), run, (u, remaining, rate))
            after = adaptive_step(eqx.combine(numbers, rest), grid, control, max_steps, before)
            return (after.u, after.remaining, after.rate), after

        def along(*direction):
            point = (numbers, run.u, run.remaining, run.rate)
            _, derivative, after = jax.jvp(one, point, direction, has_aux=True)
            return after, derivative

        return jax.vmap(along, out_axes=(None, 0))(changes, *derivatives)

    def advance(state, interval):
        run, (du, _, drate) = state
        run = eqx.tree_at(lambda r: (r.remaining, r.tries), run, (interval, jnp.asarray(0)))
        run, derivatives = jax.lax.while_loop(
            lambda s: is_under_way(s[0]),
            lambda s: step(*s),
            (run, (du, jnp.zeros_like(drate), drate)),
        )
        return (run, derivatives), (run.u, derivatives[0], run.tries)

    count = jax.tree.leaves(changes)[0].shape[0]
    still = tuple(jnp.zeros((count, *part.shape), initial.dtype) for part in (initial, rate, rate))
    _, (states, derivatives, tries) = jax.lax.scan(
        advance, (at_rest(initial, rate), still), intervals
    )
    return states, derivatives, jnp.max(tries)
