"""Known laws on a plane, with one coefficient each.

Each is C(θ) = C₀ + θ C₁ in the coefficients of the dictionary. It is recognised if its weak-form
residual is hardly larger than that of the law found without it, or if it predicts the last frames
better: on few cells, many terms fit the errors of the quadratures. The coefficient is the
least-squares solution; its uncertainty is the spread of the solutions for single fields and test
functions of one length, because the errors of the weak form are those of quadratures, not noise.

All fluxes may have a factor in common: that of the units, if lengths are those of x in others than
those in which the momentum counts them.
"""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float

from hfluxno.identify.plane.select import FieldEstimate, estimate, in_cells, sparse, together
from hfluxno.identify.recognition.recognised import AS_GOOD, Recognised
from hfluxno.identify.recognition.unit_factor import unit_factor, with_unit
from hfluxno.parametric.basis import Dictionary
from hfluxno.parametric.plane.terms import Further, Roles, Structure, with_further
from hfluxno.parametric.plane.weak_form import WeakSystem, total

# A smaller relative spread is due to rounding.
_LEAST = 1e-6


@dataclasses.dataclass(frozen=True)
class _Known:
    """C₀ and C₁, of shape (field, axis, term)."""

    name: str
    symbol: str
    offset: Float[np.ndarray, "field 2 term"]
    slope: Float[np.ndarray, "field 2 term"]


def recognise(
    systems: Sequence[WeakSystem],
    basis: Dictionary,
    roles: Roles,
    sizes: Float[np.ndarray, " field"],
    cell: tuple[float, float],
    interval: float,
    found: Sequence[FieldEstimate],
    further: Further | None = None,
    units: Mapping[str, str] | None = None,
) -> tuple[Recognised, Structure, Float[np.ndarray, "field coefficient"]] | None:
    """The known law with the smallest misfit, reported with that of the estimates `found` of all
    fields, its structure and C₀ in cells and frames; `None` if there is none with these roles.
    The `further` terms are added as far as the equations need them. The `units` are the known ones
    of `x`, `time` and the fields."""
    without = together(found, sizes, total(systems))
    aspect = cell[0] / cell[1]
    factor = _common_factor(total(systems), basis, roles, cell, interval, further)
    best = None
    for known in _known_laws(basis, roles, factor):
        slope = Structure(tuple(range(roles.fields)), known.slope[None], (known.symbol,))
        slope = in_cells(slope, aspect)
        axes = np.array([interval / cell[0], interval / cell[1]])
        offset = (known.offset * axes[:, None]).reshape(roles.fields, -1)
        unit = cell[0] / interval
        if further is not None:
            slope = with_further(slope, further, basis.fields)
            offset = np.pad(offset, ((0, 0), (0, further.count)))
            slope = sparse(total(systems), slope, sizes, offset).structure
            if slope.names[0] != known.symbol:
                continue
        whole = estimate(total(systems), slope, sizes, offset)
        alone = [
            float(estimate(s, _of_field(slope, i), sizes, offset).unknowns[0]) * unit
            for s in systems
            for i in range(roles.fields)
            if np.any(known.slope[i] != 0.0)
        ]
        value = float(whole.unknowns[0]) * unit
        deviation = max(float(np.std(alone)), _LEAST * abs(value))
        assert roles.carrier is not None and roles.vector is not None  # or no law is known
        names = [basis.fields[role] for role in (roles.carrier, *roles.vector)]
        constant = with_unit(known.symbol, (value, deviation), factor, names, units or {})
        said = Recognised(
            known.name,
            known.symbol,
            constant.value,
            constant.deviation,
            whole.misfit,
            without,
            unit=constant.unit,
        )
        if best is None or said.misfit < best[0].misfit:
            best = said, slope, offset
    return best


def is_as_good(said: Recognised) -> bool:
    """Whether a law is recognised from the weak form alone."""
    return said.misfit <= AS_GOOD * said.without


def _of_field(structure: Structure, field: int) -> Structure:
    """What is unknown in the equations of one field."""
    only = slice(field, field + 1)
    further = None if structure.further is None else structure.further[:, only]
    own = Structure((field,), structure.directions[:, only], structure.names, further=further)
    return own.keep(np.any(own.flat != 0.0, axis=(1, 2)))


def _common_factor(
    system: WeakSystem,
    basis: Dictionary,
    roles: Roles,
    cell: tuple[float, float],
    interval: float,
    further: Further | None,
) -> float:
    """c in F_ρ = c m_x, G_ρ = c m_y, if it is a conversion of units, else 1."""
    if roles.vector is None or roles.carrier is None:
        return 1.0
    direction = np.zeros((1, 1, 2, len(basis.exponents)))
    for axis, field in enumerate(roles.vector):
        powers = tuple(map(int, np.eye(roles.fields, dtype=int)[field]))
        if powers not in basis.exponents:
            return 1.0
        place = basis.exponents.index(powers)
        direction[0, 0, axis, place] = np.asarray(basis.scale)[field]
    # The equations have columns of the further terms, of which this needs none.
    none = None if further is None else np.zeros((1, 1, further.count))
    carried = Structure((roles.carrier,), direction, ("c",), further=none)
    carried = in_cells(carried, cell[0] / cell[1])
    found = estimate(system, carried, np.ones(roles.fields)).unknowns[0]
    return unit_factor(float(found) * cell[0] / interval)


def _known_laws(basis: Dictionary, roles: Roles, factor: float) -> list[_Known]:
    if roles.vector is None or roles.carrier is None:
        return []
    count = roles.fields
    p, x, y = roles.carrier, *roles.vector
    unit = np.eye(count, dtype=int)
    place = {powers: k for k, powers in enumerate(basis.exponents)}
    scale = np.asarray(basis.scale)

    def table(entries):
        """Coefficients of monomials in the scaled functions; `None` if one is missing there."""
        coefficients = np.zeros((count, 2, len(place)))
        for field, axis, powers, value in entries:
            key = tuple(map(int, powers))
            if key not in place:
                return None
            coefficients[field, axis, place[key]] += factor * value * float(np.prod(scale**powers))
        return coefficients

    m = (unit[x], unit[y])
    transport = [(p, a, m[a], 1.0) for a in (0, 1)]
    transport += [((x, y)[i], a, m[i] + m[a] - unit[p], 1.0) for i in (0, 1) for a in (0, 1)]

    def pressure(*terms):
        return [((x, y)[a], a, powers, value) for a in (0, 1) for powers, value in terms]

    squares = [2 * m[b] - unit[p] for b in (0, 1)]
    laws = []
    if count == 3:
        laws = [
            ("shallow water", "g", transport, pressure((2 * unit[p], 0.5))),
            ("isothermal Euler", "c²", transport, pressure((unit[p], 1.0))),
        ]
    if count == 4:
        e = next(i for i in roles.scalars if i != p)
        # p = (γ - 1)(E - ½ |m|²/ρ) and the energy flux (E + p) m/ρ.
        unit_pressure = [(unit[e], 1.0), *((square, -0.5) for square in squares)]
        work = [
            (e, a, powers + m[a] - unit[p], value)
            for a in (0, 1)
            for powers, value in unit_pressure
        ]
        carried = [(e, a, unit[e] + m[a] - unit[p], 1.0) for a in (0, 1)]
        slope = pressure(*unit_pressure) + work
        offset = transport + carried + [(f, a, powers, -value) for f, a, powers, value in slope]
        laws = [("Euler", "γ", offset, slope)]
    found = []
    for name, symbol, offset, slope in laws:
        first, second = table(offset), table(slope)
        if first is not None and second is not None:
            found.append(_Known(name, symbol, first, second))
    return found
