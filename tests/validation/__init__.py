"""Exact solutions of conservation laws, as cell averages, in NumPy and float64.

They share no code with the solver: each is derived from the law, not from a scheme.
"""

from tests.validation.riemann import EulerRiemann, ScalarRiemann, ShallowWaterRiemann
from tests.validation.smooth import ColeHopf, HeatWave, SimpleWave

__all__ = [
    "ColeHopf",
    "EulerRiemann",
    "HeatWave",
    "ScalarRiemann",
    "ShallowWaterRiemann",
    "SimpleWave",
]
