"""Truths of measurements: roads between ends, closed columns. What is measured of them, and how,
is said by their kinds."""

import numpy as np

from .engineering import settling
from .laws import traffic


def road(rngs):
    """Half a ring of Greenshields' traffic: what enters comes from the other half."""
    whole = traffic(rngs)
    return whole[..., : whole.shape[-1] // 2]


def sealed_column(rngs):
    """What settles between the closed ends of a column."""
    return np.stack([settling(rng) for rng in rngs])
