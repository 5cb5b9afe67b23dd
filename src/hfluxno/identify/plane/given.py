"""Whether a law that was found in other data explains a context on a plane.

The law is not fitted again. It predicts the last frames of the context from those before, on the
cells of the data or on finer ones, and if there are enough frames its weak form is evaluated.
"""

import jax
import numpy as np

from hfluxno.identify.plane.identification import (
    MINIMUM_CELLS,
    MINIMUM_FRAMES,
    check_frames,
    deviations,
    has_drifted,
    status_of,
)
from hfluxno.identify.plane.result import PlaneIdentification
from hfluxno.identify.plane.run import REFINEMENTS, back_test, relative_error
from hfluxno.identify.plane.saved import SavedPlaneLaw, in_cells
from hfluxno.identify.plane.select import functions_of, left_over
from hfluxno.identify.plane.weak_form import total, weak_systems
from hfluxno.identify.select import last_fitted_frame
from hfluxno.identify.status import FitStatus
from hfluxno.trajectory import Trajectory


def given_plane(saved: SavedPlaneLaw, context: Trajectory, interval: float) -> PlaneIdentification:
    """The result of `identify_plane`, for a given law.

    **Arguments:**

    - `context`: one trajectory of one frame or more.
    - `interval`: the time that counts as one frame.

    **Raises:**

    - `ValueError`, if the fields differ from those of the law, or the context cannot be used.
    """
    values = np.asarray(context.values, np.float64)
    _check(saved, context, values)
    grid, moves = context.grid, bool(np.any(values != values[:1]))
    law = in_cells(saved.law, grid, interval)
    error = persistence = misfit = float("nan")
    status, refinement = FitStatus.NOT_CHECKED, max(saved.refinement, *REFINEMENTS)
    if moves:
        last = last_fitted_frame(len(values))
        persistence = relative_error(values[last : last + 1], values[last + 1 :])
        with jax.enable_x64(True):
            error, refinement = back_test(law, values, last, grid)
        if len(values) >= MINIMUM_FRAMES:
            misfit = _misfit(law, values, (grid.is_periodic(0), grid.is_periodic(1)))
        status = status_of(error, persistence, misfit, not has_drifted(values, grid))
    return PlaneIdentification(
        law=saved.law,
        status=status,
        backtest_error=error,
        persistence_error=persistence,
        misfit=misfit,
        isotropic=saved.isotropic,
        recognised=saved.recognised,
        terms=saved.terms,
        refinement=refinement,
        grid_law=law,
        cell=(float(grid.spacing[0]), float(grid.spacing[1])),
        interval=interval,
        is_given=True,
    )


def _misfit(law, values: np.ndarray, around: tuple[bool, bool]) -> float:
    system = total(weak_systems(values, functions_of(law.basis, around), around))
    coefficients = np.asarray(law.coefficients).swapaxes(0, 1)
    return left_over(system, coefficients, deviations(values, law.vectors))


def _check(saved: SavedPlaneLaw, context: Trajectory, values: np.ndarray) -> None:
    fields = saved.law.fields
    if context.fields != fields:
        raise ValueError(
            f"The law has the fields {', '.join(map(repr, fields))}, and the context "
            f"{', '.join(map(repr, context.fields))}; select or rename those of the context so "
            "that they are the same, in the same order."
        )
    if min(context.grid.shape) < MINIMUM_CELLS:
        raise ValueError(
            f"A context on a plane needs at least {MINIMUM_CELLS} × {MINIMUM_CELLS} cells; this "
            f"one has {context.grid.shape[0]} × {context.grid.shape[1]}."
        )
    check_frames(context, values)
    for i in saved.law.positive:
        if not np.all(values[:, i] > 0.0):
            raise ValueError(
                f"The law divides by {fields[i]!r}, which is {np.min(values[:, i]):.4g} somewhere "
                "in the context; cut those places out, or fill them."
            )
