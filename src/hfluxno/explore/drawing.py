"""A drawing and its solution: the hidden law is solved on finer cells, with a scheme other than the
one that an identification tries first, and averaged to the observed cells."""

import dataclasses

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from hfluxno.explore.curves import DrawnFlux, Points, state_curve
from hfluxno.fv import MUSCL, Status, StepControl, solve
from hfluxno.grid import Grid, averaged
from hfluxno.stored_jit import stored_jit
from hfluxno.trajectory import Trajectory

# As in the training of the shipped networks, so that they can be compared.
CELLS, INTERVAL = 100, 0.005
_FINER = 8
# What can be solved, and a law inferred from it, while one waits.
MOST_FRAMES, MOST_STEPS = 200, 1000
_PRESENT_STATE = (0.4, 0.4)

SIDES = ("periodic", "outflow", "wall")  # also of a plane
ENDS = (*SIDES, "open")

STATES: dict[str, Points] = {
    "a hill": ((0.05, 0.2), (0.2, 0.3), (0.35, 0.85), (0.5, 0.45), (0.7, 0.25), (0.9, 0.2)),
    "two waves": ((0.05, 0.5), (0.2, 0.8), (0.4, 0.25), (0.6, 0.65), (0.8, 0.2), (0.95, 0.4)),
    "a jam": ((0.05, 0.25), (0.3, 0.25), (0.34, 0.85), (0.6, 0.85), (0.64, 0.25), (0.95, 0.25)),
}
FLUXES: dict[str, Points] = {
    "traffic": ((0.0, 0.0), (0.25, 0.375), (0.5, 0.5), (0.75, 0.375), (1.0, 0.0)),
    "Burgers": ((0.0, 0.0), (0.25, 0.0625), (0.5, 0.25), (0.75, 0.5625), (1.0, 1.0)),
    "two phases": ((0.0, 0.0), (0.25, 0.1), (0.5, 0.5), (0.75, 0.9), (1.0, 1.0)),
    "a bend": ((0.0, 0.0), (0.25, 0.45), (0.5, 0.45), (0.75, 0.4), (1.0, 0.8)),
}


@dataclasses.dataclass(frozen=True)
class Drawing:
    """A first state and a hidden flux, as points; x and u are in [0, 1].

    - `state`: points (x, u).
    - `flux`: points (u, f).
    - `ends`: one of `ENDS`. Beyond `open` ends the state continues as its mirror image.
    """

    state: Points
    flux: Points
    ends: str = "periodic"


def solved(drawing: Drawing, frames: int) -> tuple[Trajectory, DrawnFlux]:
    """The trajectory of a drawing on the observed cells, and its law. Raises `ValueError` if points
    are too close together, the ends are unknown, or the law cannot be solved."""
    if drawing.ends not in ENDS:
        raise ValueError(f"Unknown ends {drawing.ends!r}; choose one of {', '.join(ENDS)}.")
    law = DrawnFlux.through(drawing.flux)
    cells = CELLS * _FINER
    x = (np.arange(cells) + 0.5) / cells
    initial = state_curve(drawing.state, x, drawing.ends == "periodic")
    if drawing.ends == "open":
        initial = np.concatenate([initial, initial[::-1]])
        grid = Grid.interval(2 * cells, 0.0, 2.0)
    else:
        grid = Grid.interval(cells, boundary=drawing.ends)  # type: ignore[arg-type]
    times = INTERVAL * np.arange(frames)
    states, status = map(np.asarray, _run(law, initial[None], times, grid))
    if status != Status.OK or not np.all(np.isfinite(states)):
        raise ValueError("The drawn flux cannot be solved: it is too steep; draw a flatter one.")
    seen = averaged(states[..., :cells], (CELLS,))
    ends = Grid.interval(CELLS, boundary=drawing.ends)  # type: ignore[arg-type]
    return Trajectory(seen, times, ends, law.fields), law


@stored_jit
def _run(
    law: DrawnFlux, initial: Float[Array, "field cell"], times: Float[Array, " time"], grid: Grid
) -> tuple:
    solution = solve(MUSCL(law), initial, times, grid, StepControl(*_PRESENT_STATE, False))
    return jnp.asarray(solution.values), solution.status
