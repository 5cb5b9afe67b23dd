"""Identification of a conservation law from frames on a plane."""

from hfluxno.identify.plane.identification import identify_plane
from hfluxno.identify.plane.result import PlaneIdentification
from hfluxno.identify.plane.saved import SavedPlaneLaw
from hfluxno.parametric.plane.law import FittedPlaneLaw

__all__ = ["FittedPlaneLaw", "PlaneIdentification", "SavedPlaneLaw", "identify_plane"]
