"""The search for the law behind frames on a plane: terms from the weak form, the choice among laws
and starts from a back-test."""

import dataclasses

import numpy as np
from jaxtyping import Float

from hfluxno.identify.frames.select import last_fitted_frame
from hfluxno.identify.plane import saturation
from hfluxno.identify.plane.constant import with_constant
from hfluxno.identify.plane.error_bars import PlaneTerm, terms_of
from hfluxno.identify.plane.frames import Frames
from hfluxno.identify.plane.known import is_as_good, recognise
from hfluxno.identify.plane.known_of_one import OneField, in_powers
from hfluxno.identify.plane.run import Start, back_test, best_start, plain_starts
from hfluxno.identify.plane.select import (
    FieldEstimate,
    alternatives,
    beyond_noise,
    choose,
    estimate,
    functions_of,
    make_basis,
    systems_of,
    together,
)
from hfluxno.identify.recognition.recognised import BUCKLEY_LEVERETT, Recognised
from hfluxno.parametric.basis import Basis, Chebyshev, Dictionary
from hfluxno.parametric.plane.law import FittedPlaneLaw
from hfluxno.parametric.plane.terms import Further, Roles, Structure
from hfluxno.parametric.plane.weak_form import WeakSystem, total

# A law with a larger relative residual of the weak form does not explain the data.
POOR_MISFIT = 0.1
# Of laws whose errors of the back-test differ by less than this factor, that with the fewest
# unknowns is chosen. A known law of one field may be worse by the other one: many terms may imitate
# the diffusion of a scheme.
_EQUAL, _NEARLY = 1.02, 1.25


@dataclasses.dataclass(frozen=True)
class Found:
    """A law in cells and frames, and how well it explains the frames.

    **Attributes:**

    - `law`, `before`: with coefficients from all frames, and from the first ones.
    - `error`, `start`: the smallest error of the back-test, and the start that has it.
    - `misfit`, `beyond_noise`: the residual of the weak form, and what noise does not explain.
    - `isotropic`, `recognised`, `terms`: as of a `PlaneIdentification`.
    """

    law: FittedPlaneLaw
    before: FittedPlaneLaw
    error: float
    start: Start
    misfit: float
    beyond_noise: float
    isotropic: bool
    recognised: Recognised | None
    terms: tuple[PlaneTerm, ...]


def search(
    seen: Frames,
    roles: Roles,
    fields: tuple[str, ...],
    cell: tuple[float, float],
    further: Further | None = None,
) -> Found | None:
    """The law that predicts the last frames best, of those that the weak form does not reject if
    there are any; with further terms `None` if there are none.

    Every law that runs is compiled first, which takes longer than all else.

    **Arguments:**

    - `cell`: the lengths of a cell.
    - `further`: the terms that may come into the law besides fluxes; by default none.
    """
    values, interval = seen.filled, seen.interval
    basis = make_basis(values, roles, fields)
    sizes = deviations(values, () if roles.vector is None else (roles.vector,))
    functions = functions_of(basis, seen.around)
    systems = systems_of(seen, functions, further, basis)
    whole = total(systems)
    found, isotropic = choose(whole, basis, roles, sizes, cell[0] / cell[1], further, fields)
    last = last_fitted_frame(len(values))
    before = total(systems_of(seen.until(last), functions, further, basis))
    tried = [_Tried(law) for law in alternatives(found, whole, basis, sizes)]
    if isinstance(basis, Dictionary):
        units = dict(seen.units)
        named = recognise(systems, basis, roles, sizes, cell, interval, found, further, units)
        if named is not None:
            one = _Tried(found, *named)
            tried = [one] if isotropic and is_as_good(named[0]) else [*tried, one]
    else:
        assert isinstance(basis, Chebyshev)
        equations = systems, basis, sizes, cell, interval, found, further
        simple = saturation.recognise(OneField(*equations, fields, values, seen.noise))
        tried = tried if simple is None else [_Tried(found, *simple), *tried]
    sound = [each for each in tried if each.is_sound(whole, sizes, seen.noise, further is not None)]
    if further is not None and not sound:
        return None
    tried = sound or tried
    columns = 2 * len(basis.names) + (0 if further is None else further.count)
    tested = []
    for each in tried:
        parts = []
        for system in (before, whole):
            fitted = [estimate(system, s, sizes, each.offset) for s in each.structures]
            known = np.zeros((len(fields), columns)) if each.offset is None else each.offset
            parts.append(known + _coefficients(fitted, known.shape))
        law_of = _Maker(basis, parts[1], values, fields, roles, each.said, further)
        laws = (
            with_constant(law_of(parts[0]), seen.until(last)),
            with_constant(law_of(parts[1]), seen),
        )
        error, start = back_test(laws[0], seen, last, plain_starts(seen))
        tested.append((error, start, each, laws, parts))
    least = min(error for error, *_ in tested)
    _, start, chosen, laws, parts = min(
        (each for each in tested if each[0] <= each[2].margin * least),
        key=lambda each: (each[2].said is None, each[2].unknowns),
    )
    error, start = best_start(laws[0], seen, last, start)
    found, said, misfit = chosen.found, chosen.said, chosen.misfit(whole, sizes)
    named_values = None if said is None else parts[1]
    return Found(
        law=laws[1],
        before=laws[0],
        error=error,
        start=start,
        misfit=misfit,
        beyond_noise=beyond_noise(misfit, whole, sizes, seen.noise),
        isotropic=isotropic or (said is not None and roles.vector is not None),
        recognised=said,
        terms=terms_of(found, systems, sizes, basis, cell, interval, fields, named_values),
    )


def unexplained(
    seen: Frames,
    roles: Roles,
    fields: tuple[str, ...],
    cell: tuple[float, float],
    further: Further,
) -> float:
    """The residual beyond noise of the weak form with the terms that it chooses."""
    basis = make_basis(seen.filled, roles, fields)
    sizes = deviations(seen.filled, () if roles.vector is None else (roles.vector,))
    system = total(systems_of(seen, functions_of(basis, seen.around), further, basis))
    found, _ = choose(system, basis, roles, sizes, cell[0] / cell[1], further, fields)
    return beyond_noise(together(found, sizes, system), system, sizes, seen.noise)


@dataclasses.dataclass(frozen=True)
class _Tried:
    """A law that the back-test may choose: `found` by the weak form, or known, with C₀ =
    `offset`."""

    found: list[FieldEstimate]
    said: Recognised | None = None
    structure: Structure | None = None
    offset: Float[np.ndarray, "field coefficient"] | None = None

    @property
    def structures(self) -> list[Structure]:
        own = [each.structure for each in self.found]
        return own if self.structure is None else [self.structure]

    @property
    def unknowns(self) -> int:
        return sum(len(each.names) for each in self.structures)

    @property
    def margin(self) -> float:
        """By which factor its error of the back-test may be larger than the smallest one."""
        is_of_one_field = self.said is not None and self.offset is None
        return _NEARLY if is_of_one_field else _EQUAL

    def misfit(self, system: WeakSystem, sizes: Float[np.ndarray, " field"]) -> float:
        return together(self.found, sizes, system) if self.said is None else self.said.misfit

    def is_sound(
        self, system: WeakSystem, sizes: Float[np.ndarray, " field"], noise: float, further: bool
    ) -> bool:
        """Whether the weak form does not reject it, and it has sources or diffusion if these are
        sought (`further`)."""
        has = any(s.further is not None and np.any(s.further) for s in self.structures)
        rest = beyond_noise(self.misfit(system, sizes), system, sizes, noise)
        return (has or not further) and rest <= POOR_MISFIT


@dataclasses.dataclass(frozen=True)
class _Maker:
    """Makes laws from coefficients in the order of the weak equations; functions whose coefficients
    are zero in `whole` are left out. A known law of one field (`said`) is one of powers of the
    field, which also hold beyond the observed range, unless its diffusivity depends on it or its
    flux is no polynomial."""

    basis: Basis
    whole: Float[np.ndarray, "field coefficient"]
    values: Float[np.ndarray, "time field x y"]
    fields: tuple[str, ...]
    roles: Roles
    said: Recognised | None
    further: Further | None

    def __call__(self, coefficients: Float[np.ndarray, "field coefficient"]) -> FittedPlaneLaw:
        basis, vectors = self.basis, () if self.roles.vector is None else (self.roles.vector,)
        count = 2 * len(basis.names)
        by_axis = np.stack(np.split(coefficients[:, :count], 2, axis=1))
        positive: tuple[int, ...] = ()
        if isinstance(basis, Dictionary):
            every = np.split(np.any(self.whole[:, :count] != 0.0, axis=0), 2)
            used = np.flatnonzero(every[0] | every[1])
            used = used if len(used) else np.arange(1)
            chosen = tuple(basis.exponents[k] for k in used)
            basis = dataclasses.replace(basis, exponents=chosen)
            by_axis = np.ascontiguousarray(by_axis[:, :, used])
            divisors = {i for powers in chosen for i, e in enumerate(powers) if e < 0}
            positive = tuple(sorted(divisors))
        elif self._is_of_powers:
            assert isinstance(basis, Chebyshev)
            basis, by_axis = in_powers(basis, by_axis, self.fields)
        lower, upper = self.values.min(axis=(0, 2, 3)), self.values.max(axis=(0, 2, 3))
        is_fluid = self.said is not None and bool(vectors)
        law = FittedPlaneLaw(self.fields, basis, by_axis, lower, upper, vectors, positive, is_fluid)
        return law if self.further is None else self._with_further(law, coefficients[:, count:])

    @property
    def _is_of_powers(self) -> bool:
        constant = self.further is None or self.further.powers == 1
        return self.said is not None and self.said.name != BUCKLEY_LEVERETT and constant

    def _with_further(
        self, law: FittedPlaneLaw, coefficients: Float[np.ndarray, "field coefficient"]
    ) -> FittedPlaneLaw:
        assert self.further is not None
        sources, powers = self.further.sources, self.further.powers
        whole = self.whole[:, -coefficients.shape[1] :]
        used = np.flatnonzero(np.any(whole[:, : len(sources)] != 0.0, axis=0))
        nu = coefficients[:, len(sources) :].reshape(-1, 2, powers).swapaxes(0, 1)
        diffuses = np.any(whole[:, len(sources) :] != 0.0)
        if not np.any(whole[:, len(sources) :].reshape(-1, powers)[:, 1:] != 0.0):
            nu, powers = nu[:, :, :1], 1
        return dataclasses.replace(
            law,
            arising=tuple(sources[k] for k in used),
            sources=np.ascontiguousarray(coefficients[:, used]) if len(used) else None,
            # Those of the first frames may be negative.
            diffusivities=(np.maximum(nu, 0.0) if powers == 1 else nu) if diffuses else None,
        )


def _coefficients(fitted: list[FieldEstimate], shape) -> Float[np.ndarray, "field coefficient"]:
    coefficients = np.zeros(shape)
    for each in fitted:
        part = np.tensordot(each.unknowns, each.structure.flat, axes=1)
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
