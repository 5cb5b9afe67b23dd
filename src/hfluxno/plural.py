"""A number with its noun in a sentence."""

import numpy as np


def plural(number: int | np.integer, noun: str) -> str:
    """`1 frame`, `2 frames`, `0 trajectories`."""
    if number == 1:
        return f"1 {noun}"
    return f"{number:,} {noun[:-1]}ies" if noun.endswith("y") else f"{number:,} {noun}s"
