"""Pictures of results; they compute nothing beyond the results."""

from hfluxno.plots.forecast import forecast_figure
from hfluxno.plots.labels import Labels
from hfluxno.plots.law import law_figure
from hfluxno.plots.plane import plane_figure
from hfluxno.plots.reconstruction import reconstruction_figure
from hfluxno.plots.style import save

__all__ = [
    "Labels",
    "forecast_figure",
    "law_figure",
    "plane_figure",
    "reconstruction_figure",
    "save",
]
