"""Units of what is computed from fields, places and times, as text.

A unit of "" or "1" is left out, and "days since 2024-01-01" counts days.
"""

from collections.abc import Mapping

# How times of dates are counted, in a unit of something else.
_SHORT = {"seconds": "s", "minutes": "min", "hours": "h", "days": "d"}


def bare(units: str) -> str:
    units = units.split(" since ")[0].strip()
    return "" if units == "1" else units


def ratio(above: str, below: str) -> str:
    if not below:
        return above
    return f"{above or '1'}/{below}"


def rate(of: str, time: str) -> str:
    """Something over time: km/h, also if times are hours since a date."""
    return ratio(of, _SHORT.get(bare(time), bare(time)))


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
    ahead = rate(bare(units["x"]), units["time"]) if speed else ""
    of_field = bare(units[field]) if power else ""
    if power == 1:
        return of_flux(of_field, ahead) if speed else of_field
    if not of_field:
        return ahead
    of_field = f"({of_field})" if any(sign in of_field for sign in "/ ·*^") else of_field
    return ratio(ahead, of_field if power == -1 else f"{of_field}^{-power}")


SECONDS = {
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), 1.0),
    **dict.fromkeys(("min", "mins", "minute", "minutes"), 60.0),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), 3600.0),
    **dict.fromkeys(("d", "day", "days"), 86400.0),
}
METRES = {
    **dict.fromkeys(("m", "metre", "metres", "meter", "meters"), 1.0),
    **dict.fromkeys(("cm", "centimetre", "centimetres"), 0.01),
    **dict.fromkeys(("km", "kilometre", "kilometres", "kilometer", "kilometers"), 1000.0),
    **dict.fromkeys(("ft", "foot", "feet"), 0.3048),
    **dict.fromkeys(("mi", "mile", "miles"), 1609.344),
}


def of_flow(flow: str, field: str, x: str, time: str) -> float:
    """What a flow is multiplied by to be in units of its field times x over time: 1/3600 for
    vehicles/h beside vehicles/km, km and s; 1 if that cannot be told."""
    per_time = _per(flow, SECONDS)
    of_time = SECONDS.get(bare(time))
    if per_time is None or of_time is None:
        return 1.0
    per_length = _per(field, METRES)
    of_length = METRES.get(bare(x))
    lengths = 1.0 if per_length is None or of_length is None else per_length / of_length
    return of_time / per_time * lengths


def of_quotient(flow: str, speed: str) -> tuple[float, str] | None:
    """What a flow over a speed is multiplied by to be a density, and the unit of that: 60 and
    veh/km for veh/min and km/h; `None` if it cannot be told."""
    times = _per(flow, SECONDS), _per(speed, SECONDS)
    if times[0] is None or times[1] is None:
        return None
    of_what, length = (unit.rpartition("/")[0].strip() for unit in (flow, speed))
    return times[1] / times[0], ratio(of_what, length)


def _per(unit: str, sizes: Mapping[str, float]) -> float | None:
    """Of `A/(n B)` n times the size of B; `None` if B is not among the sizes."""
    below = bare(unit).rpartition("/")[2].strip(" ()")
    number = below.rstrip("abcdefghijklmnopqrstuvwxyz").strip()
    try:
        return (float(number) if number else 1.0) * sizes[below[len(number) :].strip()]
    except (ValueError, KeyError):
        return None
