"""The conservative step, written once.

    u_i ← u_i - Δt/Δx (F_{i+1/2} - F_{i-1/2}) + Δt s(u_i, x_i, t)

with the differences summed over the space axes. What leaves a cell enters its neighbour, so the
total of every field changes only by sources and through the boundary, and not through a wall.
Sources are not split off, so a state in which they balance the fluxes is preserved. Runge-Kutta
schemes that are convex combinations of this step inherit its conservation, positivity and TVD
property (Shu and Osher, J. Comput. Phys. 77, 1988, 439-471).
"""

import functools
from collections.abc import Callable, Iterable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int

from hfluxno.boundary import Boundary
from hfluxno.fv.numerical_flux import Cells, Interfaces, Number, NumericalFlux, Padded, largest
from hfluxno.fv.rows import Rows, rows
from hfluxno.fv.super_step import RKL2, super_step
from hfluxno.grid import Grid
from hfluxno.laws.base import pointwise_jacobian

# For each stage: the weight of the old state (the rest goes to a step from the newest stage), and
# the fraction of the step at which the newest stage is.
STAGES: dict[str, tuple[tuple[float, float], ...]] = {
    "euler": ((0.0, 0.0),),
    "ssprk2": ((0.0, 0.0), (1 / 2, 1.0)),
    "ssprk3": ((0.0, 0.0), (3 / 4, 1.0), (1 / 3, 1 / 2)),
}
# Bytes of the states of a block of rows.
_BLOCK = 2**17


def conservative_step(
    numerical_flux: NumericalFlux | tuple[NumericalFlux, ...],
    u: Cells,
    dt: Number,
    grid: Grid,
    time: Number | float = 0.0,
) -> Cells:
    """One forward step from `time`, with the numerical flux along each axis of the grid.

    If the numerical flux is `rowwise`, there may be axes of independent states between the fields
    and the grid.
    """
    return step_of_rows(numerical_flux, u, _rows(numerical_flux, u, grid, time), dt, grid, time)


def step_of_rows(
    numerical_flux: NumericalFlux | tuple[NumericalFlux, ...],
    u: Cells,
    each: Iterable[tuple[NumericalFlux, Rows]],
    dt: Number,
    grid: Grid,
    time: Number | float = 0.0,
) -> Cells:
    """One forward step (see `conservative_step`) with the numerical flux along each axis and the
    rows of cells that it sees, ghost cells included."""
    change = jnp.zeros_like(u)
    for axis, (flux, row) in enumerate(each):
        dx = grid.spacing[axis]
        if _has_blocks(flux, row.cells, grid):
            given = _in_blocks(flux, row.cells, dt, dx)
        else:
            given = flux(row.cells, dt, dx)
        interface_flux = row.closed(given, flux.negated_fields)
        interface_flux = _held(interface_flux, flux, row.cells, grid.boundary[axis], dx)
        interface_flux = _closed(interface_flux, flux.negated_fields, grid.boundary[axis])
        difference = (interface_flux[..., 1:] - interface_flux[..., :-1]) / dx
        change = change + jnp.moveaxis(difference, -1, u.ndim - len(grid.shape) + axis)
    new, first = u - dt * change, _first(numerical_flux)
    arising = first.source(u, _coordinates(u, grid), jnp.asarray(time, u.dtype))
    new = new if arising is None else first.confined(new, new + dt * arising)
    if grid.solid is None:
        return new
    solid = jnp.asarray(grid.solid)
    return jnp.where(solid.reshape(*[1] * (u.ndim - solid.ndim), *solid.shape), u, new)


def _speed(flux: NumericalFlux, dx: float, cells: Padded) -> Number:
    return flux.speed(cells, dx)


def _has_blocks(flux: NumericalFlux, cells: Padded, grid: Grid) -> bool:
    on_plane = len(grid.shape) == cells.ndim - 1 == 2
    return on_plane and flux.rowwise and jax.default_backend() == "cpu"


def _in_blocks(flux: NumericalFlux, cells: Padded, dt: Number, dx: float) -> Interfaces:
    """The fluxes of a few rows after others."""
    count = cells.shape[1]
    found = jnp.moveaxis(_of_blocks(lambda block: flux(block, dt, dx), cells), 0, 1)
    return found.reshape(len(cells), -1, found.shape[-1])[:, :count]


def _of_blocks(function: Callable[[Padded], Array], cells: Padded) -> Array:
    """A function of a few rows, one block after the other, so that the arrays that it needs stay in
    the cache of a CPU; the blocks are the first axis of the result. The last one is filled with
    copies of the last row."""
    fields, count, length = cells.shape
    parts = -(-cells.size * cells.dtype.itemsize // _BLOCK)
    each = -(-count // min(parts, count))
    parts = -(-count // each)
    if parts == 1:
        return function(cells)[None]
    whole = jnp.pad(cells, ((0, 0), (0, parts * each - count), (0, 0)), mode="edge")
    blocks = jnp.moveaxis(whole.reshape(fields, parts, each, length), 1, 0)
    # Without the barrier the compiler would gather every number that the function needs from all
    # rows, which takes twice as long.
    return jax.lax.map(lambda block: function(jax.lax.optimization_barrier(block)), blocks)


def _held(
    interface_flux: Interfaces,
    flux: NumericalFlux,
    cells: Padded,
    sides: tuple[Boundary, Boundary],
    dx: float,
) -> Interfaces:
    """The fluxes with a state that is held at an end. It is at the interface, half as far from the
    centre of the outermost cell as that of a ghost cell, so the gradient there is twice as large;
    otherwise diffusion from the end would be of first order."""
    ghost, length = flux.ghost, cells.shape[-1]
    for place, first, side in zip((0, -1), (ghost - 1, length - ghost - 1), sides, strict=True):
        if side.is_held:
            more = flux.diffusive(cells[..., first : first + 2], dx)
            if not isinstance(more, float):
                interface_flux = interface_flux.at[..., place].add(more[..., 0])
    return interface_flux


def _closed(
    interface_flux: Interfaces, negated_fields: tuple[int, ...], sides: tuple[Boundary, Boundary]
) -> Interfaces:
    """The fluxes with closed walls: only momentum is exchanged with a wall.

    For a system whose momentum is mirrored this flux vanishes by symmetry. A scalar law has nothing
    to mirror, and its flux between two equal states is f(u), which is not zero.
    """
    conserved = np.asarray([i for i in range(len(interface_flux)) if i not in negated_fields], int)
    for place, side in zip((0, -1), sides, strict=True):
        if side.is_closed:
            interface_flux = interface_flux.at[conserved, ..., place].set(0.0)
    return interface_flux


def limiting_speed(
    numerical_flux: NumericalFlux | tuple[NumericalFlux, ...],
    u: Cells,
    grid: Grid,
    time: Number | float = 0.0,
) -> Number:
    """Σ speed/Δx over the axes: the CFL number of a step is Δt times this rate.

    If sources change the state faster than that, the rate is theirs: the largest row sum of
    |∂s/∂u|.
    """
    rate = jnp.zeros((), u.dtype)
    for axis, (flux, row) in enumerate(_rows(numerical_flux, u, grid, time)):
        dx = grid.spacing[axis]
        if _has_blocks(flux, row.cells, grid):
            speed = largest(_of_blocks(functools.partial(_speed, flux, dx), row.cells))
        else:
            speed = flux.speed(row.cells, dx)
        rate = rate + speed / dx
    x, t = _coordinates(u, grid), jnp.asarray(time, u.dtype)
    if _first(numerical_flux).source(u, x, t) is None:
        return rate
    jacobian = pointwise_jacobian(lambda v: _first(numerical_flux).source(v, x, t), u)
    return jnp.maximum(rate, largest(jnp.sum(jnp.abs(jacobian), axis=1)))


def fallbacks(
    numerical_flux: NumericalFlux | tuple[NumericalFlux, ...],
    u: Cells,
    grid: Grid,
    time: Number | float = 0.0,
) -> Int[Array, ""]:
    """The number of cells in which lower order must take over, summed over the axes."""
    every = _rows(numerical_flux, u, grid, time)
    parts = [flux.fallbacks(row.around_cells()) for flux, row in every]
    return sum(parts[1:], start=parts[0])


def step(
    numerical_flux: NumericalFlux | tuple[NumericalFlux, ...],
    u: Cells,
    dt: Number,
    grid: Grid,
    time: Number | float = 0.0,
) -> Cells:
    """One step from `time` of the Runge-Kutta scheme that belongs to the numerical flux."""
    if _first(numerical_flux).integrator == RKL2:

        def change(state, share):
            return conservative_step(numerical_flux, state, dt, grid, time + share * dt) - state

        return super_step(change, u, dt * _diffusion_rate(numerical_flux, u, grid, time))
    new = u
    for part, (old_weight, elapsed) in enumerate(STAGES[_first(numerical_flux).integrator]):
        at = time + elapsed * dt if part else time
        advanced = conservative_step(numerical_flux, new, dt, grid, at)
        new = old_weight * u + (1.0 - old_weight) * advanced if old_weight else advanced
    return new


def _diffusion_rate(numerical_flux, u, grid, time) -> Number:
    every = enumerate(_rows(numerical_flux, u, grid, time))
    parts = [flux.diffusion_rate(row.cells, grid.spacing[axis]) for axis, (flux, row) in every]
    return sum(parts[1:], start=parts[0])


def _first(numerical_flux) -> NumericalFlux:
    return numerical_flux[0] if isinstance(numerical_flux, tuple) else numerical_flux


def _coordinates(u, grid: Grid):
    """The centres of the cells, one row per axis."""
    along = [grid.centers(axis) for axis in range(len(grid.shape))]
    return jnp.asarray(np.stack(np.meshgrid(*along, indexing="ij")), u.dtype)


def _rows(numerical_flux, u, grid, time):
    fluxes = numerical_flux
    if not isinstance(fluxes, tuple):
        fluxes = tuple(fluxes.along(axis) for axis in range(fluxes.axes))
    if len(fluxes) != len(grid.shape):
        raise ValueError(
            f"A grid with {len(grid.shape)} axes needs as many numerical fluxes; got {len(fluxes)}."
            " Use a law with as many axes as the grid, or a tuple of numerical fluxes."
        )
    for axis, flux in enumerate(fluxes):
        if grid.solid is not None and not flux.rowwise:
            raise ValueError(
                "Walls inside the domain need a scheme that sees the cells of one row alone, such "
                "as MUSCL, and a law that does not depend on place."
            )
        yield flux, rows(u, grid, flux.ghost, flux.negated_fields, axis, time)
