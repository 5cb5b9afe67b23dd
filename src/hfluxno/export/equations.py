"""A law as equations in the units of the data, for people.

Numbers have enough digits that rounding changes no value by more than a millionth of the height of
its function over the observed range. A polynomial of one field is written in powers of the field,
unless these cancel so much that more than ten digits are needed; then, and for the tensor basis, in
the scaled field v. Kinks are written in the field. Of what depends on place, terms below a
millionth of the largest are left out.
"""

import dataclasses
import functools
import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from hfluxno.export.plain import Place, PlainLaw
from hfluxno.identify.saved.format import Row, Table

_ACCURACY = 1e-6
_MOST_CANCELLED = 1e4
_NEGLIGIBLE = 1e-12
# Points along each field, and of all fields together.
_POINTS, _MOST_POINTS = 21, 20_000


@dataclasses.dataclass(frozen=True)
class Sum:
    """Σ_k c_k Π_j y_j^{e_kj}, as a decimal for every c, and the names of the y."""

    terms: tuple[tuple[str, tuple[int, ...]], ...]
    variables: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Kink:
    """c √((u - place)² + width²) in decimals, c by its size and whether it is negative."""

    number: str
    negative: bool
    place: str
    width: str


@dataclasses.dataclass(frozen=True)
class Line:
    """An equation: `name` of `of` is the sum, or its positive part, plus the kinks."""

    name: str
    of: tuple[str, ...]
    sum: Sum
    positive: bool = False
    kinks: tuple[Kink, ...] = ()


class Wave(NamedTuple):
    """c sin(nπξ) or c cos(nπξ), with the decimal of c."""

    number: str
    function: str
    n: int


class Stretch(NamedTuple):
    """The decimal `number` on a stretch from `begin` to `end`."""

    number: str
    begin: float
    end: float


class ByPlace(NamedTuple):
    """What depends on place: the waves of the source of each field that has one, and those of the
    logarithm of the factor of the flux with its stretches; `None` without a factor."""

    sources: dict[str, list[Wave]]
    factor: tuple[list[Wave], list[Stretch]] | None

    @property
    def has_waves(self) -> bool:
        return any(self.sources.values()) or (self.factor is not None and bool(self.factor[0]))


def equations(law: PlainLaw, letter: str = "f") -> list[Line]:
    """The equations of fluxes, and of diffusivities and sources that depend on the state.

    - `letter`: what the flux is called, f along x and g along y; diffusivities are ν and μ.
    """
    several = len(law.fields) > 1
    flux = _flux_sums(law)
    lines = [
        Line(f"{letter}_{name}" if several else letter, law.fields, flux[i], kinks=_kinks(law))
        for i, name in enumerate(law.fields)
    ]
    nu = "ν" if letter == "f" else "μ"
    powers_of_one = ((nu, law.diffusivity), ("s", () if law.arising else law.source))
    for symbol, table in powers_of_one:
        for i, row in enumerate(table):
            name = f"{symbol}_{law.fields[i]}" if several else symbol
            exponents = tuple((k,) for k in range(len(row)))
            v = np.linspace(-1.0, 1.0, _POINTS)[None]
            found = _rounded(row, exponents, v, (_scaled(law, i),), constant=True)
            lines.append(Line(name, (law.fields[i],), found, symbol == nu and len(row) > 1))
    return lines + _sources(law)


def _sources(law: PlainLaw) -> list[Line]:
    """The sources of several fields that are not zero."""
    if not law.arising:
        return []
    u = _states(law)
    u, names = np.concatenate([u, np.abs(u)]), (*law.fields, *(f"|{name}|" for name in law.fields))
    return [
        Line(
            f"s_{name}" if len(law.fields) > 1 else "s",
            law.fields,
            _rounded(row, law.arising, u, names, constant=True),
        )
        for name, row in zip(law.fields, law.source, strict=True)
        if any(row)
    ]


@functools.lru_cache(maxsize=8)  # text, LaTeX and SymPy of a law are asked for one after another
def of_every_axis(laws: tuple[PlainLaw, ...]) -> tuple[Line, ...]:
    """The equations of f along x and g along y."""
    return tuple(
        line for letter, law in zip("fg", laws, strict=False) for line in equations(law, letter)
    )


def scaled_fields(laws: tuple[PlainLaw, ...]) -> list[tuple[str, str, float, float]]:
    """Each scaled field v = (u - middle)/half that the equations use: v, u and both numbers."""
    sums = [line.sum for line in of_every_axis(laws)]
    used = {
        name
        for each in sums
        for _, powers in each.terms
        for name, power in zip(each.variables, powers, strict=True)
        if power
    }
    law = laws[0]
    every = zip(law.fields, law.middle, law.half, strict=True)
    named = [(_scaled(law, i), *each) for i, each in enumerate(every)]
    return [each for each in named if each[0] in used]


def by_place(fields: tuple[str, ...], of: Place) -> ByPlace:
    sources = {
        name: _waves(of, row)[0] for name, row in zip(fields, of.source, strict=True) if any(row)
    }
    return ByPlace(sources, _waves(of, of.factor, of.stretches) if of.scales_flux else None)


def raised(offset: Row, number: Callable[[float], str], minus: str) -> str:
    """f + offset, with numbers and the sign of a negative one as they are written."""
    if not any(offset):
        return "f"
    if len(offset) > 1:
        return f"(f + ({', '.join(map(number, offset))}))"
    (c,) = offset
    return f"(f {minus if c < 0.0 else '+'} {number(abs(c))})"


def _waves(of: Place, coefficients: Row, stretches: Table = ()) -> tuple[list[Wave], list[Stretch]]:
    """Σ_m c_m ψ_m(x), and what it has besides on stretches."""
    largest = max(map(abs, (*coefficients, *(j for *_, j in stretches))))

    def counts(number: float) -> bool:
        return abs(number) >= _ACCURACY * largest

    def decimal(number: float) -> str:
        return _decimal(number, abs(number), largest)

    waves = [Wave(decimal(c), name, n) for c, name, n in of.waves(coefficients) if counts(c)]
    return waves, [Stretch(decimal(j), begin, end) for begin, end, j in stretches if counts(j)]


def _states(law: PlainLaw) -> np.ndarray:
    """States (field, point) all over the range."""
    count = min(_POINTS, int(_MOST_POINTS ** (1.0 / len(law.fields))))
    points = [np.linspace(*ends, count) for ends in zip(law.lower, law.upper, strict=True)]
    return np.stack([axis.ravel() for axis in np.meshgrid(*points, indexing="ij")])


def _flux_sums(law: PlainLaw) -> list[Sum]:
    u = _states(law)
    beside = _kink_values(law, u).sum(axis=0)
    first = 0 if law.anchored else 1
    rounded = functools.partial(_rounded, constant=law.anchored, beside=beside)
    if not any(law.shift):
        factors = [
            math.prod(s**-e for s, e in zip(law.scale, powers, strict=True))
            for powers in law.exponents
        ]
        return [
            rounded(np.multiply(row, factors), law.exponents, u, law.fields) for row in law.flux
        ]
    if len(law.fields) == 1:
        powers = np.zeros(max((e for (e,) in law.exponents), default=0) + 1)
        for (e,), coefficient in zip(law.exponents, law.flux[0], strict=True):
            powers[e] = coefficient
        inner = np.polynomial.Polynomial([-law.shift[0] / law.scale[0], 1.0 / law.scale[0]])
        expanded = np.polynomial.Polynomial(powers)(inner).coef[first:]
        exponents = tuple((k,) for k in range(first, len(expanded) + first))
        if _cancellation(expanded, exponents, u) <= _MOST_CANCELLED:
            return [rounded(expanded, exponents, u, law.fields)]
    v = (u - np.reshape(law.shift, (-1, 1))) / np.reshape(law.scale, (-1, 1))
    names = tuple(_scaled(law, i) for i in range(len(law.fields)))
    return [rounded(row, law.exponents, v, names) for row in law.flux]


def _kinks(law: PlainLaw) -> tuple[Kink, ...]:
    if not law.kinks:
        return ()
    (shift,), (scale,), exponents = law.shift, law.scale, law.exponents
    u = np.linspace(law.lower[0], law.upper[0], _POINTS)[None]
    values = _kink_values(law, u)
    smooth = _parts(law.flux[0], exponents, (u - shift) / scale).sum(axis=0)
    height = float(np.ptp(smooth + values.sum(axis=0))) or 1.0
    found = []
    for (at, weight), value in zip(law.kinks, values, strict=True):
        place, width, steepness = shift + scale * at, scale * law.width, abs(weight) / scale
        found.append(
            Kink(
                _decimal(steepness, np.max(np.abs(value)), height),
                weight < 0.0,
                _decimal(place, steepness * abs(place), height),
                _decimal(width, steepness * width, height),
            )
        )
    return tuple(found)


def _kink_values(law: PlainLaw, u: np.ndarray) -> np.ndarray:
    """The value of each kink at each point."""
    w = (u[0] - law.shift[0]) / law.scale[0]
    values = [weight * np.hypot(w - at, law.width) for at, weight in law.kinks]
    return np.reshape(values, (len(law.kinks), u.shape[1]))


def _scaled(law: PlainLaw, field: int) -> str:
    return "v" if len(law.fields) == 1 else f"v_{law.fields[field]}"


def _cancellation(coefficients, exponents, u) -> float:
    parts = _parts(coefficients, exponents, u)
    height = float(np.ptp(parts.sum(axis=0))) or 1.0
    return float(np.max(np.sum(np.abs(parts), axis=0))) / height


def _parts(coefficients, exponents, u) -> np.ndarray:
    """The value of each term at each point."""
    return np.array(
        [
            c * np.prod([y ** float(e) for y, e in zip(u, powers, strict=True)], axis=0)
            for c, powers in zip(coefficients, exponents, strict=True)
        ]
    )


def _rounded(coefficients, exponents, u, names, constant: bool = False, beside=0.0) -> Sum:
    """The sum with enough digits, given what is `beside` it; with a `constant` only if it has an
    effect."""
    chosen = [
        (float(c), powers)
        for c, powers in zip(coefficients, exponents, strict=True)
        if c and (constant or any(powers))
    ]
    if not chosen:
        return Sum((("0", (0,) * len(names)),), names)
    numbers, kept = [c for c, _ in chosen], [powers for _, powers in chosen]
    sizes = np.max(np.abs(_parts(numbers, kept, u)), axis=1)
    total = _parts(numbers, kept, u).sum(axis=0) + beside
    height = float(np.ptp(total)) or float(np.max(np.abs(total)))
    terms = []
    for (c, powers), size in sorted(
        zip(chosen, sizes, strict=True), key=lambda each: (sum(each[0][1]), each[0][1][::-1])
    ):
        if size <= _NEGLIGIBLE * height:
            continue
        terms.append((_decimal(c, size, height), powers))
    return Sum(tuple(terms), names)


def _decimal(number: float, size: float, height: float) -> str:
    """The number with as many digits as a part of this size in a function of this height needs."""
    if size <= 0.0:
        return "0"
    digits = max(1, math.ceil(math.log10(size / (_ACCURACY * height))) + 1)
    return f"{number:.{digits}g}"
