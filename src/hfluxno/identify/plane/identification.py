"""The law behind frames on a plane, and how far to trust it."""

import dataclasses

import jax
import numpy as np
from jaxtyping import Float

from hfluxno.identify.basis import Basis, Dictionary
from hfluxno.identify.plane.error_bars import terms_of
from hfluxno.identify.plane.frames import Frames, frames_of
from hfluxno.identify.plane.known import is_as_good, recognise
from hfluxno.identify.plane.law import FittedPlaneLaw
from hfluxno.identify.plane.result import PlaneIdentification
from hfluxno.identify.plane.run import (
    back_test,
    further_starts,
    plain_starts,
    relative_error,
)
from hfluxno.identify.plane.select import (
    Estimate,
    alternatives,
    beyond_noise,
    choose,
    estimate,
    functions_of,
    infer_roles,
    make_basis,
    systems_of,
    together,
)
from hfluxno.identify.plane.systematic import is_systematic
from hfluxno.identify.plane.terms import Roles, Structure
from hfluxno.identify.plane.weak_form import total
from hfluxno.identify.recognised import Recognised
from hfluxno.identify.saved_law import known_units
from hfluxno.identify.select import last_fitted_frame
from hfluxno.identify.status import FitStatus, exceeds, total_drift
from hfluxno.trajectory import Trajectory

# The weak form spans several frames, and a bump several cells.
MINIMUM_FRAMES, MINIMUM_CELLS = 6, 16
MOST_FIELDS = 6
# A law with a larger relative residual of the weak form does not explain the data.
_POOR_MISFIT = 0.1
# Totals of fewer frames show no drift.
_FRAMES_OF_DRIFT = 4


def identify_plane(
    context: Trajectory, momentum: tuple[str, str] | None = None
) -> PlaneIdentification:
    """The conservation law that explains frames on a plane.

    - `context`: one trajectory of at least 6 frames at equal intervals on at least 16 × 16 cells,
      without gaps, between sides that are periodic, walls or outflows.
    - `momentum`: the names of the fields that are the components of the momentum along x and y;
      inferred from F_ρ = c m_x, G_ρ = c m_y if it is `None`.

    Raises `ValueError` if the context cannot be used or a name is unknown.
    """
    seen = _checked(context)
    values, grid, fields, around = seen.filled, context.grid, context.fields, seen.around
    cell = (float(grid.spacing[0]), float(grid.spacing[1]))
    interval, aspect = seen.interval, cell[0] / cell[1]
    with jax.enable_x64(True):
        roles = infer_roles(seen, aspect, _indices(momentum, fields))
        basis = make_basis(values, roles, fields)
        sizes = deviations(values, () if roles.vector is None else (roles.vector,))
        functions = functions_of(basis, around)
        systems = systems_of(seen, functions)
        whole = total(systems)
        found, isotropic = choose(whole, basis, roles, sizes, aspect)
        shape = (len(fields), 2, len(basis.names))
        last = last_fitted_frame(len(values))
        before = total(systems_of(seen.until(last), functions))
        tried = [_Tried(law) for law in alternatives(found, whole, basis, sizes)]
        if isinstance(basis, Dictionary):
            named = recognise(systems, basis, roles, sizes, cell, interval, found)
            if named is not None:
                one = _Tried(found, *named)
                tried = [one] if isotropic and is_as_good(named[0]) else [*tried, one]
        best = None
        for each in tried:
            parts = []
            for system in (before, whole):
                fitted = [estimate(system, s, sizes, each.offset) for s in each.structures]
                known = np.zeros(shape) if each.offset is None else each.offset
                parts.append(known + _coefficients(fitted, shape))
            used = np.flatnonzero(np.any(parts[1] != 0.0, axis=(0, 1)))
            law_of = _Maker(basis, used, values, fields, roles, each.said is not None)
            error, start = back_test(law_of(parts[0]), seen, last, plain_starts(seen))
            if best is None or error < best[0]:
                best = error, start, each, law_of, parts
        assert best is not None
        error, start, chosen, law_of, parts = best
        starts = [start, *further_starts(seen, start.refinement)]
        error, start = back_test(law_of(parts[0]), seen, last, starts)
        found, said = chosen.found, chosen.said
        misfit = together(found, sizes, whole) if said is None else said.misfit
    persistence = relative_error(values[last : last + 1], seen.values[last + 1 :])
    status = status_of(
        error,
        persistence,
        beyond_noise(misfit, whole, sizes, seen.noise),
        not has_drifted(seen),
        seen.relative_noise,
    )
    if status == FitStatus.OK and is_systematic(law_of(parts[1]), seen, start):
        status = FitStatus.SYSTEMATIC_MISFIT
    lengths = np.array(cell) / interval
    return PlaneIdentification(
        law=law_of(parts[1] * lengths[:, None]),
        units=known_units(context),
        status=status,
        backtest_error=error,
        persistence_error=persistence,
        misfit=misfit,
        isotropic=isotropic or said is not None,
        recognised=said,
        terms=terms_of(
            found, systems, sizes, basis, lengths, fields, None if said is None else parts[1]
        ),
        refinement=start.refinement,
        mode=start.mode,
        neighbours=(law_of(parts[0]),),
        missing=seen.missing,
        grid_law=law_of(parts[1]),
        cell=cell,
        interval=interval,
    )


@dataclasses.dataclass(frozen=True)
class _Tried:
    """A law that the back-test may choose: `found` by the weak form, or known, with C₀ =
    `offset`."""

    found: list[Estimate]
    said: Recognised | None = None
    structure: Structure | None = None
    offset: Float[np.ndarray, "field 2 term"] | None = None

    @property
    def structures(self) -> list[Structure]:
        own = [each.structure for each in self.found]
        return own if self.structure is None else [self.structure]


@dataclasses.dataclass(frozen=True)
class _Maker:
    """Makes laws from coefficients (field, axis, function), of which those `used` are not zero."""

    basis: Basis
    used: np.ndarray
    values: np.ndarray
    fields: tuple[str, ...]
    roles: Roles
    is_fluid: bool

    def __call__(self, coefficients: Float[np.ndarray, "field 2 function"]) -> FittedPlaneLaw:
        basis, by_axis = self.basis, np.ascontiguousarray(coefficients.swapaxes(0, 1))
        positive: tuple[int, ...] = ()
        if isinstance(basis, Dictionary):
            chosen = tuple(basis.exponents[k] for k in self.used)
            basis = dataclasses.replace(basis, exponents=chosen)
            by_axis = np.ascontiguousarray(by_axis[:, :, self.used])
            divisors = {i for powers in chosen for i, e in enumerate(powers) if e < 0}
            positive = tuple(sorted(divisors))
        vectors = () if self.roles.vector is None else (self.roles.vector,)
        lower, upper = self.values.min(axis=(0, 2, 3)), self.values.max(axis=(0, 2, 3))
        return FittedPlaneLaw(
            self.fields, basis, by_axis, lower, upper, vectors, positive, self.is_fluid
        )


def _coefficients(fitted: list[Estimate], shape) -> Float[np.ndarray, "field 2 function"]:
    coefficients = np.zeros(shape)
    for each in fitted:
        part = np.tensordot(each.unknowns, each.structure.directions, axes=1)
        coefficients[list(each.structure.fields)] += part
    return coefficients


def deviations(
    values: Float[np.ndarray, "time field x y"], vectors: tuple[tuple[int, ...], ...]
) -> Float[np.ndarray, " field"]:
    """The standard deviation of each field, and one for both components of the momentum."""
    sizes = np.std(values, axis=(0, 2, 3))
    for vector in map(list, vectors):
        sizes[vector] = np.sqrt(np.mean(sizes[vector] ** 2))
    return sizes


def has_drifted(seen: Frames) -> bool:
    """Whether a total has drifted on a periodic plane; not tested for frames with gaps."""
    values = seen.values[~np.isnan(seen.values).any(axis=(1, 2, 3))]
    if not all(seen.around) or len(values) < _FRAMES_OF_DRIFT:
        return False
    flat = values.reshape(*values.shape[:2], -1)
    return not total_drift(flat, seen.grid, np.zeros(values.shape[1]))[1]


def status_of(
    error: float, persistence: float, misfit: float, conserved: bool, noise: float = 0.0
) -> FitStatus:
    """Whether a law explains a context; an unknown misfit is NaN, and `noise` is relative to the
    frames, as the errors are."""
    if not np.isfinite(error):
        return FitStatus.FAILED
    if not conserved:
        return FitStatus.SOURCE_OR_LEAK
    if exceeds(error, persistence, noise) or misfit > _POOR_MISFIT:
        return FitStatus.POOR_FIT
    return FitStatus.OK


def _indices(momentum, fields: tuple[str, ...]) -> tuple[int, int] | None:
    if momentum is None:
        return None
    names = tuple(momentum)
    if isinstance(momentum, str) or len(set(names)) != 2 or not set(names) <= set(fields):
        raise ValueError(
            f"The momentum on a plane is a pair of the fields {', '.join(fields)}, such as "
            f'("m_x", "m_y"); got {momentum!r}.'
        )
    return fields.index(names[0]), fields.index(names[1])


def _checked(context: Trajectory) -> Frames:
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
    for name, field in zip(context.fields, np.moveaxis(values, 1, 0), strict=True):
        if np.ptp(field) <= 1e-12 * np.max(np.abs(field)):
            others = ",".join(other for other in context.fields if other != name)
            mend = f"; leave it out (--variable={others})" if others else ""
            raise ValueError(
                f"The field {name!r} is constant: there is nothing to infer from it{mend}."
            )
    return seen
