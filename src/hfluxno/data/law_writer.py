"""The laws of a batch as a dataset: how far to trust each, its formula, and its tables."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from hfluxno.data.law_table import tabulate
from hfluxno.data.source import Source
from hfluxno.data.writers import coordinates_of, fit_attributes, law_variables
from hfluxno.version import version_name


def of_laws(source: Source, found: Sequence[Any], context_frames: int) -> xr.Dataset:
    """The identifications of all trajectories of `source`.

    `backtest_error`, `residual`, `missing`, `total_drift` and `status` are those of
    `Identification`; `formula` is the flux as a formula if one holds, for two fields the equations
    if the flux is made of monomials and quotients, else empty; the tables are those of a forecast
    (see `hfluxno.data.writers`).
    """
    row, each = ("trajectory",), ("trajectory", "field")

    def numbers(name: str, long_name: str, dims: tuple[str, ...] = row) -> xr.Variable:
        values = np.array([np.asarray(getattr(one, name), float) for one in found])
        return xr.Variable(dims, values, {"units": "1", "long_name": long_name})

    def text(words: Sequence[str], long_name: str) -> xr.Variable:
        return xr.Variable(row, np.array(words, dtype=object), {"long_name": long_name})

    readings = [one.readings for one in found]
    formulas = [
        r.best.formula if r and r.best.is_accepted else "; ".join(one.formulas)
        for one, r in zip(found, readings, strict=True)
    ]
    status = np.array([one.status for one in found], np.int32)
    variables = {
        "backtest_error": numbers(
            "backtest_error",
            "relative l2 error on the context's own last frames, fitted to those before",
        ),
        "residual": numbers("residual", "misfit over the context by the standard deviation"),
        "missing": numbers("missing", "part of the context that was not measured"),
        "total_drift": numbers("total_drift", "change of each total by the field's size", each),
        "status": xr.Variable(row, status, fit_attributes(found[0])),
        "status_sentence": text(
            [one.sentence for one in found], "what the status means, with what decided it"
        ),
        "law": text([one.chosen for one in found], "chosen kind of law and scheme"),
        "formula": text(formulas, "flux as a formula that has a name, or equations of a system"),
    } | law_variables([tabulate(one) for one in found], row, source)
    coordinates = {
        name: v for name, v in coordinates_of(source).items() if name in ("trajectory", "field")
    }
    coordinates.setdefault("field", xr.Variable("field", np.array(source.fields, dtype=object)))
    attributes = {
        "title": f"Laws of {source.variable}",
        "context_frames": context_frames,
        "source": f"hfluxno {version_name()}",
        "boundary": ", ".join(source.boundary),
    }
    return xr.Dataset(variables, coordinates, attributes)


def along_trajectory(found: xr.Dataset, number: xr.Variable | None = None) -> xr.Dataset:
    """The results of one trajectory with that dimension; `number` is its label, if it has one."""
    bare = {n: v for n, v in found.data_vars.items() if "trajectory" not in v.dims}
    rows = found.assign({n: v.expand_dims("trajectory") for n, v in bare.items()})
    return rows if number is None else rows.assign_coords(trajectory=number)
