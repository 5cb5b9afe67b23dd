"""A law as formulas in LaTeX."""

from collections.abc import Sequence

from hfluxno.export.equations import (
    Kink,
    Line,
    Sum,
    Wave,
    by_place,
    of_every_axis,
    raised,
    scaled_fields,
)
from hfluxno.export.named import named_flux, parts
from hfluxno.export.plain import Place, PlainLaw, along_axes
from hfluxno.export.to_text import text
from hfluxno.identify.plane import SavedPlaneLaw
from hfluxno.identify.saved.law import SavedLaw
from hfluxno.plural import percent

_LETTERS = "αβγδεηθκλμνξρστφψω"
_NAMES = (
    "alpha beta gamma delta epsilon eta theta kappa lambda mu nu xi rho sigma tau phi psi omega"
)
_GREEK = dict(zip(_LETTERS, _NAMES.split(), strict=True))
_ESCAPED = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{letter: f"\\{letter}" for letter in "&%$#_{}"},
}
_NAMED = {"*": r"\,", "²": "^{2}", "³": "^{3}", ",": r",\,", "+": " + ", "-": " - "}


def latex_file(saved: SavedLaw | SavedPlaneLaw) -> str:
    """As `latex`; the flux of one field also as the formula with a name that is closest, if it
    holds, with what it loses."""
    reading = named_flux(saved) if isinstance(saved, SavedLaw) else None
    if reading is None:
        return latex(saved)
    (field,), loss = saved.law.fields, f"loss {percent(reading.loss)} of the height"
    name = _symbol(field)
    label = rf"\quad\text{{({reading.form}; {loss.replace('%', chr(92) + '%')})}}"
    row = rf"f({name}) &\approx {named_latex(reading.exact, field)} {label}"
    formula = f"f({field}) ≈ {reading.formula} ({reading.form}; {loss})"
    return latex(saved, ((formula, row),))


def latex(saved: SavedLaw | SavedPlaneLaw, more: Sequence[tuple[str, str]] = ()) -> str:
    """The equations in `align*` of amsmath, after comments with the same as text.

    - `more`: further lines, each as text and as a row.
    """
    laws = along_axes(saved)
    law = laws[0]
    lines = [*text(saved).splitlines(), *(line for line, _ in more)]
    comments = "\n".join(f"% {line}" for line in lines)
    rows = [*(_equation(line) for line in of_every_axis(laws)), *(row for _, row in more)]
    for v, u, middle, half in scaled_fields(laws):
        rows.append(rf"{_symbol(v)} &= {_scaled(_symbol(u), middle, half)}")
    rows += [] if law.place is None else _by_place(law, law.place)
    ranges = zip(law.fields, law.lower, law.upper, law.units.fields, strict=True)
    for field, low, high, unit in ranges:
        unit = rf"\;\mathrm{{{_escaped(unit)}}}" if unit else ""
        rows.append(rf"{_rounded(low)} &\le {_symbol(field)} \le {_rounded(high)}{unit}")
    separator = " \\\\\n  "
    return f"{comments}\n\\begin{{align*}}\n  {separator.join(rows)}\n\\end{{align*}}\n"


def named_latex(formula: str, field: str) -> str:
    """A formula of `hfluxno.identify.recognition.reading` in LaTeX."""
    written: list[str] = []
    for kind, part in parts(formula):
        match kind:
            case "number":
                number = _number(part)
                is_below = bool(written) and written[-1] == "/" and number != part
                written.append(f"({number})" if is_below else number)
            case "field":
                written.append(_symbol(field))
            case "function":
                written.append(rf"\{part}")
            case _:
                sign = _NAMED.get(part, part)
                is_first = not written or written[-1] == "("
                written.append(sign.strip() if is_first else sign)
    return "".join(written)


def _equation(line: Line) -> str:
    letter, _, index = line.name.partition("_")
    name = {"ν": r"\nu", "μ": r"\mu"}.get(letter, letter) + (
        f"_{{{_symbol(index)}}}" if index else ""
    )
    body = _sum(line.sum)
    for kink in line.kinks:
        body += f" {'-' if kink.negative else '+'} {_kink(kink, line.of[0])}"
    if line.positive:
        body = rf"\max\left(0,\; {body}\right)"
    return rf"{name}({', '.join(map(_symbol, line.of))}) &= {body}"


def _sum(of: Sum) -> str:
    parts = []
    for number, powers in of.terms:
        pairs = list(zip(of.variables, powers, strict=True))
        above = "".join(_power(name, e) for name, e in pairs if e > 0)
        below = "".join(_power(name, -e) for name, e in pairs if e < 0)
        if below:
            parts.append((number, rf"\frac{{{above or 1}}}{{{below}}}"))
        else:
            parts.append((number, above))
    return _joined(parts)


def _joined(parts: list[tuple[str, str]]) -> str:
    """The sum of numbers, each times a factor, which may be empty."""
    result = ""
    for number, factor in parts:
        sign = "-" if number.startswith("-") else "+"
        term = _number(number.lstrip("-")) + (rf"\,{factor}" if factor else "")
        result += f" {sign} {term}" if result else term if sign == "+" else f"-{term}"
    return result


def _kink(of: Kink, name: str) -> str:
    sign, place = "+" if of.place.startswith("-") else "-", _number(of.place.lstrip("-"))
    inside = rf"({_symbol(name)} {sign} {place})^2 + ({_number(of.width)})^2"
    return rf"{_number(of.number)}\,\sqrt{{{inside}}}"


def _number(decimal: str) -> str:
    mantissa, _, exponent = decimal.partition("e")
    return rf"{mantissa} \cdot 10^{{{int(exponent)}}}" if exponent else mantissa


def _rounded(number: float) -> str:
    return _number(f"{number:.6g}")


def _power(name: str, e: int) -> str:
    return _symbol(name) if e == 1 else f"{_symbol(name)}^{{{e}}}"


def _symbol(name: str) -> str:
    if name.startswith("|"):
        return rf"\left|{_symbol(name.strip('|'))}\right|"
    base, _, index = name.partition("_")
    if base == "v" and index:
        return f"v_{{{_symbol(index)}}}"
    if len(name) == 1 and name.isascii() and name.isalpha():
        return name
    if name in _GREEK or name in _GREEK.values():
        return f"\\{_GREEK.get(name, name)}"
    return rf"\mathrm{{{_escaped(name)}}}"


def _escaped(name: str) -> str:
    return "".join(_ESCAPED.get(letter, letter) for letter in name)


def _scaled(symbol: str, middle: float, half: float) -> str:
    """(symbol - middle)/half."""
    sign = "-" if middle > 0.0 else "+"
    shifted = f"{symbol} {sign} {_rounded(abs(middle))}" if middle else symbol
    return shifted if half == 1.0 else rf"\frac{{{shifted}}}{{{_rounded(half)}}}"


def _by_place(law: PlainLaw, of: Place) -> list[str]:
    found, rows = by_place(law.fields, of), []
    for name, waves in found.sources.items():
        left = rf"p_{{{_symbol(name)}}}(x)"
        if of.carrier is not None:
            carrier = _symbol(law.fields[of.carrier])
            rows.append(rf"\text{{force on }} {_symbol(name)} &= {carrier}\,{left}")
        rows.append(rf"{left} &= {_joined(_waves(waves))}")
    if found.factor is not None:
        waves, stretches = found.factor
        parts = [
            (j, rf"1_{{[{_rounded(begin)},\,{_rounded(end)})}}(x)") for j, begin, end in stretches
        ]
        rows.append(rf"k(x) &= \exp\left({_joined([*_waves(waves), *parts])}\right)")
        rows.append(rf"\text{{flux}} &= k(x)\,{raised(of.offset, _rounded, '-')}")
    scaled = rf"\xi &= {_scaled('x', of.lower, of.upper - of.lower)}"
    return [*rows, scaled] if found.has_waves else rows


def _waves(of: list[Wave]) -> list[tuple[str, str]]:
    return [(c, rf"\{name}({n if n > 1 else ''}\pi \xi)") for c, name, n in of]
