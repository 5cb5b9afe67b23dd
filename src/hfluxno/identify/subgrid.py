"""Between the cells of the data and a finer internal grid.

`prolong` splits every cell into equal parts of a limited linear reconstruction, `restrict` takes
the means back; restrict(prolong(u)) = u, so totals are kept.
"""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from hfluxno.grid import Grid, pad


def prolong(
    u: Float[Array, "field cells"], grid: Grid, factor: int, odd_fields: tuple[int, ...] = ()
) -> Float[Array, "field fine"]:
    """Cell averages on the grid that has `factor` times as many cells."""
    if factor == 1:
        return u
    padded = pad(u, grid, 1, odd_fields)
    left, right = padded[:, 1:-1] - padded[:, :-2], padded[:, 2:] - padded[:, 1:-1]
    bound = 2.0 * jnp.minimum(jnp.abs(left), jnp.abs(right))
    central = jnp.clip(0.5 * (left + right), -bound, bound)
    slope = jnp.where(left * right > 0.0, central, 0.0)
    offsets = (np.arange(factor) + 0.5) / factor - 0.5
    fine = u[:, :, None] + slope[:, :, None] * jnp.asarray(offsets, u.dtype)[None, None]
    return fine.reshape(u.shape[0], -1)


def restrict(u: Float[Array, "*lead fine"], factor: int) -> Float[Array, "*lead cells"]:
    """The means of every `factor` neighbouring cells."""
    if factor == 1:
        return u
    return jnp.mean(u.reshape(*u.shape[:-1], -1, factor), axis=-1)
