"""A law as expressions that SymPy reads.

A field is written `Symbol('name')`: as a bare name, SymPy would take E for a number and could not
read beta or lambda.
"""

from hfluxno.export.equations import Kink, Line, Sum, Wave, by_place, of_every_axis, scaled_fields
from hfluxno.export.named import parts
from hfluxno.export.plain import Place, along_axes
from hfluxno.identify.plane import SavedPlaneLaw
from hfluxno.identify.saved.law import SavedLaw

_LETTERS = {"ν": "nu", "μ": "mu"}
_NAMED = {"min": "Min", "max": "Max", "²": "**2", "³": "**3"}


def expressions(saved: SavedLaw | SavedPlaneLaw) -> dict[str, str]:
    """The functions in ∂t u + ∂x f + ∂y g = ∂x(ν ∂x u) + ∂y(μ ∂y u) + s by name, within the
    observed range; of several fields f_NAME, g_NAME and so on. `sympy.sympify` reads each.

    Their numbers are rounded as in the other formulas. A source that is zero is left out.
    """
    laws = along_axes(saved)
    scaled = {
        v: f"(({_symbol(u)} - {_signed(middle)})/{half!r})"
        for v, u, middle, half in scaled_fields(laws)
    }
    found = {_ascii(line.name): _body(line, scaled) for line in of_every_axis(laws)}
    place = laws[0].place
    return found if place is None else found | _by_place(found, laws[0].fields, place)


def named_expression(formula: str, field: str) -> str:
    """A formula of `hfluxno.identify.recognition.reading` as an expression of a field."""
    return "".join(
        _symbol(field) if kind == "field" else _NAMED.get(text, text)
        for kind, text in parts(formula)
    )


def _body(line: Line, scaled: dict[str, str]) -> str:
    body = _sum(line.sum, scaled) + "".join(_kink(kink, line.of[0]) for kink in line.kinks)
    return f"Max(0, {body})" if line.positive else body


def _sum(of: Sum, scaled: dict[str, str]) -> str:
    terms = []
    for number, powers in of.terms:
        factors = [
            (scaled.get(name) or _symbol(name)) + ("" if e == 1 else f"**({e})")
            for name, e in zip(of.variables, powers, strict=True)
            if e
        ]
        terms.append("*".join([number, *factors]))
    return " + ".join(terms)


def _kink(of: Kink, name: str) -> str:
    inside = f"({_symbol(name)} - ({of.place}))**2 + {of.width}**2"
    return f" {'-' if of.negative else '+'} {of.number}*sqrt({inside})"


def _by_place(found: dict[str, str], fields: tuple[str, ...], of: Place) -> dict[str, str]:
    """The functions that depend on x."""
    several, changed = len(fields) > 1, {}
    sources, factor = by_place(fields, of)
    for name, terms in sources.items():
        key = f"s_{name}" if several else "s"
        before = [found[key]] if key in found else []
        arising = " + ".join(_waves(of, terms))
        if of.carrier is not None:
            arising = f"{_symbol(fields[of.carrier])}*({arising})"
        changed[key] = " + ".join([*before, arising])
    if factor is not None:
        waves, stretches = factor
        parts = [f"Piecewise(({j}, {_inside(of, a, b)}), (0, True))" for j, a, b in stretches]
        parts = [*_waves(of, waves), *parts]
        for name, c in zip(fields, of.offset, strict=True):
            key = f"f_{name}" if several else "f"
            changed[key] = f"exp({' + '.join(parts)})*({found[key]} + {_signed(c)})"
    return changed


def _inside(of: Place, begin: float, end: float) -> str:
    """Whether x is in a stretch, which may pass the end of a circle."""
    if of.periodic:
        return f"Mod({_X} - {_signed(begin)}, {of.upper - of.lower!r}) < {end - begin!r}"
    return f"And({_X} >= {_signed(begin)}, {_X} < {_signed(end)})"


def _waves(of: Place, waves: list[Wave]) -> list[str]:
    xi = f"({_X} - {_signed(of.lower)})/{of.upper - of.lower!r}"
    return [f"({c})*{name}({n}*pi*{xi})" for c, name, n in waves]


def _symbol(name: str) -> str:
    return f"Abs({_symbol(name.strip('|'))})" if name.startswith("|") else f"Symbol({name!r})"


_X = _symbol("x")


def _signed(number: float) -> str:
    return repr(number) if number >= 0.0 else f"({number!r})"


def _ascii(name: str) -> str:
    letter, _, index = name.partition("_")
    return _LETTERS.get(letter, letter) + (f"_{index}" if index else "")
