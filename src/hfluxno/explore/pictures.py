"""The pictures of the page, as Bokeh figures that are refilled when something changes."""

from collections.abc import Callable
from typing import Any

import numpy as np
from bokeh.models import BasicTicker, ColorBar, ColumnDataSource, LinearColorMapper, PointDrawTool
from bokeh.plotting import figure

from hfluxno.explore.curves import Points
from hfluxno.explore.inference import FluxCurve
from hfluxno.grid import Grid

TRUTH, INFERRED, BAND, CONTEXT, FAINT = "#1d2733", "#c4462d", "#e9a799", "#8a949e", "#e6e9ec"
HEIGHT = 150  # of a picture, in pixels
_MOST_ROWS = 400  # of a map
_Curve = tuple[np.ndarray, np.ndarray]


def _plot(title: str, x: str, y: str, **more):
    """An empty figure in the common style."""
    plot = figure(
        title=title,
        x_axis_label=x,
        y_axis_label=y,
        tools="",
        toolbar_location=None,
        min_border_right=12,
        **({"sizing_mode": "stretch_both"} | more),
    )
    plot.title.text_font_size = "13px"
    plot.title.text_color = TRUTH
    for axis in (plot.xaxis[0], plot.yaxis[0]):
        axis.axis_label_text_font_style = "normal"
        axis.axis_label_text_font_size = axis.major_label_text_font_size = "11px"
        axis.axis_label_standoff = 3
        axis.minor_tick_line_color = None
        axis.ticker.desired_num_ticks = 5
        axis.axis_line_color = axis.major_tick_line_color = CONTEXT
    plot.outline_line_color = None
    plot.grid.grid_line_color = FAINT
    return plot


def _legend(plot, location: str) -> None:
    legend = plot.legend[0]
    legend.location, legend.orientation = location, "horizontal"
    legend.label_text_font_size, legend.padding, legend.margin = "11px", 3, 2
    legend.background_fill_alpha, legend.border_line_color = 0.75, None
    legend.glyph_width, legend.spacing = 16, 8


class Drawn:
    """A curve through points that are dragged.

    - `plot`: the figure.
    - `points`: where the points are; dragging one changes its data.
    """

    def __init__(self, title: str, x: str, y: str, y_range: tuple[float, float]):
        ranges = {"x_range": (-0.03, 1.03), "y_range": y_range}
        self.plot = _plot(title, x, y, sizing_mode="stretch_width", height=HEIGHT, **ranges)
        self._curve = ColumnDataSource({"x": [], "y": []})
        self.points = ColumnDataSource({"x": [], "y": []})
        self.plot.line("x", "y", source=self._curve, color=TRUTH, line_width=2)
        dots = self.plot.scatter(
            "x", "y", source=self.points, size=13, color=INFERRED, line_color="white"
        )
        tool = PointDrawTool(renderers=[dots], add=False, description="Drag a point")
        self.plot.add_tools(tool)
        self.plot.toolbar.active_tap = tool

    def show(self, points: Points, curve: Callable[[np.ndarray], np.ndarray]) -> None:
        """Moves the points and draws the curve through them, if there is one."""
        now = list(zip(self.points.data["x"], self.points.data["y"], strict=True))
        if now != list(points):
            self.points.data = {"x": [p[0] for p in points], "y": [p[1] for p in points]}
        x = np.linspace(0.0, 1.0, 201)
        try:
            self._curve.data = {"x": x, "y": curve(x)}
        except ValueError:  # the page reports it
            self._curve.data = {"x": [], "y": []}


class Map:
    """States over x and time, with their scale of colours; missing values are white."""

    def __init__(self, title: str):
        self._title = title
        self.plot = _plot(title, "x", "time", x_range=(0, 1), y_range=(0, 1))
        self.plot.grid.grid_line_color = None
        self._colours = LinearColorMapper(
            palette="Viridis256", low=0.0, high=1.0, nan_color="#ffffff00"
        )
        self._scale = ColorBar(
            color_mapper=self._colours,
            ticker=BasicTicker(desired_num_ticks=4),
            width=8,
            padding=4,
            label_standoff=4,
            major_label_text_font_size="11px",
            major_tick_line_color=None,
            visible=False,
        )
        self.plot.add_layout(self._scale, "right")
        self._source = ColumnDataSource({"image": [], "x": [], "y": [], "dw": [], "dh": []})
        self.plot.image(
            "image", "x", "y", "dw", "dh", source=self._source, color_mapper=self._colours
        )

    def show(
        self,
        values: np.ndarray,
        times: np.ndarray,
        ends: tuple[float, float],
        colours: tuple[float, float],
        labels: tuple[str, str],
    ) -> None:
        """Draws `values` (time, x) between two colours."""
        if len(values) == 0:
            self.clear()
            return
        step = float(times[-1] - times[0]) / max(len(times) - 1, 1) or 1.0
        rows = np.unique(np.linspace(0, len(values) - 1, min(len(values), _MOST_ROWS)).astype(int))
        low, high = float(times[0]) - 0.5 * step, float(times[-1]) + 0.5 * step
        self.plot.title.text = self._title
        self._put(np.asarray(values, np.float32)[rows], ends, (low, high), colours, labels)

    def show_frame(
        self,
        title: str,
        values: np.ndarray,
        grid: Grid,
        colours: tuple[float, float],
        labels: tuple[str, str],
    ) -> None:
        """Draws a frame (x, y) of a plane."""
        self.plot.title.text = title
        x, y = zip(grid.lower, grid.upper, strict=True)
        self._put(np.asarray(values, np.float32).T, x, y, colours, labels)

    def _put(self, image, x, y, colours, labels) -> None:
        self._colours.update(low=colours[0], high=colours[1])
        self._scale.visible = True
        self._source.data = {
            "image": [image],
            "x": [x[0]],
            "y": [y[0]],
            "dw": [x[1] - x[0]],
            "dh": [y[1] - y[0]],
        }
        self.plot.x_range.update(start=x[0], end=x[1])
        self.plot.y_range.update(start=y[0], end=y[1])
        self.plot.xaxis[0].axis_label, self.plot.yaxis[0].axis_label = labels

    def clear(self, title: str | None = None) -> None:
        self.plot.title.text = self._title if title is None else title
        self._scale.visible = False
        self._source.data = {"image": [], "x": [], "y": [], "dw": [], "dh": []}


class _Compared:
    """A known curve, and over it the inferred one with its band, by the names of their legend.

    - `dots`: whether the entries of the known one are marked.
    - `band`: further properties of the band.
    """

    def __init__(self, plot, known: str, inferred: str, place: str, dots: bool = False, **band):
        self.plot = plot
        self._band = ColumnDataSource({"x": [], "low": [], "high": []})
        self._known, self._inferred = (ColumnDataSource({"x": [], "y": []}) for _ in range(2))
        thick = {"color": TRUTH, "line_width": 5, "alpha": 0.3, "legend_label": known}
        plot.varea("x", "low", "high", source=self._band, color=BAND, **band)
        plot.line("x", "y", source=self._known, **thick)
        if dots:
            plot.scatter("x", "y", source=self._known, color=TRUTH, size=3, alpha=0.5)
        thin = {"color": INFERRED, "line_width": 2, "legend_label": inferred}
        plot.line("x", "y", source=self._inferred, **thin)
        _legend(plot, place)
        self._fill(None, None, None)

    def _fill(self, known: _Curve | None, inferred: _Curve | None, reach) -> None:
        """Draws the curves that there are, and a band that reaches this far from the inferred one,
        if it is not `None`; the legend names what is drawn."""
        for source, curve in ((self._known, known), (self._inferred, inferred)):
            x, y = ([], []) if curve is None else curve
            source.data = {"x": x, "y": y}
        band: dict[str, Any] = {"x": [], "low": [], "high": []}
        if inferred is not None and reach is not None:
            x, y = inferred
            band = {"x": x, "low": y - reach, "high": y + reach}
        self._band.data = band
        for item in self.plot.legend[0].items:
            columns = item.renderers[0].data_source.data
            item.visible = bool(np.isfinite(columns["low" if "low" in columns else "y"]).any())


class Law(_Compared):
    """The inferred flux with its band over the hidden one."""

    def __init__(self):
        plot = _plot("Flux f", "u", "f")
        super().__init__(plot, "hidden", "inferred", "top_left", legend_label="± 2σ")
        self.plot.y_range.range_padding = 0.25

    def show(
        self,
        inferred: FluxCurve | None,
        hidden: FluxCurve | None,
        labels: tuple[str, str] = ("u", "f"),
    ) -> None:
        sigma = None if inferred is None else inferred.sigma
        known, found = (None if each is None else (each.u, each.f) for each in (hidden, inferred))
        self._fill(known, found, None if sigma is None else 2 * sigma)
        self.plot.xaxis[0].axis_label, self.plot.yaxis[0].axis_label = labels


class Profile(_Compared):
    """The states at one time: measured or true, and forecast."""

    def __init__(self):
        plot = _plot("Profile", "x", "u", x_range=(0, 1), y_range=(0, 1))
        super().__init__(plot, "truth", "forecast", "top_right", dots=True)

    def frame(
        self, ends: tuple[float, float], values: tuple[float, float], labels: tuple[str, str]
    ) -> None:
        """The axes, with room for the legend above the curves."""
        room = max(values[1] - values[0], 1e-12)
        self.plot.x_range.update(start=ends[0], end=ends[1])
        self.plot.y_range.update(start=values[0] - 0.06 * room, end=values[1] + 0.3 * room)
        self.plot.xaxis[0].axis_label, self.plot.yaxis[0].axis_label = labels

    def show(
        self,
        title: str,
        x: np.ndarray,
        truth: np.ndarray | None,
        forecast: np.ndarray | None,
        reach: np.ndarray | None,
    ) -> None:
        self.plot.title.text = title
        known, found = (None if u is None else (x, u) for u in (truth, forecast))
        finite = reach is not None and np.all(np.isfinite(reach))
        self._fill(known, found, np.asarray(reach) if finite else None)
