"""Identification of an unknown conservation law from a context."""

from hfluxno.identify.forecaster import FittedLawForecaster
from hfluxno.identify.frames.candidate import Candidate
from hfluxno.identify.identification import identifier, identify, identify_all
from hfluxno.identify.plane import (
    FittedPlaneLaw,
    PlaneIdentification,
    SavedPlaneLaw,
    identify_plane,
)
from hfluxno.identify.reconstruction import reconstruct
from hfluxno.identify.result import Identification
from hfluxno.identify.saved.file import load_law
from hfluxno.identify.saved.forecaster import GivenLawForecaster
from hfluxno.identify.saved.law import SavedLaw
from hfluxno.identify.status import FitStatus
from hfluxno.parametric.fitted_law import FittedLaw
from hfluxno.reconstruction import Reconstruction

__all__ = [
    "Candidate",
    "FitStatus",
    "FittedLaw",
    "FittedLawForecaster",
    "FittedPlaneLaw",
    "GivenLawForecaster",
    "Identification",
    "PlaneIdentification",
    "Reconstruction",
    "SavedLaw",
    "SavedPlaneLaw",
    "identifier",
    "identify",
    "identify_all",
    "identify_plane",
    "load_law",
    "reconstruct",
]
