"""A law as formulas in plain text."""

from hfluxno.export.equations import Kink, Line, Sum, of_every_axis, scaled_fields
from hfluxno.export.plain import Place, PlainLaw, along_axes
from hfluxno.identify.plane import SavedPlaneLaw
from hfluxno.identify.saved.format import Row
from hfluxno.identify.saved.law import SavedLaw

_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def text(saved: SavedLaw | SavedPlaneLaw) -> str:
    """One equation per line, and the range in which they hold."""
    laws = along_axes(saved)
    law = laws[0]
    lines = [_equation(line) for line in of_every_axis(laws)]
    lines += [f"{v} = ({u} − {mid:.6g})/{half:.6g}" for v, u, mid, half in scaled_fields(laws)]
    lines += [] if law.place is None else _by_place(law, law.place)
    ranges = zip(law.fields, law.lower, law.upper, law.units.fields, strict=True)
    for field, low, high, unit in ranges:
        lines.append(f"{low:.6g} ≤ {field} ≤ {high:.6g}{' ' + unit if unit else ''}")
    return "\n".join(lines)


def _equation(line: Line) -> str:
    body = text_of_sum(line.sum)
    for kink in line.kinks:
        body += f" {'−' if kink.negative else '+'} {_kink(kink, line.of[0])}"
    return f"{line.name}({', '.join(line.of)}) = " + (f"max(0, {body})" if line.positive else body)


def text_of_sum(of: Sum) -> str:
    parts = []
    for number, powers in of.terms:
        above = [_power(n, e) for n, e in zip(of.variables, powers, strict=True) if e > 0]
        below = [_power(n, -e) for n, e in zip(of.variables, powers, strict=True) if e < 0]
        factor = " ".join([number.lstrip("-"), *above]) + "".join(f"/{part}" for part in below)
        sign = "−" if number.startswith("-") else "+"
        parts.append((sign, factor))
    (sign, first), *rest = parts
    start = f"−{first}" if sign == "−" else first
    return " ".join([start, *(f"{sign} {factor}" for sign, factor in rest)])


def _kink(of: Kink, name: str) -> str:
    sign = "+" if of.place.startswith("-") else "−"
    return f"{of.number} √(({name} {sign} {of.place.lstrip('-')})² + {of.width}²)"


def _power(name: str, e: int) -> str:
    return name if e == 1 else name + str(e).translate(_SUPERSCRIPTS)


def _by_place(law: PlainLaw, of: Place) -> list[str]:
    lines = [
        f"source of {name} by place: {_waves(of, row)}"
        for name, row in zip(law.fields, of.source, strict=True)
        if any(row)
    ]
    if of.scales_flux:
        offset = ", ".join(f"{c:.6g}" for c in of.offset)
        parts = [_waves(of, of.factor)] if any(of.factor) else []
        parts += [f"{j:.6g} for {a:.6g} ≤ x < {b:.6g}" for a, b, j in of.stretches]
        lines += [f"k(x) = exp({' + '.join(parts)})", f"the flux is k(x) (f + ({offset}))"]
    return [*lines, f"ξ = (x − {of.lower:.6g})/{of.upper - of.lower:.6g}"]


def _waves(of: Place, coefficients: Row) -> str:
    parts = [f"{c:+.6g} {w}({n if n > 1 else ''}π ξ)" for c, w, n in of.waves(coefficients)]
    return " ".join(parts).removeprefix("+")
