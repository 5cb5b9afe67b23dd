"""The law of a trajectory on a plane as a dataset: how far to trust it, and its equations."""

from typing import Any

import numpy as np
import xarray as xr

from hfluxno.data.plane.source import PlaneSource
from hfluxno.data.plane.writer import law_of, sides_in_words
from hfluxno.data.writers import fit_attributes, origin

_NUMBERS = {
    "backtest_error": "relative l2 error on the context's own last frames, fitted to those before",
    "persistence_error": "the same error of repeating the last frame before them",
    "misfit": "residual of the weak equations relative to their right-hand side",
    "missing": "part of the context that was not measured",
}


def of_plane_law(source: PlaneSource, found: Any, context_frames: int) -> xr.Dataset:
    """The identification of one trajectory; `coefficient` is that of the known law, NaN without."""

    def number(value: float, long_name: str) -> xr.Variable:
        return xr.Variable((), float(value), {"units": "1", "long_name": long_name})

    known = found.recognised
    value, deviation = (np.nan, np.nan) if known is None else (known.value, known.deviation)
    variables = {name: number(getattr(found, name), text) for name, text in _NUMBERS.items()} | {
        "coefficient": xr.Variable(
            (), float(value), {"long_name": "of the known law, in its unit there"}
        ),
        "coefficient_deviation": xr.Variable(
            (), float(deviation), {"long_name": "standard deviation of the coefficient"}
        ),
        "status": xr.Variable((), np.int32(found.status), fit_attributes(found)),
        "status_sentence": xr.Variable(
            (),
            np.array(found.sentence, dtype=object),
            {"long_name": "what the status means, with what decided it"},
        ),
        **law_of((found,)),
    }
    fields = xr.Variable("field", np.array(source.fields, dtype=object))
    attributes = {"title": f"Laws of {source.variable}", "context_frames": context_frames}
    return xr.Dataset(
        variables, {"field": fields}, attributes | origin(source.path, sides_in_words(source))
    )
