"""The weak form of a law on a plane in a context, whether or not the law was found there."""

import dataclasses
from typing import NamedTuple

import numpy as np

from hfluxno.identify.plane.frames import Frames
from hfluxno.identify.plane.search import deviations
from hfluxno.identify.plane.select import beyond_noise, functions_of, left_over, systems_of
from hfluxno.parametric.basis import Dictionary
from hfluxno.parametric.plane.flow import SteadyFlow, carried, supplying
from hfluxno.parametric.plane.law import FittedPlaneLaw
from hfluxno.parametric.plane.terms import Further
from hfluxno.parametric.plane.weak_form import has_room, total
from hfluxno.plural import percent

# Frames of the parts of a context that are compared, and how many parts there are at most.
_PART, _PARTS = 5, 5
# A law changes in time if its factors differ by more than the first number, and explain more than
# the second one of the residual. Of 21 laws of other solvers that explain their contexts (also with
# 2 to 5 % noise, shocks, walls, sources) they differed by .017 at most, and explained .1 at most
# where by more than .002; of seven contexts with a change by .065 and .54 at least.
_CHANGING, _EXPLAINED = 0.02, 0.25
# Such factors also imitate a part of what a flux that depends on place does (.44 over a seamount).
_NAMED = 0.5


class ScaleInTime(NamedTuple):
    """How much the factors differ by which a law must be multiplied in several parts of a context,
    and the fraction of the residual that they explain."""

    differs: float
    explained: float

    @property
    def matters(self) -> bool:
        """Whether the law changes in time."""
        return self.differs > _CHANGING and self.explained > _EXPLAINED

    def __str__(self) -> str:
        cause = "perhaps a flux that changes in time or depends on place"
        if self.explained > _NAMED:
            cause = "most likely a flux that changes in time"
        return (
            f"{cause}: factors that differ by {percent(self.differs)} explain "
            f"{percent(self.explained)} of that residual"
        )


UNCHANGED = ScaleInTime(0.0, 0.0)


def residual(law: FittedPlaneLaw, seen: Frames) -> tuple[float, float]:
    """The residual of the weak form, and that beyond noise."""
    system, coefficients = _system(law, seen)
    sizes = deviations(seen.filled, law.vectors)
    left = left_over(system, coefficients, sizes)
    return left, beyond_noise(left, system, sizes, seen.noise)


def scale_in_time(law: FittedPlaneLaw, seen: Frames) -> ScaleInTime:
    """For each of a few parts of the context, the factor s of the law that minimises the residual
    ‖s A c - b‖ of its weak form A c = b. If a law depends on time by a factor, it is that. Too few
    frames, or walls that leave no room for the weak form, show no change."""
    count = len(seen.values)
    if count <= _PART or not has_room(seen.grid.free, seen.around):
        return UNCHANGED
    sizes = deviations(seen.filled, law.vectors)
    starts = np.unique(np.linspace(0, count - _PART, _PARTS).astype(int))
    factors, before, after = [], 0.0, 0.0
    for start in starts.tolist():
        system, coefficients = _system(law, seen.part(start, start + _PART))
        with_data = of_law = square = 0.0
        for i, own in enumerate(coefficients):
            normal, right, whole = system.of_field(i)
            with_data += float(own @ right) / sizes[i] ** 2
            of_law += float(own @ normal @ own) / sizes[i] ** 2
            square += whole / sizes[i] ** 2
        factor = with_data / of_law if of_law > 0.0 else 1.0
        factors.append(factor)
        before += square - 2.0 * with_data + of_law
        after += square - 2.0 * factor * with_data + factor**2 * of_law
    explained = 1.0 - after / before if before > 0.0 else 0.0
    return ScaleInTime(float(np.ptp(factors)), float(explained))


def functions_of_flow(flow: SteadyFlow, seen: Frames):
    """The functions of which the flux and the supply of a flow are sums, none without a supply."""
    domain = flow.order, flow.around, seen.grid.shape
    return carried(*domain), () if flow.supply is None else supplying(*domain)


def _system(law: FittedPlaneLaw, seen: Frames):
    """The weak equations of the functions that the law has, and its coefficients of these; a law
    with a flow has no others."""
    fields, basis = len(law.fields), law.basis
    flux = np.asarray(law.coefficients)
    if isinstance(basis, Dictionary):
        used = np.flatnonzero(np.any(flux != 0.0, axis=(0, 1)))
        used = used if len(used) else np.arange(1)  # of sources alone
        basis = dataclasses.replace(basis, exponents=tuple(basis.exponents[k] for k in used))
        flux = flux[:, :, used]
    functions, supply = functions_of(basis, seen.around), ()
    if law.flow is not None:
        flux = np.asarray(law.flow.coefficients)[:, None]
        functions, supply = functions_of_flow(law.flow, seen)
    parts, further = [flux.swapaxes(0, 1).reshape(fields, -1)], None
    if law.has_further:
        nu = np.zeros((2, fields, 1)) if law.diffusivities is None else law.diffusivities
        further = Further(law.arising, nu.shape[2], supply=supply)
        parts += [np.zeros((fields, 0)) if law.sources is None else np.asarray(law.sources)]
        if law.flow is not None and law.flow.supply is not None:
            parts += [np.asarray(law.flow.supply)[None, 1:]]
        parts += [np.asarray(nu).swapaxes(0, 1).reshape(fields, -1)]
    system = total(systems_of(seen, functions, further, basis))
    return system, np.concatenate(parts, axis=1)
