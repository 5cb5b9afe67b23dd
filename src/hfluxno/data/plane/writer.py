"""Writing forecasts on a plane: each field is a variable over (trajectory,) time, x and y."""

from collections.abc import Sequence

import numpy as np
import xarray as xr

from hfluxno.data.bands import bands, of_band, predictions
from hfluxno.data.plane.layout_writer import Layout
from hfluxno.data.plane.source import PlaneSource
from hfluxno.data.writers import origin, quality, storable
from hfluxno.forecaster import Forecast


def of_plane_forecast(
    source: PlaneSource,
    member: int,
    forecast: Forecast,
    context_frames: int,
    layout: Layout | None = None,
) -> xr.Dataset:
    """The forecast of one trajectory from its first `context_frames` frames, as it is written: in
    the `layout` of another program, or with a variable for each field."""
    lead = () if source.trajectories is None else ("trajectory",)
    values = np.asarray(forecast.trajectory.values)
    fields = {
        f"{name}{suffix}": xr.Variable(
            ("time", "x", "y"), every[:, i], storable({**attributes, **of_band(suffix, name)})
        )
        for suffix, every in bands(values, forecast.half_width).items()
        for i, (name, attributes) in enumerate(zip(source.fields, source.attributes, strict=True))
    }
    described = quality(forecast, ()) | predictions(forecast, ("time",))
    described |= law_of(forecast.identifications) | _flow(source, forecast.identifications)
    # If the user's variable has one of our names, ours is changed.
    named = {f"{name}_" if name in fields else name: v for name, v in described.items()}
    variables = {name: v.set_dims((*lead, *v.dims)) for name, v in (fields | named).items()}
    times = source.times[0] + np.asarray(forecast.trajectory.times, float)
    numbers = {"time": times, "x": source.x, "y": source.y}
    if lead:
        numbers["trajectory"] = number_of(source, member).values
    coordinates = {
        axis: xr.Variable(axis, entries, storable(_attributes(source, axis)))
        for axis, entries in numbers.items()
    }
    dataset = xr.Dataset(
        variables,
        coordinates,
        {"title": f"Forecast of {source.variable}", "context_frames": context_frames}
        | origin(source.path, sides_in_words(source)),
    )
    dataset = dataset.isel({axis: slice(None, None, -1) for axis in source.falls})
    return dataset.rename(source.names) if layout is None else layout.of(dataset)


def number_of(source: PlaneSource, member: int) -> xr.Variable:
    """The label of a trajectory along that axis, or its number if the file has no labels."""
    own = source.coordinates.get("trajectory")
    return xr.Variable("trajectory", [member]) if own is None else own[member : member + 1]


def sides_in_words(source: PlaneSource) -> str:
    """The boundary as an attribute of an output has it."""
    return "/".join(",".join(sides) for sides in source.boundary)


def law_of(found: Sequence) -> dict[str, xr.Variable]:
    """The name of the only law that was found, if there is one, and its equations."""
    if not found:
        return {}
    (law,) = found
    name = law.name if law.recognised is None else str(law.recognised)
    formulas = np.array(law.formulas, dtype=object)
    return {
        "law": xr.Variable((), np.array(name, dtype=object)),
        "equation": xr.Variable(
            ("field",), formulas, {"long_name": "the inferred law of each field"}
        ),
    }


def _flow(source: PlaneSource, found: Sequence) -> dict[str, xr.Variable]:
    """The velocity of the steady flow that was found, if it was, and its supply."""
    if not found or found[0].law.flow is None:
        return {}
    flow = found[0].law.flow
    supplied = xr.Variable(
        ("x", "y"), flow.supplied(source.x, source.y), {"long_name": "inferred supply by place"}
    )
    return ({} if flow.supply is None else {"supply": supplied}) | {
        f"flow_{axis}": xr.Variable(
            ("x", "y"),
            flow.velocity(a, source.x, source.y),
            {"long_name": f"inferred velocity along {axis}"},
        )
        for a, axis in enumerate("xy")
    }


def _attributes(source: PlaneSource, axis: str) -> dict:
    return dict(source.coordinates[axis].attrs) if axis in source.coordinates else {}
