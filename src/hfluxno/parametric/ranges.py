"""Ranges of states."""

from typing import Any

_NEAREST_ZERO = 0.25


def widened(xp: Any, lower: Any, upper: Any, reach: Any) -> tuple[Any, Any]:
    """Bounds that are `reach` widths further apart and do not change sign, with the functions of
    `xp`, NumPy or `jax.numpy`."""
    low, high = lower - reach * (upper - lower), upper + reach * (upper - lower)
    low = xp.where(lower > 0.0, xp.maximum(low, _NEAREST_ZERO * lower), low)
    return low, xp.where(upper < 0.0, xp.minimum(high, _NEAREST_ZERO * upper), high)


def within(xp: Any, least: Any, most: Any, states: Any) -> Any:
    """The nearest states within bounds, with the functions of `xp`."""
    # Not `clip`, whose derivative is one half for a state at a bound, such as an empty one.
    return xp.where(states < least, least, xp.where(states > most, most, states))
