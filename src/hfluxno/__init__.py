"""Infer an unknown conservation law from a few snapshots and forecast it."""

from hfluxno.grid import Grid
from hfluxno.trajectory import Trajectory

__all__ = ["Grid", "Trajectory"]
