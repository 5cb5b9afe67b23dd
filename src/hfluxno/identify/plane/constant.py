"""The constant of a flux, which only walls show.

A flux is known up to a constant, since only its changes move anything. But nothing passes a wall,
so what is left there is the flux that arrives, constant and all. With ψ χ η of compact support that
reaches over walls, and integrals over the other cells,

    ∫∫∫ u ψ_t χ η + (F(u) + c_0) ψ χ_x η + (G(u) + c_1) ψ χ η_y dx dy dt = 0

has no terms at walls either, and gives c_0 and c_1 by least squares. The mass of a fluid moves with
its momentum, whose sign a wall changes, so it has no such constant.
"""

import dataclasses

import numpy as np

from hfluxno.identify.plane.frames import Frames
from hfluxno.identify.plane.jumps import jumps
from hfluxno.parametric.plane.law import FittedPlaneLaw
from hfluxno.parametric.plane.weak_form import CELLS, INTERVALS, bumps, over_x, time_rows, widths

# The cells of a wall at a side of the plane that test functions may cover.
_BEYOND = CELLS[0] // 2


def with_constant(law: FittedPlaneLaw, seen: Frames) -> FittedPlaneLaw:
    """The law with the constants of its fluxes, if it has neither a momentum nor sources nor
    diffusion nor a flow, and there are walls; lengths in cells and times in intervals."""
    sides = [[_BEYOND * side.is_closed for side in pair] for pair in seen.grid.boundary]
    known = law.vectors or law.has_further or law.flow is not None
    if known or (seen.grid.solid is None and not np.any(sides)):
        return law
    free = np.pad(seen.grid.free, sides)
    outside = ((0, 0), (0, 0), *sides)
    values = np.pad(seen.filled, outside) * free
    fluxes = [np.pad(_averages(law, seen, axis), outside) * free for axis in (0, 1)]
    frames, fields, *cells = values.shape
    normal, right = np.zeros((2, 2)), np.zeros((2, fields))
    for width in widths(CELLS, min(seen.grid.shape)):
        along = [bumps(n, width, around) for n, around in zip(cells, seen.around, strict=True)]
        (x0, x1, _), (y0, y1, _) = along
        touching = (x0 > 0.0).astype(float) @ ~free @ (y0 > 0.0).T > 0.0
        scale = 1.0 / np.sqrt(np.sum(x1**2) * np.sum(y0**2))
        ones = scale * np.stack([x1 @ free @ y0.T, x0 @ free @ y1.T])[:, touching]

        def against(rows_x, rows_y, each, touching=touching, scale=scale):
            """(field, place, time)"""
            part = np.tensordot(each, rows_y, ((3,), (1,)))
            return (
                scale * np.stack([over_x(rows_x, part[:, i]) for i in range(fields)])[:, touching]
            )

        kept = against(x0, y0, values)
        moved = against(x1, y0, fluxes[0]) + against(x0, y1, fluxes[1])
        for still, moving, _ in (time_rows(seen.at, n) for n in widths(INTERVALS, frames - 1)):
            rest = -(kept @ moving.T + moved @ still.T)
            columns = np.einsum("ap,t->apt", ones, still.sum(axis=1)).reshape(2, -1)
            normal += columns @ columns.T
            right += columns @ rest.reshape(fields, -1).T
    return dataclasses.replace(law, constant=np.linalg.pinv(normal, rcond=1e-6) @ right)


def _averages(law: FittedPlaneLaw, seen: Frames, axis: int) -> np.ndarray:
    """The averages of a flux over the cells, (time, field, x, y)."""
    states = np.moveaxis(seen.filled, 1, 0)
    if len(states) > 1:
        return np.moveaxis(law.flux(states, axis), 0, 1)
    field = jumps(states[0], seen.around)
    return field.average(lambda u: law.flux(u[None], axis)[0])[:, None]
