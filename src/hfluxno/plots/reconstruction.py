"""The picture of a reconstruction: the measurements, the field behind them, and its law."""

import numpy as np
from matplotlib.figure import Figure

from hfluxno.identify import Reconstruction
from hfluxno.plots.labels import Labels
from hfluxno.plots.law import draw_law, heading
from hfluxno.plots.panels import space_time
from hfluxno.plots.style import ROW, SEQUENTIAL, colours_of, in_rows
from hfluxno.trajectory import Trajectory


def reconstruction_figure(
    context: Trajectory, found: Reconstruction, labels: Labels | None = None
) -> Figure:
    """Maps of the measurements, the field and half the width of its 90 % band, and the law."""
    labels = Labels(context.fields) if labels is None else labels
    measured = np.asarray(context.values, float)
    values = np.asarray(found.trajectory.values, float)
    reach = 0.5 * (found.bands[1] - found.bands[0])
    grid, fields = context.grid, len(context.fields)
    edges = np.linspace(grid.lower[0], grid.upper[0], grid.shape[0] + 1)
    first = float(np.asarray(context.times)[0]) - labels.origin
    measured_at = np.asarray(context.times, float) - first
    times = np.asarray(found.trajectory.times, float) - first
    title = f"Reconstruction of {', '.join(labels.fields)}"
    with in_rows(title, [ROW] * (fields + 1)) as (figure, parts):
        for field in range(fields):
            part, name = parts[field], labels.field_axis(field)
            panels = part.subplots(1, 3, squeeze=False)[0]
            colours = colours_of(np.concatenate([values[:, field], measured[:, field]]))
            half = {
                "cmap": SEQUENTIAL,
                "vmin": 0.0,
                "vmax": max(float(reach[:, field].max()), 1e-300),
            }
            for axes, shown, at, what, scale in (
                (panels[0], measured[:, field], measured_at, "measured", colours),
                (panels[1], values[:, field], times, "reconstructed", colours),
                (panels[2], reach[:, field], times, "± of the 90 % band", half),
            ):
                space_time(part, axes, shown, at, f"{name}: {what}", scale, edges, labels)
        parts[-1].suptitle(heading(found.identification), x=0.01, ha="left", fontsize=10)
        draw_law(parts[-1], found.identification, context, labels, 0)
    return figure
