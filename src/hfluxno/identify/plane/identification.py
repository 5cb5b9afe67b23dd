"""The law behind frames on a plane, and how far to trust it."""

from collections.abc import Iterator

import jax
import numpy as np

from hfluxno.boundary import Outflow
from hfluxno.identify.assembled import kept_by_walls
from hfluxno.identify.frames.select import last_fitted_frame
from hfluxno.identify.plane.causes import Causes, causes_of
from hfluxno.identify.plane.frames import Frames, frames_of
from hfluxno.identify.plane.result import PlaneIdentification
from hfluxno.identify.plane.roles import infer_roles, infer_velocity
from hfluxno.identify.plane.run import Start, relative_error
from hfluxno.identify.plane.saved import rescaled
from hfluxno.identify.plane.search import POOR_MISFIT, Found, search, unexplained
from hfluxno.identify.plane.steady_flow import search_flow
from hfluxno.identify.plane.systematic import is_systematic
from hfluxno.identify.saved.law import known_units
from hfluxno.identify.status import MOST_NOISE, UNEXPLAINED, FitStatus, exceeds, total_drift
from hfluxno.parametric.basis import Dictionary
from hfluxno.parametric.plane.law import FittedPlaneLaw
from hfluxno.parametric.plane.terms import Further, Powers, Roles, possible_sources
from hfluxno.parametric.plane.weak_form import has_room
from hfluxno.shell_words import quoted
from hfluxno.trajectory import Trajectory

# The weak form spans several frames, and a bump several cells.
MINIMUM_FRAMES, MINIMUM_CELLS = 6, 16
MOST_FIELDS = 6
# Totals of fewer frames show no drift.
_FRAMES_OF_DRIFT = 4
# Totals that change by less, in standard deviations, do not change; and a function whose mean is a
# smaller part of its size does not change them.
_KEPT, _BALANCED = 1e-5, 1e-2
# Terms are evident if with them the weak form leaves less than this part. It was .2 for friction
# that fluxes had hidden, .4 or more for the viscosity of schemes (four contexts without a source).
_EVIDENT = 0.3
_BY_NOISE = 6.0  # standard deviations, the largest difference of some totals
# Coefficients of a diffusivity that depends on a field.
_POWERS = 3
# A diffusivity that depends on the field is tried first if a constant one leaves more than this of
# the equations, and it at most this fraction of that. Of fluxes alone that leave no more than this,
# a constant one is not tried.
_LEFT, _CLEARLY = 5e-3, 0.5


def identify_plane(
    context: Trajectory, momentum: tuple[str, str] | None = None, among_others: bool = False
) -> PlaneIdentification:
    """The conservation law that explains frames on a plane.

    If no fluxes alone explain them, sources and diffusion are tried, and for one field then a
    diffusivity that depends on it and a steady flow that carries it, and kept if the law with them
    does. Where fluxes alone explain them, but leave far more of the weak form than with sources and
    diffusion, these are tried, too.

    - `context`: one trajectory of at least 6 frames with measurements on at least 16 × 16 cells,
      between sides that are periodic, walls or outflows, perhaps with walls inside; NaN is a gap.
    - `momentum`: the names of the fields that are the components of the momentum along x and y;
      inferred from F_ρ = c m_x, G_ρ = c m_y if it is `None`.
    - `among_others`: whether the context is part of a batch; if a field of it is constant, or
      nothing changes, it then gets the status `CONSTANT`.

    Raises `ValueError` if the context cannot be used or a name is unknown.
    """
    seen, fields = checked(context, among_others), context.fields
    cell = (float(context.grid.spacing[0]), float(context.grid.spacing[1]))
    if is_uninformative(seen, fields):
        return nothing_to_infer(seen, fields, cell)
    with jax.enable_x64(True):
        aspect, declared = cell[0] / cell[1], indices(momentum, fields)
        roles, moving = infer_roles(seen, aspect, declared), infer_velocity(seen, aspect, declared)
        found = search(seen, roles, fields, cell)
        assert found is not None
        status, causes = _judged(found, seen)
        if status in UNEXPLAINED:
            for other in _others(seen, roles, fields, cell, causes):
                of_other = _judged(other, seen)
                if of_other[0] == FitStatus.OK:
                    found, (status, causes) = other, of_other
                    break
        elif status == FitStatus.OK:
            more = _with_evident_terms(found, seen, roles, fields, cell)
            if more is not None and more.error < found.error:
                of_more = _judged(more, seen)
                if of_more[0] == FitStatus.OK:
                    found, (status, causes) = more, of_more
    lengths, origin = np.array(cell), np.asarray(context.grid.lower, float)
    return PlaneIdentification(
        law=rescaled(found.law, lengths, seen.interval, origin),
        units=known_units(context),
        status=status,
        backtest_error=found.error,
        persistence_error=_persistence(seen),
        misfit=found.misfit,
        causes=causes,
        isotropic=found.isotropic,
        recognised=found.recognised if _is_of_it(found, causes) else None,
        terms=found.terms,
        refinement=found.start.refinement,
        mode=found.start.mode,
        neighbours=(found.before,),
        missing=seen.missing,
        grid_law=found.law,
        cell=cell,
        interval=seen.interval,
        velocity=None if moving is None else (fields[moving[0][0]], fields[moving[0][1]]),
        carried=None if moving is None else fields[moving[1]],
    )


def nothing_to_infer(
    seen: Frames, fields: tuple[str, ...], cell: tuple[float, float]
) -> PlaneIdentification:
    """The report if a field is constant, or nothing moves: a flux of zero."""
    count = len(fields)
    lower, upper = (np.asarray(f(seen.values, axis=(0, 2, 3))) for f in (np.nanmin, np.nanmax))
    basis = Dictionary(np.ones(count), ((1,) * count,), fields)
    law = FittedPlaneLaw(fields, basis, np.zeros((2, count, 1)), lower, upper)
    return PlaneIdentification(
        law=law,
        status=FitStatus.CONSTANT,
        missing=seen.missing,
        grid_law=law,
        cell=cell,
        interval=seen.interval,
    )


def _others(
    seen: Frames, roles: Roles, fields: tuple[str, ...], cell: tuple[float, float], causes: Causes
) -> Iterator[Found]:
    """Laws with further terms, then a tracer in a steady flow, if the weak form allows them; what
    the law of fluxes lacks are the `causes`."""
    # No further term disperses, but they might imitate it.
    if not causes.dispersion.matters:
        tried = (
            search(seen, roles, fields, cell, further)
            for further in _further(seen, roles, fields, cell)
        )
        yield from (found for found in tried if found is not None)
    if len(fields) == 1:
        found = search_flow(seen, fields, cell, sources_of(seen))
        if found is not None:
            yield found


def _with_evident_terms(
    found: Found, seen: Frames, roles: Roles, fields: tuple[str, ...], cell: tuple[float, float]
) -> Found | None:
    """A law with sources, and of one field perhaps with diffusion alone, if they explain far more
    of the weak form than the fluxes of the law that explains the frames. These may hide a weak
    friction, for a while, and a wave that widens a little is not far from one that does not."""
    further = Further(sources_of(seen))
    if len(fields) == 1 and found.beyond_noise <= _LEFT:
        return None
    if len(fields) > 1 and not further.sources:
        return None
    left = unexplained(seen, roles, fields, cell, further)
    return (
        search(seen, roles, fields, cell, further) if left < _EVIDENT * found.beyond_noise else None
    )


def _further(
    seen: Frames, roles: Roles, fields: tuple[str, ...], cell: tuple[float, float]
) -> list[Further]:
    """The further terms to try, those first that explain the frames if others do not."""
    constant = Further(sources_of(seen))
    if len(fields) > 1:
        return [constant]
    both = [constant, Further(constant.sources, _POWERS)]
    plain, bent = (unexplained(seen, roles, fields, cell, each) for each in both)
    return both[::-1] if plain > _LEFT and bent < _CLEARLY * plain else both


def sources_of(seen: Frames) -> tuple[Powers, ...]:
    """The terms that sources may have. If no total changes, and nothing passes the sides, these are
    only the ones that change none, as friction does of a momentum without mean: others would have
    to cancel, and are found where they imitate diffusion."""
    values = seen.filled
    every = possible_sources(values.shape[1])
    totals, size = values.mean(axis=(2, 3)), np.std(values, axis=(0, 2, 3))
    closed = all(seen.around) or (
        len(size) == 1
        and not any(isinstance(end, Outflow) for pair in seen.grid.boundary for end in pair)
    )
    if not closed or seen.grid.solid is not None or seen.gaps is not None:
        return every
    by_noise = _BY_NOISE * seen.noise / np.sqrt(values[0, 0].size)
    if np.any(np.ptp(totals, axis=0) > max(_KEPT, by_noise) * size):
        return every
    found = []
    for powers in every:
        term = np.prod([values[:, j] ** power for j, power in enumerate(powers)], axis=0)
        if abs(term.mean()) <= _BALANCED * np.sqrt(np.mean(term**2)):
            found.append(powers)
    return tuple(found)


def _judged(found: Found, seen: Frames) -> tuple[FitStatus, Causes]:
    """Whether a law explains the frames, and what it lacks."""
    errors, causes = (found.error, _persistence(seen)), causes_of(found.law, seen)
    status = status_of(found.law, seen, found.start, *errors, found.beyond_noise, causes)
    return status, causes


def _is_of_it(found: Found, causes: Causes) -> bool:
    """Whether the frames are near a law, so that the coefficient of a known one means something."""
    return found.beyond_noise <= POOR_MISFIT and not causes.dispersion.matters


def _persistence(seen: Frames) -> float:
    last = last_fitted_frame(len(seen.values))
    return relative_error(seen.filled[last : last + 1], seen.values[last + 1 :])


def _has_drifted(seen: Frames, law: FittedPlaneLaw) -> bool:
    """Whether the total of a field without a source has drifted on a periodic plane; not tested for
    frames with gaps."""
    arising = np.zeros((len(law.fields), 1)) if law.sources is None else np.asarray(law.sources)
    kept = kept_by_walls(seen.grid, law)
    still = [i for i in kept if not np.any(arising[i] != 0.0)]
    values = seen.values[..., seen.grid.free]
    values = values[~np.isnan(values).any(axis=(1, 2))]
    if not all(seen.around) or len(values) < _FRAMES_OF_DRIFT or not len(still):
        return False
    return not total_drift(values[:, still], seen.grid, np.zeros(len(still)))[1]


def status_of(
    law: FittedPlaneLaw,
    seen: Frames,
    start: Start,
    error: float,
    persistence: float,
    misfit: float,
    causes: Causes,
) -> FitStatus:
    """Whether a law explains a context, from the errors of its back-test and of repeating a frame
    there, its misfit, which is NaN if it is unknown, and what it lacks."""
    if not np.isfinite(error):
        return FitStatus.FAILED
    if _has_drifted(seen, law):
        return FitStatus.SOURCE_OR_LEAK
    poor = exceeds(error, persistence, seen.relative_noise) or misfit > POOR_MISFIT
    if poor or seen.noise > MOST_NOISE:
        return FitStatus.POOR_FIT
    wrong = causes.matter or is_systematic(law, seen, start)
    return FitStatus.SYSTEMATIC_MISFIT if wrong else FitStatus.OK


def indices(momentum: tuple[str, str] | None, fields: tuple[str, ...]) -> tuple[int, int] | None:
    """Where the components of the momentum are. Raises `ValueError` if these are no two fields."""
    if momentum is None:
        return None
    names = tuple(momentum)
    if isinstance(momentum, str) or len(set(names)) != 2 or not set(names) <= set(fields):
        got = momentum if isinstance(momentum, str) else " and ".join(names)
        raise ValueError(
            f"The momentum on a plane is a pair of the fields {', '.join(fields)}, such as m_x and "
            f"m_y; got {got}."
        )
    return fields.index(names[0]), fields.index(names[1])


def is_uninformative(seen: Frames, fields: tuple[str, ...]) -> bool:
    """Whether a field is constant, or no field changes in time."""
    still = _same_along(seen, fields, (0,))
    return len(still) == len(fields) or bool(_same_along(seen, fields, (0, 1, 2)))


def _same_along(seen: Frames, fields: tuple[str, ...], axes: tuple[int, ...]) -> list[str]:
    """The fields that do not vary by more than rounding along these axes of (time, x, y)."""
    return [
        name
        for name, field in zip(fields, np.moveaxis(seen.filled, 1, 0), strict=True)
        if np.max(np.ptp(field, axis=axes)) <= 1e-12 * np.max(np.abs(field))
    ]


def checked(context: Trajectory, among_others: bool = False) -> Frames:
    """The frames of a context. Raises `ValueError` if no law can be inferred from them; one
    in which nothing changes is accepted as part of a batch (`among_others`)."""
    if context.is_batched:
        raise ValueError("identify_plane takes one trajectory; identify them one by one.")
    if len(context.fields) > MOST_FIELDS:
        raise ValueError(
            f"Only contexts with up to {MOST_FIELDS} fields can be identified on a plane; this one "
            f"has {len(context.fields)}. Select those that form a system."
        )
    seen = frames_of(context)
    values = seen.filled
    if len(values) < MINIMUM_FRAMES or min(context.grid.shape) < MINIMUM_CELLS:
        raise ValueError(
            f"A context on a plane needs at least {MINIMUM_FRAMES} frames of {MINIMUM_CELLS} × "
            f"{MINIMUM_CELLS} cells; this one has {len(values)} of {context.grid.shape[0]} × "
            f"{context.grid.shape[1]}."
        )
    if not has_room(seen.grid.free, seen.around):
        raise ValueError(
            "The walls inside the domain leave nowhere a square of 13 × 13 cells, which the weak "
            "form needs; infer the law from other data, and give it (--law, in Python law=)."
        )
    if not among_others and is_uninformative(seen, context.fields):
        still = _same_along(seen, context.fields, (0, 1, 2))
        if not still:
            raise ValueError("Nothing moves in the frames: there is nothing to infer from them.")
        others = ",".join(name for name in context.fields if name not in still)
        mend = f"; leave it out (on the command line --variable={quoted(others)})" if others else ""
        raise ValueError(
            f"The field {still[0]!r} is constant: there is nothing to infer from it{mend}."
        )
    return seen
