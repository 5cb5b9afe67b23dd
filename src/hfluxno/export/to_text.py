"""A law as formulas in plain text."""

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
from hfluxno.export.plain import Place, PlainLaw, along_axes
from hfluxno.identify.plane import SavedPlaneLaw
from hfluxno.identify.saved.law import SavedLaw

_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def text(saved: SavedLaw | SavedPlaneLaw) -> str:
    """One equation per line, and the range in which they hold."""
    laws = along_axes(saved)
    law = laws[0]
    lines = [_equation(line) for line in of_every_axis(laws)]
    lines += [f"{v} = {_scaled(u, mid, half)}" for v, u, mid, half in scaled_fields(laws)]
    lines += [] if law.place is None else _by_place(law, law.place)
    if isinstance(saved, SavedLaw) and saved.change is not None:
        lines.append(str(saved.change))
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
        parts.append((number, factor))
    return _joined(parts)


def _joined(parts: list[tuple[str, str]]) -> str:
    """The sum of terms without their signs, each after its number, which has the sign."""
    signed = [("−" if number.startswith("-") else "+", term) for number, term in parts]
    (sign, first), *rest = signed
    start = f"−{first}" if sign == "−" else first
    return " ".join([start, *(f"{sign} {term}" for sign, term in rest)])


def _kink(of: Kink, name: str) -> str:
    sign = "+" if of.place.startswith("-") else "−"
    return f"{of.number} √(({name} {sign} {of.place.lstrip('-')})² + {of.width}²)"


def _power(name: str, e: int) -> str:
    return name if e == 1 else name + str(e).translate(_SUPERSCRIPTS)


def _scaled(name: str, middle: float, half: float) -> str:
    """(name − middle)/half."""
    shifted = f"{name} {'−' if middle > 0.0 else '+'} {abs(middle):.6g}" if middle else name
    if half == 1.0:
        return shifted
    return (f"({shifted})" if middle else shifted) + f"/{half:.6g}"


def _by_place(law: PlainLaw, of: Place) -> list[str]:
    found, lines = by_place(law.fields, of), []
    for name, waves in found.sources.items():
        what, by = f"source of {name} by place", _joined(_waves(waves))
        if of.carrier is not None:
            what, by = f"{what}, {law.fields[of.carrier]} p(x)", f"p(x) = {by}"
        lines.append(f"{what}: {by}")
    if found.factor is not None:
        waves, stretches = found.factor
        parts = [
            (j, f"{j.lstrip('-')} for {begin:.6g} ≤ x < {end:.6g}") for j, begin, end in stretches
        ]
        lines.append(f"k(x) = exp({_joined([*_waves(waves), *parts])})")
        lines.append(f"the flux is k(x) {raised(of.offset, '{:.6g}'.format, '−')}")
    scaled = f"ξ = {_scaled('x', of.lower, of.upper - of.lower)}"
    return [*lines, scaled] if found.has_waves else lines


def _waves(of: list[Wave]) -> list[tuple[str, str]]:
    return [(c, f"{c.lstrip('-')} {name}({n if n > 1 else ''}π ξ)") for c, name, n in of]
