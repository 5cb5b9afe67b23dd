"""How far forecast values may be off, as a file has it: errors of frames and bands of values."""

import numpy as np
import xarray as xr

from hfluxno.forecaster import Forecast

# What the names of the ends of a band have after that of the values.
LOWER, UPPER = "_lower90", "_upper90"


def predictions(forecast: Forecast, dims: tuple[str, ...]) -> dict[str, xr.Variable]:
    """The predicted error of each frame, its bound, that of each of several fields and the error
    by noise, as far as known."""
    every = (
        ("predicted_error", forecast.predicted_error, "is to be expected"),
        (
            "predicted_error_90",
            forecast.predicted_error_90,
            "is not exceeded in 90 of 100 forecasts; infinite if there is no bound",
        ),
        ("noise_error", forecast.noise_error, "noise makes if the frame is measured"),
    )
    found = {
        name: xr.Variable(
            dims, errors, {"long_name": f"relative l2 error of each frame that {meaning}"}
        )
        for name, errors, meaning in every
        if errors is not None
    }
    of_fields = forecast.predicted_error_90_by_field
    if of_fields is None or of_fields.shape[-1] == 1:
        return found
    meaning = (
        "relative l2 error of each field that is not exceeded in 90 of 100 forecasts; inf: none"
    )
    of_each = xr.Variable((*dims, "field"), of_fields, {"long_name": meaning})
    return found | {"predicted_error_90_by_field": of_each}


def bands(
    values: np.ndarray, half_width: np.ndarray | None, bounds: tuple[float, float] | None = None
) -> dict[str, np.ndarray]:
    """The values and the ends of their bands of half this width, within bounds, by the suffix of
    their names."""
    if half_width is None:
        return {"": values}
    away = half_width.astype(values.dtype)
    ends = {LOWER: values - away, UPPER: values + away}
    if bounds is not None:
        ends = {suffix: np.clip(end, *bounds) for suffix, end in ends.items()}
    return {"": values} | ends


def of_band(suffix: str, name: str) -> dict[str, str]:
    """The attributes of an end of a band."""
    if not suffix:
        return {}
    end = "lower" if suffix == LOWER else "upper"
    return {"long_name": f"{end} end of the 90 percent band of {name}"}
