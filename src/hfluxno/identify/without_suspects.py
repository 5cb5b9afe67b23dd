"""What a few sensors measure, without values that are probably no measurements.

A law that explains the others shows which these are (see `hfluxno.identify.joint.suspect`); so
they are left out if the laws that are tried explain the others then, or leave half as much of them.
"""

import dataclasses
from collections.abc import Callable

import numpy as np

from hfluxno.identify.joint.fit import sizes
from hfluxno.identify.joint.suspect import suspect_values
from hfluxno.identify.residuals.noise import rms
from hfluxno.identify.result import Identification
from hfluxno.identify.status import FitStatus
from hfluxno.trajectory import Trajectory

_HALF = 0.5


def without_suspects(
    context: Trajectory,
    first: Callable[[Trajectory], Identification | None],
    with_terms: Callable[[Identification, Trajectory], Identification],
) -> Identification | None:
    """What is found with and then without the suspect values: by the `first` laws, and `with_terms`
    if these do not explain the context. `None` if nothing could be solved."""
    found = first(context)
    if found is None or found.status == FitStatus.OK:
        return found
    others = _others(found, context)
    if others is None:
        found = with_terms(found, context)
        others = None if found.status == FitStatus.OK else _others(found, context)
        if others is None:
            return found
        return _of_others(found, context, others, first, with_terms) or found
    left = _of_others(found, context, others, first, with_terms)
    return with_terms(found, context) if left is None else left


def _others(found: Identification, context: Trajectory) -> Trajectory | None:
    """The context without the values that are suspect according to a law, if there are any."""
    if found.estimate is None:
        return None
    values = np.asarray(context.values)
    suspect = suspect_values(values, found.estimate.observed(context.times))
    others = dataclasses.replace(context, values=np.where(suspect, np.nan, values))
    enough = others.observed.any(axis=(0, 2)).all()
    return others if suspect.any() and enough else None


def _of_others(
    found: Identification,
    context: Trajectory,
    others: Trajectory,
    first: Callable[[Trajectory], Identification | None],
    with_terms: Callable[[Identification, Trajectory], Identification],
) -> Identification | None:
    """What is found from the others, if a law explains them, or leaves half as much of them."""
    try:
        left = first(others)
    except ValueError:  # too few values are left
        return None
    left = None if left is None else with_terms(left, others)
    if left is None or (left.status != FitStatus.OK and not _leaves_half(left, found, others)):
        return None
    count = int(np.sum(context.observed) - np.sum(others.observed))
    return dataclasses.replace(left, suspect=count)


def _leaves_half(left: Identification, found: Identification, others: Trajectory) -> bool:
    values, seen, size = np.asarray(others.values), others.observed, sizes(others)[:, None]
    after, before = (
        rms(((each.estimate.observed(others.times) - values) / size)[seen])
        for each in (left, found)
        if each.estimate is not None
    )
    return after <= _HALF * before
