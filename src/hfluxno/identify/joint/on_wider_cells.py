"""First estimates of sensors on wider cells, from which those on the cells of a context start.

On wider cells fronts are smeared and few unknowns tell of a state, so fits end less often in wrong
minima; on narrower ones the errors of the scheme no longer count as noise (grid sequencing, and in
4D-Var the multi-incremental method: Veersé and Thépaut, Q. J. R. Meteorol. Soc. 124, 1998,
1889-1908).
"""

import dataclasses

import numpy as np
from jaxtyping import Float

from hfluxno.grid import Grid
from hfluxno.identify.joint.forward import Forward
from hfluxno.observation import Points
from hfluxno.trajectory import Trajectory

# The fewest of them, and the fewest for each place that was measured.
_FEWEST, _OF_A_PLACE = 16, 2
# Of the squares of the modes of a first state: what keeps coefficients from growing where they
# hardly matter.
_LITTLE = 0.01


def on_wider_cells(context: Trajectory) -> Trajectory | None:
    """The same measurements on cells of twice the width; `None` if these are too few, or two
    places that were measured would share one."""
    cells, seen = context.grid.shape[0], np.asarray(context.observed)
    places = np.flatnonzero(seen.any(axis=(0, 1)))
    wide = -(-cells // 2)
    if wide < max(_FEWEST, _OF_A_PLACE * len(places)):
        return None
    at = (places + 0.5 + _offsets(context)[places]) * wide / cells
    into = np.minimum(np.floor(at).astype(int), wide - 1)
    if len(np.unique(into)) < len(places):
        return None
    offsets = np.zeros(wide)
    offsets[into] = np.clip(at - into - 0.5, -0.5, 0.5)
    # Where a value was measured comes before when (see `hfluxno.observation`).
    steps = [each for each in context.observation if not isinstance(each, Points)]
    where = sum(step.derived > 0 for step in steps)
    steps.insert(where, Points(offsets))

    def moved(values):
        found = np.full((*seen.shape[:2], wide), np.nan)
        found[..., into] = np.where(seen, values, np.nan)[..., places]
        return found

    grid, deviation = context.grid, context.deviation
    return dataclasses.replace(
        context,
        values=moved(np.asarray(context.values)),
        grid=Grid(grid.lower, grid.upper, (wide,), grid.boundary),
        observation=tuple(steps),
        deviation=None if deviation is None else moved(np.asarray(deviation)),
    )


def _offsets(context: Trajectory) -> Float[np.ndarray, " cells"]:
    for step in context.observation:
        if isinstance(step, Points):
            return np.asarray(step.offsets)
    return np.zeros(context.grid.shape[0])


def on_own_cells(
    z: Float[np.ndarray, " unknown"], wide: Forward, target: Forward
) -> Float[np.ndarray, " unknown_"]:
    """Unknowns found on wider cells as those of the same kind of law on the cells of the target:
    the law in its units, the first state interpolated, and the ends."""
    ratio = target.settings.grid.shape[0] / wide.settings.grid.shape[0]
    law, sizes = wide.coefficients(z), wide.shape.sizes
    flux, diffusion, *between = np.cumsum(sizes)
    scaled = np.array(law)
    scaled[:flux] *= ratio
    scaled[flux:diffusion] *= ratio**2
    scaled[between[1] : between[2]] *= ratio  # the constant of the flux
    used = np.where(target.spread > 0.0, target.spread, np.inf)
    laws, firsts = len(law), wide.first_modes.shape[0]
    first = wide.first + np.tensordot(z[laws : laws + firsts], wide.first_modes, axes=1)
    centres = (np.arange(target.first.shape[1]) + 0.5) / ratio - 0.5
    first = np.array([np.interp(centres, np.arange(len(u)), u) for u in first])
    modes = np.asarray(target.first_modes).reshape(target.first_modes.shape[0], -1)
    products = modes @ modes.T
    least = _LITTLE * np.trace(products) / max(len(products), 1) * np.eye(len(products))
    found = np.linalg.solve(products + least, modes @ (first - np.asarray(target.first)).ravel())
    return np.concatenate([(scaled - target.center) / used, found, z[laws + firsts :]])
