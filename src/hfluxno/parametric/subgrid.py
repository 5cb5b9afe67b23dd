"""Transfer between the cells of the data and a finer internal grid.

`prolong` splits every cell by a reconstruction, `restrict` takes means; restrict(prolong(u)) = u,
so totals are conserved. The reconstruction is linear and limited, except in a cell with a jump
between two plateaus: its mean determines the place of the jump (Harten, J. Comput. Phys. 83, 1989,
148-184, "subcell resolution").
"""

from typing import overload

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from scipy.ndimage import gaussian_filter1d

from hfluxno.grid import Grid, pad

# Neighbours that differ by less than this fraction of a jump are its plateaus.
_PLATEAU = 0.1
# The place of a predicted jump is uncertain by this many cells.
_CELLS = 2.0


def prolong(
    u: Float[Array, "field cells"], grid: Grid, factor: int, negated_fields: tuple[int, ...] = ()
) -> Float[Array, "field fine"]:
    """Cell averages on the grid that has `factor` times as many cells."""
    return u if factor == 1 else split(pad(u, grid, 2, negated_fields), factor)


def split(padded: Float[Array, "field padded"], factor: int) -> Float[Array, "field fine"]:
    """The same of rows of cells between two ghost cells on each side."""
    u = padded[:, 2:-2]
    step = padded[:, 1:] - padded[:, :-1]
    left, right = step[:, 1:-2], step[:, 2:-1]
    bound = 2.0 * jnp.minimum(jnp.abs(left), jnp.abs(right))
    central = jnp.clip(0.5 * (left + right), -bound, bound)
    slope = jnp.where(left * right > 0.0, central, 0.0)
    offsets = (np.arange(factor) + 0.5) / factor - 0.5
    linear = u[:, :, None] + slope[:, :, None] * jnp.asarray(offsets, u.dtype)[None, None]

    before, after = padded[:, 1:-3], padded[:, 3:-1]
    jump = after - before
    outer = jnp.maximum(jnp.abs(step[:, :-3]), jnp.abs(step[:, 3:]))
    is_jump = (left * right > 0.0) & (outer < _PLATEAU * jnp.abs(jump))
    part = jnp.where(is_jump, right, 0.0) / jnp.where(is_jump, jump, 1.0)
    covered = jnp.clip(
        factor * part[:, :, None] - jnp.arange(factor, dtype=u.dtype)[None, None], 0.0, 1.0
    )
    sharp = after[:, :, None] - jump[:, :, None] * covered
    fine = jnp.where(is_jump[:, :, None], sharp, linear)
    return fine.reshape(u.shape[0], -1)


@overload
def restrict(u: Float[Array, "*lead fine"], factor: int) -> Float[Array, "*lead cells"]: ...


@overload
def restrict(
    u: Float[np.ndarray, "*lead fine"], factor: int
) -> Float[np.ndarray, "*lead cells"]: ...


def restrict(
    u: Float[Array | np.ndarray, "*lead fine"], factor: int
) -> Float[Array | np.ndarray, "*lead cells"]:
    """The means of every `factor` neighbouring cells."""
    if factor == 1:
        return u
    return u.reshape(*u.shape[:-1], -1, factor).mean(axis=-1)


def partly_even(
    variance: Float[np.ndarray, "time field cells"],
    part: float,
    least: Float[np.ndarray, "field 1"] | float = 0.0,
) -> Float[np.ndarray, "time field cells"]:
    """The variance of values, a part of which is the same in a whole frame: its mean there, and not
    less than `least`. What is estimated is mostly where jumps may be displaced. Elsewhere a law is
    wrong by less, but by more than that."""
    mean = np.maximum(np.mean(variance, axis=-1, keepdims=True), least)
    return (1.0 - part) * variance + part * mean


def near_jumps(
    variance: Float[np.ndarray, "*lead cells"], periodic: bool
) -> Float[np.ndarray, "*lead cells"]:
    """The variance of values, smoothed over the uncertainty of the places of jumps."""
    return gaussian_filter1d(variance, _CELLS, axis=-1, mode="wrap" if periodic else "nearest")
