"""The noise of measurements as given by the user: numbers, or variables of the file."""

import numpy as np
import xarray as xr

from hfluxno.data.choice import DIMENSIONS, asked_names, shape_of
from hfluxno.data.contained import too_large
from hfluxno.data.headers import units_in
from hfluxno.data.numbers import check_magnitude, listed, real_numbers
from hfluxno.data.opening import opened
from hfluxno.data.reading import reading
from hfluxno.data.source import Source, unit_in
from hfluxno.plural import plural
from hfluxno.unit_sizes import conversion, is_same

_SAME = 1e-6  # relative difference of standard deviations that count as equal


def noise_names(text: str) -> tuple[str, ...]:
    """The variables in `sigma`, or in `h=0.02,hu=sigma`."""
    parts = [part.rpartition("=")[2].strip() for part in text.split(",")]
    return tuple(part for part in parts if not _is_number(part))


def read_noise(text: str, source: Source, trajectory: int | None = None) -> np.ndarray:
    """The standard deviation of the noise from `0.02`, `sigma`, or `h=0.02,hu=sigma`, one per
    measured value.

    - `trajectory`: which of the file's trajectories `source` is, if it is one of several.

    Raises `ValueError` if the noise of a field is missing, unknown or not positive.
    """
    parts = [part.partition("=") for part in text.split(",")]
    named = {name.strip(): value.strip() for name, sign, value in parts if sign}
    complete = sorted(named) == sorted(source.quantities) and len(parts) == len(named)
    if len(parts) == 1 and not named and source.flow is None:
        named = dict.fromkeys(source.quantities, text.strip())
    elif not complete:
        example = ",".join(f"{field}=VALUE" for field in source.quantities)
        raise ValueError(
            f"--noise needs auto, one number or variable, or one for each field ({example}); got "
            f"{text}."
        )
    values = source.measured
    each_of = enumerate(source.quantities)
    found = [_noise(named[field], i, source, trajectory) for i, field in each_of]
    if all(isinstance(each, float) for each in found):
        return np.broadcast_to(np.array(found)[:, None], values.shape)
    whole = np.empty(values.shape)
    for i, each in enumerate(found):
        whole[..., i, :] = each
    return whole


def as_one_number(noise: np.ndarray) -> tuple[tuple[float, ...], str]:
    """The root mean square of the noise of each field, and a sentence if the noise is not one
    number."""
    axes = tuple(i for i in range(noise.ndim) if i != noise.ndim - 2)
    least, most = np.nanmin(noise, axis=axes), np.nanmax(noise, axis=axes)
    if np.all(least == most):
        return tuple(map(float, least)), ""
    sigma = np.sqrt(np.nanmean(noise**2, axis=axes))
    shown = ", ".join(f"{each:.4g}" for each in sigma)
    return tuple(map(float, sigma)), (
        f"In chunks a noise is one number for each field: the root mean square, {shown}, is taken "
        f"of standard deviations from {least.min():.4g} to {most.max():.4g}."
    )


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _noise(value: str, index: int, source: Source, trajectory: int | None) -> float | np.ndarray:
    """One number, or one for each (trajectory, time, x) of a field."""
    field = source.quantities[index]
    measured = ~np.isnan(source.measured[..., index, :])
    if _is_number(value):
        found = np.full(measured.shape, float(value))
    else:
        found = _of_variable(value, index, source, trajectory)
    wrong = measured & ~(np.isfinite(found) & (found > 0.0))
    if wrong.any():
        first = found[wrong][0]
        every = wrong.sum() == measured.sum()
        many = "" if every else f" for {plural(int(wrong.sum()), 'measured value')}"
        said = "missing" if np.isnan(first) else f"{first:g}"
        raise ValueError(
            f"The noise of {field} is {said}{many}, but a standard deviation is a positive number; "
            "correct it, or choose --noise auto to have it estimated."
        )
    check_magnitude(found[measured], f"standard deviations of {field}")
    known, values = found[measured], source.measured[..., index, :][measured]
    if 0.0 < np.ptp(values) < np.min(known):
        raise ValueError(
            f"The noise of {field} is {np.min(known):g} or more, but all its values lie between "
            f"{np.min(values):g} and {np.max(values):g}: it would hide everything; correct it, or "
            "choose --noise auto to have it estimated."
        )
    if np.ptp(known) <= _SAME * known[0]:
        return float(known[0])
    return found


def _parts(source: Source) -> list[str]:
    """The variables whose axes the noise may have to be brought to."""
    flow = () if source.flow is None else (source.flow[0],)
    return [part.name for part in (*source.parts, *flow)]


def _of_variable(name: str, index: int, source: Source, trajectory: int | None) -> np.ndarray:
    """The numbers of a variable at the places of the values of a field."""
    if name in (part.name for part in source.parts):
        raise ValueError(
            f"--noise {name} is what was measured itself; give a number, or the variable with its "
            "standard deviation."
        )
    called = {each for names in source.names.values() for each in asked_names(names)}
    if name in {*DIMENSIONS, *source.coordinates, *called}:
        raise ValueError(
            f"--noise {name} is a coordinate, which says where values are and not how uncertain; "
            "give a number, or the variable with their standard deviation."
        )
    asked = ",".join([*_parts(source), name])
    with opened(source.path, asked, dict(source.names), member=trajectory) as (variables, _):
        if name not in variables:
            raise ValueError(
                f"--noise {name} is neither a number nor a variable of {source.path}; it has "
                f"{listed(list(variables))}."
            )
        refused = too_large(source.path, variables[name].nbytes, name)
        if refused:
            raise ValueError(refused)
        with reading(source.path):
            stored = variables[name].load()
    if "field" in stored.dims:
        stored = stored.isel(field=index)
    if trajectory is not None and stored.sizes.get("trajectory", 1) > 1:
        stored = stored.isel(trajectory=[trajectory])
    *batch, frames, _, cells = source.values.shape
    rows = np.arange(frames) if source.rows is None else np.array(source.rows)
    columns = np.arange(cells) if source.columns is None else np.array(source.columns)
    sizes = {source.time_axis: len(rows), "x": len(columns)}
    sizes = dict.fromkeys(("trajectory",) * len(batch), source.trajectories) | sizes
    stored = stored.squeeze([d for d in stored.dims if stored.sizes[d] == 1 and d not in sizes])
    if any(sizes.get(str(d)) != n for d, n in stored.sizes.items()):
        raise ValueError(
            f"The variable {name} of {source.path} has the axes {shape_of(stored.sizes)}, but the "
            f"values {shape_of(sizes)}; give one standard deviation per value, or one for all."
        )
    numbers = xr.Variable(
        stored.dims, real_numbers(np.asarray(stored.values), f"values of {name}").astype(float)
    )
    whole = np.array(numbers.set_dims(sizes).transpose(*sizes).values)
    whole *= _factor(name, stored, index, source)
    if source.falls:
        whole = whole[..., ::-1]
    return _placed(_placed(whole, columns, cells, -1), rows, frames, -2)


def _factor(name: str, stored: xr.Variable, index: int, source: Source) -> float:
    """What a noise is multiplied by to be in the units of what was measured. Raises `ValueError` if
    it has others, also percent where these are not known."""
    field = source.quantities[index]
    own = unit_in(stored.attrs) or units_in(name)
    unit = source.units.get(field, "") or units_in(field)
    if source.flow is not None and field == source.flow[0].name:
        unit = unit_in(source.flow[0].attributes)
    if not own or not (unit or is_same(own, "%")):
        return 1.0
    factor = conversion(own, unit) if unit else None
    if factor is None:
        of_field = f"in {unit}" if unit else "without units"
        raise ValueError(
            f"The noise {name} of {source.path} is in {own}, and {field} {of_field}; give its "
            f"standard deviation in the units of {field}."
        )
    return factor


def _placed(sigma: np.ndarray, places: np.ndarray, count: int, axis: int) -> np.ndarray:
    """σ at the places of the values, NaN elsewhere; for the mean of n values that share a place it
    is (Σσ²)^½ / n."""
    moved = np.moveaxis(sigma, axis, 0)
    known = ~np.isnan(moved)
    squares, numbers = (np.zeros((count, *moved.shape[1:])) for _ in range(2))
    least = np.full(squares.shape, np.inf)
    np.add.at(squares, places, np.where(known, moved, 0.0) ** 2)
    np.add.at(numbers, places, known)
    np.minimum.at(least, places, np.where(known, moved, np.inf))
    with np.errstate(invalid="ignore"):
        found = np.where(
            least > 0.0, np.sqrt(squares) / numbers, least
        )  # invalid ones are reported later
    return np.moveaxis(found, 0, axis)
