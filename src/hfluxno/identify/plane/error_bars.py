"""The uncertainty of each term of a law on a plane.

The uncertainty of a coefficient is the spread of its estimates from test functions of one length
each, because the errors of the weak form are those of quadratures, which depend on the length.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from hfluxno.identify.plane.select import FieldEstimate, estimate
from hfluxno.parametric.basis import Basis, Dictionary
from hfluxno.parametric.plane.terms import Structure
from hfluxno.parametric.plane.weak_form import WeakSystem


@dataclasses.dataclass(frozen=True)
class PlaneTerm:
    """A term of a law as it was found before a known law took its place.

    - `fields`: the fields whose fluxes have it; the components of a momentum share their terms.
    - `name`: m·g, δ·p or m⊗m·q for isotropic fluxes, else the axis and the function; or that of a
      source, or ∂xx or ∂yy for a diffusivity.
    - `value`, `deviation`: in the units of the data, and its standard deviation.
    - `named`: its value in the known law, or `None` if none was recognised.
    """

    fields: tuple[str, ...]
    name: str
    value: float
    deviation: float
    named: float | None

    def __str__(self) -> str:
        return f"{self.value:.4g} ± {self.deviation:.1g} {self.name}"


def terms_of(
    found: Sequence[FieldEstimate],
    systems: Sequence[WeakSystem],
    sizes: Float[np.ndarray, " field"],
    basis: Basis,
    cell: tuple[float, float],
    interval: float,
    fields: tuple[str, ...],
    named: Float[np.ndarray, "field coefficient"] | None,
) -> tuple[PlaneTerm, ...]:
    """The terms of all fields with their uncertainty.

    - `cell`, `interval`: the lengths of a cell and the time between two frames.
    - `named`: the coefficients of the known law, in cells and frames.
    """
    terms = []
    for each in found:
        structure = each.structure
        alone = np.stack([estimate(s, structure, sizes).unknowns for s in systems])
        spread = np.std(alone, axis=0)
        of_known = None
        if named is not None:
            flat = structure.flat.reshape(len(structure.names), -1)
            of_known = np.linalg.lstsq(flat.T, named[list(structure.fields)].ravel(), rcond=None)[0]
        for j, name in enumerate(structure.names):
            unit = _unit_of(structure, j, basis, cell, interval)
            own = np.any(structure.flat[j] != 0.0, axis=1)
            terms.append(
                PlaneTerm(
                    tuple(fields[i] for i, has in zip(structure.fields, own, strict=True) if has),
                    name,
                    float(unit * each.unknowns[j]),
                    float(abs(unit) * spread[j]),
                    None if of_known is None else float(unit * of_known[j]),
                )
            )
    return tuple(terms)


def _unit_of(structure: Structure, j: int, basis: Basis, cell, interval: float) -> float:
    """The unit of an unknown in the units of the data."""
    if not np.any(structure.directions[j]):
        assert structure.further is not None
        _, k = map(int, np.argwhere(structure.further[j] != 0.0)[0])
        diffusing = k - (structure.further.shape[2] - 2 * structure.powers)
        axis = diffusing // structure.powers
        return (1.0 if diffusing < 0 else cell[axis] ** 2) / interval
    field, axis, k = map(int, np.argwhere(structure.directions[j] != 0.0)[0])
    unit = cell[axis] / interval * structure.directions[j, field, axis, k]
    if isinstance(basis, Dictionary):
        powers = np.array(basis.exponents[k], float)
        unit = unit / np.prod(np.asarray(basis.scale, float) ** powers)
    return float(unit)
