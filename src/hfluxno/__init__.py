"""Infer an unknown conservation law from a few snapshots and forecast it.

Public names are imported on first use (PEP 562), so `import hfluxno` and every command start at
once.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    __version__: str
    from hfluxno.datasets.lazy import forecast_dataset, identify_dataset, reconstruct_dataset
    from hfluxno.forecaster import Forecast, Forecaster
    from hfluxno.grid import Grid
    from hfluxno.identify import (
        FittedLaw,
        Identification,
        Reconstruction,
        SavedLaw,
        identify,
        load_law,
        reconstruct,
    )
    from hfluxno.methods import forecast
    from hfluxno.models.weights import load
    from hfluxno.trajectory import Trajectory

__all__ = [
    "FittedLaw",
    "Forecast",
    "Forecaster",
    "Grid",
    "Identification",
    "Reconstruction",
    "SavedLaw",
    "Trajectory",
    "forecast",
    "forecast_dataset",
    "identify",
    "identify_dataset",
    "load",
    "load_law",
    "reconstruct",
    "reconstruct_dataset",
]

if not TYPE_CHECKING:  # a type checker would accept any name
    import importlib
    import sys
    import types

    _PLACES = {
        "FittedLaw": "hfluxno.identify",
        "Forecast": "hfluxno.forecaster",
        "Forecaster": "hfluxno.forecaster",
        "Grid": "hfluxno.grid",
        "Identification": "hfluxno.identify",
        "Reconstruction": "hfluxno.identify",
        "SavedLaw": "hfluxno.identify",
        "Trajectory": "hfluxno.trajectory",
        "forecast": "hfluxno.methods",
        "forecast_dataset": "hfluxno.datasets.lazy",
        "identify": "hfluxno.identify",
        "identify_dataset": "hfluxno.datasets.lazy",
        "load": "hfluxno.models.weights",
        "load_law": "hfluxno.identify",
        "reconstruct": "hfluxno.identify",
        "reconstruct_dataset": "hfluxno.datasets.lazy",
    }

    def __getattr__(name):
        if name == "__version__":
            from hfluxno.version import version_name

            return version_name()
        if name not in _PLACES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(importlib.import_module(_PLACES[name]), name)

    def __dir__():
        return sorted({*globals(), *__all__})

    class _Package(types.ModuleType):
        """Keeps `identify` the function: importing the subpackage would rebind the name to the
        package."""

        def __setattr__(self, name, value):
            if name not in _PLACES or not isinstance(value, types.ModuleType):
                super().__setattr__(name, value)

    sys.modules[__name__].__class__ = _Package
