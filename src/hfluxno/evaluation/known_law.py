"""The true law, solved again from the last frame of a context: a lower bound for any forecast.

The remaining error is due to the step size of the solver, which frames do not show. On other
numbers of cells it is the classical solver for comparing the cost of a forecast: the frame is
averaged to coarser cells, or repeated on finer ones, and the result converted back.
"""

import numpy as np
from jaxtyping import Bool, Float

from hfluxno.batching import map_in_chunks
from hfluxno.data import Configuration, solver
from hfluxno.grid import averaged

_CHUNK = 32


def solve_known_law(
    law: str,
    coefficients: Float[np.ndarray, "window parameter"],
    states: Float[np.ndarray, "window field x"],
    steps: int,
    *,
    interval: float,
    cells: int | None = None,
) -> tuple[Float[np.ndarray, "window steps field x"], Bool[np.ndarray, " window"]]:
    """The `steps` frames after each state, and which windows could be solved; the others repeat
    their state.

    - `law`: the name of the law.
    - `interval`: the time between two frames.
    - `cells`: the number of cells of the solver; `None` for those of the states.

    Raises `ValueError` if neither number of cells is a multiple of the other.
    """
    given = states.shape[-1]
    configuration = Configuration(
        law, cells=cells or given, frames=steps + 1, final_time=steps * interval
    )
    run = solver(configuration)
    initial = resampled(states, configuration.cells).astype(configuration.dtype)
    inputs = (coefficients.astype(configuration.dtype), initial)
    # The cost of a run grows with its speeds, and those with the size of its states.
    cost = np.max(np.abs(initial), axis=(1, 2))
    values, status = map_in_chunks(lambda chunk: run(*chunk), inputs, cost, _CHUNK)
    frames = resampled(values[:, 1:], given)
    solved = (status == 0) & np.all(np.isfinite(frames), axis=(1, 2, 3))
    frames[~solved] = states[~solved, None]
    return frames, solved


def resampled(values: Float[np.ndarray, "*lead x"], cells: int) -> Float[np.ndarray, "*lead cells"]:
    """Cell averages on another number of cells: means of several, or copies of one. Raises
    `ValueError` if neither number is a multiple of the other.
    """
    given = values.shape[-1]
    if given % cells == 0:
        return averaged(values, (cells,))
    if cells % given == 0:
        return np.repeat(values, cells // given, axis=-1)
    raise ValueError(f"{cells} cells are neither a multiple nor a divisor of {given} cells.")
