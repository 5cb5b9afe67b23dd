"""The picture of a forecast: what was seen, what is predicted, how it ends, and by which law."""

import dataclasses

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

from hfluxno.forecaster import NINETY, Forecast
from hfluxno.plots.labels import Labels
from hfluxno.plots.law import draw_law, heading
from hfluxno.plots.panels import profiles, space_time
from hfluxno.plots.style import DIVERGING, colours_of, new_figure, styled
from hfluxno.trajectory import Trajectory

_ROW, _WIDTH = 3.1, 12.5


def forecast_figure(
    context: Trajectory,
    forecast: Forecast,
    truth: np.ndarray | None = None,
    labels: Labels | None = None,
    index: int = 0,
) -> Figure:
    """Space-time maps, final profiles and the inferred law of one trajectory.

    **Arguments:**

    - `context`, `forecast`: batched or not.
    - `truth`: what happened, as values (time, field, x) or (trajectory, time, field, x) for the
      first frames of the forecast or all of them.
    - `labels`: the names and units of the axes.
    - `index`: which trajectory of a batch is shown.
    """
    labels = Labels(context.fields) if labels is None else labels
    shown = _shown(context, forecast, truth, labels, index)
    found = forecast.identifications[index] if forecast.identifications else None
    fields = len(context.fields)
    rows = fields + (shown.truth is not None) + (found is not None)
    with styled():
        figure = new_figure(_WIDTH, _ROW * rows + 0.4)
        title = f"Forecast of {', '.join(labels.fields)}"
        if context.is_batched:
            title += f", trajectory {index} of {context.values.shape[0]} (counted from 0)"
        figure.suptitle(title, x=0.01, ha="left", fontsize=12, fontweight="bold")
        parts = figure.subfigures(rows, 1, squeeze=False)[:, 0]
        for field in range(fields):
            _maps(parts[field], shown, labels, field)
        if shown.truth is not None:
            panels = parts[fields].subplots(1, fields, squeeze=False)[0]
            for field, axes in enumerate(panels):
                shown.profiles(axes, labels, field)
        if found is not None:
            parts[-1].suptitle(heading(found), x=0.01, ha="left", fontsize=10)
            draw_law(parts[-1], found, context, labels, index)
    return figure


@dataclasses.dataclass(frozen=True)
class _Shown:
    """One trajectory as arrays (time, field, x)."""

    context: np.ndarray
    forecast: np.ndarray
    truth: np.ndarray | None
    reach: np.ndarray | None  # half the width of the band
    past: np.ndarray
    future: np.ndarray
    x: np.ndarray
    edges: np.ndarray

    @property
    def now(self) -> float:
        """Between the last time of the context and the first of the forecast."""
        return 0.5 * (self.past[-1] + self.future[0])

    @property
    def last(self) -> int:
        """The last frame that can be compared, or the last of all."""
        return len(self.forecast if self.truth is None else self.truth) - 1

    @property
    def end(self) -> float:
        return self.future[self.last]

    def profiles(self, axes: Axes, labels: Labels, field: int) -> None:
        truth = None if self.truth is None else self.truth[-1, field]
        curves = self.context[-1, field], self.forecast[self.last, field], truth
        reach = None if self.reach is None else self.reach[self.last, field]
        profiles(axes, self.x, *curves, labels, field, self.end, reach)


def _shown(context, forecast, truth, labels, index) -> _Shown:
    grid = context.grid
    ahead = _one(forecast.trajectory.values, index)
    spread = forecast.deviation
    known = None if truth is None else _one(truth, index)[: len(ahead)]
    return _Shown(
        context=_one(context.values, index),
        forecast=ahead,
        truth=None if known is None or not np.isfinite(known).any() else known,
        reach=None if spread is None else NINETY * _one(spread, index),
        past=np.asarray(context.times, float) + labels.origin,
        future=np.asarray(forecast.trajectory.times, float) + labels.origin,
        x=grid.centers(),
        edges=np.linspace(grid.lower[0], grid.upper[0], grid.shape[0] + 1),
    )


def _maps(part: SubFigure, shown: _Shown, labels: Labels, field: int) -> None:
    """Context and forecast of one field; then truth and error, or the final profiles."""
    seen, ahead = shown.context[:, field], shown.forecast[:, field]
    joined, times = np.concatenate([seen, ahead]), np.concatenate([shown.past, shown.future])
    colours = colours_of(joined)
    name = labels.field_axis(field)
    panels = part.subplots(1, 2 if shown.truth is None else 3, squeeze=False)[0]
    forecast_panel = (panels[0], joined, times, f"{name}: context and forecast", colours)
    if shown.truth is None:
        space_time(part, *forecast_panel, shown.edges, labels, shown.now)
        shown.profiles(panels[1], labels, field)
        return
    truth = shown.truth[:, field]
    known = np.concatenate([seen, truth])
    until = times[: len(known)]
    error = np.concatenate([np.zeros_like(seen), ahead[: len(truth)] - truth])
    reach = max(float(np.nanmax(np.abs(error))), 1e-300)
    around_zero = {"cmap": DIVERGING, "vmin": -reach, "vmax": reach}
    space_time(part, *forecast_panel, shown.edges, labels, shown.now)
    space_time(part, panels[1], known, until, f"{name}: truth", colours, shown.edges, labels)
    space_time(
        part,
        panels[2],
        error,
        until,
        f"{name}: forecast minus truth",
        around_zero,
        shown.edges,
        labels,
        shown.now,
    )


def _one(values, index: int) -> np.ndarray:
    values = np.asarray(values, float)
    return values[index] if values.ndim == 4 else values
