"""`hfluxno forecast` of two-dimensional frames: trajectory by trajectory, read when needed."""

import dataclasses
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from hfluxno.cli import law, plane, report, runtime
from hfluxno.cli.plane_parts import PlaneJob, Shown, part_by_part
from hfluxno.data.parts import Parts, file_fingerprint
from hfluxno.data.plane.source import PlaneSource
from hfluxno.data.replacing import check_writable, replacing
from hfluxno.data.writers import SUFFIXES, check_storable, version_name

if TYPE_CHECKING:
    from hfluxno.cli.forecast import ForecastConfig


def main(config: "ForecastConfig") -> int:
    """Reads, forecasts, reports and writes.

    **Raises:**

    - `ValueError`, if an option or the input is at fault.
    - `OSError`, if a file cannot be read or written.
    """
    from hfluxno.datasets.work import sendable
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
        by = sendable(method, config.method, config.weights, config.refinement)
        job = PlaneJob(source, by, config.context, config.steps, every, config.float64)
        members = plane.members_of(config, source)
        _check_scheduler(config, len(members))
        doing = {"fit": "Solving the law of" if config.law else "Inferring the law of"}
        task = f"{doing.get(config.method, 'Forecasting')} {source.variable}"
        shown: Shown | None
        if len(members) == 1:
            with report.working(task):
                only = job.run(members[0])
            with replacing(output) as (temporary,):
                only.write(temporary)
            shown, results = only, [only.result]
        else:
            parts = Parts(output, len(members), _made_by(config, source))
            cluster = (config.scheduler, config.workers)
            shown, results = part_by_part(job, task, members, output, parts, *cluster)
        files, faults = [output], []
        labels = plane.labels(source)
        if config.figure is not None and shown is not None:
            from hfluxno.plots.plane import plane_figure

            draw = partial(plane_figure, shown.context, shown.forecast, shown.truth, labels)
            faults.append(report.draw(config.figure, draw))
            files += [] if faults[-1] else [config.figure]
        if config.animate is not None and shown is not None:
            from hfluxno.plots.animation import animate

            moving = partial(animate, shown.context, shown.forecast, shown.truth, labels)
            faults.append(_animated(config.animate, moving))
            files += [] if faults[-1] else [config.animate]
    summary = plane.summary(source, config.context or source.frames, results)
    summary |= {"steps": config.steps, "method": config.method}
    report.show(summary | {"files": [str(file) for file in files]}, config.json)
    if any(faults):
        raise OSError(" ".join(filter(None, faults)))
    return 0


def _check_scheduler(config: "ForecastConfig", members: int) -> None:
    if config.scheduler is None:
        return
    config.check_scheduler()
    for name in ("figure", "animate"):
        if getattr(config, name) is not None:
            raise ValueError(
                f"--{name} shows a single trajectory, so it has no place beside --scheduler; leave "
                "one of them out."
            )
    if members == 1:
        raise ValueError("A single trajectory is forecast by one process; leave out --scheduler.")


def _animated(path: Path, draw: Callable[[Path], None]) -> str:
    """Draws an animation; returns what went wrong as a sentence, empty if nothing did."""
    try:
        with replacing(path) as (temporary,):
            draw(temporary)
    except Exception as error:
        fault = " ".join(str(error).split()).rstrip(".") or type(error).__name__
        return f"The animation is missing: {fault}; everything else is complete."
    return ""


def _made_by(config: "ForecastConfig", source: PlaneSource) -> str:
    """What determines the parts: the file, the options and the version."""
    method = (config.method, config.weights)
    options = (config.variable, config.steps, config.every, config.context, method)
    law = None if config.law is None else config.law.read_text(encoding="utf-8")
    more = (config.momentum, config.boundary, config.gamma, config.axes, config.float64, law)
    return file_fingerprint(source.path, (options, more, version_name()))
