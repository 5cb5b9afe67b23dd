"""Identifications with laws on a plane, as fits return them, without a fit."""

import numpy as np

from hfluxno.grid import Grid
from hfluxno.identify import FitStatus, FittedPlaneLaw, PlaneIdentification
from hfluxno.identify.plane.error_bars import PlaneTerm
from hfluxno.identify.plane.saved import in_cells
from hfluxno.identify.recognition.recognised import Recognised
from hfluxno.parametric.basis import Chebyshev, Dictionary
from hfluxno.parametric.plane.flow import SteadyFlow, modes

GRID, INTERVAL = Grid.rectangle((32, 40), upper=(1.0, 1.5)), 0.012


def shallow_water(g: float = 4.0) -> FittedPlaneLaw:
    """m, m ⊗ m/h + ½ g h² δ in a dictionary with a scale."""
    scale = np.array([2.0, 0.5, 0.5])
    exponents = ((0, 1, 0), (0, 0, 1), (2, 0, 0), (-1, 2, 0), (-1, 1, 1), (-1, 0, 2))
    flux = np.zeros((2, 3, 6))
    size = np.array([np.prod(scale ** np.array(e, float)) for e in exponents])
    for axis in (0, 1):
        flux[axis, 0, axis] = 1.0
        flux[axis, 1 + axis, 2] = 0.5 * g
        for component in (0, 1):
            flux[axis, 1 + component, 3 + axis + component] = 1.0
    fields = ("h", "m_x", "m_y")
    lower, upper = np.array([0.5, -0.6, -0.6]), np.array([1.5, 0.6, 0.6])
    basis = Dictionary(scale, exponents, fields)
    return FittedPlaneLaw(fields, basis, flux * size, lower, upper, ((1, 2),), (0,), is_fluid=True)


def one_field() -> FittedPlaneLaw:
    """Another polynomial along each axis."""
    basis = Chebyshev(np.array([0.7]), np.array([0.6]), 5)
    flux = np.array([[[0.31, -0.43, 0.06, -1 / 30, 0.011]], [[-0.2, 0.1, 0.0, 1 / 7, 0.0]]])
    return FittedPlaneLaw(("density",), basis, flux, np.array([0.1]), np.array([1.3]))


def tracer() -> FittedPlaneLaw:
    """What a flow with waves along x and polynomials along y carries, while it decays."""
    coefficients = np.random.default_rng(1).normal(size=(2, len(modes(2, (True, False)))))
    ends = np.zeros(2), np.array([1.0, 1.5])
    flow = SteadyFlow(coefficients, *ends, 2, (True, False), 0.1 * coefficients[0])
    return FittedPlaneLaw(
        ("c",),
        Dictionary(np.ones(1), ((1,),), ("c",)),
        np.zeros((2, 1, 1)),
        np.array([0.1]),
        np.array([1.3]),
        arising=((1,),),
        sources=np.array([[-0.3]]),
        diffusivities=np.array([[[0.02]], [[0.02]]]),
        flow=flow,
    )


LAWS = {"shallow water": shallow_water, "one field": one_field}
EVERY_LAW = LAWS | {"steady flow": tracer}


def identification(law: FittedPlaneLaw, **changes) -> PlaneIdentification:
    is_water = len(law.fields) == 3
    found = {
        "law": law,
        "status": FitStatus.OK,
        "backtest_error": 1 / 3e3,
        "persistence_error": 0.21,
        "misfit": 2 / 3e3,
        "isotropic": is_water,
        "recognised": Recognised("shallow water", "g", 4.0, 0.01, 0.02, 1 / 70)
        if is_water
        else None,
        "terms": (PlaneTerm(law.fields[1:], "δ·h²", 2.01, 0.03, 2.0),)
        if is_water
        else (PlaneTerm(law.fields, "x: T1", 0.31, 0.001, None),),
        "refinement": 2,
        "missing": 0.0,
        "grid_law": in_cells(law, GRID, INTERVAL),
        "cell": (1 / 32, 1.5 / 40),
        "interval": INTERVAL,
    }
    return PlaneIdentification(**(found | changes))
