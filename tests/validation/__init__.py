"""Exact solutions of conservation laws, as cell averages, in NumPy and float64.

They share no code with the solver: each is derived from the law, not from a scheme. (A round dam
break has no exact solution, but one of a single space variable.)
"""

from tests.validation.radial import RoundDamBreak
from tests.validation.riemann import EulerRiemann, ScalarRiemann, ShallowWaterRiemann
from tests.validation.smooth import ColeHopf, HeatWave, SimpleWave

__all__ = [
    "ColeHopf",
    "EulerRiemann",
    "HeatWave",
    "RoundDamBreak",
    "ScalarRiemann",
    "ShallowWaterRiemann",
    "SimpleWave",
]
