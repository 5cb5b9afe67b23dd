"""Writing a forecast in the form of the input: the same variable, dimensions and units.

Beside the forecast, per trajectory, are how far to trust it (`backtest_error`,
`conservation_drift`, `left_observed_range`, `status`, `status_sentence`) and the inferred law:
`flux`, `flux_derivative` and `diffusivity` at all combinations of the states `state_NAME` of the
fields over the observed range. With several fields they have the leading dimension `field`, and
`flux_derivative` also `field_of_state`: the field with respect to which the flux is differentiated.
"""

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from hfluxno.data.bands import bands, of_band, predictions
from hfluxno.data.hdf5 import new_netcdf
from hfluxno.data.headers import without_units
from hfluxno.data.law_table import LawTable, tabulate
from hfluxno.data.source import SIDES, Source
from hfluxno.forecaster import NINETY, Forecast
from hfluxno.reconstruction import Reconstruction
from hfluxno.version import version_name

SUFFIXES = (".nc", ".h5", ".hdf5", ".zarr")
_LONGEST = 200  # bytes of a name: of 255 in a Zarr store, where ours follow it


def check_storable(variables: Iterable[str]) -> None:
    """Checks that the output formats allow these names, before the work is done. Raises
    `ValueError` if they do not."""
    for variable in variables:
        long = len(variable.encode()) > _LONGEST
        if variable in ("", ".", "..") or "/" in variable or long:
            shown = f"{variable[:40]}…" if long else variable
            raise ValueError(
                f"No output can contain a variable called {shown!r}; rename it in the input."
            )


def write(path: Path, dataset: xr.Dataset) -> None:
    """Writes what `of_forecast` or another function of that kind makes. Raises `OSError` if it
    cannot be written."""
    try:
        if path.suffix == ".zarr":
            dataset.to_zarr(path, mode="w", consolidated=False)
        else:
            reals = [name for name, v in dataset.variables.items() if v.dtype.kind == "f"]
            bare = {name: {"_FillValue": None} for name in reals}
            with new_netcdf(path) as (file, _):
                dataset.dump_to_store(xr.backends.H5NetCDFStore(file), encoding=bare)
    except Exception as error:  # names or attributes that the format does not allow
        if isinstance(error, OSError) and error.errno is not None:  # of the disk
            raise
        raise OSError(f"The result cannot be written: {str(error).rstrip('.')}.") from error


def of_forecast(source: Source, forecast: Forecast, context_frames: int) -> xr.Dataset:
    """The forecast of `source` from its first `context_frames` frames, as it is written."""
    values = np.asarray(forecast.trajectory.values)
    times = source.times[0] + np.asarray(forecast.trajectory.times, float)
    per_trajectory = tuple(d for d in source.dims if d == "trajectory")
    variables = quality(forecast, per_trajectory)
    if forecast.identifications:
        labels = [found.chosen for found in forecast.identifications]
        variables["law"] = xr.Variable(
            per_trajectory,
            np.array(labels, dtype=object).reshape(-1 if per_trajectory else ()),
            {"long_name": "chosen basis of the flux, diffusion, scheme and internal grid"},
        )
        tables = [tabulate(found) for found in forecast.identifications]
        variables |= law_variables(tables, per_trajectory, source)
    variables |= predictions(forecast, (*per_trajectory, source.time_axis))
    attributes = {"title": f"Forecast of {source.variable}", "context_frames": context_frames}
    return _assembled(source, values, forecast.half_width, times, variables, attributes)


def of_reconstruction(source: Source, found: Reconstruction) -> xr.Dataset:
    """The field behind `source`, its bands and its law, as they are written."""
    values = np.asarray(found.trajectory.values)
    identification = found.identification
    sentence = xr.Variable((), np.array(found.sentence, dtype=object))
    variables = {
        "status": xr.Variable((), np.int32(identification.status), fit_attributes(identification)),
        "status_sentence": sentence,
        "law": xr.Variable((), np.array(identification.chosen, dtype=object)),
        "noise": xr.Variable(
            ("field",),
            found.noise[: len(source.fields)],
            {"long_name": "estimated standard deviation of the noise of each field"},
        ),
    } | law_variables([tabulate(identification)], (), source)
    variables |= _estimated_ends(source, found)
    if "field" not in source.dims and len(source.parts) == 1:
        variables["noise"] = variables["noise"][0]
    single = tuple(d for d in source.dims if d == "trajectory")
    shown = (np.newaxis,) * len(single)
    attributes = {"title": f"Reconstruction of {source.variable}"}
    times = source.times[0] + np.asarray(found.trajectory.times, float)
    half_width = NINETY * found.deviation[shown]
    return _assembled(source, values[shown], half_width, times, variables, attributes)


def _estimated_ends(source: Source, found: Reconstruction) -> dict[str, xr.Variable]:
    """The states at open ends over time, by the names that `--ends` understands."""
    return {
        side if len(source.fields) == 1 else f"{side}_{without_units(field)}": xr.Variable(
            (source.time_axis,),
            row,
            {**_units(attributes), "long_name": f"estimated {field} at the {side} end of x"},
        )
        for side, states in zip(SIDES, found.ends, strict=True)
        if states is not None
        for field, row, attributes in zip(
            source.fields, states, source.field_attributes, strict=True
        )
    }


def _assembled(
    source: Source,
    values: np.ndarray,
    half_width: np.ndarray | None,
    times: np.ndarray,
    variables: dict[str, xr.Variable],
    attributes: dict,
) -> xr.Dataset:
    """The fields in the form of the source, with their bands if there are any, and `variables`."""
    # If the user's variable has one of our names, ours is changed.
    taken = {part.name for part in source.parts}
    data = {f"{name}_" if name in taken else name: v for name, v in variables.items()}
    whole = "field" in source.dims
    for i, part in enumerate(source.parts):
        for suffix, every in bands(values, half_width, source.bounds).items():
            own = every if whole else every[..., i, :]
            single = tuple(d for d in part.dims if d not in source.dims)
            dims, own = (*single, *source.dims), own[(np.newaxis,) * len(single)]
            variable = xr.Variable(dims, own, storable(part.attributes))
            variable.attrs |= of_band(suffix, part.name)
            data[f"{part.name}{suffix}"] = variable.transpose(*part.dims)
    dataset = xr.Dataset(
        data,
        coords=coordinates_of(source, times),
        attrs=attributes | origin(source.path, ", ".join(source.boundary)),
    )
    if source.falls:
        dataset = dataset.isel(x=slice(None, None, -1))
    return dataset.rename(source.own_names)


def origin(path: Path, boundary: str) -> dict[str, str]:
    """What made an output, and from which input, as its attributes."""
    name = os.fsencode(path.name).decode(errors="replace")
    return {"source": f"hfluxno {version_name()}", "input": name, "boundary": boundary}


def coordinates_of(source: Source, times: np.ndarray | None = None) -> dict[str, xr.Variable]:
    """The coordinates of the file, with those it lacks, and at other `times`."""
    found = dict(source.coordinates)
    numbers = {source.time_axis: source.times if times is None else times, "x": source.x}
    if "field" in source.dims or len(source.parts) > 1:
        found.setdefault("field", xr.Variable("field", np.array(source.fields, dtype=object)))
    result = {
        name: xr.Variable(
            name, v.values.astype(object if v.dtype.kind in "US" else v.dtype), storable(v.attrs)
        )
        for name, v in found.items()
    }
    for name, coordinate in numbers.items():
        attributes = result[name].attrs if name in result else {}
        result[name] = xr.Variable(name, coordinate, attributes)
    return result


def quality(forecast: Forecast, dims: tuple[str, ...]) -> dict[str, xr.Variable]:
    shape = np.shape(forecast.status)
    meanings = status_meanings(np.ravel(forecast.status).tolist(), forecast.sentences)
    if forecast.identifications:
        meanings |= _fit_meanings(forecast.identifications[0])
    left = np.asarray(forecast.left_observed_range).astype(np.int8)

    def number(values: np.ndarray, long_name: str) -> xr.Variable:
        attributes = {"units": "1", "long_name": long_name}
        return xr.Variable(dims, np.asarray(values, float).reshape(shape), attributes)

    return {
        "backtest_error": number(
            forecast.backtest_error,
            "relative l2 error on the context's own last frames, predicted from those before",
        ),
        "conservation_drift": number(
            forecast.conservation_drift,
            "largest change of a field's total during the forecast, relative to the mean size of "
            "the field times the length of the domain",
        ),
        "left_observed_range": xr.Variable(
            dims,
            left.reshape(shape),
            {
                "long_name": "whether the forecast left the values that the context shows",
                "flag_values": np.array([0, 1], np.int8),
                "flag_meanings": "inside left",
            },
        ),
        "status": xr.Variable(
            dims, np.asarray(forecast.status, np.int32), status_attributes(meanings)
        ),
        "status_sentence": xr.Variable(
            dims,
            np.array(forecast.sentences, dtype=object).reshape(shape),
            {"long_name": "what the status means, with the figures that decided it"},
        ),
    }


def status_attributes(meanings: Mapping[int, tuple[str, str]]) -> dict:
    """The attributes of the status variable, from the name and the sentence of each status."""
    known = dict(sorted(meanings.items()))
    return {
        "long_name": "; ".join(f"{value}: {text}" for value, (_, text) in known.items()),
        "flag_values": np.array(list(known), np.int32),
        "flag_meanings": " ".join(name for name, _ in known.values()),
    }


def status_meanings(
    statuses: Sequence[int], sentences: Sequence[str]
) -> dict[int, tuple[str, str]]:
    """The name and the sentence of each status that occurs."""
    return {
        int(value): (f"status_{int(value)}", sentence)
        for value, sentence in zip(statuses, sentences, strict=True)
    }


def fit_attributes(identification: Any) -> dict:
    """The attributes of the status variable of fits like this one."""
    return status_attributes(_fit_meanings(identification))


def _fit_meanings(identification: Any) -> dict[int, tuple[str, str]]:
    every = type(identification.status)
    return {int(status): (status.name.lower(), status.sentence) for status in every}


def law_variables(
    tables: Sequence[LawTable], per_trajectory: tuple[str, ...], source: Source
) -> dict[str, xr.Variable]:
    names = [re.sub(r"\W+", "_", field) for field in tables[0].fields]
    if len(set(names)) < len(names):  # u+ and u-
        names = [f"{name}{i}" for i, name in enumerate(names)]
    points = tuple(f"point_{name}" for name in names)
    scalar = "field" not in source.dims and len(source.parts) == 1
    row = () if scalar else ("field",)
    matrix = () if scalar else ("field", "field_of_state")

    def variable(arrays: list[np.ndarray], dims: tuple, text: str, **more: str) -> xr.Variable:
        array = np.stack(arrays) if per_trajectory else arrays[0]
        return xr.Variable((*per_trajectory, *dims), array, {"long_name": text, **more})

    states = {
        f"state_{name}": variable(
            [table.states[i] for table in tables],
            (points[i],),
            f"states of {tables[0].fields[i]} over the observed range",
            **_units(source.field_attributes[i]),
        )
        for i, name in enumerate(names)
    }
    found = states | {
        "flux": variable(
            [table.flux[0] if scalar else table.flux for table in tables],
            (*row, *points),
            "inferred flux, zero at the observed state nearest to zero",
        ),
        "flux_derivative": variable(
            [table.derivative[0, 0] if scalar else table.derivative for table in tables],
            (*matrix, *points),
            "derivative of the inferred flux with respect to the state",
        ),
        "diffusivity": variable(
            [table.diffusivity[0] if scalar else table.diffusivity for table in tables],
            (*row, *points),
            "inferred diffusivity",
        ),
    }
    known = [table.flux_deviation for table in tables if table.flux_deviation is not None]
    if known:
        found["flux_deviation"] = variable(
            known if scalar else [each[None] for each in known],
            (*row, *points),
            "standard deviation of the inferred flux",
        )
    return found


def _units(attributes: Mapping) -> dict[str, str]:
    return {k: v for k, v in attributes.items() if k == "units" and isinstance(v, str)}


def storable(attributes: Mapping) -> dict:
    """The attributes that every format allows."""
    return {
        str(name): value
        for name, value in attributes.items()
        if not str(name).startswith("_")
        and (
            isinstance(value, str | int | float)
            or (isinstance(value, np.number | np.ndarray) and value.dtype.kind in "iuf")
        )
    }
