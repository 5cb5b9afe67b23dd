"""Two-dimensional forecasts, trajectory by trajectory: each is a part of the output, made here or
by the processes of a cluster, and reused by a later run."""

import contextlib
import dataclasses
from pathlib import Path

import numpy as np

from hfluxno.cli import plane
from hfluxno.cli.progress import progress
from hfluxno.data.parts import Parts
from hfluxno.data.plane.source import PlaneSource
from hfluxno.data.plane.writer import write_plane
from hfluxno.data.replacing import replacing
from hfluxno.datasets.work import Named, forecaster_of, working_in
from hfluxno.forecaster import Forecast, Forecaster, forecast_times
from hfluxno.trajectory import Trajectory


class Shown:
    """What was forecast of one trajectory."""

    def __init__(self, source: PlaneSource, member: int, context: Trajectory, forecast: Forecast):
        self.source, self.member, self.context, self.forecast = source, member, context, forecast
        times = source.times[0] + np.asarray(forecast.trajectory.times, float)
        self.truth = source.truth(member, times)
        self.result = plane.forecast_result(forecast, self.truth)
        for found in forecast.identifications:
            self.result["notes"] = plane.notes(source, found)

    def write(self, path: Path) -> None:
        write_plane(path, self.source, self.member, self.forecast, self.context.frames)


@dataclasses.dataclass(frozen=True)
class PlaneJob:
    """How every trajectory is forecast: from its first `frames` frames, by default all."""

    source: PlaneSource
    by: Forecaster | Named
    frames: int | None
    steps: int
    every: float | None
    float64: bool = False

    def run(self, member: int) -> Shown:
        context = self.source.context(member, self.frames)
        forecast_times(context, self.steps, self.every)  # refuses a context of a single frame
        with working_in(self.float64):
            forecast = forecaster_of(self.by).forecast(context, self.steps)
        return Shown(self.source, member, context, forecast)


@dataclasses.dataclass(frozen=True)
class _Task:
    """What a process of a cluster does; the parts are on a file system that all of them see."""

    job: PlaneJob
    parts: Parts

    def __call__(self, part: slice) -> slice:
        shown = self.job.run(part.start)
        self.parts.write(part, shown.write, [shown.result])
        return part


def part_by_part(
    job: PlaneJob,
    task: str,
    members: range,
    output: Path,
    files: Parts,
    scheduler: str | None = None,
    workers: int | None = None,
) -> tuple[Shown | None, list[dict]]:
    """The forecast of the first trajectory, `None` if a cluster made it, and what is reported of
    all.

    **Raises:**

    - `ValueError`, `OSError`, as a forecast does; what is finished is kept.
    """
    parts = [slice(member, member + 1) for member in members]
    rows = {part.start: there for part in parts if (there := files.rows(part)) is not None}
    if scheduler is None:
        rows.pop(parts[0].start, None)  # its forecast is shown
    left = [part for part in parts if part.start not in rows]
    shown: Shown | None = None
    with (
        files.finished(rows, len(members), "trajectory"),
        progress(task, len(members), files.kept) as advance,
        contextlib.ExitStack() as stack,
    ):
        if rows:
            advance(len(rows), False)
        if left and scheduler is not None:
            from hfluxno.datasets.cluster import connected, done

            sent = _Task(job, files)
            client = stack.enter_context(connected(scheduler, workers))
            for part in done(client, sent, left):
                rows[part.start] = files.rows(part) or []
                advance(1, True)
        else:
            for part in left:
                here = job.run(part.start)
                shown = shown or here
                rows[part.start] = [here.result]
                files.write(part, here.write, rows[part.start])
                advance(1, True)
        with replacing(output) as (temporary,):
            files.join(temporary, parts, {})
    return shown, [row for part in parts for row in rows[part.start]]
