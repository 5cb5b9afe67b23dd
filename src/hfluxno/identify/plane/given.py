"""Whether a law that was found in other data explains a context on a plane.

The law is not fitted again. It predicts the last frames of the context from those before, on the
cells of the data or on finer ones. If there are enough frames its weak form is evaluated, and if
not, what it misses is compared with the error of the scheme.
"""

import dataclasses

import jax
import numpy as np

from hfluxno.coordinates import is_vacuum
from hfluxno.identify.accepted import check_fields
from hfluxno.identify.frames.select import last_fitted_frame
from hfluxno.identify.plane.causes import NONE, causes_of
from hfluxno.identify.plane.constant import with_constant
from hfluxno.identify.plane.frames import Frames, frames_of
from hfluxno.identify.plane.identification import MINIMUM_CELLS, MINIMUM_FRAMES, status_of
from hfluxno.identify.plane.residual import residual
from hfluxno.identify.plane.result import PlaneIdentification
from hfluxno.identify.plane.run import (
    REFINEMENTS,
    Start,
    back_test,
    best_start,
    is_affordable,
    plain_starts,
    relative_error,
)
from hfluxno.identify.plane.saved import SavedPlaneLaw, in_cells
from hfluxno.identify.plane.systematic import misses_change
from hfluxno.identify.status import FitStatus
from hfluxno.parametric.plane.weak_form import has_room
from hfluxno.trajectory import Trajectory


def given_plane(saved: SavedPlaneLaw, context: Trajectory, interval: float) -> PlaneIdentification:
    """The result of `identify_plane`, for a given law.

    - `context`: one trajectory of one frame or more.
    - `interval`: the time that counts as one frame.

    Raises `ValueError` if the fields differ from those of the law, or the context cannot be used.
    """
    seen = dataclasses.replace(_checked(saved, context), interval=interval)
    values, grid = seen.filled, context.grid
    law = in_cells(saved.law, grid, interval)
    if law.constant is None and len(values) >= MINIMUM_FRAMES:
        law = with_constant(law, seen)
    error = persistence = misfit = beyond = float("nan")
    causes = NONE
    finer = saved.refinement if is_affordable(grid, saved.refinement) else 1
    status, start = FitStatus.NOT_CHECKED, Start("restart", max(finer, *REFINEMENTS))
    if np.any(values != values[:1]):
        last = last_fitted_frame(len(values))
        persistence = relative_error(values[last : last + 1], seen.values[last + 1 :])
        with jax.enable_x64(True):
            _, start = back_test(law, seen, last, plain_starts(seen))
            error, start = best_start(law, seen, last, start)
        if len(values) >= MINIMUM_FRAMES and has_room(grid.free, seen.around):
            misfit, beyond = residual(law, seen)
        causes = causes_of(law, seen)
        status = status_of(law, seen, start, error, persistence, beyond, causes)
        # A wrong law may halve the error of repeating a frame, which the weak form would show.
        if status == FitStatus.OK and np.isnan(misfit) and misses_change(law, seen, start):
            status = FitStatus.POOR_FIT
    return PlaneIdentification(
        law=saved.law,
        status=status,
        backtest_error=error,
        persistence_error=persistence,
        misfit=misfit,
        isotropic=saved.isotropic,
        recognised=saved.recognised,
        terms=saved.terms,
        refinement=start.refinement,
        mode=start.mode,
        missing=seen.missing,
        grid_law=law,
        cell=(float(grid.spacing[0]), float(grid.spacing[1])),
        interval=interval,
        causes=causes,
        is_given=True,
    )


def _checked(saved: SavedPlaneLaw, context: Trajectory) -> Frames:
    fields = saved.law.fields
    check_fields(fields, context.fields)
    if min(context.grid.shape) < MINIMUM_CELLS:
        raise ValueError(
            f"A context on a plane needs at least {MINIMUM_CELLS} × {MINIMUM_CELLS} cells; this "
            f"one has {context.grid.shape[0]} × {context.grid.shape[1]}."
        )
    seen = frames_of(context)
    for i in saved.law.positive:
        if is_vacuum(seen.filled[:, i]).any():
            raise ValueError(
                f"The law divides by {fields[i]!r}, which is {np.min(seen.filled[:, i]):.4g} "
                "somewhere in the context; cut those places out, or fill them."
            )
    return seen
