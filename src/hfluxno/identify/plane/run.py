"""Solving a law on a plane on the cells of the data or on finer ones.

MUSCL with the flux of Harten, Lax and van Leer, which only needs the flux of a law and bounds of
its speeds; known laws of fluids also have the contact between them (HLLC), which keeps what moves
with the flow sharp. Lengths are in cells and times in frames.
"""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from hfluxno.fv import MUSCL, Status, StepControl, solve
from hfluxno.grid import Grid
from hfluxno.identify.plane.law import FittedPlaneLaw
from hfluxno.identify.subgrid import prolong
from hfluxno.identify.track import padded_intervals
from hfluxno.stored_jit import stored_jit

_CONTROL = StepControl(0.45, 0.45, lagged=False)
# Between two frames: enough for a wave to cross 200 cells. A run that needs more has blown up.
_MOST_STEPS = 1000
# Internal cells along each axis of a cell of the data; the back-test chooses.
REFINEMENTS = (1, 2)


def unit_grid(grid: Grid) -> Grid:
    """The same cells with sides of length 1."""
    upper = tuple(float(cells) for cells in grid.shape)
    return dataclasses.replace(grid, lower=(0.0,) * len(upper), upper=upper)


def advance(
    law: FittedPlaneLaw,
    initial: Float[np.ndarray, "field x y"],
    intervals: Float[np.ndarray, " interval"],
    grid: Grid,
    refinement: int,
) -> tuple[Float[np.ndarray, "interval field x y"], bool]:
    """The states after each of the intervals on the cells of the data, which are those of `grid`,
    and whether all could be solved."""
    size = len(padded_intervals(len(intervals), 0))
    padded = np.zeros(size)
    padded[: len(intervals)] = intervals
    frames, status = _advance(law, initial, padded, grid, refinement=refinement)
    frames = np.asarray(frames)[: len(intervals)]
    return frames, int(status) == Status.OK and bool(np.all(np.isfinite(frames)))


def back_test(
    law: FittedPlaneLaw, values: Float[np.ndarray, "time field x y"], last: int, grid: Grid
) -> tuple[float, int]:
    """The relative error of the frames after the frame `last`, predicted from it, and the number of
    internal cells for which it is smallest; infinite if no run could be solved."""
    error, refinement = float("inf"), 1
    for factor in REFINEMENTS:
        ahead = np.ones(len(values) - 1 - last)
        predicted, solved = advance(law, values[last], ahead, unit_grid(grid), factor)
        reached = relative_error(predicted, values[last + 1 :]) if solved else float("inf")
        if reached < error:
            error, refinement = reached, factor
    return error, refinement


def relative_error(frames: np.ndarray, truth: np.ndarray) -> float:
    """‖frames - truth‖/‖truth‖."""
    return float(np.sqrt(np.sum((frames - truth) ** 2) / np.sum(truth**2)))


@stored_jit
def _advance(law, initial, intervals, grid, *, refinement):
    fine = grid.refine(refinement)
    flux = MUSCL(law, "mc", "hllc" if law.has_contact else "hll")

    def one(carry, interval):
        u, status = jax.lax.cond(
            carry[1] == Status.OK, further, lambda *same: same[:2], *carry, interval
        )
        return (u, status), mean(u, refinement)

    def further(u, status, interval):
        times = jnp.stack([jnp.zeros_like(interval), interval])
        solution = solve(flux, u, times, fine, _CONTROL, max_steps=_MOST_STEPS)
        return solution.values[-1], solution.status.astype(status.dtype)

    first = prolonged(initial, grid, refinement, flux)
    (_, status), frames = jax.lax.scan(one, (first, jnp.asarray(int(Status.OK))), intervals)
    return frames, status


def prolonged(
    u: Float[Array, "field x y"], grid: Grid, factor: int, flux: MUSCL
) -> Float[Array, "field fine_x fine_y"]:
    """Cell averages on finer cells, first along x and then along y."""
    for axis in range(2):
        if factor == 1:
            break
        rows = jnp.moveaxis(u, 1 + axis, -1)
        fields, across, cells = rows.shape
        negated = tuple(
            int(i) for f in flux.along(axis).negated_fields for i in f * across + np.arange(across)
        )
        line = Grid((0.0,), (float(cells),), (cells,), (grid.boundary[axis],))
        fine = prolong(rows.reshape(fields * across, cells), line, factor, negated)
        u = jnp.moveaxis(fine.reshape(fields, across, -1), -1, 1 + axis)
    return u


def mean(u: Float[Array, "*lead fine_x fine_y"], factor: int) -> Float[Array, "*lead x y"]:
    """The averages over the finer cells of every cell."""
    if factor == 1:
        return u
    *lead, nx, ny = u.shape
    return u.reshape(*lead, nx // factor, factor, ny // factor, factor).mean(axis=(-3, -1))
