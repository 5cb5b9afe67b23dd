"""The search for a candidate on averages over neighbouring cells, for contexts of many cells.

Averages over cells of a conservation law obey the same law, and a fit on a quarter of the cells
takes a sixteenth of the time, with explicit diffusion a sixty-fourth. Only the choice is taken
over: the law itself is fitted to all cells.
"""

import dataclasses

import numpy as np

from hfluxno.grid import Grid
from hfluxno.identify.frames.candidate import Candidate
from hfluxno.trajectory import Trajectory

# The fewest and the most cells of the averages.
_FEWEST, _MOST = 128, 256


def coarsening(cells: int) -> int:
    """How many cells are averaged into one for the search; 1 if none are."""
    if cells < 2 * _MOST:
        return 1
    factors = range(-(-cells // _MOST), cells // _FEWEST + 1)
    return next((factor for factor in factors if cells % factor == 0), 1)


def averaged(
    values: np.ndarray, grid: Grid, seen: np.ndarray | None, factor: int
) -> tuple[np.ndarray, Grid, np.ndarray | None]:
    """Values (time, field, cells), their grid and what was seen, averaged over `factor` cells; an
    average is seen if all its cells are."""
    cells = grid.shape[0] // factor

    def blocks(array: np.ndarray) -> np.ndarray:
        return array.reshape(*array.shape[:2], cells, factor)

    coarse = Grid(grid.lower, grid.upper, (cells,), grid.boundary)
    return blocks(values).mean(-1), coarse, None if seen is None else blocks(seen).all(-1)


def averaged_context(context: Trajectory) -> Trajectory | None:
    """The same over averages; `None` if it has too few cells, or was not measured cell by cell."""
    factor = coarsening(context.grid.shape[0])
    if factor == 1 or context.observation:
        return None
    values, seen = np.asarray(context.values), np.asarray(context.observed)
    mean, grid, known = averaged(np.where(seen, values, 0.0), context.grid, seen, factor)
    assert known is not None
    deviation = None
    if context.deviation is not None:
        variance = averaged(np.asarray(context.deviation) ** 2, context.grid, None, factor)[0]
        deviation = np.sqrt(variance / factor)
    found = np.where(known, mean, np.nan)
    return dataclasses.replace(context, values=found, grid=grid, deviation=deviation)


def on_all_cells(found: Candidate, factor: int) -> tuple[Candidate, ...]:
    """What is fitted to all cells after `found` was chosen on the averages: it, on an internal grid
    no finer than its own was, after those that it starts from."""
    here = dataclasses.replace(found, refinement=max(1, found.refinement // factor))
    if found.sparse == "fit":
        return dataclasses.replace(here, sparse=None), here
    if found.rival:
        return dataclasses.replace(here, rival=0), here
    return (here,)
