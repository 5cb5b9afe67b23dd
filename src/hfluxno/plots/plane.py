"""Pictures of frames on a plane: maps, slices, and the inferred law as terms with error bars."""

from typing import Any

import numpy as np
from jaxtyping import Array
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

from hfluxno.forecaster import Forecast
from hfluxno.grid import Grid
from hfluxno.plots.labels import Labels
from hfluxno.plots.panels import profiles
from hfluxno.plots.shown import Shown, shown_of
from hfluxno.plots.style import (
    FORECAST,
    LAW,
    TRUTH,
    around_zero,
    colour_bar,
    colours_of,
    in_rows,
    light_grid,
    new_figure,
    styled,
)
from hfluxno.trajectory import Trajectory

_ROW, _LINE = 2.75, 0.24
_ARROWS, _FLOW = 20, 4.5
# Beyond this ratio of its sides a rectangle is stretched to a square.
_SLENDER = 3.0


def plane_figure(
    context: Trajectory,
    forecast: Forecast,
    truth: Array | np.ndarray | None = None,
    labels: Labels | None = None,
) -> Figure:
    """Maps of the last frame seen, the forecast, the truth and their difference for each field, a
    slice through the middle, and the terms of the law.

    **Arguments:**

    - `context`, `forecast`: of one trajectory.
    - `truth`: what really happened, (time, field, x, y), for the first frames of the forecast or
      all.
    - `labels`: the names and units of the axes.
    """
    labels = Labels(context.fields) if labels is None else labels
    shown = shown_of(context, forecast, truth, labels)
    found = forecast.identifications[0] if forecast.identifications else None
    fields, terms = len(context.fields), 0.0
    if found is not None:
        terms = _height(found)
    heights = [_ROW] * fields + [2.6] + [terms] * (found is not None)
    title = f"Forecast of {', '.join(labels.fields)} at {labels.time} {shown.end:.4g}"
    title += f", seen until {shown.past[-1]:.4g}"
    with in_rows(title, heights, 0.5) as (figure, parts):
        for field in range(fields):
            _maps(parts[field], shown, labels, field)
        _slices(parts[fields], shown, labels)
        if found is not None:
            draw_terms(parts[-1], found)
    return figure


def terms_figure(found: Any) -> Figure:
    """The terms of a law on a plane with their error bars."""
    with styled():
        figure = new_figure(8.0, _height(found) + 0.3)
        draw_terms(figure, found)
    return figure


def _height(found: Any) -> float:
    return _LINE * (len(found.terms) + 5) if found.law.flow is None else _FLOW


def draw_map(
    figure: Figure | SubFigure,
    axes: Axes,
    values: np.ndarray,
    grid: Grid,
    title: str,
    colours: dict[str, Any],
    labels: Labels,
) -> Any:
    """A map of `values` (x, y), x to the right and y upwards."""
    edges = [np.linspace(grid.lower[a], grid.upper[a], grid.shape[a] + 1) for a in range(2)]
    image = axes.pcolormesh(*edges, values.T, rasterized=True, **colours)
    sides = [grid.upper[a] - grid.lower[a] for a in range(2)]
    if max(sides) <= _SLENDER * min(sides):
        axes.set_aspect("equal")
    axes.set(title=title, xlabel=labels.x_axis, ylabel=labels.y_axis)
    colour_bar(figure, axes, image, aspect=24)
    return image


def draw_terms(part: Figure | SubFigure, found: Any) -> None:
    """The terms of a law as found, with their standard deviations, beside their values in the
    recognised law; lines separate the fields. Of a steady flow its velocities."""
    axes = part.subplots()
    if found.law.flow is not None:
        _draw_flow(axes, found)
        return
    terms = found.terms
    places = np.arange(len(terms))[::-1]
    light_grid(axes)
    axes.axvline(0.0, color=TRUTH, linewidth=0.8)
    named = [(term.named, place) for term, place in zip(terms, places, strict=True)]
    if (known := found.recognised) is not None:
        axes.plot(
            *zip(*named, strict=True), "o", mfc="none", mec=FORECAST, ms=10, mew=1.5,
            label=known.short.replace(", ", "\n") if known.more else known.short,
        )  # fmt: skip
    axes.errorbar(
        [term.value for term in terms],
        places,
        xerr=[term.deviation for term in terms],
        fmt="o",
        color=LAW,
        ms=4,
        capsize=3,
        label="as found, ± its standard deviation",
    )
    for place, before, after in zip(places[1:], terms[:-1], terms[1:], strict=True):
        if before.fields != after.fields:
            axes.axhline(place + 0.5, color="#c9ced3", linewidth=0.8)
    axes.set_yticks(places, [f"{', '.join(term.fields)}:  {term.name}" for term in terms])
    axes.set(ylim=(-0.7, len(terms) - 0.3), xlabel="coefficient in the flux")
    name = "No known law"
    if found.recognised is not None:
        name = found.recognised.name if found.recognised.more else found.recognised.short
    axes.set_title(f"{name}: terms of the law, {found.status.name}")
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0))


def _draw_flow(axes: Axes, found: Any) -> None:
    """The velocities of a steady flow as arrows."""
    flow = found.law.flow
    x, y = (
        low + (high - low) * (np.arange(_ARROWS) + 0.5) / _ARROWS
        for low, high in zip(flow.lower, flow.upper, strict=True)
    )
    along, across = (flow.velocity(axis, x, y).T for axis in (0, 1))
    if flow.supply is not None:
        supply = flow.supplied(x, y)
        axes.pcolormesh(x, y, supply.T, shading="gouraud", **around_zero(supply))
    axes.quiver(x, y, along, across, np.hypot(along, across), cmap="viridis", pivot="middle")
    axes.set(xlabel="x", ylabel="y", aspect="equal")
    title = f"{found.name[0].upper()}{found.name[1:]}, {found.status.name}"
    title += "" if flow.supply is None else "; red where it arises"
    axes.set_title(title, fontsize=10)


def _maps(part: SubFigure, shown: Shown, labels: Labels, field: int) -> None:
    seen, ahead = shown.context[-1, field], shown.forecast[shown.last, field]
    truth = None if shown.truth is None else shown.truth[shown.last, field]
    known = [seen, ahead] if truth is None else [seen, ahead, truth]
    colours = colours_of(np.stack(known))
    maps = [(seen, f"{labels.field_axis(field)}, seen", colours), (ahead, "forecast", colours)]
    if truth is not None:
        error = ahead - truth
        maps += [(truth, "truth", colours), (error, "forecast minus truth", around_zero(error))]
    panels = part.subplots(1, len(maps), squeeze=False)[0]
    for axes, (values, title, style) in zip(panels, maps, strict=True):
        draw_map(part, axes, values, shown.grid, title, style, labels)


def _slices(part: SubFigure, shown: Shown, labels: Labels) -> None:
    """Each field along x, through the middle of y, with its band."""
    y = shown.grid.centers(1)[shown.middle]
    panels = part.subplots(1, len(labels.fields), squeeze=False)[0]
    for field, axes in enumerate(panels):
        profiles(axes, shown, labels, field)
        axes.set_title(f"{labels.y} = {y:.4g}")
        axes.get_legend().remove()
    part.legend(*panels[0].get_legend_handles_labels(), loc="outside upper right", ncols=4)
