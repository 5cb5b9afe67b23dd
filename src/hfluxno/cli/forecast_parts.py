"""Forecasts of a file, at once or, for a long batch, part by part.

Parts are written as they are finished, so memory holds only one.
"""

import dataclasses
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from hfluxno.cli import report
from hfluxno.cli.progress import progress
from hfluxno.cli.summary import forecast_results
from hfluxno.data.parts import Parts
from hfluxno.data.replacing import replacing
from hfluxno.data.source import Source
from hfluxno.data.writers import status_attributes, status_meanings, write_forecast
from hfluxno.forecaster import Forecast, Forecaster
from hfluxno.trajectory import Trajectory


@dataclasses.dataclass(frozen=True)
class Job:
    """What to forecast, at which `times`, and where to write it."""

    source: Source
    context: Trajectory
    method: Forecaster
    steps: int
    times: np.ndarray
    output: Path


@dataclasses.dataclass(frozen=True)
class Shown:
    """The part with the first context, for the picture, and what really happened."""

    forecast: Forecast
    truth: np.ndarray


def at_once(job: Job, task: str) -> tuple[Shown, list[dict]]:
    """Forecasts and writes all contexts; returns what the picture shows, and a report on each."""
    with report.working(task):
        forecast = job.method.forecast(job.context, job.steps)
    shown = Shown(forecast, job.source.values_at(job.times))
    with replacing(job.output) as (temporary,):
        write_forecast(temporary, job.source, forecast, job.context.frames)
    return shown, forecast_results(forecast, shown.truth)


def part_by_part(
    job: Job, task: str, parts: Sequence[slice], made_by: str, drawn: bool
) -> tuple[Shown | None, list[dict]]:
    """The same for a long batch, with the same numbers.

    Parts left by an interrupted run that was `made_by` the same data and options are reused, except
    the first one if it is to be `drawn`.

    **Raises:**

    - `ValueError`, `OSError`, as the method and the writing do; the message says what remains.
    """
    total = job.source.trajectories
    files = Parts(job.output, total, made_by)
    shown: Shown | None = None
    results: list[dict] = []
    with files.finished(results, total, "context"), progress(task, total, files.kept) as advance:
        forecast_some = job.method.in_parts(job.context, job.steps)
        for members in parts:
            found = None if drawn and shown is None else files.rows(members)
            if computed := found is None:
                piece, forecast = job.source.members(members), forecast_some(members)
                truth = piece.values_at(job.times)
                if drawn and shown is None:
                    shown = Shown(forecast, truth)
                found = forecast_results(forecast, truth)
                frames = job.context.frames
                write = partial(
                    write_forecast, source=piece, forecast=forecast, context_frames=frames
                )
                files.write(members, write, found)
            results += found
            advance(len(found), computed)
        with replacing(job.output) as (temporary,):
            files.join(temporary, parts, _status(job.source, results))
    return shown, results


def _status(source: Source, results: list[dict]) -> dict[str, dict]:
    """The attributes of the status variable; each part may lack some of the meanings."""
    if "law" in results[0]:
        return {}
    pairs = [(result["status"], result["status_sentence"]) for result in results]
    name = "status_" if "status" in {part.name for part in source.parts} else "status"
    return {name: status_attributes(status_meanings(*zip(*pairs, strict=True)))}
