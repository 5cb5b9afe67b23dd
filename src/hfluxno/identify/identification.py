"""The law behind a context, and how far to trust it."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, overload

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import ArrayLike, NDArray

from hfluxno.batching import on_all_cores
from hfluxno.contexts import as_trajectory
from hfluxno.grid import Grid
from hfluxno.identify.accepted import (
    FEW,
    check_context,
    check_plane,
    check_whole,
    has_only_moving_ends,
    is_joint,
    uninformative,
)
from hfluxno.identify.after_the_start import law_after_the_start
from hfluxno.identify.by_cause import cause_of, could_be_dispersion, identify_by_cause
from hfluxno.identify.frames.candidate import Candidate
from hfluxno.identify.frames.gaps import choose_with_gaps, without_gaps
from hfluxno.identify.frames.momentum import as_pair, negated_fields, one_name
from hfluxno.identify.frames.second_order import NAME
from hfluxno.identify.frames.select import choose, make_settings
from hfluxno.identify.frames.stages import Stage
from hfluxno.identify.inside import identify_inside
from hfluxno.identify.joint.dense import is_dense
from hfluxno.identify.joint.kind import Kind
from hfluxno.identify.joint_report import with_further_terms
from hfluxno.identify.jointly import further_kinds, identify_jointly
from hfluxno.identify.not_conserved import not_conserved
from hfluxno.identify.plane.forecaster import identify_planes
from hfluxno.identify.plane.result import PlaneIdentification
from hfluxno.identify.report import report
from hfluxno.identify.residuals.noise import ratio
from hfluxno.identify.result import Identification
from hfluxno.identify.saved.law import known_units
from hfluxno.identify.status import UNEXPLAINED, FitStatus
from hfluxno.identify.under_noise import no_term_tells, with_first_state
from hfluxno.identify.with_change import with_change
from hfluxno.identify.with_sources import with_sources
from hfluxno.identify.without_suspects import without_suspects
from hfluxno.identify.without_wild import without_wild_values
from hfluxno.known import Noise
from hfluxno.parametric.basis import TensorChebyshev
from hfluxno.parametric.fitted_law import FittedLaw
from hfluxno.sensor_limit import without_limits
from hfluxno.trajectory import Trajectory

if TYPE_CHECKING:
    import xarray


@overload
def identify(
    context: "Trajectory | xarray.DataArray",
    momentum: str | None = None,
    noise: Noise | None = None,
) -> Identification: ...
@overload
def identify(
    context: NDArray[Any],
    momentum: str | None = None,
    noise: Noise | None = None,
    *,
    times: ArrayLike,
    grid: Grid,
    fields: Sequence[str] | None = None,
) -> Identification: ...
@overload
def identify(
    context: "Sequence[Trajectory | xarray.DataArray]",
    momentum: str | None = None,
    noise: Noise | None = None,
) -> tuple[Identification, ...]: ...
@overload
def identify(
    context: "Trajectory | xarray.DataArray",
    momentum: tuple[str, str],
) -> PlaneIdentification: ...
@overload
def identify(
    context: NDArray[Any],
    momentum: tuple[str, str],
    *,
    times: ArrayLike,
    grid: Grid,
    fields: Sequence[str] | None = None,
) -> PlaneIdentification: ...
@overload
def identify(
    context: "Sequence[Trajectory | xarray.DataArray]",
    momentum: tuple[str, str],
) -> tuple[PlaneIdentification, ...]: ...
def identify(
    context: Any,
    momentum: str | tuple[str, str] | None = None,
    noise: Noise | None = None,
    *,
    times: Any = None,
    grid: Grid | None = None,
    fields: Sequence[str] | None = None,
) -> Any:
    """The conservation law that explains a context.

    Computes in float64 whatever the precision outside. A list of contexts, or an array or a
    trajectory with a leading axis, is a batch and gives one result for each of them. For a context
    on a plane the result is a `PlaneIdentification` (see `hfluxno.identify.plane`); type checkers
    know this if `momentum` is a pair, or from `hfluxno.identify.identify_plane`.

    **Arguments:**

    - `context`: at least 4 frames at equal intervals on a one-dimensional grid of at least 8 cells:
      a trajectory, a DataArray (see `Trajectory.from_xarray`; periodic), or an array with its times
      and grid. NaN is a gap: a value, a sensor or a frame that was not measured, up to 80 percent
      of all values. In a batch, a trajectory with a constant field, or in which nothing changes,
      gets the status `CONSTANT`.
    - `momentum`: the field that changes sign at a reflecting wall; inferred from several fields if
      it is `None`. On a plane a pair of fields.
    - `noise`: the standard deviation of the noise, one for all fields, one for each, or one for
      each value (an array of the shape of the data, NaN where nothing was measured). If it is
      given, law, first state and ends are estimated jointly (see
      [`reconstruct`][hfluxno.reconstruct]).
    - `times`, `grid`, `fields`: for an array, of shape (time, x) or (time, field, x).

    **Raises:**

    - `ValueError`, if the context has more than four fields, is too short or too coarse, has
      infinite or too few values, or is constant or at rest (every trajectory of it), a noise is not
      positive, or there is a wall and the momentum cannot be inferred.
    """
    trajectory = as_trajectory(context, times, grid, fields).with_deviation(noise)
    found: tuple
    if len(trajectory.grid.shape) == 2:
        check_plane(trajectory)
        found = identify_planes(trajectory, as_pair(momentum))
    else:
        found = identify_all(trajectory, one_name(momentum))
    return found if trajectory.is_batched else found[0]


def identify_all(
    context: Trajectory,
    momentum: str | None = None,
    jointly: bool = False,
) -> tuple[Identification, ...]:
    """`identify` for one trajectory or a batch of them, one result for each; `jointly` estimates
    the first state with the law even if it was measured."""
    return identifier(context, momentum, jointly)(slice(None))


def identifier(
    context: Trajectory,
    momentum: str | None = None,
    jointly: bool = False,
    among_others: bool = False,
) -> Callable[[slice], tuple[Identification, ...]]:
    """A function that identifies some trajectories of a batch, as `identify_all` does for all. What
    concerns the whole batch is checked and decided here, once. A batch that is part of another one
    (`among_others`) may be constant throughout."""
    measured, context = context, context.states
    only_ends_unknown = len(context.fields) > 1 and has_only_moving_ends(measured)
    jointly = jointly or is_joint(measured) or _wall_fixes_constant(context)
    if len(context.fields) > 1 and measured is not context:
        raise ValueError(
            "A flow can only be given with a single field; select the flow and one field."
        )
    check_context(context, jointly, among_others)
    check_whole(context, jointly)
    batch = context.batch
    varies = ~uninformative(context)
    negated = negated_fields(without_gaps(context), momentum, varies) if np.any(varies) else ()
    # Without a wall no fit of two fields depends on it, but compiled programs do.
    negated_in_fits = negated if context.grid.has_wall() or len(context.fields) > 2 else ()
    # A joint estimate takes ten times the time of a fit to frames.
    few = len(context.fields) == 1 and len(batch) <= FEW and not among_others
    # Compiled programs serve fields of any names.
    names = tuple(f"u{i}" for i in range(len(context.fields)))

    def one(member: int) -> Identification:
        values = batch[member].astype(np.float64)
        if not varies[member]:
            return nothing_to_infer(values, context)
        single = measured.single(member)
        if not is_dense(single):
            return law_of(single)
        single, limited = without_limits(single)
        return dataclasses.replace(without_wild_values(single, law_of), limited=limited)

    def law_of(single: Trajectory) -> Identification:
        if jointly:
            if only_ends_unknown:
                inside = identify_inside(single, of_two_fields if len(names) == 2 else fitted)
                if inside is not None:
                    return inside
                if len(names) > 2:
                    return nothing_to_infer(_states_of(single), context, failed=True)
            found = jointly_found(single)
            return found or nothing_to_infer(_states_of(single), context, failed=True)
        if len(names) == 2 and is_dense(single):
            return with_change(single, lambda each: of_two_fields(each, context.grid))
        asked_for = identify_by_cause(single, negated_in_fits) if len(names) == 1 else None
        if asked_for is not None:
            return asked_for
        found = with_terms(fitted(single, context.grid), single)
        return with_first_state(found, single, negated_in_fits) if few else found

    def jointly_found(single: Trajectory) -> Identification | None:
        def first(part: Trajectory) -> Identification | None:
            return identify_jointly(part, negated_in_fits)

        if is_dense(single):
            found = first(single)
            return None if found is None else with_terms(found, single)
        return without_suspects(single, first, with_terms)

    def of_two_fields(single: Trajectory, grid: Grid) -> Identification:
        return with_sources(single, grid, negated_in_fits, lambda plan: fitted(single, grid, plan))

    def fitted(
        single: Trajectory, grid: Grid, plan: tuple[Stage, ...] | None = None
    ) -> Identification:
        """The law fitted to the frames, by the usual stages or those of a `plan`. Ends that change
        in time are those of the `grid`, in frames."""
        values, times = np.asarray(single.values, np.float64), np.asarray(single.times, float)
        # Except that of a road's y, which has terms of its own.
        own = tuple(
            NAME if each == NAME else u for each, u in zip(single.fields, names, strict=True)
        )
        if not np.any(np.isnan(values)):
            trial, tried = choose(values, grid, own, negated_in_fits, plan=plan)
            return report(trial, tried, values, single, negated)
        part, times = _measured_part(values, times)
        trial, tried, filled = choose_with_gaps(part, grid, own, negated_in_fits, plan)
        whole = Trajectory(filled, times, single.grid, single.fields, units=single.units)
        return report(trial, tried, filled, whole, negated, np.isfinite(part))

    def with_terms(found: Identification, single: Trajectory) -> Identification:
        """The law found, or one with further terms if it does not explain one field."""
        if len(names) > 1 or not _may_have_terms(found) or no_term_tells(single):
            return found
        base = found.candidate if isinstance(found.candidate, Kind) else None
        kinds = further_kinds(base, is_dense(single))
        richer = identify_jointly(single, negated_in_fits, kinds, found.estimate)
        chosen = with_further_terms(found, richer, _share_of_noise(richer, single))
        if chosen is richer and chosen.law.terms is not None:
            left = ratio(chosen.residual, found.residual)
            if could_be_dispersion(single, left):
                return dataclasses.replace(chosen, status=FitStatus.SYSTEMATIC_MISFIT)
        if chosen is found or chosen is richer:
            return chosen

        def later(part: Trajectory) -> Identification | None:
            return identify_jointly(part, negated_in_fits, kinds)

        return law_after_the_start(chosen, single, later) or chosen

    def some(members: slice) -> tuple[Identification, ...]:
        with jax.enable_x64(True):
            found = on_all_cores(one, range(len(batch))[members])
        units = known_units(measured)
        return tuple(
            dataclasses.replace(
                _within(each, measured.bounds),
                units=units if each.change is None else each.change.units(units),
                cause=(cause := cause_of(each, values, measured)),
                not_conserved=not_conserved(each.status, cause, values, measured, negated),
                # Fields that a law conserves in the place of measured ones are nowhere measured.
                odd=tuple(one for one in each.odd if one.field in measured.fields),
            )
            for each, values in zip(found, batch[members], strict=True)
        )

    return some


def _share_of_noise(found: Identification | None, single: Trajectory) -> float:
    """The noise of a joint estimate relative to the measured values of one field."""
    if found is None or found.estimate is None:
        return 0.0
    size = np.sqrt(np.nanmean(np.asarray(single.states.values, np.float64) ** 2))
    return float(found.estimate.noise[0] / size) if size > 0.0 else 0.0


def _within(found: Identification, bounds: tuple[float, float] | None) -> Identification:
    """The same with a law that keeps bounds."""
    if bounds is None:
        return found
    least, most = map(np.asarray, bounds)
    law, grid_law = (
        dataclasses.replace(each, least=least, most=most) for each in (found.law, found.grid_law)
    )
    return dataclasses.replace(found, law=law, grid_law=grid_law)


def _states_of(single: Trajectory) -> np.ndarray:
    return np.asarray(single.states.values, np.float64)


def _may_have_terms(found: Identification) -> bool:
    """Whether further terms might explain what the law found does not; none of them disperses or
    depends on time, so they could only imitate that."""
    imitated = found.misfit.disperses or found.misfit.changes_in_weak_form
    return found.status in UNEXPLAINED and not imitated


def _measured_part(values: np.ndarray, times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The frames from the first to the last with measurements, and their times."""
    frames = np.flatnonzero(np.isfinite(values).any(axis=(1, 2)))
    part = slice(frames[0], frames[-1] + 1)
    return values[part], times[part]


def _wall_fixes_constant(context: Trajectory) -> bool:
    """Whether a wall determines the constant of the flux, which only a joint estimate has."""
    return len(context.fields) == 1 and context.grid.has_wall()


def nothing_to_infer(
    values: np.ndarray, context: Trajectory, failed: bool = False
) -> Identification:
    """The report if a field is constant or no law could be solved: a flux of zero."""
    fields = len(context.fields)
    lower, upper = (jnp.asarray(f(values, axis=(0, 2))) for f in (np.nanmin, np.nanmax))
    basis = TensorChebyshev(0.5 * (lower + upper), jnp.ones(fields), 1, fields)
    law = FittedLaw(
        context.fields, basis, jnp.zeros((fields, fields)), jnp.zeros((fields, 0)), lower, upper
    )
    candidate = Candidate("tensor", 0)
    return Identification(
        law=law,
        candidate=candidate,
        status=FitStatus.FAILED if failed else FitStatus.CONSTANT,
        coefficients={},
        covariance=np.zeros((0, 0)),
        total_drift=np.zeros(fields),
        initial=np.where(np.isfinite(values[0]), values[0], np.asarray(lower)[:, None]),
        grid_law=law,
        settings=make_settings(candidate, context.grid),
    )
