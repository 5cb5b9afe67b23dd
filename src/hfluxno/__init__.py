"""Infer an unknown conservation law from a few snapshots and forecast it."""

from hfluxno.forecaster import Forecast, Forecaster
from hfluxno.grid import Grid
from hfluxno.identify import FittedLaw, Identification, identify
from hfluxno.methods import forecast
from hfluxno.models.weights import load
from hfluxno.trajectory import Trajectory

__all__ = [
    "FittedLaw",
    "Forecast",
    "Forecaster",
    "Grid",
    "Identification",
    "Trajectory",
    "forecast",
    "identify",
    "load",
]
