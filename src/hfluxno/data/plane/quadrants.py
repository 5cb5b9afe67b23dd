"""An example on a plane: four gases that meet, in the layout of The Well.

It is solved on finer cells than those of the example, and averaged.
"""

from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from hfluxno.data.plane.well_writer import write_well
from hfluxno.fv import MUSCL, StepControl, solve
from hfluxno.grid import Grid, averaged
from hfluxno.laws import Euler

GAMMA = 1.4
_FIELDS = ("density", "momentum_x", "momentum_y", "energy")
_CELLS, _PART = 48, 3
TIMES = 0.02 * np.arange(21)
# Density, velocity along x and y, and pressure from the lower left to the upper right.
_GASES = (
    ((0.8, 0.1, 0.3, 1.0), (0.5, 0.6, -0.2, 0.6)),
    ((1.2, -0.4, -0.3, 1.4), (1.6, -0.2, 0.4, 0.9)),
)
_LOW, _HIGH = (0.22, 0.3), (0.7, 0.78)  # ends of the other gases along x and y


def write_gas(
    path: Path, states: Float[np.ndarray, "time field x y"], times: Float[np.ndarray, " time"]
) -> None:
    """Writes a gas (ρ, m_x, m_y, E) on [0, 1]² with periodic sides as The Well does. Raises
    `OSError` if it cannot be written.
    """
    centers = ((np.arange(cells) + 0.5) / cells for cells in states.shape[2:])
    coordinates = dict(zip(("time", "x", "y"), (times, *centers), strict=True))
    single = {axis: entries.astype(np.float32) for axis, entries in coordinates.items()}
    write_well(path, "quadrants", _FIELDS, single, [states[np.newaxis].astype(np.float32)])


def quadrants() -> Float[np.ndarray, "time field x y"]:
    """(ρ, m_x, m_y, E) on [0, 1]² with periodic sides, cell averages."""
    fine = _CELLS * _PART
    x = (np.arange(fine) + 0.5) / fine
    column, row = (
        ((x > low) & (x < high)).astype(int) for low, high in zip(_LOW, _HIGH, strict=True)
    )
    with jax.enable_x64(True):
        law = Euler(2, GAMMA)
        gas = jnp.asarray(np.array(_GASES)[row[None, :], column[:, None]])
        density, u, v, pressure = jnp.moveaxis(gas, -1, 0)
        initial = law.conserved(density, jnp.stack([u, v]), pressure)
        flux, control = MUSCL(law, "van-leer", "hllc"), StepControl(0.45, 0.45, lagged=False)
        solved = eqx.filter_jit(solve)(flux, initial, TIMES, Grid.rectangle((fine, fine)), control)
    return averaged(np.asarray(solved.values), (_CELLS, _CELLS))
