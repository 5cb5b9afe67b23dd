"""The errors of many forecasts as one data set, of which every table and curve is a view."""

import numpy as np
import xarray as xr
from jaxtyping import Bool, Float

from hfluxno.evaluation.metrics import Summary, misfit_and_truth, quotient, summarize

NORMS = ("l2", "linf")


def errors_of(
    forecast: Float[np.ndarray, "window step field *space"],
    truth: Float[np.ndarray, "window step field *space"],
    failed: Bool[np.ndarray, " window"],
    **of_windows: np.ndarray,
) -> xr.Dataset:
    """The relative errors ‖u - û‖/‖û‖ of windows, whose steps count from 1:

    | variable | dimensions | the norm is over |
    |---|---|---|
    | `l2`, `linf` | window, step | the fields and cells of one frame |
    | `l2_joint`, `linf_joint` | window, step | those of all frames up to this one |
    | `failed` | window | |

    An error is infinite if the forecast is not finite.

    - `failed`: which forecasts count as failed, although they may be finite.
    - `of_windows`: further variables, one entry per window, such as its law.
    """
    count, steps = forecast.shape[:2]
    frames, known = (states.reshape(count, steps, -1) for states in (forecast, truth))
    difference, known = misfit_and_truth(frames, known)
    found = {}
    with np.errstate(over="ignore"):  # an exploding forecast has an infinite error
        squares = [np.sum(states**2, axis=-1) for states in (difference, known)]
        largest = [np.max(np.abs(states), axis=-1) for states in (difference, known)]
        found["l2"] = quotient(*map(np.sqrt, squares))
        found["linf"] = quotient(*largest)
        found["l2_joint"] = quotient(*(np.sqrt(np.cumsum(each, axis=1)) for each in squares))
        found["linf_joint"] = quotient(*(np.maximum.accumulate(each, axis=1) for each in largest))
    return xr.Dataset(
        {name: (("window", "step"), numbers) for name, numbers in found.items()}
        | {name: ("window", v) for name, v in (of_windows | {"failed": failed}).items()},
        {"step": np.arange(1, steps + 1)},
    )


def summary(errors: xr.Dataset, name: str, step: int | None = None) -> Summary:
    """What a variable says of all windows, at a step if it has steps; by law if the errors have a
    variable `law`. Windows where it is not a number are left out.

    Raises `ValueError` if there are no others.
    """
    values = errors[name].values if step is None else errors[name].sel(step=step).values
    there = ~np.isnan(values)
    laws = errors["law"].values[there] if "law" in errors else None
    return summarize(values[there].astype(float), errors["failed"].values[there], laws)
