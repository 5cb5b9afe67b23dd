"""Errors of each field of a forecast. A relative l2 error of all fields together is one of those
with the largest numbers, and so depends on their units."""

import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from hfluxno.evaluation.metrics import cells_in_a_row
from hfluxno.forecast_checks import by_field
from hfluxno.forecaster import Forecast
from hfluxno.plural import percent

# A field that makes up less of the norm of all has lines of its own.
_SMALL = 0.1
# By how much a larger predicted error is larger means nothing.
_ANYTHING = 10.0


def by_step(errors: np.ndarray, steps: Sequence[int]) -> dict[str, float]:
    """The known errors after these numbers of steps, and infinite bounds, which are none."""
    return {
        str(n): float(errors[n - 1])
        for n in steps
        if n <= len(errors) and not np.isnan(errors[n - 1])
    }


def errors_of_fields(
    forecast: Forecast, known: np.ndarray, truth: np.ndarray, steps: Sequence[int]
) -> list[dict[str, dict]]:
    """For each trajectory of a forecast of several fields, by name the field's part of their norm
    and after these numbers of `steps` its bound and its true error (see
    `predicted_error_90_by_field`), as far as they are known.

    - `known`, `truth`: frames of the forecast that can be compared, and what they are compared
      with, of shape (…, time, field, cell).
    """
    made = forecast.trajectory
    count = len(made.fields)
    if count == 1:
        return [{} for _ in forecast.sentences]
    values = np.where(made.grid.free, np.asarray(made.values, float), 0.0)
    values = cells_in_a_row(values, len(made.grid.shape))
    values = values.reshape(-1, made.frames, *known.shape[-2:])
    squares = np.sum(values**2, axis=(1, 3))
    whole = squares.sum(axis=1, keepdims=True)
    part = np.sqrt(squares / np.where(whole > 0.0, whole, 1.0))
    found = {"true_error": by_field(known - truth, truth)}
    bound = forecast.predicted_error_90_by_field
    found |= {} if bound is None else {"predicted_error_90": bound}
    rows = {key: each.reshape(len(values), -1, count) for key, each in found.items()}
    return [
        {
            name: {"part": float(part[i, f])}
            | {key: by_step(each[i, :, f], steps) for key, each in rows.items()}
            for f, name in enumerate(made.fields)
        }
        for i in range(len(values))
    ]


def small_fields(result: dict, shown: Callable[[float], str]) -> Iterator[tuple[str, str]]:
    """A label and a text for each field that is lost in the norm of all, and for each of its
    errors, `shown` as others are. Only a forecast with the status OK promises a bound."""
    for name, each in result.get("by_field", {}).items():
        if each["part"] >= _SMALL:
            continue
        part = percent(each["part"])
        what = f"{name}: {part} of the norm of all fields, whose errors do not show it"
        yield "error of one field", what
        bounds = each.get("predicted_error_90", {}) if result["status"] == 0 else {}
        true = each["true_error"]
        for step in sorted({*bounds, *true}, key=int):
            texts = [bound_in_words(bounds[step], shown)] if step in bounds else []
            texts += [f"true error {shown(true[step])}"] if step in true else []
            yield f"  step {step}", ", ".join(texts)


def bound_in_words(bound: float, shown: Callable[[float], str]) -> str:
    """A bound that nine of ten errors are below, `shown` as others are."""
    return f"9 of 10 below {shown(bound)}" if math.isfinite(bound) else "no bound"


def predicted_in_words(error: float, shown: Callable[[float], str]) -> str:
    """A predicted error, `shown` as others are unless it is many times the field."""
    return f"above {100.0 * _ANYTHING:.0f} %" if error > _ANYTHING else shown(error)
