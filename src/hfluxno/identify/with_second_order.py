"""A law of two fields, or one of a density and what is conserved in place of its flow."""

import dataclasses
from collections.abc import Callable

import numpy as np

from hfluxno.identify.frames.interpolation import interpolated
from hfluxno.identify.frames.momentum import carrier
from hfluxno.identify.frames.second_order import NAME
from hfluxno.identify.frames.second_order_fit import second_order
from hfluxno.identify.joint_report import with_further_terms
from hfluxno.identify.result import Identification
from hfluxno.identify.status import UNEXPLAINED, FitStatus
from hfluxno.trajectory import Trajectory
from hfluxno.units import of_flow

# A y that varies more than this multiple of the flow says little about the flow.
_MOST_ADDED = 4.0


def with_second_order(
    found: Identification,
    single: Trajectory,
    law_of: Callable[[Trajectory], Identification],
) -> Identification:
    """The law found, or, if it does not explain the frames and one field is the flow of the other,
    what `law_of` finds for the fields that are conserved on a road, if that predicts the last
    frames better."""
    if found.status not in (*UNEXPLAINED, FitStatus.FAILED) or single.grid.has_wall():
        return found
    if NAME in single.fields:  # which would be two fields then
        return found
    values = interpolated(np.asarray(single.values, np.float64), single.grid.is_periodic())
    flow = carrier(values[None])
    if flow is None:
        return found
    units = dict(single.units)
    parts = [units.get(name, "") for name in (*single.fields, "x", "time")]
    factor = of_flow(parts[flow], parts[1 - flow], *parts[2:])
    change = second_order(single, flow, factor)
    if change is None:
        return found
    y = change.conserved(values)
    if np.std(y[:, flow]) > _MOST_ADDED * np.std(values[:, flow]):
        return found
    richer = dataclasses.replace(law_of(change.context(single)), second_order=change)
    if richer.status == FitStatus.SOURCE_OR_LEAK:  # cell averages of y are not those of ρ and q
        richer = dataclasses.replace(richer, status=FitStatus.SYSTEMATIC_MISFIT)
    return with_further_terms(found, richer)
