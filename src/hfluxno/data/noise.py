"""The noise of measurements as a user states it: numbers, or variables of the file."""

import numpy as np

from hfluxno.data.contained import too_large
from hfluxno.data.numbers import listed, real_numbers
from hfluxno.data.opening import opened, reading
from hfluxno.data.source import Source


def read_noise(text: str, source: Source) -> tuple[tuple[float, ...], tuple[str, ...]]:
    """The standard deviation of the noise of each field, from `0.02`, `sigma`, or
    `h=0.02,hu=sigma`. Of a variable that holds several their root mean square is taken, which the
    sentences that are returned besides say.

    **Raises:**

    - `ValueError`, where a field has no noise or an unknown one, or one is not positive.
    """
    parts = [part.partition("=") for part in text.split(",")]
    named = {name.strip(): value.strip() for name, sign, value in parts if sign}
    complete = sorted(named) == sorted(source.fields) and len(parts) == len(named)
    if len(parts) == 1 and not named:
        named = dict.fromkeys(source.fields, text.strip())
    elif not complete:
        example = ",".join(f"{field}=VALUE" for field in source.fields)
        raise ValueError(
            f"--noise needs auto, one number or variable, or one for each field ({example}); got "
            f"{text}."
        )
    found = [_noise(named[field], field, i, source) for i, field in enumerate(source.fields)]
    return tuple(sigma for sigma, _ in found), tuple(note for _, note in found if note)


def _noise(value: str, field: str, index: int, source: Source) -> tuple[float, str]:
    note = ""
    try:
        sigma = float(value)
    except ValueError:
        sigma, note = _of_variable(value, index, source)
    if not (np.isfinite(sigma) and sigma > 0.0):
        raise ValueError(
            f"The noise of {field} is {sigma:g}, and a standard deviation is positive; correct it, "
            "or choose --noise auto to have it estimated."
        )
    return sigma, note


def _of_variable(name: str, index: int, source: Source) -> tuple[float, str]:
    with opened(source.path, name, dict(source.names)) as (variables, _):
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
    numbers = real_numbers(np.asarray(stored.values), f"values of {name}")
    known = numbers[np.isfinite(numbers)].astype(float)
    smallest, largest = (np.min(known), np.max(known)) if known.size else (np.nan, np.nan)
    if not smallest > 0.0:
        return float(smallest), ""
    sigma = float(np.sqrt(np.mean(known**2)))
    if largest - smallest <= 1e-6 * sigma:
        return sigma, ""
    return sigma, (
        f"The standard deviations in {name} are {smallest:.4g} to {largest:.4g}; their root mean "
        f"square, {sigma:.4g}, is taken for all values."
    )
