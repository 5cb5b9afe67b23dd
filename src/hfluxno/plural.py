"""A number with its noun, or as a percentage, in a sentence."""

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
