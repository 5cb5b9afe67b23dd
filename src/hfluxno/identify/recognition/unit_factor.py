"""The factor that all fluxes of a known law have in common in units that do not fit together.

With depths in metres, discharges in m²/s and x in kilometres, shallow water is

    ∂t h + c ∂x m = 0,   ∂t m + c ∂x (m²/h + ½ g h²) = 0,   c = 1/1000.
"""

import itertools

_TIMES = (60.0, 3600.0, 86400.0)
_LENGTHS = (1.0, 1e-3, 1e-2, 1e2, 1e3)
# Within this fraction of a factor a fitted one is that.
_NEAR = 0.01
_FACTORS = tuple(
    time * length
    for length, time in itertools.product(_LENGTHS, (1.0, *_TIMES, *(1.0 / t for t in _TIMES)))
)


def unit_factor(found: float) -> float:
    """The factor of usual units of length and time that a fitted one is, or 1."""
    near = min(_FACTORS, key=lambda factor: abs(found / factor - 1.0))
    return near if abs(found / near - 1.0) < _NEAR else 1.0
