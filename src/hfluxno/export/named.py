"""The parts of a formula of one field u that `hfluxno.identify.recognition.reading` wrote, such as
1.5 u (1 − u/140), for the languages in which it is told."""

import re
from collections.abc import Iterator

from hfluxno.export.plain import plain
from hfluxno.identify.recognition.reading import Reading, read_flux
from hfluxno.identify.saved.law import SavedLaw

_PART = re.compile(r"(?P<number>[\d.]+(?:e[+−]\d+)?)|(?P<name>[a-z]+)|(?P<sign>\S)")
FUNCTIONS = ("min", "max", "sin", "exp")


def parts(formula: str) -> Iterator[tuple[str, str]]:
    """Each part and its kind: `number`, `field`, `function`, or `sign`, which is also a power ² or
    ³. A product that is only written side by side has the sign *."""
    before = ""
    for found in _PART.finditer(formula):
        kind, text = str(found.lastgroup), found[0].replace("−", "-")
        if kind == "name":
            kind = "function" if text in FUNCTIONS else "field"
        begins = kind != "sign" or text == "("
        if begins and before in ("number", "field", "closed"):
            yield "sign", "*"
        yield kind, text
        before = "closed" if text in (")", "²", "³") else kind


def named_flux(saved: SavedLaw) -> Reading | None:
    """The formula of the flux of one field that has a name, if it holds; `None` too for a flux with
    a constant that has an effect, which the formula would lack."""
    if saved.law.terms is not None and plain(saved).anchored:
        return None
    readings = read_flux(saved.law, saved.coefficients, saved.covariance)
    return readings.best if readings is not None and readings.best.is_accepted else None
