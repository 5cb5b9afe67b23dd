"""The rows of cells along one axis as a scheme sees them, with ghost cells or around walls inside.

A cell of the domain that is a wall has a neighbour on either side, and each must see its own mirror
image there; between two of them there may be fewer cells than both images need. So with walls
inside the domain every interface gets the cells of its own stencil, which is a row of no cell
between ghost cells. Beyond a wall they are the mirror images of the cells before it, with the
negated fields of opposite sign, as at a wall at the end of the axis
(LeVeque, Finite Volume Methods for Hyperbolic Problems, 2002, section 7.3.3).
"""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from hfluxno.fv.numerical_flux import Cells, Interfaces, Number, Padded
from hfluxno.grid import Grid, pad

# Cells on each side of an interface whose mirror images are on the other side.
_MOST = 2


class Rows(NamedTuple):
    """The rows along one axis.

    - `cells`: (field, *others, padded), or with walls inside (field, *others, interface, stencil).
    - `solid`: with walls inside, which cells are walls, with one ghost cell on each side.
    """

    cells: Padded
    solid: Bool[Array, "*others cells"] | None = None

    def around_cells(self) -> Padded:
        """The rows, or with walls inside the cells around each cell, itself in the middle; around a
        wall they are all alike."""
        if self.solid is None:
            return self.cells
        ghost = self.cells.shape[-1] // 2
        below, above = self.cells[..., :-1, :ghost], self.cells[..., 1:, ghost - 1 :]
        around = jnp.concatenate([below, above], axis=-1)
        inside = _expanded(self.solid[..., 1:-1], around.ndim - 1)[..., None]
        return jnp.where(inside, around[..., ghost : ghost + 1], around)

    def closed(
        self, interface_flux: Float[Array, "field *given"], negated_fields: tuple[int, ...]
    ) -> Interfaces:
        """The fluxes that a scheme gives for `cells`, with walls inside closed for all but the
        negated fields."""
        if self.solid is None:
            return interface_flux
        flux = interface_flux[..., 0]
        passing = np.zeros(len(flux), bool)
        passing[list(negated_fields)] = True
        at_wall = _expanded(self.solid[..., 1:] != self.solid[..., :-1], flux.ndim)
        stopped = at_wall & jnp.asarray(~passing).reshape(-1, *[1] * (flux.ndim - 1))
        return jnp.where(stopped, 0.0, flux)


def rows(
    u: Cells,
    grid: Grid,
    ghost: int,
    negated_fields: tuple[int, ...],
    axis: int,
    time: Number | float = 0.0,
) -> Rows:
    """The rows along an axis, which becomes the last one, with `ghost` cells on each side.

    Raises `ValueError` if there are walls inside and a scheme needs more than two ghost cells.
    """
    last = u.ndim - len(grid.shape) + axis
    padded = jnp.moveaxis(pad(u, grid, ghost, negated_fields, axis, time), last, -1)
    if grid.solid is None:
        return Rows(padded)
    if ghost > _MOST:
        raise ValueError(
            f"Walls inside the domain need a scheme with one or two ghost cells, such as MUSCL; "
            f"this one has {ghost}."
        )
    flags = jnp.asarray(grid.solid)[None].astype(u.dtype)
    solid = jnp.moveaxis(pad(flags, grid, ghost, (), axis), 1 + axis, -1)[0] > 0.5
    sign = np.ones(len(u))
    sign[list(negated_fields)] = -1.0
    return _stencils(_cleared(padded, solid), solid, ghost, jnp.asarray(sign, u.dtype))


def cleared(u: Cells, grid: Grid) -> Cells:
    """The states with that of one other cell in the walls inside, whatever is there."""
    return u if grid.solid is None else _cleared(u, jnp.asarray(grid.solid))


def _cleared(u, solid):
    lead = u.shape[: u.ndim - solid.ndim]
    one = u.reshape(*lead, -1)[..., jnp.argmin(solid.ravel())]
    return jnp.where(_expanded(solid, u.ndim), one.reshape(*lead, *[1] * solid.ndim), u)


def _stencils(u, solid, ghost: int, sign) -> Rows:
    count = u.shape[-1] - 2 * ghost + 1

    def at(array, offset: int):
        """The cells at this distance from those below the interfaces."""
        return array[..., ghost - 1 + offset : ghost - 1 + offset + count]

    def beyond(wall, here, cell):
        """A further cell, or the mirror image of the one before it."""
        return jnp.where(_expanded(wall, u.ndim), mirrored(here), cell)

    def mirrored(part):
        return part * sign.reshape(-1, *[1] * (part.ndim - 1))

    below, above = [at(u, 0)], [at(u, 1)]
    if ghost == _MOST:
        below.insert(0, beyond(at(solid, -1), below[0], at(u, -1)))
        above.append(beyond(at(solid, 2), above[0], at(u, 2)))
    low, high = (jnp.stack(part, axis=-1) for part in (below, above))
    first, second = at(solid, 0), at(solid, 1)
    one, both = (_expanded(part, u.ndim)[..., None] for part in (first & ~second, first & second))
    other = _expanded(second & ~first, u.ndim)[..., None]
    inside = jnp.stack([at(u, 0)] * ghost, axis=-1)
    lower = jnp.where(one, mirrored(jnp.flip(high, -1)), jnp.where(both, inside, low))
    upper = jnp.where(other, mirrored(jnp.flip(low, -1)), jnp.where(both, inside, high))
    own = solid[..., ghost - 1 : solid.shape[-1] - ghost + 1]
    return Rows(jnp.concatenate([lower, upper], axis=-1), own)


def _expanded(flags, ndim: int):
    return flags.reshape(*[1] * (ndim - flags.ndim), *flags.shape)
