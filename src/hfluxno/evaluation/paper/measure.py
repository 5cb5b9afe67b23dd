"""One method on one test set: errors of all windows, of long roll-outs, and diagnostics.

The result is plain data, ready for JSON: numbers that summarise many windows, and a few whole
forecasts for pictures. The states of windows are not stored.
"""

import dataclasses
import time
from collections.abc import Callable

import numpy as np
import xarray as xr

from hfluxno.evaluation.diagnostics import DIAGNOSTICS, diagnose
from hfluxno.evaluation.errors import NORMS, errors_of, summary
from hfluxno.evaluation.paper.contenders import PreparedMethod
from hfluxno.evaluation.paper.problems import CONTEXT, STEPS
from hfluxno.evaluation.paper.results import Plain
from hfluxno.evaluation.paper.rows import network_record
from hfluxno.evaluation.paper.sample import WindowSet

# Frames after the context at which the example of a set is stored.
EXAMPLE_FRAMES = (0, 19, 39, 79)
_WARM = 8  # windows forecast before the clock starts, to compile the programs


def measured(
    ready: PreparedMethod, test: WindowSet, advance: Callable[[int], None] = lambda windows: None
) -> Plain:
    """The record of one method on one set.

    - `advance`: called with the number of windows newly done.

    Raises `ValueError` if the set has no usable window, or does not fit the method.
    """
    errors, seconds = forecast_windows(ready, test, advance)
    if errors is None:
        raise ValueError(
            f"No window of {test.problem.name} can be used: none was solved that has "
            f"{ready.context + STEPS} frames; draw more laws, or read a longer set."
        )
    long, example = _long(ready, test, advance)
    count = errors.sizes["window"]
    return {
        "source": ready.source,
        "fingerprint": ready.fingerprint,
        "network": None if ready.network is None else network_record(ready.network),
        "context": ready.context,
        "windows": count,
        "laws": len(np.unique(errors["law"])),
        "errors": _summaries(errors),
        "long": long,
        "example": example,
        "seconds": seconds,
        "windows_per_second": count / seconds if seconds > 0.0 else None,
    }


def forecast_windows(
    ready: PreparedMethod, test: WindowSet, advance: Callable[[int], None] = lambda windows: None
) -> tuple[xr.Dataset | None, float]:
    """The errors and diagnostics of all windows, `None` if there are none, and the seconds that the
    forecasts took."""
    parts, seconds = [], 0.0
    for number, batch in enumerate(test.batches(ready.context, STEPS, ready.pairs)):
        if number == 0:  # compiles
            few = batch.first(_WARM)
            ready.forecast(test.context(few, ready.context), few, STEPS)
        context = test.context(batch, ready.context)
        began = time.perf_counter()
        forecast, failed = ready.forecast(context, batch, STEPS)
        seconds += time.perf_counter() - began
        truth = batch.frames[:, ready.context :]
        diagnosed = diagnose(forecast, truth, batch.frames[:, ready.context - 1])
        errors = errors_of(forecast, truth, failed, law=batch.laws, **diagnosed)
        parts.append(errors.sel(step=[1, STEPS]))
        advance(len(batch.laws))
    return xr.concat(parts, "window") if parts else None, seconds


def _summaries(errors: xr.Dataset) -> dict[str, Plain | None]:
    found = {}
    for norm in NORMS:
        found[f"{norm}, 1 step"] = _summary(errors, norm, 1)
        found[f"{norm}, {STEPS} steps"] = _summary(errors, f"{norm}_joint", STEPS)
    return found | {name: _summary(errors, name) for name in DIAGNOSTICS}


def _summary(errors: xr.Dataset, name: str, step: int | None = None) -> Plain | None:
    """`None` if no window has the number."""
    if errors[name].isnull().all():
        return None
    return dataclasses.asdict(summary(errors, name, step))


def _long(ready: PreparedMethod, test: WindowSet, advance) -> tuple[Plain, Plain]:
    """The errors at each time of the roll-outs to the end, and one roll-out at a few frames."""
    parts = []
    example: Plain = {}
    for batch in test.long_batches(ready.context, ready.pairs):
        context = test.context(batch, ready.context)
        truth = batch.frames[:, ready.context :]
        forecast, stopped = ready.forecast(context, batch, truth.shape[1])
        parts.append(errors_of(forecast, truth, stopped, law=batch.laws))
        if not example:
            example = _example(forecast, truth)
        advance(len(batch.laws))
    errors = xr.concat(parts, "window")
    first = max(ready.context, CONTEXT)
    curves: Plain = {"times": [float(t) for t in test.times[first:]]}
    for norm in NORMS:
        steps = errors["step"].values.tolist()
        curves[norm] = [_summary(errors, norm, step) for step in steps]
    return curves, example


def _example(forecast, truth) -> Plain:
    """The trajectory of the batch with the median movement, at a few frames."""
    travelled = np.abs(np.diff(truth, axis=1)).sum(axis=(1, 2, 3))
    member = int(np.argsort(travelled)[len(travelled) // 2])
    frames = [frame for frame in EXAMPLE_FRAMES if frame < truth.shape[1]]
    rounded = {
        name: [[[round(float(x), 5) for x in field] for field in states[member, j]] for j in frames]
        for name, states in (("forecast", forecast), ("truth", truth))
    }
    return {"frames": frames} | rounded
