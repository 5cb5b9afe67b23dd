"""Units of what is computed from fields, places and times, as text.

A unit of "" or "1" is left out, and "days since 2024-01-01" counts days.
"""

from collections.abc import Mapping


def bare(units: str) -> str:
    units = units.split(" since ")[0].strip()
    return "" if units == "1" else units


def ratio(above: str, below: str) -> str:
    if not below:
        return above
    return f"{above or '1'}/{below}"


def of_flux(field: str, speed: str) -> str:
    """Their product: vehicles/km and km/h make vehicles/h."""
    of_what, _, per = field.partition("/")
    if per and speed.startswith(f"{per}/"):
        return ratio(of_what, speed[len(per) + 1 :])
    return " · ".join(unit for unit in (field, speed) if unit)


def of_constant(units: Mapping[str, str], field: str, speed: int, power: int) -> str:
    """Of a number in a flux that is a speed (to the power 1 or 0) times the field to a power, such
    as (1, 1) for the flux itself and (0, 1) for a state; empty if a unit in it is not known."""
    needed = [*(("x", "time") if speed else ()), *((field,) if power else ())]
    if not all(units.get(name) for name in needed):
        return ""
    ahead = ratio(bare(units["x"]), bare(units["time"])) if speed else ""
    of_field = bare(units[field]) if power else ""
    if power == 1:
        return of_flux(of_field, ahead) if speed else of_field
    if not of_field:
        return ahead
    of_field = f"({of_field})" if any(sign in of_field for sign in "/ ·*^") else of_field
    return ratio(ahead, of_field if power == -1 else f"{of_field}^{-power}")
