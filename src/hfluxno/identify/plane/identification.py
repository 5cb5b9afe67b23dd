"""The law behind frames on a plane, and how far to trust it."""

import dataclasses

import jax
import numpy as np
from jaxtyping import Float

from hfluxno.boundary import Outflow, Periodic, Wall
from hfluxno.forecast_checks import POOR
from hfluxno.grid import Grid
from hfluxno.identify.basis import Basis, Dictionary
from hfluxno.identify.plane.error_bars import terms_of
from hfluxno.identify.plane.known import is_as_good, recognise
from hfluxno.identify.plane.law import FittedPlaneLaw
from hfluxno.identify.plane.result import PlaneIdentification
from hfluxno.identify.plane.run import back_test, relative_error
from hfluxno.identify.plane.select import (
    Estimate,
    alternatives,
    choose,
    estimate,
    functions_of,
    infer_roles,
    make_basis,
    together,
)
from hfluxno.identify.plane.terms import Roles, Structure
from hfluxno.identify.plane.weak_form import total, weak_systems
from hfluxno.identify.recognised import Recognised
from hfluxno.identify.saved_law import known_units
from hfluxno.identify.select import last_fitted_frame
from hfluxno.identify.status import FitStatus, total_drift
from hfluxno.trajectory import Trajectory

# The weak form spans several frames, and a bump several cells.
MINIMUM_FRAMES, MINIMUM_CELLS = 6, 16
MOST_FIELDS = 6
# A law with a larger relative residual of the weak form does not explain the data.
_POOR_MISFIT = 0.1
_EVEN = 1e-3


def identify_plane(
    context: Trajectory, momentum: tuple[str, str] | None = None
) -> PlaneIdentification:
    """The conservation law that explains frames on a plane.

    **Arguments:**

    - `context`: one trajectory of at least 6 frames at equal intervals on at least 16 × 16 cells,
      without gaps, between sides that are periodic, walls or outflows.
    - `momentum`: the names of the fields that are the components of the momentum along x and y;
      inferred from F_ρ = c m_x, G_ρ = c m_y if it is `None`.

    **Raises:**

    - `ValueError`, if the context cannot be used or a name is unknown.
    """
    values = np.asarray(context.values, np.float64)
    _check(context, values)
    grid, fields = context.grid, context.fields
    around = (grid.is_periodic(0), grid.is_periodic(1))
    cell = (float(grid.spacing[0]), float(grid.spacing[1]))
    interval = float(context.times[-1] - context.times[0]) / (len(values) - 1)
    aspect = cell[0] / cell[1]
    with jax.enable_x64(True):
        roles = infer_roles(values, around, aspect, _indices(momentum, fields))
        basis = make_basis(values, roles, fields)
        sizes = deviations(values, () if roles.vector is None else (roles.vector,))
        functions = functions_of(basis, around)
        systems = weak_systems(values, functions, around)
        whole = total(systems)
        found, isotropic = choose(whole, basis, roles, sizes, aspect)
        shape = (len(fields), 2, len(basis.names))
        last = last_fitted_frame(len(values))
        before = total(weak_systems(values[: last + 1], functions, around))
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
            error, refinement = back_test(law_of(parts[0]), values, last, grid)
            if best is None or error < best[0]:
                best = error, refinement, each, law_of, parts
        assert best is not None
        error, refinement, chosen, law_of, parts = best
        found, said = chosen.found, chosen.said
        misfit = together(found, sizes, whole) if said is None else said.misfit
    persistence = relative_error(values[last : last + 1], values[last + 1 :])
    lengths = np.array(cell) / interval
    return PlaneIdentification(
        law=law_of(parts[1] * lengths[:, None]),
        units=known_units(context),
        status=status_of(error, persistence, misfit, not has_drifted(values, grid)),
        backtest_error=error,
        persistence_error=persistence,
        misfit=misfit,
        isotropic=isotropic or said is not None,
        recognised=said,
        terms=terms_of(
            found, systems, sizes, basis, lengths, fields, None if said is None else parts[1]
        ),
        refinement=refinement,
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


def has_drifted(values: Float[np.ndarray, "time field x y"], grid: Grid) -> bool:
    """Whether a total has drifted on a periodic plane."""
    if not (grid.is_periodic(0) and grid.is_periodic(1)):
        return False
    flat = values.reshape(*values.shape[:2], -1)
    return not total_drift(flat, grid, np.zeros(values.shape[1]))[1]


def status_of(error: float, persistence: float, misfit: float, conserved: bool) -> FitStatus:
    """Whether a law explains a context; an unknown misfit is NaN."""
    if not np.isfinite(error):
        return FitStatus.FAILED
    if not conserved:
        return FitStatus.SOURCE_OR_LEAK
    if error > POOR * persistence or misfit > _POOR_MISFIT:
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


def _check(context: Trajectory, values: np.ndarray) -> None:
    if context.is_batched:
        raise ValueError("identify_plane takes one trajectory; identify them one by one.")
    if len(context.fields) > MOST_FIELDS:
        raise ValueError(
            f"Only contexts with up to {MOST_FIELDS} fields can be identified on a plane; this one "
            f"has {len(context.fields)}. Select those that form a system."
        )
    if len(values) < MINIMUM_FRAMES or min(context.grid.shape) < MINIMUM_CELLS:
        raise ValueError(
            f"A context on a plane needs at least {MINIMUM_FRAMES} frames of {MINIMUM_CELLS} × "
            f"{MINIMUM_CELLS} cells; this one has {len(values)} of {context.grid.shape[0]} × "
            f"{context.grid.shape[1]}."
        )
    check_frames(context, values)
    for name, field in zip(context.fields, np.moveaxis(values, 1, 0), strict=True):
        if np.ptp(field) <= 1e-12 * np.max(np.abs(field)):
            others = ",".join(other for other in context.fields if other != name)
            mend = f"; leave it out (--variable={others})" if others else ""
            raise ValueError(
                f"The field {name!r} is constant: there is nothing to infer from it{mend}."
            )


def check_frames(context: Trajectory, values: Float[np.ndarray, "time field x y"]) -> None:
    """Rejects frames that no law on a plane can be compared with.

    **Raises:**

    - `ValueError`, if they have gaps, uneven intervals or sides of another kind.
    """
    if not np.all(np.isfinite(values)):
        raise ValueError("A context on a plane must not have gaps or infinite values; fill them.")
    intervals = np.diff(np.asarray(context.times, float))
    if len(intervals) and np.ptp(intervals) > _EVEN * np.mean(intervals):
        raise ValueError("The frames of a context on a plane must be at equal intervals.")
    for end in (end for pair in context.grid.boundary for end in pair):
        if type(end) not in (Periodic, Outflow, Wall):
            raise ValueError(
                "The sides of a plane must be periodic, walls or outflows to identify a law; got "
                f"{end.name!r}."
            )
