"""One method on one test set: errors of all windows, of long roll-outs, and diagnostics.

What comes out is plain data, ready for JSON: numbers that summarise many windows, and a few whole
forecasts for pictures. No window's states are kept.
"""

import collections
import dataclasses
import time
from collections.abc import Callable

import numpy as np

from hfluxno.evaluation.diagnostics import diagnose
from hfluxno.evaluation.metrics import NORMS, joined, summarize
from hfluxno.evaluation.paper.contenders import PreparedMethod
from hfluxno.evaluation.paper.problems import CONTEXT, STEPS
from hfluxno.evaluation.paper.results import Plain
from hfluxno.evaluation.paper.rows import network_record
from hfluxno.evaluation.paper.sample import WindowBatch, WindowSet

# Frames after the context at which the example of a set is kept.
EXAMPLE_FRAMES = (0, 19, 39, 79)
_WARM = 8  # windows that are forecast before the clock starts: their programs are those of all


def measured(
    ready: PreparedMethod, test: WindowSet, advance: Callable[[int], None] = lambda windows: None
) -> Plain:
    """The record of one method on one set.

    **Arguments:**

    - `advance`: is called with how many more windows are done.

    **Raises:**

    - `ValueError`, if the set has no window that can be used, or does not fit the method.
    """
    errors, seconds = forecast_windows(ready, test, advance)
    if not errors.laws:
        raise ValueError(
            f"No window of {test.problem.name} can be used: none was solved that has "
            f"{ready.context + STEPS} frames; draw more laws, or read a longer set."
        )
    long, example = _long(ready, test, advance)
    count = sum(map(len, errors.laws))
    return {
        "source": ready.source,
        "fingerprint": ready.fingerprint,
        "network": None if ready.network is None else network_record(ready.network),
        "context": ready.context,
        "windows": count,
        "laws": len(np.unique(np.concatenate(errors.laws))),
        "errors": errors.summaries(),
        "long": long,
        "example": example,
        "seconds": seconds,
        "windows_per_second": count / seconds if seconds > 0.0 else None,
    }


class Collected:
    """Numbers of windows, batch by batch."""

    def __init__(self):
        self.laws: list[np.ndarray] = []
        self._failed: list[np.ndarray] = []
        self._numbers: dict[str, list[np.ndarray]] = collections.defaultdict(list)

    def add(self, batch: WindowBatch, failed: np.ndarray, numbers: dict[str, np.ndarray]) -> None:
        self.laws.append(batch.laws)
        self._failed.append(failed)
        for name, values in numbers.items():
            self._numbers[name].append(values)

    def summaries(self) -> dict[str, Plain | None]:
        laws, failed = np.concatenate(self.laws), np.concatenate(self._failed)
        return {
            name: _summary(np.concatenate(parts), failed, laws)
            for name, parts in self._numbers.items()
        }


def _summary(values, failed, laws) -> Plain | None:
    there = ~np.isnan(values)
    if not np.any(there):
        return None
    return dataclasses.asdict(summarize(values[there], failed[there], laws[there]))


def forecast_windows(
    ready: PreparedMethod, test: WindowSet, advance: Callable[[int], None] = lambda windows: None
) -> tuple[Collected, float]:
    """The numbers of all windows, and the seconds that the forecasts took."""
    collected, seconds = Collected(), 0.0
    for number, batch in enumerate(test.batches(ready.context, STEPS, ready.pairs)):
        if number == 0:  # compiles
            few = batch.first(_WARM)
            ready.forecast(test.context(few, ready.context), few, STEPS)
        context = test.context(batch, ready.context)
        began = time.perf_counter()
        forecast, failed = ready.forecast(context, batch, STEPS)
        seconds += time.perf_counter() - began
        truth = batch.frames[:, ready.context :]
        numbers = {}
        for norm, error in NORMS.items():
            numbers[f"{norm}, 1 step"] = error(forecast[:, :1], truth[:, :1])[:, 0]
            numbers[f"{norm}, {STEPS} steps"] = error(joined(forecast), joined(truth))[:, 0]
        numbers |= diagnose(forecast, truth, batch.frames[:, ready.context - 1])
        collected.add(batch, failed, numbers)
        advance(len(batch.laws))
    return collected, seconds


def _long(ready: PreparedMethod, test: WindowSet, advance) -> tuple[Plain, Plain]:
    """The errors at each time of the roll-outs to the end, and one of them at a few frames."""
    parts: dict[str, list[np.ndarray]] = {norm: [] for norm in NORMS}
    failed, laws = [], []
    example: Plain = {}
    for batch in test.long_batches(ready.context, ready.pairs):
        context = test.context(batch, ready.context)
        truth = batch.frames[:, ready.context :]
        forecast, stopped = ready.forecast(context, batch, truth.shape[1])
        for norm, error in NORMS.items():
            parts[norm].append(error(forecast, truth))
        failed.append(stopped)
        laws.append(batch.laws)
        if not example:
            example = _example(forecast, truth)
        advance(len(batch.laws))
    stops, groups = np.concatenate(failed), np.concatenate(laws)
    first = max(ready.context, CONTEXT)
    curves: Plain = {"times": [float(t) for t in test.times[first:]]}
    for norm, errors in parts.items():
        curves[norm] = [_summary(column, stops, groups) for column in np.concatenate(errors).T]
    return curves, example


def _example(forecast, truth) -> Plain:
    """The trajectory of the batch that moves by the median, at a few frames."""
    travelled = np.abs(np.diff(truth, axis=1)).sum(axis=(1, 2, 3))
    member = int(np.argsort(travelled)[len(travelled) // 2])
    frames = [frame for frame in EXAMPLE_FRAMES if frame < truth.shape[1]]
    rounded = {
        name: [[[round(float(x), 5) for x in field] for field in states[member, j]] for j in frames]
        for name, states in (("forecast", forecast), ("truth", truth))
    }
    return {"frames": frames} | rounded
