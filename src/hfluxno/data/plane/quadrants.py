"""An example on a plane: four gases that meet, in the layout of The Well.

It is solved on finer cells than those that a forecast of it has, and averaged.
"""

from pathlib import Path

import equinox as eqx
import h5py
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from hfluxno.fv import MUSCL, StepControl, solve
from hfluxno.grid import Grid
from hfluxno.laws import Euler

GAMMA = 1.4
_CELLS, _PART, _FRAMES, _INTERVAL = 48, 3, 21, 0.02
# Density, velocity along x and y, and pressure from the lower left to the upper right.
_GASES = (
    ((0.8, 0.1, 0.3, 1.0), (0.5, 0.6, -0.2, 0.6)),
    ((1.2, -0.4, -0.3, 1.4), (1.6, -0.2, 0.4, 0.9)),
)
_LOW, _HIGH = (0.22, 0.3), (0.7, 0.78)  # of the gases that differ from the first, along x and y


def write_quadrants(path: Path) -> None:
    """Solves the example and writes it.

    **Raises:**

    - `OSError`, where it cannot be written.
    """
    write_well(path, quadrants(), _INTERVAL * np.arange(_FRAMES))


def quadrants() -> Float[np.ndarray, "time field x y"]:
    """(ρ, m_x, m_y, E) on [0, 1]² with periodic sides, cell averages."""
    fine = _CELLS * _PART
    x = (np.arange(fine) + 0.5) / fine
    column, row = (
        ((x > low) & (x < high)).astype(int) for low, high in zip(_LOW, _HIGH, strict=True)
    )
    times = _INTERVAL * np.arange(_FRAMES)
    with jax.enable_x64(True):
        law = Euler(2, GAMMA)
        gas = jnp.asarray(np.array(_GASES)[row[None, :], column[:, None]])
        density, u, v, pressure = jnp.moveaxis(gas, -1, 0)
        initial = law.conserved(density, jnp.stack([u, v]), pressure)
        flux, control = MUSCL(law, "van-leer", "hllc"), StepControl(0.45, 0.45, lagged=False)
        solved = eqx.filter_jit(solve)(flux, initial, times, Grid.rectangle((fine, fine)), control)
    shape = (_FRAMES, 4, _CELLS, _PART, _CELLS, _PART)
    return np.asarray(solved.values).reshape(shape).mean(axis=(3, 5))


def write_well(
    path: Path, states: Float[np.ndarray, "time field x y"], times: Float[np.ndarray, " time"]
) -> None:
    """Writes a gas (ρ, m_x, m_y, E) on [0, 1]² with periodic sides as The Well does.

    **Raises:**

    - `OSError`, where it cannot be written.
    """
    always = {"sample_varying": False, "time_varying": False}
    varying = {"dim_varying": [True, True], "sample_varying": True, "time_varying": True}
    numbers = states.astype(np.float32)[np.newaxis]
    with h5py.File(path, "w") as file:
        file.attrs["dataset_name"] = "quadrants"
        file.attrs["grid_type"] = "cartesian"
        file.attrs["n_spatial_dims"], file.attrs["n_trajectories"] = 2, 1
        file.attrs["simulation_parameters"] = np.array([], dtype=h5py.string_dtype())
        dimensions = file.create_group("dimensions")
        dimensions.attrs["spatial_dims"] = ["x", "y"]
        sides = file.create_group("boundary_conditions")
        dimensions.create_dataset("time", data=times.astype(np.float32)).attrs.update(always)
        for axis, cells in zip("xy", states.shape[2:], strict=True):
            centers = ((np.arange(cells) + 0.5) / cells).astype(np.float32)
            dimensions.create_dataset(axis, data=centers).attrs.update(always)
            side = sides.create_group(f"{axis}_periodic")
            side.attrs.update({"bc_type": "PERIODIC", "associated_dims": [axis]} | always)
            side.attrs["associated_fields"] = np.array([], dtype=h5py.string_dtype())
            ends = (np.arange(cells) % (cells - 1)) == 0
            side.create_dataset("mask", data=ends)
        for group, names in (("t0_fields", ["density", "energy"]), ("t1_fields", ["momentum"])):
            file.create_group(group).attrs["field_names"] = names
        for name in ("t2_fields", "scalars"):
            empty = np.array([], dtype=h5py.string_dtype())
            file.create_group(name).attrs["field_names"] = empty
        fields = {
            "t0_fields/density": numbers[:, :, 0],
            "t0_fields/energy": numbers[:, :, 3],
            "t1_fields/momentum": np.moveaxis(numbers[:, :, 1:3], 2, -1),
        }
        for name, values in fields.items():
            file.create_dataset(name, data=values).attrs.update(varying)
