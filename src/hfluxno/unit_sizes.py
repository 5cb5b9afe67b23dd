"""What units as text are made of and how large they are: kg/m3, kg m-3 and kg/m^3 are the same.

A unit is read as a product of symbols with powers. A symbol that is not known, such as veh, is a
unit of its own, so kveh and veh differ and veh/km is a thousandth of veh/m.
"""

import math
import re

from hfluxno.units import METRES, SECONDS, bare

_WORDS = {
    **{word: (size, "m") for word, size in METRES.items()},
    **{word: (size, "s") for word, size in SECONDS.items()},
    **dict.fromkeys(("vehicle", "vehicles"), (1.0, "veh")),
    **dict.fromkeys(("%", "percent"), (0.01, "")),
}
_WITH_PREFIX = ("m", "s", "g", "mol", "Pa", "bar", "N", "J", "W", "V", "A", "K", "Hz", "l", "L")
_PREFIXES = {"G": 1e9, "M": 1e6, "k": 1e3, "h": 1e2, "d": 0.1, "c": 0.01, "m": 1e-3, "n": 1e-9}
_PREFIXES |= dict.fromkeys(("u", "µ", "μ"), 1e-6)  # the micro sign, and the letter mu
_RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻−", "0123456789--")
_NUMBER = r"\d+(?:\.\d+)?(?:[eE][-+]?\d+)?"
_PART = re.compile(
    rf"\s*(?:(?P<sign>[/·*.×]|per\b)|(?P<open>\()|(?P<close>\))(?:\^|\*\*)?(?P<of_group>-?\d+)?"
    rf"|(?P<number>{_NUMBER})|(?P<name>[^\W\d_]+|[%°]\w*)(?:\^|\*\*)?(?P<power>[-+]?\d+)?)\s*"
)
_SAME = 1e-9

Size = tuple[float, dict[str, int]]


def printed(unit: str) -> str:
    """A unit as a report shows it: nothing for the 1 of numbers without one."""
    return "" if unit == "1" else unit


def is_same(one: str, other: str) -> bool:
    """Whether two units are the same, perhaps by other words or signs."""
    factor = conversion(one, other)
    return one.strip() == other.strip() or (factor is not None and abs(factor - 1.0) < _SAME)


def conversion(one: str, other: str) -> float | None:
    """What numbers in `one` unit are multiplied by to be in the `other`; `None` if these measure
    different things, or are not understood."""
    if one.strip() == other.strip():
        return 1.0
    try:
        (size, of), (other_size, of_other) = _made(bare(one)), _made(bare(other))
        factor = size / other_size
    except (ValueError, ArithmeticError):
        return None
    return factor if of == of_other and 0.0 < factor < math.inf else None


def _made(unit: str) -> Size:
    """The size of a unit, and the powers of what it is made of. Raises `ValueError` if it is not
    understood."""
    groups: list[tuple[Size, int]] = []  # what stands before each open bracket, and the sign
    so_far: Size = (1.0, {})
    sign, at = 1, 0
    text = unit.translate(_RAISED)
    while at < len(text):
        part = _PART.match(text, at)
        if part is None:
            raise ValueError(f"{unit} is not understood from {text[at:]} on.")
        at = part.end()
        if part["sign"]:
            sign = -1 if part["sign"] in ("/", "per") else 1
        elif part["open"]:
            groups.append((so_far, sign))
            so_far, sign = (1.0, {}), 1
        elif part["close"]:
            if not groups:
                raise ValueError(f"{unit} has a bracket that is not open.")
            inside, (so_far, before) = so_far, groups.pop()
            so_far, sign = _times(so_far, inside, before * int(part["of_group"] or 1)), 1
        elif part["number"]:
            so_far = _times(so_far, (float(part["number"]), {}), sign)
            sign = sign if text[at : at + 1].isalpha() else 1  # veh/15min
        else:
            so_far = _times(so_far, _of_name(part["name"]), sign * int(part["power"] or 1))
            sign = 1
    if groups:
        raise ValueError(f"{unit} has a bracket that is not closed.")
    return so_far


def _times(one: Size, other: Size, power: int) -> Size:
    """The one times a power of the other."""
    powers = dict(one[1])
    for name, own in other[1].items():
        powers[name] = powers.get(name, 0) + power * own
    return one[0] * other[0] ** power, {name: n for name, n in powers.items() if n}


def _of_name(name: str) -> Size:
    """Of a symbol or a word."""
    size, of = _WORDS.get(name) or _prefixed(name) or _WORDS.get(name.lower()) or (1.0, name)
    if of in ("l", "L"):
        return 1e-3 * size, {"m": 3}
    return size, {of: 1} if of else {}


def _prefixed(name: str) -> tuple[float, str] | None:
    """A symbol with a prefix, or without."""
    if name in _WITH_PREFIX:
        return 1.0, name
    if name[:1] in _PREFIXES and name[1:] in _WITH_PREFIX:
        return _PREFIXES[name[0]], name[1:]
    return None
