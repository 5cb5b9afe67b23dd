"""The content of a law file, and its faults."""

import dataclasses
import itertools
import math
from collections.abc import Callable
from typing import Any, Literal

import numpy as np

from hfluxno.identify.frames.second_order import KnownChange, SecondOrder
from hfluxno.identify.saved.law import FitSummary, Scheme, Units
from hfluxno.identify.status import FitStatus
from hfluxno.names import MOST_FIELDS
from hfluxno.parametric.solver_settings import SCHEMES
from hfluxno.plural import plural
from hfluxno.strict_json import to_dict

_MOST_SIZE, _MOST_DEGREE, _MOST_TERMS = 32, 12, 200
_MOST_MODES, _MOST_REFINEMENT, _MOST_CELLS, _LONGEST = 512, 64, 10**9, 2000

_LARGEST = 1e150
_STATES, _ROUNDING = 65, 1e-9  # of diffusivities
_MOST_HALVES = 1e6  # of the scale of a basis: powers of the scaled field stay finite

Row = tuple[float, ...]
Table = tuple[Row, ...]


def as_row(numbers: Any) -> Row:
    return tuple(map(float, np.asarray(numbers, float).ravel()))


def as_table(numbers: Any) -> Table:
    return tuple(map(as_row, np.asarray(numbers, float)))


@dataclasses.dataclass(frozen=True)
class ChebyshevBasis:
    """`Chebyshev`: T_1(v), …, T_size(v), v = (u - middle)/half."""

    middle: float
    half: float
    size: int


@dataclasses.dataclass(frozen=True)
class KinkedBasis:
    """`Kinked`: the Chebyshev polynomials, and √((v - a)² + width²) for each a of `at`."""

    middle: float
    half: float
    size: int
    at: Row
    width: float


@dataclasses.dataclass(frozen=True)
class TensorBasis:
    """`TensorChebyshev`: products of Chebyshev polynomials up to a total degree."""

    middle: Row
    half: Row
    degree: int


@dataclasses.dataclass(frozen=True)
class DictionaryBasis:
    """`Dictionary`: Π (u_i/scale_i)^e_i."""

    scale: Row
    exponents: tuple[tuple[int, ...], ...]
    flow: tuple[int, ...] = ()
    fastest: float = 0.0


@dataclasses.dataclass(frozen=True)
class FurtherTerms:
    """`Terms`, with the modes of place on [lower, upper]."""

    source_by_state: Table
    source_by_place: Table
    flux_by_place: Row
    flux_offset: Row
    lower: float
    upper: float
    modes: int
    periodic: bool
    stretches: Table
    functions: tuple[tuple[int, ...], ...]
    carrier: int | None = None

    @classmethod
    def upgraded(cls, data: dict[str, Any]) -> dict[str, Any]:
        """Earlier files have no stretches, functions of several fields, or force."""
        return {"stretches": [], "functions": [], "carrier": None, **data}


@dataclasses.dataclass(frozen=True)
class Coefficients:
    """Their names, values and covariance."""

    names: tuple[str, ...]
    values: Row
    covariance: Table


@dataclasses.dataclass(frozen=True)
class LawFile:
    """The whole file."""

    format: Literal["hfluxno law"]
    version: int
    made_by: str
    fields: tuple[str, ...]
    units: Units
    lower: Row
    upper: Row
    reach: float
    odd: tuple[int, ...]
    basis: ChebyshevBasis | KinkedBasis | TensorBasis | DictionaryBasis
    flux: Table
    diffusivity: Table
    terms: FurtherTerms | None
    coefficients: Coefficients
    scheme: Scheme
    fit: FitSummary
    bounds: tuple[float | None, float | None]
    change: KnownChange | None

    @classmethod
    def upgraded(cls, data: dict[str, Any]) -> dict[str, Any]:
        """Earlier files have neither bounds nor conserved fields that were not measured, or call
        the change of a road by its own name."""
        data = {"change" if key == "second_order" else key: each for key, each in data.items()}
        return {"bounds": [None, None], "change": None, **data}


def faults(file: LawFile):
    """Reasons why a file with the right keys and types is not a law, as sentences."""
    d = len(file.fields)
    yield from faults_of_numbers(to_dict(file))
    yield from faults_of_range(file, MOST_FIELDS)
    if not 0.0 <= file.reach <= 1.0:
        yield f"the reach {file.reach:g} is not between 0 and 1"
    if len(set(file.odd)) < len(file.odd) or any(not 0 <= i < d for i in file.odd):
        yield f"there are no odd fields {list(file.odd)}"
    low, high = file.bounds
    if d > 1 and (low, high) != (None, None):
        yield "bounds belong to a law of one field"
    if low is not None and high is not None and not low < high:
        yield "the lower bound is not below the upper one"
    if file.change is not None:
        yield from _faults_of_change(file.change, file.fields)
    functions = yield from faults_of_basis(file)
    if not has_shape(file.flux, d, functions):
        yield f"the flux needs {plural(functions, 'coefficient')} for each field"
    if not has_shape(file.diffusivity, d, None, _MOST_DEGREE):
        yield "the diffusivities need the same number of coefficients for each field"
    for name, row in zip(file.fields, file.diffusivity, strict=True):
        if is_below_zero(row, np.polynomial.chebyshev.chebval, -1.0, 1.0):
            yield below_zero(name)
    if file.terms is not None:
        yield from _faults_of_terms(file.terms, d)
        yield from _faults_of_functions(file.terms, file.lower, file.upper)
    of, count = file.coefficients, len(file.coefficients.names)
    if len(of.values) != count or len(set(of.names)) < count:
        yield "each coefficient needs a unique name and a value"
    if not has_shape(of.covariance, count, count):
        yield f"the covariance does not have the shape of {plural(count, 'coefficient')}"
    scheme = file.scheme
    if scheme.name not in SCHEMES:
        yield f"there is no scheme {scheme.name!r} ({', '.join(SCHEMES)})"
    if not 1 <= scheme.refinement <= _MOST_REFINEMENT:
        yield f"the refinement {scheme.refinement} is not between 1 and {_MOST_REFINEMENT}"
    if not 0.0 < scheme.cfl_desired <= scheme.cfl_maximum <= 1.0:
        yield "the CFL rule needs 0 < desired <= maximum <= 1"
    if scheme.longest_step is not None and scheme.longest_step <= 0.0:
        yield "the longest step must be positive"
    if file.fit.status not in FitStatus.__members__:
        yield f"there is no status {file.fit.status!r}"
    if not 1 <= file.fit.cells <= _MOST_CELLS or not 0.0 <= file.fit.missing <= 1.0:
        yield "the number of cells or the fraction of missing values is out of range"
    if any(size is not None and size <= 0.0 for size in (file.fit.cell, file.fit.interval)):
        yield "cells and intervals must be positive"
    errors = (file.fit.backtest_error, file.fit.persistence_error, file.fit.residual)
    if any(error is not None and error < 0.0 for error in errors):
        yield "an error is negative"


def faults_of_range(file: Any, most: int):
    """The faults of the fields and of their observed range."""
    names, d = file.fields, len(file.fields)
    if not 1 <= d <= most or len(set(names)) < d:
        yield f"a law has 1 to {most} different fields, not {', '.join(names) or 'none'}"
    if not all(names):
        yield "a field has no name"
    if len(file.units.fields) != d:
        yield f"{plural(len(file.units.fields), 'unit')} for {plural(d, 'field')}"
    if len(file.lower) != d or len(file.upper) != d:
        yield "the observed range must have one number for each field"
    if any(not low < high for low, high in zip(file.lower, file.upper, strict=True)):
        yield "the observed range of a field is empty"


def is_below_zero(row: Row, series: Callable, low: float, high: float) -> bool:
    """Whether a series with these coefficients is negative everywhere between two ends, by more
    than rounding: runs take such a diffusivity for zero."""
    room = _ROUNDING * sum(map(abs, row))
    return bool(row) and bool(np.all(series(np.linspace(low, high, _STATES), row) < -room))


def below_zero(name: str) -> str:
    return f"the diffusivity of {name} is negative at all states that were observed"


def faults_of_basis(file: Any):
    """The faults, and the number of functions."""
    of, d = file.basis, len(file.fields)
    if isinstance(of, ChebyshevBasis | KinkedBasis):
        if d != 1 or not 1 <= of.size <= _MOST_SIZE or of.half <= 0.0:
            yield "the Chebyshev basis of one field needs a positive half width and a size"
        yield from _faults_of_scale(file, (of.middle,), (of.half,))
        if isinstance(of, ChebyshevBasis):
            return of.size
        if not 1 <= len(of.at) <= _MOST_SIZE or of.width <= 0.0:
            yield "each kink needs a place, and the width must be positive"
        return of.size + len(of.at)
    if isinstance(of, TensorBasis):
        sound = len(of.middle) == len(of.half) == d and min(of.half, default=0.0) > 0.0
        if not sound or not 1 <= of.degree <= _MOST_DEGREE:
            yield "the tensor basis needs a positive half width of each field and a degree"
        yield from _faults_of_scale(file, of.middle, of.half)
        return math.comb(of.degree + d, d) - 1
    if len(of.scale) != d or min(of.scale, default=0.0) <= 0.0:
        yield "the dictionary needs a positive scale of each field"
    yield from _faults_of_scale(file, (0.0,) * d, of.scale)
    if not 1 <= len(of.exponents) <= _MOST_TERMS or len(set(of.exponents)) < len(of.exponents):
        yield f"the dictionary needs 1 to {_MOST_TERMS} different terms"
    for powers in of.exponents:
        if len(powers) != d or not 0 < sum(map(abs, powers)) <= _MOST_DEGREE:
            yield f"there is no term with the exponents {list(powers)}"
    divisors = [i for i in range(d) if any(powers[i] < 0 for powers in of.exponents)]
    if any(file.lower[i] <= 0.0 <= file.upper[i] for i in divisors):
        yield "a term divides by a field that is zero somewhere in its range"
    if of.flow and not (sorted(of.flow) == [0, 1] and d == 2 and of.fastest > 0.0):
        yield "a flow over dry ground needs two fields and a positive largest velocity"
    return len(of.exponents)


def _faults_of_scale(file: Any, middle: Row, scale: Row):
    ends = zip(file.lower, file.upper, middle, scale, strict=True)
    if any(max(m - low, high - m) > _MOST_HALVES * half for low, high, m, half in ends):
        yield "the observed range of a field is far wider than the scale of the basis"


def _faults_of_terms(of: FurtherTerms, d: int):
    if not has_shape(of.source_by_state, d, None, _MOST_TERMS if of.functions else _MOST_DEGREE):
        yield "the source that depends on the state has the wrong shape"
    if not has_shape(of.source_by_place, d, None, of.modes) or len(of.flux_by_place) > of.modes:
        yield "there are more coefficients of modes of place than modes"
    if len(of.flux_offset) != d:
        yield "the offset of the flux needs one number for each field"
    if of.stretches and not has_shape(of.stretches, len(of.stretches), 3):
        yield "a stretch needs its begin, its end and the logarithm of its factor"
    if of.carrier is not None and not (0 <= of.carrier < d and d > 1):
        yield "the force of a law needs several fields, one of which it acts on"
    if not of.lower < of.upper or not 1 <= of.modes <= _MOST_MODES:
        yield "the modes of place need a domain and a positive number of modes"


def _faults_of_functions(of: FurtherTerms, lower: Row, upper: Row):
    """The faults of the functions of a source, whose exponents are those of the fields and then of
    their sizes."""
    d, functions = len(lower), of.functions
    if functions and not has_shape(of.source_by_state, d, len(functions)):
        yield f"the source needs {plural(len(functions), 'coefficient')} for each field"
    if len(set(functions)) < len(functions) or len(functions) > _MOST_TERMS:
        yield f"the functions of a source must be at most {_MOST_TERMS} different ones"
    for powers in functions:
        if len(powers) != 2 * d or sum(map(abs, powers)) > _MOST_DEGREE:
            yield f"there is no function with the exponents {list(powers)}"
        elif any(e < 0 and lower[i % d] <= 0.0 <= upper[i % d] for i, e in enumerate(powers)):
            yield "a source divides by a field that is zero somewhere in its range"


def _faults_of_change(of: KnownChange, fields: tuple[str, ...]):
    if of.density == of.replaced or of.place not in (0, 1) or set(fields) != {of.density, of.name}:
        yield f"a {_noun(of)} needs its density and the field {of.name} in its place"
    elif fields[of.place] != of.name:
        yield f"the {_noun(of)} is not in the place of the field {of.name}"
    if not isinstance(of, SecondOrder):
        return
    if not (of.strength > 0.0 and of.scale > 0.0 and abs(of.exponent) <= _MOST_DEGREE):
        yield "the pressure of a flow needs a positive strength, an exponent and a positive scale"


def _noun(of: KnownChange) -> str:
    return "flow" if isinstance(of, SecondOrder) else "velocity"


def faults_of_numbers(data: Any):
    """Numbers that are not finite or whose squares are not, and texts that are too long or cannot
    be printed."""
    if isinstance(data, dict):
        data = list(itertools.chain.from_iterable(data.items()))
    if isinstance(data, list):
        for entry in data:
            yield from faults_of_numbers(entry)
    elif isinstance(data, float) and not abs(data) <= _LARGEST:
        yield f"a number is {data}, which cannot be computed with"
    elif isinstance(data, str) and not (data.isprintable() and len(data) <= _LONGEST):
        yield f"a text is too long or cannot be printed: {data[:40]!r}"


def has_shape(table: Table, rows: int, columns: int | None, most: int = 10**6) -> bool:
    """Whether a table has this many rows and columns (any number up to `most` if it is `None`)."""
    lengths = {len(row) for row in table}
    fits = columns is None and len(lengths) <= 1 and max(lengths, default=0) <= most
    return len(table) == rows and (fits or lengths <= {columns})
