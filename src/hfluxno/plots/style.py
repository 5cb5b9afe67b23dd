"""The look of all pictures: one palette, light frames, vector text."""

import contextlib
import io
import warnings
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colorbar import Colorbar
from matplotlib.figure import Figure, SubFigure

CONTEXT = "#9aa3ad"
FORECAST = "#c4462d"
TRUTH = "#1d2733"
LAW = "#1f5f8b"
BAND = "#a9cbe0"

SEQUENTIAL = "viridis"
DIVERGING = "RdBu_r"

_WIDTH, ROW = 12.5, 3.1  # of pictures of rows, and the height of one with maps of x and time

_STYLE: Any = {
    "axes.edgecolor": "#5c6670",
    "axes.grid": False,
    "axes.labelcolor": "#1d2733",
    "axes.labelsize": 9,
    "axes.linewidth": 0.7,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 10,
    "axes.titlepad": 6,
    "figure.constrained_layout.w_pad": 0.09,
    "figure.dpi": 100,
    "figure.facecolor": "white",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "lines.linewidth": 1.6,
    "pdf.fonttype": 42,
    "savefig.dpi": 180,
    "svg.fonttype": "none",
    "xtick.color": "#5c6670",
    "xtick.labelcolor": "#1d2733",
    "xtick.labelsize": 8,
    "ytick.color": "#5c6670",
    "ytick.labelcolor": "#1d2733",
    "ytick.labelsize": 8,
}


def styled() -> AbstractContextManager[None]:
    """A block in which everything is drawn in the style of hfluxno; other pictures keep theirs."""
    return matplotlib.rc_context(_STYLE)


def new_figure(width: float, height: float) -> Figure:
    """A figure without a window: it needs no display and does not touch pyplot."""
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


@contextlib.contextmanager
def in_rows(
    title: str, heights: Sequence[float], beside: float = 0.4
) -> Iterator[tuple[Figure, np.ndarray]]:
    """A block in which a picture is drawn in the style of hfluxno: a figure with a title, and its
    rows of these heights in inches, one below the other; `beside` is what the title takes."""
    with styled():
        figure = new_figure(_WIDTH, sum(heights) + beside)
        figure.suptitle(title, x=0.01, ha="left", fontsize=12, fontweight="bold")
        yield figure, figure.subfigures(len(heights), 1, height_ratios=heights, squeeze=False)[:, 0]


def save(figure: Figure, path: Path) -> None:
    """Writes a picture in the format of the suffix.

    **Raises:**

    - `OSError`, if the file cannot be written.
    """
    # Drawn into memory first: on a full disk the PDF writer fails with an unclear error.
    picture = io.BytesIO()
    with styled(), warnings.catch_warnings():
        # A name in letters that the font lacks is drawn as boxes.
        warnings.filterwarnings("ignore", "Glyph .* missing from font", UserWarning)
        figure.savefig(picture, format=path.suffix.removeprefix("."))
    path.write_bytes(picture.getvalue())


def colours_of(values: np.ndarray) -> dict[str, Any]:
    """A diverging map around zero if both signs matter, else a sequential one."""
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    if low < 0.0 < high and min(-low, high) > 0.2 * max(-low, high):
        reach = max(-low, high)
        return {"cmap": DIVERGING, "vmin": -reach, "vmax": reach}
    return {"cmap": SEQUENTIAL, "vmin": low, "vmax": high if high > low else low + 1.0}


def around_zero(differences: np.ndarray) -> dict[str, Any]:
    """A diverging map as far as the differences reach."""
    reach = max(float(np.nanmax(np.abs(differences))), 1e-300)
    return {"cmap": DIVERGING, "vmin": -reach, "vmax": reach}


def colour_bar(figure: Figure | SubFigure, axes: Axes, image: Any, aspect: int = 28) -> Colorbar:
    """What the colours of a map mean, beside it."""
    bar = figure.colorbar(image, ax=axes, pad=0.02, aspect=aspect)
    bar.outline.set_linewidth(0.5)
    return bar


def light_grid(axes: Axes) -> None:
    axes.grid(True, color="#e6e9ec", linewidth=0.6)
    axes.set_axisbelow(True)
