"""The content of the file of a law on a plane, and its faults: as for a law on a line, with one
table of the flux for each axis."""

import dataclasses
from typing import Any, Literal

import numpy as np

from hfluxno.identify.plane.error_bars import PlaneTerm
from hfluxno.identify.plane.identification import MOST_FIELDS
from hfluxno.identify.plane.saved import PlaneFit, PlaneUnits
from hfluxno.identify.recognition.recognised import Recognised
from hfluxno.identify.saved.format import (
    ChebyshevBasis,
    DictionaryBasis,
    Row,
    Table,
    below_zero,
    faults_of_basis,
    faults_of_numbers,
    faults_of_range,
    has_shape,
    is_below_zero,
)
from hfluxno.identify.status import FitStatus
from hfluxno.parametric.plane.flow import modes
from hfluxno.plural import plural
from hfluxno.strict_json import to_dict

_MOST_REFINEMENT, _MOST_TERMS, _MOST_POWERS, _MOST_ORDER = 16, 2000, 8, 32


@dataclasses.dataclass(frozen=True)
class FlowTable:
    """`SteadyFlow`: its coefficients, one row for each axis, the ends of its domain, and the
    coefficients of the supply, empty without one."""

    coefficients: Table
    lower: Row
    upper: Row
    order: int
    around: tuple[bool, bool]
    supply: Row


@dataclasses.dataclass(frozen=True)
class PlaneFurther:
    """The exponents of the sources and their coefficients, one row for each field, the
    coefficients of the diffusivities, one table for each axis with one row for each field, and the
    constants of the fluxes, one row for each axis, empty without them; and the flow or `None`."""

    arising: tuple[tuple[int, ...], ...]
    sources: Table
    diffusivities: tuple[Table, ...]
    constant: Table
    flow: FlowTable | None


@dataclasses.dataclass(frozen=True)
class PlaneLawFile:
    """The whole file."""

    format: Literal["hfluxno law"]
    version: int
    made_by: str
    fields: tuple[str, ...]
    units: PlaneUnits
    lower: Row
    upper: Row
    vectors: tuple[tuple[int, int], ...]
    positive: tuple[int, ...]
    is_fluid: bool
    basis: ChebyshevBasis | DictionaryBasis
    flux: tuple[Table, Table]
    isotropic: bool
    recognised: Recognised | None
    terms: tuple[PlaneTerm, ...]
    refinement: int
    fit: PlaneFit
    further: PlaneFurther

    @classmethod
    def upgraded(cls, data: dict[str, Any]) -> dict[str, Any]:
        """Earlier laws have neither sources nor diffusion, or no constants, or no flow, or
        diffusivities that are numbers."""
        none: dict[str, Any] = {"arising": [], "sources": [], "diffusivities": [], "constant": []}
        none["flow"] = None
        further = data.get("further", {})
        if not isinstance(further, dict):
            return {**data, "further": further}
        further = none | further
        match further["diffusivities"]:
            case [[int() | float(), *_], *_] as rows:
                further["diffusivities"] = [[[nu] for nu in row] for row in rows]
        return {**data, "further": further}


def faults(file: PlaneLawFile):
    """Reasons why a file with the right keys and types is not a law, as sentences."""
    d = len(file.fields)
    yield from faults_of_numbers(to_dict(file))
    yield from faults_of_range(file, MOST_FIELDS)
    used = [i for vector in file.vectors for i in vector]
    if len(file.vectors) > 1 or len(set(used)) < len(used) or not set(used) <= set(range(d)):
        yield f"the momentum is a pair of fields, not {list(file.vectors)}"
    if not set(file.positive) <= set(range(d)):
        yield f"there are no positive fields {list(file.positive)}"
    functions = yield from faults_of_basis(file)
    if not all(has_shape(table, d, functions) for table in file.flux):
        needed = plural(functions, "coefficient")
        yield f"the flux along each axis needs {needed} for each field"
    yield from _faults_of_further(file.further, d)
    yield from _faults_of_powers(file)
    if file.further.flow is not None:
        yield from _faults_of_flow(file.further.flow, d)
    if file.is_fluid and not (len(file.vectors) == len(file.positive) == 1):
        yield "a fluid has a momentum and a density"
    if len(file.terms) > _MOST_TERMS:
        yield f"{len(file.terms)} terms are too many"
    if not 1 <= file.refinement <= _MOST_REFINEMENT:
        yield f"the refinement {file.refinement} is not between 1 and {_MOST_REFINEMENT}"
    if file.fit.status not in FitStatus.__members__:
        yield f"there is no status {file.fit.status!r}"
    if min(*file.fit.cell, file.fit.interval) <= 0.0:
        yield "cells and intervals must be positive"
    if min(file.fit.backtest_error, file.fit.persistence_error, file.fit.misfit) < 0.0:
        yield "an error is negative"


def _faults_of_flow(flow: FlowTable, fields: int):
    if fields > 1:
        yield "a steady flow carries one field"
    if not 1 <= flow.order <= _MOST_ORDER:
        yield f"the order of a flow is from 1 to {_MOST_ORDER}"
    else:
        count = len(modes(flow.order, flow.around))
        if not has_shape(flow.coefficients, 2, count) or len(flow.supply) not in (0, count):
            yield "the flow has the wrong number of coefficients"
    ends = len(flow.lower) == len(flow.upper) == 2
    if not ends or any(not a < b for a, b in zip(flow.lower, flow.upper, strict=True)):
        yield "the flow needs a domain"


def _faults_of_further(further: PlaneFurther, fields: int):
    powers = further.arising
    if not all(len(row) == fields and min(row) >= 0 and sum(row) <= 3 for row in powers):
        yield "the terms of a source are powers of the fields up to the third"
    if (powers or further.sources) and not has_shape(further.sources, fields, len(powers)):
        yield f"the sources need {plural(len(powers), 'coefficient')} for each field"
    nu = further.diffusivities
    count = len(nu[0][0]) if nu and nu[0] else 0
    fits = len(nu) == 2 and all(has_shape(table, fields, count) for table in nu)
    if nu and not (fits and 1 <= count <= (_MOST_POWERS if fields == 1 else 1)):
        yield "there must be a diffusivity of each field along both axes"
    elif count == 1 and any(value < 0.0 for table in nu for row in table for value in row):
        yield "no diffusivity may be negative"
    if further.constant and not has_shape(further.constant, 2, fields):
        yield "there must be a constant of each flux along both axes"


def _faults_of_powers(file: PlaneLawFile):
    """Those of a diffusivity that depends on its field."""
    nu, basis = file.further.diffusivities, file.basis
    if not nu or len(nu[0][0]) == 1:
        return
    if not isinstance(basis, ChebyshevBasis):
        yield "a diffusivity that depends on a field needs a Chebyshev basis"
        return
    low, high = ((end[0] - basis.middle) / basis.half for end in (file.lower, file.upper))
    along = [is_below_zero(table[0], np.polynomial.polynomial.polyval, low, high) for table in nu]
    if all(along):  # along one axis alone a fit may leave what has no effect
        yield below_zero(file.fields[0])
