"""`hfluxno forecast` of two-dimensional frames: trajectory by trajectory, read when needed, here or
by the processes of a cluster."""

import functools
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hfluxno.cli import plane, report, runtime
from hfluxno.cli.files import FIGURES, Files
from hfluxno.cli.given_law import fitted_to
from hfluxno.cli.streams import say
from hfluxno.cli.summary import forecast_results
from hfluxno.data.plane.layout_writer import Layout, suffixes_of
from hfluxno.data.plane.source import PlaneSource
from hfluxno.data.plane.writer import of_plane_forecast
from hfluxno.data.writers import SUFFIXES, check_storable, write
from hfluxno.datasets.plane_work import continued
from hfluxno.datasets.work import Named, sendable, working_in
from hfluxno.forecaster import Forecaster, forecast_times
from hfluxno.methods import forecaster

if TYPE_CHECKING:
    from hfluxno.cli.forecast import ForecastConfig


def main(config: "ForecastConfig") -> int:
    """Reads, forecasts, reports and writes. Raises `ValueError` if an option or the input is at
    fault; `OSError` if a file cannot be read or written."""
    momentum = plane.momentum_of(config)
    asked = config.weights, config.refinement, momentum, config.every, config.given_law
    method = forecaster(config.method, *asked)
    suffixes = SUFFIXES if config.layout is None else suffixes_of(config.layout)
    output = config.output or Path(f"{config.input.stem}_forecast{suffixes[0]}")
    if config.animate is not None:
        _check_animation(config.animate)
    wanted = ((output, suffixes), (config.figure, FIGURES), (config.animate, (".gif", ".mp4")))
    files = Files(config.input, *wanted)
    with runtime.prepared(config.float64):
        source = plane.read(config)
        check_storable(source.fields)
        layout = None if config.layout is None else Layout(config.layout, source)
        plane.check_memory(source, config.context or source.frames, config.steps)
        method = fitted_to(source, config, method)
        by = sendable(method, config.method, config.weights, config.refinement)
        every = getattr(method, "every", config.every)
        config.check_scheduler("figure", "animate")
        parts, left_out = plane.parts_of(config, source, "A single trajectory is forecast")
        noted = {}
        if config.method == "fit" and config.law is None:
            first = source.context(parts[0].start, config.context)
            noted[parts[0].start] = plane.notes(source, first, momentum, len(parts) > 1)
            say(*noted[parts[0].start])  # before the minutes of a search
        how = (config.context, config.steps, every, config.float64, noted, len(parts) > 1)
        make = functools.partial(PlaneForecast, source, by, *how, layout)
        doing = {"fit": "Solving the law of" if config.law else "Inferring the law of"}
        task = f"{doing.get(config.method, 'Forecasting')} {source.variable}"
        drawn = config.figure is not None or config.animate is not None
        shown, results = plane.one_by_one(config, source, make, parts, output, task, drawn)
        files.written.append(output)
        if shown is not None:
            seen = (shown.context, shown.forecast, shown.truth)

            def animation(path: Path) -> None:
                from hfluxno.plots.animation import animate

                animate(*seen, report.labels(source), path)

            files.draw(
                config.figure, lambda plots: plots.plane_figure(*seen, report.labels(source))
            )
            files.add(config.animate, animation, "animation")
    summary = plane.summary(source, config.context or source.frames, results, left_out)
    return files.finish(summary | {"steps": config.steps, "method": config.method}, config.json)


def _check_animation(path: Path) -> None:
    """Checks what it needs if Matplotlib, which is loaded only for pictures, can be; if not, the
    animation is missing at the end, as a picture is. Raises `ValueError` as `check_animation`."""
    try:
        from hfluxno.plots.animation import check_animation
    except Exception:
        return
    check_animation(path)


class PlaneForecast:
    """The forecast of one trajectory from its first `frames` frames, by default all, and what
    really happened at its times.

    - `noted`: the likely mistakes in trajectories in which they were sought before.
    - `among_others`: whether there are further trajectories, so that one may be constant.
    - `layout`: in which the forecast is written, if it is another than ours.
    """

    def __init__(
        self,
        source: PlaneSource,
        by: Forecaster | Named,
        frames: int | None,
        steps: int,
        every: float | None,
        float64: bool,
        noted: dict[int, list[str]],
        among_others: bool,
        layout: Layout | None,
        part: slice,
    ):
        self.source, self.member, self.layout = source, part.start, layout
        self.context = context = source.context(self.member, frames)
        forecast_times(context, steps, every)  # refuses a context of a single frame
        with working_in(float64):
            self.forecast = forecast = continued(by, context, steps, among_others)
        times = source.times[0] + np.asarray(forecast.trajectory.times, float)
        # Walls have no values, even if later frames have some there.
        self.truth = np.where(context.grid.free, source.truth(self.member, times), np.nan)
        self.rows = forecast_results(forecast, self.truth)
        for found in forecast.identifications:
            if not found.is_given:
                notes = noted.get(self.member)
                if notes is None:
                    notes = plane.notes(source, context, found.momentum, among_others)
                self.rows[0]["notes"] = [*notes, *self.rows[0].get("notes", ())]

    def write(self, path: Path) -> None:
        what = self.source, self.member, self.forecast, self.context.frames, self.layout
        write(path, of_plane_forecast(*what))
