"""Animations of two-dimensional frames."""

from pathlib import Path

import numpy as np
from matplotlib import animation

from hfluxno.forecaster import Forecast
from hfluxno.plots.labels import Labels
from hfluxno.plots.plane import draw_map
from hfluxno.plots.shown import shown_of
from hfluxno.plots.style import around_zero, colours_of, new_figure, styled
from hfluxno.trajectory import Trajectory

_FRAMES_A_SECOND, _DPI = 8, 90


def check_animation(path: Path) -> None:
    """Checks that an animation can be written here, before the work for it is done. Raises
    `ValueError` if it is an MP4 and there is no ffmpeg.
    """
    if path.suffix == ".mp4" and not animation.writers.is_available("ffmpeg"):
        raise ValueError(
            f"{path} needs ffmpeg, which is not installed; install it, or choose a .gif."
        )


def animate(
    context: Trajectory, forecast: Forecast, truth: np.ndarray | None, labels: Labels, path: Path
) -> None:
    """Every field over the context and the forecast, above the truth and their difference. Raises
    `OSError` if the file cannot be written.
    """
    shown = shown_of(context, forecast, truth, labels)
    fields, seen = len(labels.fields), len(shown.context)
    joined = np.concatenate([shown.context, shown.forecast])
    times = np.concatenate([shown.past, shown.future])
    rows = 1
    if shown.truth is not None:
        rows, frames = 3, seen + len(shown.truth)
        joined, known = joined[:frames], np.concatenate([shown.context, shown.truth])
        error = joined - known
    with styled():
        figure = new_figure(2.9 * fields + 0.3, 2.5 * rows + 0.5)
        panels = figure.subplots(rows, fields, squeeze=False)
        images = []
        for field in range(fields):
            colours, name = colours_of(joined[:, field]), labels.field_axis(field)
            every = [(joined, name, colours)]
            if shown.truth is not None:
                differences = (error, "difference", around_zero(error[:, field]))
                every += [(known, "truth", colours), differences]
            for axes, (values, title, style) in zip(panels[:, field], every, strict=True):
                first = values[0, field]
                image = draw_map(figure, axes, first, shown.grid, title, style, labels)
                images.append((image, values[:, field]))

        figure.suptitle(labels.time)
        figure.draw_without_rendering()
        figure.set_layout_engine("none")  # keeps the panels in place

        def draw(frame: int) -> list:
            what = "seen" if frame < seen else "forecast"
            figure.suptitle(f"{labels.time} {times[frame]:.4g}: {what}")
            for image, values in images:
                image.set_array(values[frame].T)
            return [image for image, _ in images]

        kind = animation.FFMpegWriter if path.suffix == ".mp4" else animation.PillowWriter
        moving = animation.FuncAnimation(figure, draw, frames=len(joined))
        moving.save(path, writer=kind(fps=_FRAMES_A_SECOND), dpi=_DPI)
