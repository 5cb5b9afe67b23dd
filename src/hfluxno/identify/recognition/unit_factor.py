"""The factor that all fluxes of a known law have in common in units that do not fit together.

With depths in metres, discharges in m²/s and x in kilometres, shallow water is

    ∂t h + c ∂x m = 0,   ∂t m + c ∂x (m²/h + ½ g h²) = 0,   c = 1/1000.

The same c is found if x is in metres and the discharge in L/(s m), and then g is that of metres and
litres, 10⁶ times as large: speeds m/h are in units of c x/t, and

    g ~ (m/h)²/h,   c² ~ (m/h)²,   β ~ (m/h)/h.
"""

import itertools
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from hfluxno.unit_sizes import conversion
from hfluxno.units import bare, of_constant, rate

_TIMES = (60.0, 3600.0, 86400.0)
_LENGTHS = (1.0, 1e-3, 1e-2, 1e2, 1e3)
# Within this fraction of a factor a fitted one is that.
NEAR = 0.03
_FACTORS = tuple(
    time * length
    for length, time in itertools.product(_LENGTHS, (1.0, *_TIMES, *(1.0 / t for t in _TIMES)))
)


def unit_factor(found: float) -> float:
    """The factor of usual units of length and time that a fitted one is, or 1."""
    near = min(_FACTORS, key=lambda factor: abs(found / factor - 1.0))
    return near if abs(found / near - 1.0) < NEAR else 1.0


class Constant(NamedTuple):
    """The constant of a known law and its standard deviation in a unit, which is empty if the
    numbers fit together and nothing is known of their units."""

    value: float
    deviation: float
    unit: str = ""


# What the unit of a constant is made of, with p the density and q what carries it: by fields alone,
# and if it has a unit in SI that of a squared speed and that one.
_BY_FIELDS = {"g": "{q}²/{p}³", "c²": "{q}²/{p}²", "β": "{q}/{p}²"}
_IN_SI = {"g": ("({speed})^2/({p})", "m/s²"), "c²": ("({speed})^2", "m²/s²")}


def with_unit(
    symbol: str,
    number: tuple[float, float],
    factor: float,
    fields: Sequence[str],
    units: Mapping[str, str],
) -> Constant:
    """The constant of a law of several fields with its unit, for g and c² in SI.

    - `number`: its value and deviation if the factor is left out.
    - `factor`: c.
    - `fields`: the density, and what carries it.
    - `units`: those that are known, of `x`, `time` and the fields.
    """
    p, q, *_ = fields
    known = {name: bare(units.get(name, "")) for name in ("x", "time", p, q)}
    axes = f"({known['x']})/({known['time']})" if known["x"] and known["time"] else ""
    if symbol == "c" and axes:  # of waves, which need no factor
        return Constant(*number, rate(known["x"], known["time"]))
    if symbol not in _BY_FIELDS or (factor == 1.0 and not any(known.values())):
        return Constant(*number)
    speed, size = (f"({known[q]})/({known[p]})", 1.0) if known[q] else (axes, factor)
    scale, unit = None, ""
    if known[p] and speed and _fits(speed, axes, factor):
        if symbol in _IN_SI:
            made_of, unit = _IN_SI[symbol]
            scale = conversion(made_of.format(speed=speed, p=known[p]), unit)
            scale = None if scale is None else scale * size**2
        elif axes:
            scale, unit = factor, of_constant(known, p, 1, -1)
    if scale is None:
        return Constant(*number, f"in the fields' unit {_BY_FIELDS[symbol].format(p=p, q=q)}")
    value, deviation = number
    return Constant(scale * value, scale * deviation, unit)


def _fits(speed: str, axes: str, factor: float) -> bool:
    """Whether a speed by the units of the fields is the factor times that by those of the axes, if
    both are known: if not, one of them is not what it says."""
    if not axes or speed == axes:
        return True
    found = conversion(speed, axes)
    return found is not None and abs(factor / found - 1.0) < NEAR
