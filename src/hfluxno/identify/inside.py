"""The law of a system whose ends are not known, from the cells between them.

Waves that enter at an end pass the outermost cell first, and complete frames show it. So between
the outermost cells the law is found as in any frames, with the state at their inner sides, the mean
of two cells, given at the times of the frames. Only then are the ends estimated, with this law.
"""

import dataclasses
from collections.abc import Callable

import numpy as np

from hfluxno.boundary import Given, Open
from hfluxno.grid import Grid
from hfluxno.identify.joint.first_state import shows_first_state
from hfluxno.identify.joint.forward import Scale
from hfluxno.identify.joint.prior import in_cells_and_frames
from hfluxno.identify.result import Identification
from hfluxno.identify.saved.held import with_law
from hfluxno.identify.saved.law import to_save
from hfluxno.identify.status import FitStatus
from hfluxno.trajectory import Trajectory

# Internal cells per cell for the ends, which have many unknowns: of two fields and of two with
# sources. Of three fields, whose derivatives take ten times as long, and with sources where the
# first state has noise and is unknown too, the cells of the data.
_FINEST, _WITH_SOURCES = 4, 2


def identify_inside(
    context: Trajectory, fitted: Callable[[Trajectory, Grid], Identification]
) -> Identification | None:
    """The law and the ends of complete frames at equal times, or `None` if no law explains what
    lies between the ends and a joint estimate may find a better one.

    - `fitted`: fits a law to a context on a grid with cells and frames as units.
    """
    inside = _inside(context)
    found = fitted(inside, in_cells_and_frames(inside.grid, Scale.of(inside)))
    explained = found.status == FitStatus.OK
    # A joint estimate of the law takes at most two fields, and knows no sources of them.
    only_here = len(context.fields) > 2 or found.law.terms is not None
    if found.status == FitStatus.FAILED or not (explained or only_here):
        return None
    saved = to_save(found)
    finest = _FINEST if found.law.terms is None else _WITH_SOURCES
    noisy = found.law.terms is not None and not shows_first_state(context)
    finest = 1 if noisy or len(context.fields) > 2 else min(saved.scheme.refinement, finest)
    saved = dataclasses.replace(saved, scheme=dataclasses.replace(saved.scheme, refinement=finest))
    whole = with_law(saved, context)
    if whole is None:
        return None
    return dataclasses.replace(
        whole,
        candidate=found.candidate,
        status=whole.status if explained else found.status,
        # The figures of a warning are those that it was given for.
        misfit=whole.misfit if explained else found.misfit,
        residual=whole.residual if explained else found.residual,
        tried=found.tried,
        recognised=found.recognised,
    )


def _inside(context: Trajectory) -> Trajectory:
    """The cells between the outermost ones at open ends, with the states there as given ends."""
    values, grid, times = np.asarray(context.values), context.grid, np.asarray(context.times, float)
    open_ends = [isinstance(end, Open) for end in grid.boundary[0]]
    first, last = int(open_ends[0]), values.shape[2] - int(open_ends[1])
    states = [values[:, :, cells].mean(axis=2).T for cells in (slice(2), slice(-2, None))]
    lower, upper = (
        Given(times, state) if is_open else end
        for end, state, is_open in zip(grid.boundary[0], states, open_ends, strict=True)
    )
    edges = tuple(grid.lower[0] + cell * grid.spacing[0] for cell in (first, last))
    inner = Grid(edges[:1], edges[1:], (last - first,), ((lower, upper),))
    return dataclasses.replace(context, values=values[:, :, first:last], grid=inner)
