"""Exact solutions of conservation laws, as cell averages, in NumPy and float64.

They share no code with the solver: each is derived from the law, not from a scheme.
"""

from tests.validation.riemann import ScalarRiemann, ShallowWaterRiemann
from tests.validation.smooth import ColeHopf, HeatWave, SimpleWave

__all__ = ["ColeHopf", "HeatWave", "ScalarRiemann", "ShallowWaterRiemann", "SimpleWave"]
