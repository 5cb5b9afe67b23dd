"""The Jacobian of a step on a line as bands, for many changes of its state at once.

A stage of a Runge-Kutta step gives cell i a new state U(p_i, …, p_{i+w-1}; Δt, t) that depends on
the w = 2 ghost + 1 cells of the row p with its ghost cells about it. So

    ∂U_i[d] = Σ_k B_ik ∂p_{i+k}[d] + ∂U_i/∂Δt ∂Δt[d] + ∂U_i/∂t ∂t[d] + ∂U_i/∂q·∂q[d]

for all directions d, with q the numbers of the scheme, which few directions change. The bands B are
found from w changes of p for each field, as in every w-th cell of a row at most one influences a
cell (Curtis, Powell and Reid, IMA J. Appl. Math. 13, 1974, 117-119). A further direction then costs
w products a cell instead of a derivative of the scheme; one that changes the scheme also costs the
derivative of the fluxes between given cells.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from hfluxno.fv.numerical_flux import Number, interior
from hfluxno.fv.problem import Problem, split
from hfluxno.fv.rows import Rows, rows
from hfluxno.fv.step import STAGES, step_of_rows
from hfluxno.fv.super_step import RKL2, super_step

States = Float[Array, "field cells"]
Changes = Float[Array, "direction field cells"]
Numbers = Float[Array, " direction"]


def step_with_changes(
    problem: Problem,
    changes: Problem,
    now: tuple[States, Number, Number],
    changed: tuple[Changes, Numbers, Numbers],
) -> tuple[States, Changes]:
    """The state after a step, and its changes along directions that change the state before it, the
    length of the step, the time and the numbers of the problem.

    - `changes`: as in [`solve_with_derivatives`][hfluxno.fv.sensitivity].
    - `now`, `changed`: the state, the length of the step, and the time; and what changes of them.
    """
    (u, dt, time), (du, ddt, dtime) = now, changed
    flux, grid = problem.numerical_flux, problem.grid
    ghost, negated = flux.ghost, flux.negated_fields
    numbers, same = split(problem, changes)

    def row(u, moving, time):
        return rows(u, eqx.combine(moving, same.grid), ghost, negated, 0, time).cells

    def stage(moving, padded, dt, time):
        flux = eqx.combine(moving, same.numerical_flux)
        each = ((flux, Rows(padded)),)
        return step_of_rows(flux, interior(padded, ghost), each, dt, grid, time)

    def advanced(new, dnew, elapsed):
        """A forward step from a stage at this share of the step."""
        at, dat = time + elapsed * dt, dtime + elapsed * ddt
        state = (new, numbers.grid, at)
        padded = _made(row(*state))
        dpadded = jax.vmap(lambda *d: jax.jvp(row, state, d)[1])(dnew, changes.grid, dat)
        here = (numbers.numerical_flux, padded, dt, at)
        after, by_cell, by_length, by_time = _linearised(stage, here, 2 * ghost + 1)
        dpadded, by_cell, by_length, by_time = _made((dpadded, by_cell, by_length, by_time))
        dafter = ddt[:, None, None] * by_length[None] + dat[:, None, None] * by_time[None]
        for k, band in enumerate(by_cell):
            near = dpadded[..., k : k + u.shape[-1]]
            for j in range(len(u)):
                dafter = dafter + band[None, j] * near[:, j, None]
        forced = _by_scheme(stage, here, changes.numerical_flux)
        if forced is not None:
            dafter = dafter.at[: len(forced)].add(_made(forced))
        return after, dafter

    if flux.integrator == RKL2:
        number = dt * flux.diffusion_rate(row(u, numbers.grid, time), grid.spacing[0])

        def change(states, share):
            new, dnew = states
            return jax.tree.map(jnp.subtract, advanced(new, dnew, share), states)

        return super_step(change, (u, du), number)

    def advance(states, part):
        (new, dnew), (old_weight, elapsed) = states, part
        new, dnew = advanced(new, dnew, elapsed)
        new = old_weight * u + (1.0 - old_weight) * new
        return (new, old_weight * du + (1.0 - old_weight) * dnew), None

    stages = jnp.asarray(STAGES[flux.integrator], u.dtype)
    return jax.lax.scan(advance, (u, du), (stages[:, 0], stages[:, 1]))[0]


def _made(arrays):
    """The same arrays, computed before they are used: the compiler would compute them anew for
    each of the directions, which takes fifty times as long."""
    return jax.lax.optimization_barrier(arrays)


def _by_scheme(stage, here, changes):
    """The change of a stage along the directions that change the scheme, or `None`."""
    if not jax.tree.leaves(changes):
        return None
    numbers, *others = here
    return jax.vmap(lambda d: jax.jvp(lambda n: stage(n, *others), (numbers,), (d,))[1])(changes)


def _linearised(stage, here, width: int):
    """The new state of a stage and its derivatives: the bands (offset, changed field, field, cell),
    and those by the length of the step and by the time."""
    numbers, padded, dt, time = here
    fields, length = padded.shape
    colours = np.arange(length)[None] % width == np.arange(width)[:, None]
    combs = np.einsum("cl,jf->cjfl", colours, np.eye(fields)).reshape(-1, fields, length)

    def by_cells(comb):
        return jax.jvp(lambda cells: stage(numbers, cells, dt, time), (padded,), (comb,))

    # Apart from the others: the fluxes of most schemes depend on neither.
    one = jnp.ones_like(dt)
    by_length = jax.jvp(lambda dt: stage(numbers, padded, dt, time), (dt,), (one,))[1]
    by_time = jax.jvp(lambda time: stage(numbers, padded, dt, time), (time,), (one,))[1]
    new, found = jax.vmap(by_cells, out_axes=(None, 0))(jnp.asarray(combs, padded.dtype))
    new, found, by_length, by_time = _made((new, found, by_length, by_time))
    cells = new.shape[-1]
    by_colour = found.reshape(width, fields, fields, cells)
    # The cell at offset k from the left end of the stencil of cell i has the colour (i + k) % w.
    colour = (np.arange(cells)[None] + np.arange(width)[:, None]) % width
    bands = jnp.take_along_axis(by_colour, jnp.asarray(colour)[:, None, None], axis=0)
    return new, bands, by_length, by_time
