"""The conservative step, written once.

    u_i ← u_i - Δt/Δx (F_{i+1/2} - F_{i-1/2})

summed over the space axes. What leaves a cell enters its neighbour, so the total of every field
changes only through the boundary, and not at all through a wall. Runge-Kutta schemes that are
convex combinations of this step inherit its conservation, positivity and TVD property (Shu and
Osher, J. Comput. Phys. 77, 1988, 439-471).
"""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from hfluxno.fv.numerical_flux import NumericalFlux
from hfluxno.grid import Grid, pad

# For every stage: the weight of the old state, the rest goes to a step from the newest stage.
_STAGES: dict[str, tuple[float, ...]] = {
    "euler": (0.0,),
    "ssprk2": (0.0, 1 / 2),
    "ssprk3": (0.0, 3 / 4, 1 / 3),
}


def conservative_step(
    numerical_flux: NumericalFlux | tuple[NumericalFlux, ...],
    u: Float[Array, "field *space"],
    dt: Float[Array, ""],
    grid: Grid,
) -> Float[Array, "field *space"]:
    """One forward step with one numerical flux for each axis of the grid.

    Axes between the fields and those of the grid count states that do not meet, where the numerical
    flux is `rowwise`.
    """
    change = jnp.zeros_like(u)
    for axis, (flux, padded) in enumerate(_padded_axes(numerical_flux, u, grid)):
        dx = grid.spacing[axis]
        interface_flux = _closed(flux(padded, dt, dx), flux.odd_fields, grid.boundary[axis])
        difference = (interface_flux[..., 1:] - interface_flux[..., :-1]) / dx
        change = change + jnp.moveaxis(difference, -1, u.ndim - len(grid.shape) + axis)
    return u - dt * change


def _closed(
    interface_flux: Float[Array, "field *interfaces"],
    odd_fields: tuple[int, ...],
    sides: tuple[str, str],
) -> Float[Array, "field *interfaces"]:
    """The fluxes with walls that let nothing through; only a momentum is exchanged with a wall.

    For a system whose momentum is mirrored this flux vanishes by symmetry. A scalar law has nothing
    that could be mirrored, and the flux between two equal states is f(u), which is not zero.
    """
    conserved = np.asarray([i for i in range(len(interface_flux)) if i not in odd_fields], int)
    for place, name in zip((0, -1), sides, strict=True):
        if name == "reflecting":
            interface_flux = interface_flux.at[conserved, ..., place].set(0.0)
    return interface_flux


def limiting_speed(
    numerical_flux: NumericalFlux | tuple[NumericalFlux, ...],
    u: Float[Array, "field *space"],
    grid: Grid,
) -> Float[Array, ""]:
    """Σ speed/Δx over the axes: the CFL number of a step is Δt times this rate."""
    rate = jnp.zeros((), u.dtype)
    for axis, (flux, padded) in enumerate(_padded_axes(numerical_flux, u, grid)):
        dx = grid.spacing[axis]
        rate = rate + flux.speed(padded, dx) / dx
    return rate


def step(
    numerical_flux: NumericalFlux | tuple[NumericalFlux, ...],
    u: Float[Array, "field *space"],
    dt: Float[Array, ""],
    grid: Grid,
) -> Float[Array, "field *space"]:
    """One step of the Runge-Kutta scheme that the numerical flux is made for."""
    first = numerical_flux[0] if isinstance(numerical_flux, tuple) else numerical_flux
    new = u
    for old_weight in _STAGES[first.integrator]:
        advanced = conservative_step(numerical_flux, new, dt, grid)
        new = old_weight * u + (1.0 - old_weight) * advanced if old_weight else advanced
    return new


def _padded_axes(numerical_flux, u, grid):
    fluxes = numerical_flux if isinstance(numerical_flux, tuple) else (numerical_flux,)
    if len(fluxes) != len(grid.shape):
        raise ValueError(
            f"A grid with {len(grid.shape)} axes needs as many numerical fluxes; got {len(fluxes)}."
        )
    for axis, flux in enumerate(fluxes):
        padded = pad(u, grid, flux.ghost, flux.odd_fields, axis)
        yield flux, jnp.moveaxis(padded, u.ndim - len(grid.shape) + axis, -1)
