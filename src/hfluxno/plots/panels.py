"""The single panels of a forecast: space-time maps and profiles."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

from hfluxno.plots.labels import Labels
from hfluxno.plots.shown import Shown
from hfluxno.plots.style import CONTEXT, FORECAST, TRUTH, colour_bar, light_grid


def space_time(
    figure: Figure | SubFigure,
    axes: Axes,
    values: np.ndarray,
    times: np.ndarray,
    title: str,
    colours: dict[str, Any],
    edges: np.ndarray,
    labels: Labels,
    now: float | None = None,
) -> None:
    """A map of `values` (time, x), x to the right and time upwards, blank at NaN; with a line at
    the time `now`."""
    first, last = (0.5 * np.diff(times)[[0, -1]]) if len(times) > 1 else (0.5, 0.5)
    between = 0.5 * (times[1:] + times[:-1])
    time_edges = np.concatenate([times[:1] - first, between, times[-1:] + last])
    image = axes.pcolormesh(edges, time_edges, values, rasterized=True, **colours)
    if now is not None:
        axes.axhline(now, color="white", linewidth=2.6)
        axes.axhline(now, color=TRUTH, linewidth=1.2, linestyle=(0, (4, 2)))
        for text, side, offset in (("forecast", "bottom", 3), ("context", "top", -3)):
            axes.annotate(
                text,
                (edges[-1], now),
                xytext=(-4, offset),
                textcoords="offset points",
                ha="right",
                va=side,
                fontsize=7.5,
                color=TRUTH,
                bbox={"boxstyle": "round,pad=0.2", "fc": "white", "ec": "none", "alpha": 0.75},
            )
    axes.set(title=title, xlabel=labels.x_axis, ylabel=labels.time_axis)
    colour_bar(figure, axes, image)


def profiles(axes: Axes, shown: Shown, labels: Labels, field: int) -> None:
    """A field along x in the last frame of the context and at the end of the forecast, with its
    band and the truth; on a plane through the middle of y."""
    at = (field, ...) if len(shown.grid.shape) == 1 else (field, slice(None), shown.middle)
    x, last, forecast = shown.grid.centers(), shown.context[-1][at], shown.forecast[shown.last][at]
    truth = None if shown.truth is None else shown.truth[shown.last][at]
    reach = None if shown.reach is None else shown.reach[shown.last][at]
    light_grid(axes)
    if reach is not None and np.isfinite(reach).all():
        low, high = forecast - reach, forecast + reach
        axes.fill_between(x, low, high, color=FORECAST, alpha=0.25, lw=0, label="90 % band")
    axes.plot(x, last, color=CONTEXT, linewidth=1.3, label="end of context", **_dots(last))
    if truth is not None:
        axes.plot(x, truth, color=TRUTH, linewidth=2.8, label="truth", **_dots(truth))
    axes.plot(x, forecast, color=FORECAST, linewidth=1.3, label="forecast")
    curves = [last, forecast] + ([] if truth is None else [truth])
    known = np.concatenate(curves)
    known = known[np.isfinite(known)]
    low, high = known.min(), known.max()
    room = max(high - low, 1e-12 * max(abs(low), abs(high), 1e-300))
    axes.set_ylim(low - 0.06 * room, high + 0.3 * room)  # the legend is above the curves
    units = labels.time_axis.removeprefix(labels.time).strip(" ()")
    axes.set(
        title=f"Profile at {labels.time} {shown.end:.4g} {units}".rstrip(),
        xlabel=labels.x_axis,
        ylabel=labels.field_axis(field),
        xlim=(x[0], x[-1]),
    )
    axes.legend(loc="upper right", ncols=4, handlelength=1.2, columnspacing=0.9)


def _dots(curve: np.ndarray) -> dict:
    """Markers for values isolated between gaps, which a line would not show."""
    return {"marker": ".", "markersize": 4} if np.isnan(curve).any() else {}
