"""The identification of a context whose first state or ends are estimated with the law."""

import dataclasses

import numpy as np

from hfluxno.identify.frames.coarser import averaged_context
from hfluxno.identify.joint.dense import is_dense
from hfluxno.identify.joint.estimate import Estimate
from hfluxno.identify.joint.first_state import shows_first_state
from hfluxno.identify.joint.fit import in_double
from hfluxno.identify.joint.fluid import density_of
from hfluxno.identify.joint.found import JointFit
from hfluxno.identify.joint.kind import Kind
from hfluxno.identify.joint.search import fit_jointly
from hfluxno.identify.joint.windows import TooFewValuesError
from hfluxno.identify.joint_report import joint_report
from hfluxno.identify.result import Identification
from hfluxno.identify.status import FitStatus
from hfluxno.trajectory import Trajectory

KINDS = (Kind(4), Kind(6), Kind(4, diffusion=1))
SYSTEM_KINDS = (Kind(3),)
FLUIDS = (Kind(3, fluid=True), Kind(3, by_state=3, fluid=True))
# Laws with further terms, tried if no law without them explains a context.
FURTHER_KINDS = (
    Kind(4),
    Kind(4, by_state=4),
    Kind(4, source_modes=4),
    Kind(4, flux_modes=2),
    Kind(4, stretches=1),
    Kind(4, diffusion=3),
)


def identify_jointly(
    context: Trajectory,
    negated: tuple[int, ...],
    kinds: tuple[Kind, ...] | None = None,
    before: Estimate | None = None,
) -> Identification | None:
    """The identification of one trajectory, or `None` if nothing could be solved, or if these
    further `kinds` are hardly better than the first of them, of which there may be an estimate
    from `before`. Raises `ValueError` if there are fewer measured values than unknowns.
    """
    context = in_double(context)
    if kinds is None and len(context.states.fields) > 1:
        return _of_a_system(context, negated)
    gives_up = kinds is not None
    found = _found(context, negated, kinds or KINDS, gives_up, before)
    return None if found is None else joint_report(found, context, negated)


def system_kinds(context: Trajectory, negated: tuple[int, ...]) -> tuple[Kind, ...]:
    """The laws of two fields that are tried, those of few unknowns first."""
    values, periodic = np.asarray(context.states.values), context.grid.is_periodic()
    is_fluid = density_of(negated, values, periodic) is not None
    return (*(FLUIDS if is_fluid else ()), *SYSTEM_KINDS)


def _of_a_system(context: Trajectory, negated: tuple[int, ...]) -> Identification | None:
    """The law of a fluid, without or with sources, if one field may be its density and it explains
    the measurements; otherwise the most probable one of these and of any two fields."""
    options: list[tuple[float, Identification]] = []
    for kind in system_kinds(context, negated):
        try:
            found = _found(context, negated, (kind,))
        except TooFewValuesError:
            if not options:
                raise
            break
        if found is None:
            continue
        report = joint_report(found, context, negated)
        options.append((found.estimate.evidence, report))
        if report.status == FitStatus.OK:
            break
    if not options:
        return None
    best = max(options, key=lambda pair: pair[0])[1]
    every = tuple(label for _, report in options for label in report.tried)
    return dataclasses.replace(best, tried=every)


def _found(
    context: Trajectory,
    negated: tuple[int, ...],
    kinds: tuple[Kind, ...],
    gives_up: bool = False,
    before: Estimate | None = None,
) -> JointFit | None:
    """What `fit_jointly` finds, of many cells first on averages over several."""
    coarse = averaged_context(context) if is_dense(context) else None
    on_averages: tuple[tuple[str, float], ...] = ()
    if coarse is not None:
        known_first = shows_first_state(coarse)
        chosen = fit_jointly(coarse, negated, kinds, known_first=known_first, gives_up=gives_up)
        if chosen is None and gives_up:
            return None
        if chosen is not None and isinstance(chosen.kind, Kind):
            kinds = tuple(dict.fromkeys((kinds[0], chosen.kind)))
            on_averages = tuple((f"{label}, on averages", each) for label, each in chosen.tried)
    known_first = shows_first_state(context)
    found = fit_jointly(
        context, negated, kinds, known_first=known_first, gives_up=gives_up, before=before
    )
    if found is None:
        return None
    return dataclasses.replace(found, tried=(*on_averages, *found.tried))


def further_kinds(base: Kind | None = None, dense: bool = True) -> tuple[Kind, ...]:
    """The laws with further terms that are tried if none of `KINDS`, of which `base` was the best,
    explains a context. A few sensors (not `dense`) do not show what depends on place, nor a flux
    beyond their noise: for them only sources and diffusivities of the state are tried."""
    plain, *others = FURTHER_KINDS
    kinds = (plain, *(kind for kind in others if dense or kind.by_state or kind.diffusion > 1))
    if base is None:
        return kinds
    diffusive = [
        dataclasses.replace(kind, diffusion=max(kind.diffusion, base.diffusion))
        for kind in kinds[1:]
    ]
    return (base, *diffusive)
