"""A law of two measured fields, or one of what is conserved instead of one of them."""

import dataclasses
from collections.abc import Callable

import numpy as np

from hfluxno.identify.frames.change import MomentumOfVelocity
from hfluxno.identify.frames.interpolation import interpolated
from hfluxno.identify.frames.momentum import carrying_field, velocity
from hfluxno.identify.frames.second_order import NAME
from hfluxno.identify.frames.second_order_fit import EVIDENT, EXPLAINED, second_order
from hfluxno.identify.joint_report import with_further_terms
from hfluxno.identify.result import Identification
from hfluxno.identify.status import UNEXPLAINED, FitStatus, status_of, total_drift
from hfluxno.identify.with_sources import predicts_exactly
from hfluxno.trajectory import Trajectory
from hfluxno.units import of_flow

_LawOf = Callable[[Trajectory], Identification]

# A y that varies more than this multiple of the flow says little about the flow.
_MOST_ADDED = 4.0
# A law of the velocity must have this part of the back-test error of one of the momentum to be
# preferred: where a shock divides cells, products of means are off, and a wrong law may imitate a
# single shock.
_CLEARLY = 0.3


def with_change(single: Trajectory, law_of: _LawOf) -> Identification:
    """The law that `law_of` finds for two fields, or for what is conserved in their place.

    A velocity that carries the other field obeys a conservation law as long as the fields are
    smooth, so the law is sought for the momentum, unless that of the velocity explains the frames
    clearly better. Of a density and a flow whose weak form is evidently that of a road with
    drivers of different speeds, that law comes first.
    """
    values = interpolated(np.asarray(single.values, np.float64), single.grid.is_periodic())
    change = momentum_of(values, single.fields)
    evident = _second_order(single, values, law_of, EVIDENT, change)
    if evident is not None and predicts_exactly(evident):
        return evident

    def or_of_road(found: Identification) -> Identification:
        """The law found, or that of a road if it does not explain the frames and the latter
        predicts the last ones better."""
        if found.status not in (*UNEXPLAINED, FitStatus.FAILED):
            return found
        road = evident
        if road is None:
            road = _second_order(single, values, law_of, EXPLAINED, change)
        return found if road is None else with_further_terms(found, road)

    if change is None:
        return or_of_road(law_of(single))
    of_momentum = _of_velocity(change, single, values, law_of)
    if predicts_exactly(of_momentum):
        return of_momentum
    if of_momentum.status != FitStatus.OK:
        of_road = or_of_road(of_momentum)
        if of_road.status == FitStatus.OK:
            return of_road
        plain = law_of(single)
        return plain if plain.status == FitStatus.OK else with_further_terms(plain, of_road)
    plain = law_of(single)
    error = of_momentum.backtest_error
    clearly = plain.status == FitStatus.OK and plain.backtest_error < _CLEARLY * error
    return plain if clearly else of_momentum


def momentum_of(values: np.ndarray, fields: tuple[str, ...]) -> MomentumOfVelocity | None:
    """The momentum instead of one of two fields, (time, field, x), that is a velocity; `None`
    if none is."""
    found = velocity(values[None])
    if found is None:
        return None
    place, density = found
    return MomentumOfVelocity(fields[density], fields[place], place)


def _second_order(
    single: Trajectory,
    values: np.ndarray,
    law_of: _LawOf,
    most_left: float,
    momentum: MomentumOfVelocity | None,
) -> Identification | None:
    """What `law_of` finds for the fields that are conserved on a road, if one field is the flow of
    the other, or its velocity with the `momentum` in its place, and a pressure leaves at most
    `most_left` of the weak form."""
    if single.grid.has_wall() or NAME in single.fields:  # which would be two fields then
        return None
    measured = single
    if momentum is not None:
        single, values = momentum.context(single), momentum.conserved(values)
    flow = carrying_field(values[None])
    if flow is None or (momentum is not None and flow != momentum.place):
        return None
    units = dict(single.units)
    parts = [units.get(name, "") for name in (*single.fields, "x", "time")]
    factor = of_flow(parts[flow], parts[1 - flow], *parts[2:])
    change = second_order(single, flow, factor, most_left)
    if change is None:
        return None
    y = change.conserved(values)
    if np.std(y[:, flow]) > _MOST_ADDED * np.std(values[:, flow]):
        return None
    if momentum is not None:
        change = dataclasses.replace(change, flow=momentum.velocity, of_velocity=True)
    found = dataclasses.replace(law_of(change.context(measured)), change=change)
    if found.status == FitStatus.SOURCE_OR_LEAK:  # cell averages of y are not those of ρ and q
        return dataclasses.replace(found, status=FitStatus.SYSTEMATIC_MISFIT)
    return found


def _of_velocity(
    change: MomentumOfVelocity, single: Trajectory, values: np.ndarray, law_of: _LawOf
) -> Identification:
    """The law of the momentum. Its total, of products of means, may change by what jumps within
    cells make."""
    found = dataclasses.replace(law_of(change.context(single)), change=change)
    if found.status != FitStatus.SOURCE_OR_LEAK:
        return found
    states = change.conserved(values)
    size = np.mean(np.abs(states), axis=(0, 2))
    divided = np.max(np.mean(np.abs(change.divided(values)), axis=2), axis=0)
    if not total_drift(states, single.grid, divided / size)[1]:
        return found
    seen = None if np.all(single.observed) else np.asarray(single.observed)
    error, of_repeating = found.backtest_error, found.persistence_error
    status = status_of(error, found.residual, states, of_repeating, True, found.misfit, seen)
    return dataclasses.replace(found, status=status)
