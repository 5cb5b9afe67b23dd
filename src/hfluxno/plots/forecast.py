"""The picture of a forecast: context, prediction, final profiles, and the law."""

import numpy as np
from jaxtyping import Array
from matplotlib.figure import Figure, SubFigure

from hfluxno.forecaster import Forecast
from hfluxno.plots.labels import Labels
from hfluxno.plots.law import draw_law, heading
from hfluxno.plots.panels import profiles, space_time
from hfluxno.plots.shown import Shown, shown_of
from hfluxno.plots.style import ROW, around_zero, colours_of, in_rows
from hfluxno.trajectory import Trajectory

_LEGENDS = 2  # profiles side by side that have room for a legend each


def forecast_figure(
    context: Trajectory,
    forecast: Forecast,
    truth: Array | np.ndarray | None = None,
    labels: Labels | None = None,
    index: int = 0,
) -> Figure:
    """Space-time maps, final profiles and the inferred law of one trajectory.

    **Arguments:**

    - `context`, `forecast`: batched or not.
    - `truth`: what really happened, as values (time, field, x) or (trajectory, time, field, x) for
      the first frames of the forecast or all of them.
    - `labels`: the names and units of the axes.
    - `index`: which trajectory of a batch is shown.
    """
    labels = Labels(context.fields) if labels is None else labels
    shown = shown_of(context, forecast, truth, labels, index)
    found = forecast.identifications[index] if forecast.identifications else None
    fields = len(context.fields)
    rows = fields + (shown.truth is not None) + (found is not None)
    title = f"Forecast of {', '.join(labels.fields)}"
    if context.is_batched and len(context.values) > 1:
        title += f", trajectory {index} of {context.values.shape[0]} (counted from 0)"
    with in_rows(title, [ROW] * rows) as (figure, parts):
        for field in range(fields):
            _maps(parts[field], shown, labels, field)
        if shown.truth is not None:
            panels = parts[fields].subplots(1, fields, squeeze=False)[0]
            for field, axes in enumerate(panels):
                profiles(axes, shown, labels, field)
            if fields > _LEGENDS:
                for axes in panels:
                    axes.get_legend().remove()
                curves = panels[0].get_legend_handles_labels()
                parts[fields].legend(*curves, loc="outside upper right", ncols=4)
        if found is not None:
            parts[-1].suptitle(heading(found), x=0.01, ha="left", fontsize=10)
            draw_law(parts[-1], found, context, labels, index)
    return figure


def _maps(part: SubFigure, shown: Shown, labels: Labels, field: int) -> None:
    """Context and forecast of one field; then truth and error, or the final profiles."""
    seen, ahead = shown.context[:, field], shown.forecast[:, field]
    grid = shown.grid
    edges = np.linspace(grid.lower[0], grid.upper[0], grid.shape[0] + 1)
    joined, times = np.concatenate([seen, ahead]), np.concatenate([shown.past, shown.future])
    colours = colours_of(joined)
    name = labels.field_axis(field)
    panels = part.subplots(1, 2 if shown.truth is None else 3, squeeze=False)[0]
    title = f"{name}: context and forecast"
    space_time(part, panels[0], joined, times, title, colours, edges, labels, shown.now)
    if shown.truth is None:
        profiles(panels[1], shown, labels, field)
        return
    truth = shown.truth[:, field]
    known = np.concatenate([seen, truth])
    until = times[: len(known)]
    error = np.concatenate([np.zeros_like(seen), ahead[: len(truth)] - truth])
    title, around = f"{name}: forecast minus truth", around_zero(error)
    space_time(part, panels[1], known, until, f"{name}: truth", colours, edges, labels)
    space_time(part, panels[2], error, until, title, around, edges, labels, shown.now)
