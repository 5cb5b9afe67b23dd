"""A number with its noun, as a percentage, or as an end of a range, in a sentence."""

import math

import numpy as np


def plural(number: int | np.integer, noun: str) -> str:
    """`1 frame`, `2 frames`, `0 trajectories`, `3 stretches`."""
    if number == 1:
        return f"1 {noun}"
    if noun.endswith("y"):
        return f"{number:,} {noun[:-1]}ies"
    return f"{number:,} {noun}es" if noun.endswith("ch") else f"{number:,} {noun}s"


def percent(part: float) -> str:
    """`0.41 %`, `15 %`, `480 %`, `3.6e+04 %`."""
    if abs(part) >= 100.0:
        return f"{100.0 * part:.2g} %"
    return f"{100.0 * part:.0f} %" if abs(part) >= 0.1 else f"{100.0 * part:.2g} %"


def span(low: float, high: float, digits: int = 4) -> str:
    """`0.2 to 0.8`; with more digits if both differ by little of their size, as dates in seconds:
    `1000000000.2 to 1000000000.8`."""
    if low < high:
        share = (high - low) / max(abs(low), abs(high))
        digits += max(0, math.ceil(-math.log10(share)) - 1)
    return f"{low + 0.0:.{digits}g} to {high + 0.0:.{digits}g}"  # a zero has no sign
