"""The finite-volume solver: limiters, numerical fluxes, the conservative step, CFL control."""

from hfluxno.fv.first_order import EngquistOsher, Rusanov
from hfluxno.fv.limiters import LIMITERS
from hfluxno.fv.muscl import MUSCL
from hfluxno.fv.numerical_flux import NumericalFlux
from hfluxno.fv.riemann import RIEMANN_SOLVERS
from hfluxno.fv.roe import Roe
from hfluxno.fv.solve import Solution, Status, StepControl, solve
from hfluxno.fv.step import conservative_step, step

__all__ = [
    "LIMITERS",
    "MUSCL",
    "RIEMANN_SOLVERS",
    "EngquistOsher",
    "NumericalFlux",
    "Roe",
    "Rusanov",
    "Solution",
    "Status",
    "StepControl",
    "conservative_step",
    "solve",
    "step",
]
