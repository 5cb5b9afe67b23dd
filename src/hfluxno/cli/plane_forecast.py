"""`hfluxno forecast` of frames on a plane: trajectory by trajectory, in frames that are read when
they are needed."""

import dataclasses
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hfluxno.cli import law, plane, report, runtime
from hfluxno.cli.progress import progress
from hfluxno.data.parts import Parts, file_fingerprint
from hfluxno.data.plane.source import PlaneSource
from hfluxno.data.plane.writer import write_plane
from hfluxno.data.replacing import check_writable, replacing
from hfluxno.data.writers import SUFFIXES, check_storable, version_name
from hfluxno.forecaster import Forecast, Forecaster, forecast_times
from hfluxno.trajectory import Trajectory

if TYPE_CHECKING:
    from hfluxno.cli.forecast import ForecastConfig


def main(config: "ForecastConfig") -> int:
    """Reads, forecasts, reports and writes.

    **Raises:**

    - `ValueError`, where an option or the input is at fault.
    - `OSError`, where a file cannot be read or written.
    """
    from hfluxno.identify import GivenLawForecaster
    from hfluxno.methods import forecaster
    from hfluxno.plots.animation import check_animation

    momentum = plane.momentum_of(config)
    method = forecaster(
        config.method, config.weights, config.refinement, momentum, config.every, law=config.law
    )
    output = config.output or Path(f"{config.input.stem}_forecast.nc")
    check_writable(output, SUFFIXES, config.input)
    if config.figure is not None:
        check_writable(config.figure, report.FIGURE_SUFFIXES, config.input)
    if config.animate is not None:
        check_animation(config.animate)
        check_writable(config.animate, (".gif", ".mp4"), config.input)
    with runtime.prepared(config.float64):
        source = plane.read(config)
        for name in source.fields:
            check_storable(name)
        plane.check_memory(source, config.context or source.frames, config.steps)
        every = config.every
        if isinstance(method, GivenLawForecaster):
            law.check_units(method.law, source)
            if config.context == 1 and every is None:
                every = float(source.times[1] - source.times[0])
            method = dataclasses.replace(method, every=every)
        job = _Job(source, method, config.context, config.steps, every)
        members = plane.members_of(config, source)
        doing = {"fit": "Solving the law of" if config.law else "Inferring the law of"}
        task = f"{doing.get(config.method, 'Forecasting')} {source.variable}"
        if len(members) == 1:
            with report.working(task):
                shown = job.run(members[0])
            with replacing(output) as (temporary,):
                shown.write(temporary)
            results = [shown.result]
        else:
            shown, results = _part_by_part(job, task, members, output, _made_by(config, source))
        files, faults = [output], []
        labels = plane.labels(source)
        if config.figure is not None:
            from hfluxno.plots.plane import plane_figure

            draw = partial(plane_figure, shown.context, shown.forecast, shown.truth, labels)
            faults.append(report.draw(config.figure, draw))
            files += [] if faults[-1] else [config.figure]
        if config.animate is not None:
            from hfluxno.plots.animation import animate

            moving = partial(animate, shown.context, shown.forecast, shown.truth, labels)
            faults.append(_animated(config.animate, moving))
            files += [] if faults[-1] else [config.animate]
    summary = plane.summary(source, shown.context.frames, results)
    summary |= {"steps": config.steps, "method": config.method}
    report.show(summary | {"files": [str(file) for file in files]}, config.json)
    if any(faults):
        raise OSError(" ".join(filter(None, faults)))
    return 0


class _Shown:
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


class _Job:
    """How every trajectory is forecast."""

    def __init__(
        self,
        source: PlaneSource,
        method: Forecaster,
        frames: int | None,
        steps: int,
        every: float | None,
    ):
        self.source, self.method, self.frames = source, method, frames
        self.steps, self.every = steps, every

    def run(self, member: int) -> _Shown:
        context = self.source.context(member, self.frames)
        forecast_times(context, self.steps, self.every)  # refuses a context of a single frame
        return _Shown(self.source, member, context, self.method.forecast(context, self.steps))


def _part_by_part(
    job: _Job, task: str, members: range, output: Path, made_by: str
) -> tuple[_Shown, list[dict]]:
    """Of every trajectory a part of the output, which a later run takes up."""
    files = Parts(output, len(members), made_by)
    parts = [slice(member, member + 1) for member in members]
    results: list[dict] = []
    shown = None
    with (
        files.finished(results, len(members), "trajectory"),
        progress(task, len(members), files.kept) as advance,
    ):
        for part in parts:
            # What is shown is the first trajectory.
            rows = None if shown is None else files.rows(part)
            if computed := rows is None:
                here = job.run(part.start)
                shown, rows = shown or here, [here.result]
                files.write(part, here.write, rows)
            results += rows or []
            advance(1, computed)
        with replacing(output) as (temporary,):
            files.join(temporary, parts, {})
    assert shown is not None
    return shown, results


def _animated(path: Path, draw: Callable[[Path], None]) -> str:
    """Draws a moving picture; what went wrong as a sentence, empty where nothing did."""
    try:
        with replacing(path) as (temporary,):
            draw(temporary)
    except Exception as error:
        fault = " ".join(str(error).split()).rstrip(".") or type(error).__name__
        return f"The animation is missing: {fault}; everything else is complete."
    return ""


def _made_by(config: "ForecastConfig", source: PlaneSource) -> str:
    """What decides what the parts hold: the file, the options and the version."""
    method = (config.method, config.weights)
    options = (config.variable, config.steps, config.every, config.context, method)
    law = None if config.law is None else config.law.read_text(encoding="utf-8")
    more = (config.momentum, config.boundary, config.gamma, config.axes, config.float64, law)
    return file_fingerprint(source.path, (options, more, version_name()))
