"""How a trajectory is measured: noise, missing values, sensors in only some of the cells."""

import dataclasses

import numpy as np

from hfluxno.plural import plural
from hfluxno.trajectory import Trajectory


@dataclasses.dataclass(frozen=True)
class Measuring:
    """How a context is measured, on a plane without `sensors`.

    - `noise`: its standard deviation, as a fraction of that of the field.
    - `missing`: the fraction of values lost at random.
    - `sensors`: the number of evenly spread cells with a sensor; 0 for all cells.
    """

    noise: float = 0.0
    missing: float = 0.0
    sensors: int = 0


def measured(context: Trajectory, how: Measuring) -> Trajectory:
    """The context as measured. Raises `ValueError` if a fraction is not between 0 and 1, or there
    are more sensors than cells, or any on a plane."""
    cells, *on_plane = context.grid.shape
    if not 0.0 <= how.noise <= 1.0:
        raise ValueError(f"The noise must be between 0 and 100 %; got {100 * how.noise:g} %.")
    if not 0.0 <= how.missing < 1.0:
        raise ValueError(
            f"The missing fraction must be between 0 and 99 %; got {100 * how.missing:g} %."
        )
    if on_plane and how.sensors:
        raise ValueError(
            "A law on a plane is not inferred from a few sensors; set them to 0, for all cells."
        )
    if not 0 <= how.sensors <= cells:
        raise ValueError(
            f"There are {cells} cells, so choose up to {plural(cells, 'sensor')}, or 0 for all."
        )
    values = np.array(context.values, np.float64)
    chance = np.random.default_rng(0)
    if how.noise > 0.0:
        size = np.nanstd(values, axis=(0, *range(2, values.ndim)), keepdims=True)
        values += how.noise * size * chance.standard_normal(values.shape)
    if how.missing > 0.0:
        values[chance.random(values.shape) < how.missing] = np.nan
    if 0 < how.sensors < cells:
        unseen = np.ones(cells, bool)
        unseen[((np.arange(how.sensors) + 0.5) * cells / how.sensors).astype(int)] = False
        values[..., unseen] = np.nan
    if on_plane:
        return dataclasses.replace(context, values=values)
    times, assumed = np.asarray(context.times), context.ends_assumed
    return Trajectory(values, times, context.grid, context.fields, ends_assumed=assumed)
