"""The header of a column: a name, perhaps with units, and what axes are usually called."""

import re
from collections.abc import Mapping, Sequence

from hfluxno.units import METRES

# What axes are usually called.
ALIASES = {
    "time": (
        *("time", "t", "timestamp", "datetime", "date_time", "date/time", "date", "seconds"),
        *("zeit", "zeitstempel", "zeitpunkt", "datum", "uhrzeit"),
    ),
    "x": (
        *("x", "position", "pos", "distance", "location"),
        *("chainage", "km", "kilometer", "kilometre"),
    ),
    "trajectory": ("trajectory",),
}
# What is a place if each number occurs at several times, or a measured field (the depth of water).
HEIGHTS = (
    *("depth", "height", "elevation", "altitude", "z", "milepost", "mile"),
    *("postmile", "abs postmile", "abs pm", "abs_pm", "ort"),
)
_UNITS = re.compile(r"^(.*?)\s*[\[(](.*)[\])]$")  # position [km]


def without_units(name: str) -> str:
    """`position` of `position [km]`."""
    units = _UNITS.match(name)
    return (units[1] if units else name).strip()


def units_in(name: str) -> str:
    """`km` of `position [km]`; empty without units."""
    units = _UNITS.match(name)
    return units[2] if units else ""


def units_of_places(name: str) -> str:
    """`km` of `position [km]` and of `km`; empty without units."""
    return units_in(name) or (name if name.strip().lower() in METRES else "")


def plain(name: str) -> str:
    """The name without units, in small letters."""
    bare = without_units(name)
    return bare if bare == "T" else bare.lower()  # T is a temperature, not a time


def candidates(every: Sequence[str], axis: str, names: Mapping[str, str]) -> list[str]:
    """The columns that could be those of an axis: the one that the user `names` or that has our
    name, or those with a usual name."""
    own = names.get(axis, axis)
    if own in every:
        return [own]
    if axis in names:
        with_units = [name for name in every if without_units(name) == own]
        return with_units if len(with_units) == 1 else []
    return [name for name in every if plain(name) in ALIASES[axis]]


def bare_names(names: list[str], kept: set[str]) -> dict[str, str]:
    """The headers with units, except those to be `kept`, and their names without: variables get
    that name, with the units as an attribute. Headers that would become equal keep their units."""
    bare = {name: without_units(name) for name in names if units_in(name) and name not in kept}
    used = [bare.get(name, name) for name in names]
    return {name: short for name, short in bare.items() if short and used.count(short) == 1}
